{{/* GPUs and slices of GPUs. Helm 3.18.0 passes numbers as text, so 0 is true: hence int. */}}
{{- define "modelservice.validate.gpu" -}}
{{- $gpu := .Values.gpu -}}
{{- $other := or .Values.resources.claims .Values.podSpec.resourceClaims (keys .Values.resources.limits | join " " | contains "nvidia.com/") -}}
{{- if and (not (int $gpu.count)) (not $other) (has (base .Values.image.repository) (list "vllm-openai" "vllm-openai-nonroot")) }}
gpu.count: 0, but the image {{ .Values.image.repository }} needs a GPU; set at least 1, or an image for CPUs in image.repository [gpu-required]
{{- end }}
{{- if and $gpu.vgpu.enabled (not (int $gpu.count)) }}
gpu.count: 0, but gpu.vgpu.enabled is true; set the number of slices [vgpu-count]
{{- end }}
{{- range $name, $field := include "modelservice.acceleratorFields" . | fromYaml -}}
{{- range $part := list "requests" "limits" -}}
{{- if hasKey (index $.Values.resources $part) $name }}
resources.{{ $part }}[{{ $name | quote }}]: is set by {{ $field }}; remove it here [gpu-resource-twice]
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The resources that the chart sets, and the fields with their amounts. */}}
{{- define "modelservice.acceleratorFields" -}}
{{- if .Values.gpu.vgpu.enabled -}}
volcano.sh/vgpu-number: gpu.count
volcano.sh/vgpu-memory: gpu.vgpu.memoryMiB
volcano.sh/vgpu-cores: gpu.vgpu.cores
{{- else if .Values.gpu.resourceName -}}
{{ .Values.gpu.resourceName }}: gpu.count
{{- end -}}
{{- end }}

{{/* A quantity such as 16Gi, 500m or 1e3 as a number, or nothing. */}}
{{- define "modelservice.number" -}}
{{- if not (has (toString .) (list "" "<nil>")) -}}
{{- $text := toJson . | trimAll "\"" -}}
{{- $factors := dict "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- mulf (float64 (trimSuffix $unit $text)) (get $factors $unit | default 1.0) -}}
{{- end -}}
{{- end }}

{{/* The server's requests and limits, and those of the user's containers. */}}
{{- define "modelservice.validate.resources" -}}
{{- include "modelservice.validate.amounts" (list "resources" .Values.resources) -}}
{{- range include "modelservice.containers" . | fromYamlArray -}}
{{- include "modelservice.validate.amounts" (list (printf "%s.resources" .key) (.container.resources | default dict)) -}}
{{- end -}}
{{- end }}

{{/* A container's requests and limits: (list key resources). The API server checks resources that are assigned as a whole. */}}
{{- define "modelservice.validate.amounts" -}}
{{- $key := first . -}}
{{- $requests := (last .).requests | default dict -}}
{{- $limits := (last .).limits | default dict -}}
{{- range $name := list "cpu" "memory" "ephemeral-storage" -}}
{{- $request := include "modelservice.number" (get $requests $name) -}}
{{- $limit := include "modelservice.number" (get $limits $name) -}}
{{- range $part, $number := dict "requests" $request "limits" $limit -}}
{{- if and $number (eq $name "cpu") (ge (float64 $number) 10000.0) }}
{{ $key }}.{{ $part }}.{{ $name }}: {{ $number }} is a number of cores that no node has; write one such as 8 [cpu-unit]
{{- else if and $number (ne $name "cpu") (gt (float64 $number) 0.0) (lt (float64 $number) 1048576.0) }}
{{ $key }}.{{ $part }}.{{ $name }}: is less than 1Mi; write a unit such as Gi [memory-unit]
{{- end -}}
{{- end -}}
{{- $least := eq $name "cpu" | ternary 0.0 1048576.0 }}
{{- if and $request $limit (or (ge (float64 $limit) $least) (eq (float64 $limit) 0.0)) (gt (float64 $request) (float64 $limit)) }}
{{ $key }}.requests.{{ $name }}: {{ get $requests $name }} is more than {{ $key }}.limits.{{ $name }}, {{ get $limits $name }}; lower the request or raise the limit [request-above-limit]
{{- end -}}
{{- end -}}
{{- end }}

{{/* Amounts in bytes, and /dev/shm, which counts towards the memory limit. */}}
{{- define "modelservice.validate.sizes" -}}
{{- $memory := include "modelservice.number" .Values.resources.limits.memory -}}
{{- $shared := .Values.sharedMemory.enabled | ternary .Values.sharedMemory.sizeLimit "" -}}
{{- $sizes := dict "sharedMemory.sizeLimit" $shared -}}
{{- if hasPrefix "claim" (include "modelservice.modelVolume" .) }}{{ $_ := set $sizes "modelVolume.size" .Values.modelVolume.size }}{{ end -}}
{{- if and (eq .Values.compileCache.volume "own") (not .Values.compileCache.existingClaim) }}{{ $_ := set $sizes "compileCache.size" .Values.compileCache.size }}{{ end -}}
{{- range $key, $amount := $sizes -}}
{{- $bytes := include "modelservice.number" $amount -}}
{{- if and $bytes (lt (float64 $bytes) 1048576.0) (or (gt (float64 $bytes) 0.0) (hasSuffix ".size" $key)) }}
{{ $key }}: {{ $amount }} is less than 1Mi; write a unit such as Gi [memory-unit]
{{- end -}}
{{- end -}}
{{- if and $shared $memory (or (ge (float64 $memory) 1048576.0) (eq (float64 $memory) 0.0)) (gt (include "modelservice.number" $shared | float64) (float64 $memory)) }}
sharedMemory.sizeLimit: {{ $shared }} is more than resources.limits.memory, {{ .Values.resources.limits.memory }}, which it counts towards; lower it or raise the limit [shared-memory-above-limit]
{{- end -}}
{{- end }}
