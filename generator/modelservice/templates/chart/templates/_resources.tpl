{{/* The image: the registry is prepended to a repository without a host. */}}
{{- define "modelservice.image" -}}
{{- $repository := .Values.image.repository -}}
{{- $host := first (splitList "/" $repository) -}}
{{- $named := and (contains "/" $repository) (or (contains "." $host) (contains ":" $host) (eq $host "localhost")) -}}
{{- if and .Values.image.registry (not $named) -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .Values.image.registry) $repository -}}
{{- end -}}
{{- with .Values.image.tag }}{{ $repository = printf "%s:%s" $repository . }}{{ end -}}
{{- with .Values.image.digest }}{{ $repository = printf "%s@%s" $repository . }}{{ end -}}
{{- $repository -}}
{{- end }}

{{/* The accelerators of a pod: a map from resource to number. */}}
{{- define "modelservice.accelerators" -}}
{{- if .Values.gpu.vgpu.enabled -}}
volcano.sh/vgpu-number: {{ .Values.gpu.count }}
{{- with .Values.gpu.vgpu.memoryMiB }}
volcano.sh/vgpu-memory: {{ . }}
{{- end }}
{{- with .Values.gpu.vgpu.cores }}
volcano.sh/vgpu-cores: {{ . }}
{{- end }}
{{- else if and .Values.gpu.resourceName (int .Values.gpu.count) -}}
{{ .Values.gpu.resourceName }}: {{ .Values.gpu.count }}
{{- end }}
{{- end }}

{{/* A map of requests and limits without unset ones. Quantities are strings, as the API server stores them. */}}
{{- define "modelservice.amounts" -}}
{{- range $part := list "requests" "limits" -}}
{{- with include "modelservice.withoutUnset" (get $ $part | default dict) | fromYaml -}}
{{ $part }}:
  {{- range $name, $amount := . }}
  {{ $name }}: {{ $amount | toJson | trimAll "\"" | quote }}
  {{- end }}
{{ end -}}
{{- end -}}
{{- end }}

{{/* The server's requests and limits; both contain the accelerators. If the values list no claims, the server gets every claim of the pod. */}}
{{- define "modelservice.resources" -}}
{{- $accelerators := include "modelservice.accelerators" . | fromYaml -}}
{{- $requests := merge (dict) $accelerators .Values.resources.requests -}}
{{- $limits := merge (dict) $accelerators .Values.resources.limits -}}
{{- include "modelservice.amounts" (dict "requests" $requests "limits" $limits) -}}
{{- $claims := list -}}
{{- range .Values.podSpec.resourceClaims }}{{ $claims = append $claims (pick . "name") }}{{ end -}}
{{- with .Values.resources.claims | default $claims -}}
claims:
  {{- toYaml . | nindent 2 }}
{{ end -}}
{{- end }}
