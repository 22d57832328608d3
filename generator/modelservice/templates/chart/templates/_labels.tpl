{{/* What selectors match: constants and the release's name only, so that no upgrade changes them. */}}
{{- define "modelservice.selectorLabels" -}}
app.kubernetes.io/name: {{ include "modelservice.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of the pods: no chart and no version, because a new chart must not restart a GPU pod. */}}
{{- define "modelservice.podLabels" -}}
{{ include "modelservice.selectorLabels" . }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "modelservice.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/version: {{ include "modelservice.vllmVersion" . | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{ include "modelservice.podLabels" . }}
{{- end }}

{{/* Labels and annotations of an object: (list . further-annotations). */}}
{{- define "modelservice.metadata" -}}
{{- $ := first . -}}
namespace: {{ $.Release.Namespace | quote }}
labels:
  {{- include "modelservice.labels" $ | nindent 2 }}
{{- with merge (dict) (last .) $.Values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
