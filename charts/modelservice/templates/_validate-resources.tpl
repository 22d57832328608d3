{{/* A quantity as a number: 16Gi, 500m, 1e3. */}}
{{- define "modelservice.number" -}}
{{- $text := toJson . | trimAll "\"" -}}
{{- $factors := dict "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- mulf (float64 (trimSuffix $unit $text)) (get $factors $unit | default 1.0) -}}
{{- end }}

{{/* Requests within limits, and /dev/shm within the memory that it is taken from. */}}
{{- define "modelservice.validate.resources" -}}
{{- $limits := .Values.resources.limits -}}
{{- range $name, $amount := .Values.resources.requests -}}
{{- $limit := get $limits $name -}}
{{- if and (hasKey $limits $name) (not (kindIs "invalid" $limit)) (not (kindIs "invalid" $amount)) -}}
{{- if gt (float64 (include "modelservice.number" $amount)) (float64 (include "modelservice.number" $limit)) }}
resources.requests.{{ $name }}: {{ $amount }} is more than resources.limits.{{ $name }}, {{ $limit }}; lower the request or raise the limit
{{- else if and (contains "/" $name) (ne (include "modelservice.number" $amount) (include "modelservice.number" $limit)) }}
resources.requests.{{ $name }}: {{ $amount }} differs from resources.limits.{{ $name }}, {{ $limit }}; Kubernetes wants them equal
{{- end -}}
{{- end -}}
{{- end }}
{{- if and .Values.sharedMemory.enabled .Values.sharedMemory.sizeLimit $limits.memory -}}
{{- if gt (float64 (include "modelservice.number" .Values.sharedMemory.sizeLimit)) (float64 (include "modelservice.number" $limits.memory)) }}
sharedMemory.sizeLimit: {{ .Values.sharedMemory.sizeLimit }} is more than resources.limits.memory, {{ $limits.memory }}, to which it counts; lower it or raise the limit
{{- end -}}
{{- end -}}
{{- range $part := list "requests" "limits" -}}
{{- with (index $.Values.resources $part).memory -}}
{{- if and (gt (float64 (include "modelservice.number" .)) 0.0) (lt (float64 (include "modelservice.number" .)) 1048576.0) }}
resources.{{ $part }}.memory: {{ . }} is less than 1Mi; write a unit such as Gi
{{- end -}}
{{- end -}}
{{- with (index $.Values.resources $part).cpu -}}
{{- if ge (float64 (include "modelservice.number" .)) 10000.0 }}
resources.{{ $part }}.cpu: {{ . }} is a number of cores; write one such as 8
{{- end -}}
{{- end -}}
{{- end -}}
{{- $gpus := ternary "volcano.sh/vgpu-number" .Values.gpu.resourceName .Values.gpu.vgpu.enabled -}}
{{- range $part := list "requests" "limits" -}}
{{- if hasKey (index $.Values.resources $part) $gpus }}
resources.{{ $part }}: {{ $gpus }} is set by gpu.count; remove it here
{{- end -}}
{{- end -}}
{{- end }}
