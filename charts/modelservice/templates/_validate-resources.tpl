{{/* A quantity as a number: 16Gi, 500m, 1e3. Nothing for null. */}}
{{- define "modelservice.number" -}}
{{- if not (kindIs "invalid" .) -}}
{{- $text := toJson . | trimAll "\"" -}}
{{- $factors := dict "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- mulf (float64 (trimSuffix $unit $text)) (get $factors $unit | default 1.0) -}}
{{- end -}}
{{- end }}

{{/* A key after its map: .cpu, ["rdma/hca"]. */}}
{{- define "modelservice.key" -}}
{{- if regexMatch "^[A-Za-z_][A-Za-z0-9_-]*$" . }}.{{ . }}{{ else }}[{{ . | quote }}]{{ end -}}
{{- end }}

{{/* A request and its limit: (dict "key" … "name" … "requests" … "limits" …), either of them null where it is not there. */}}
{{- define "modelservice.validate.resource" -}}
{{- $name := include "modelservice.key" .name -}}
{{- $whole := or (contains "/" .name) (hasPrefix "hugepages-" .name) -}}
{{- $request := include "modelservice.number" .requests -}}
{{- $limit := include "modelservice.number" .limits -}}
{{- range $part, $number := dict "requests" $request "limits" $limit -}}
{{- if $number -}}
{{- include "modelservice.validate.amount" (dict "key" (printf "%s.%s%s" $.key $part $name) "name" $.name "whole" $whole "number" $number "amount" (get $ $part)) -}}
{{- end -}}
{{- end -}}
{{- if and $whole $request (not $limit) (eq (floor $request) (float64 $request)) }}
{{ .key }}.requests{{ $name }}: has no limit; set {{ .key }}.limits{{ $name }} too
{{- else if and $request $limit $whole (ne $request $limit) }}
{{ .key }}.requests{{ $name }}: {{ .requests }} differs from {{ .key }}.limits{{ $name }}, {{ .limits }}; Kubernetes wants them equal
{{- else if and $request $limit (gt (float64 $request) (float64 $limit)) }}
{{ .key }}.requests{{ $name }}: {{ .requests }} is more than {{ .key }}.limits{{ $name }}, {{ .limits }}; lower the request or raise the limit
{{- end -}}
{{- end }}

{{/* An amount: (dict "key" … "name" … "whole" … "number" … "amount" …). */}}
{{- define "modelservice.validate.amount" -}}
{{- $number := float64 .number -}}
{{- if and .whole (ne (floor .number) $number) }}
{{ .key }}: {{ .amount }} is not a whole number; write one
{{- else if and (eq .name "cpu") (ge $number 10000.0) }}
{{ .key }}: {{ .amount }} is a number of cores; write one such as 8
{{- else if and (has .name (list "memory" "ephemeral-storage")) (gt $number 0.0) (lt $number 1048576.0) }}
{{ .key }}: {{ .amount }} is less than 1Mi; write a unit such as Gi
{{- end -}}
{{- if regexMatch "/.{64}" .name }}
{{ .key }}: has more than 63 characters after the slash; remove it
{{- end -}}
{{- end }}

{{/* A container's requests and limits: (dict "key" … "requests" … "limits" …). */}}
{{- define "modelservice.validate.amounts" -}}
{{- range $name := concat (keys .requests) (keys .limits) | uniq | sortAlpha -}}
{{- include "modelservice.validate.resource" (dict "key" $.key "name" $name "requests" (index $.requests $name) "limits" (index $.limits $name)) -}}
{{- end -}}
{{- end }}

{{/* Requests and limits: what fits together, and what gpu.count sets. */}}
{{- define "modelservice.validate.resources" -}}
{{- $fields := dict .Values.gpu.resourceName "gpu.count" -}}
{{- if .Values.gpu.vgpu.enabled -}}
{{- $fields = dict "volcano.sh/vgpu-number" "gpu.count" "volcano.sh/vgpu-memory" "gpu.vgpu.memoryMiB" "volcano.sh/vgpu-cores" "gpu.vgpu.cores" -}}
{{- end -}}
{{- $requests := .Values.resources.requests -}}
{{- $limits := .Values.resources.limits -}}
{{- range $name, $field := $fields -}}
{{- $requests = omit $requests $name -}}
{{- $limits = omit $limits $name -}}
{{- range $part := list "requests" "limits" -}}
{{- if hasKey (index $.Values.resources $part) $name }}
resources.{{ $part }}[{{ $name | quote }}]: is set by {{ $field }}; remove it here
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "modelservice.validate.amounts" (dict "key" "resources" "requests" $requests "limits" $limits) -}}
{{- if regexMatch "/.{64}" .Values.gpu.resourceName }}
gpu.resourceName: has more than 63 characters after the slash; write one such as nvidia.com/gpu
{{- end -}}
{{- end }}

{{/* What is counted in bytes, and /dev/shm within the memory that it is taken from. */}}
{{- define "modelservice.validate.sizes" -}}
{{- $memory := .Values.resources.limits.memory -}}
{{- $shared := .Values.sharedMemory.sizeLimit -}}
{{- $sizes := dict -}}
{{- if not .Values.modelVolume.existingClaim }}{{ $_ := set $sizes "modelVolume.size" .Values.modelVolume.size }}{{ end -}}
{{- if and (eq .Values.compileCache.volume "own") (not .Values.compileCache.existingClaim) }}{{ $_ := set $sizes "compileCache.size" .Values.compileCache.size }}{{ end -}}
{{- if and .Values.sharedMemory.enabled $shared }}{{ $_ := set $sizes "sharedMemory.sizeLimit" $shared }}{{ end -}}
{{- range $key, $amount := $sizes -}}
{{- $bytes := include "modelservice.number" $amount | default "1e9" | float64 -}}
{{- if and (lt $bytes 1048576.0) (or (gt $bytes 0.0) (hasSuffix ".size" $key)) }}
{{ $key }}: {{ $amount }} is less than 1Mi; write a unit such as Gi
{{- end -}}
{{- end -}}
{{- if and .Values.sharedMemory.enabled $shared $memory -}}
{{- if gt (include "modelservice.number" $shared | float64) (include "modelservice.number" $memory | float64) }}
sharedMemory.sizeLimit: {{ $shared }} is more than resources.limits.memory, {{ $memory }}, to which it counts; lower it or raise the limit
{{- end -}}
{{- end -}}
{{- end }}
