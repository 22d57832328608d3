{{/* The labels in selectors: only constants and the release's name, so no upgrade changes them. */}}
{{- define "modelservice.selectorLabels" -}}
app.kubernetes.io/name: {{ include "modelservice.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of the pods: no chart and no version, because a new chart must not restart a GPU pod. */}}
{{- define "modelservice.podLabels" -}}
{{ include "modelservice.selectorLabels" . }}
{{- with merge (dict) .Values.podLabels .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Annotations of the pods: a chat template is read at the start, so a changed one restarts them. */}}
{{- define "modelservice.podAnnotations" -}}
{{- $own := dict -}}
{{- with .Values.model.chatTemplate -}}
{{- $own = dict "checksum/chat-template" (sha256sum .) -}}
{{- end -}}
{{- with merge (dict) $own .Values.podAnnotations .Values.annotations }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* The chart's labels of every object. */}}
{{- define "modelservice.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_." | quote }}
{{- /* A patch release, such as 0.10.1.1, has a fourth number. */}}
{{- $release := printf "%s([.][0-9]{1,9})?" (include "modelservice.vllmVersion" .) }}
{{- with regexFind $release (.Values.vllmVersion | default .Values.image.tag) | default .Values.image.tag }}
app.kubernetes.io/version: {{ . | trunc 63 | trimAll "-_." | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{ include "modelservice.selectorLabels" . }}
{{- end }}

{{/* Namespace, labels and annotations of an object: (list . further-annotations further-labels); the last two are optional. */}}
{{- define "modelservice.metadata" -}}
{{- $ := first . -}}
{{- $further := concat (rest .) (list (dict) (dict)) -}}
namespace: {{ $.Release.Namespace | quote }}
labels:
  {{- include "modelservice.labels" $ | nindent 2 }}
  {{- with merge (dict) (index $further 1) $.Values.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (index $further 0) $.Values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Annotations for custom resources: Argo CD then skips the dry run for kinds that are not installed yet. */}}
{{- define "modelservice.crdAnnotations" -}}
argocd.argoproj.io/sync-options: SkipDryRunOnMissingResource=true
{{- end }}

{{/* The selector of the chart's other pods, "test" or "download": it differs from the Service's, so they get no requests. */}}
{{- define "modelservice.helperSelector" -}}
app.kubernetes.io/name: {{ include "modelservice.name" (first .) }}-{{ last . }}
app.kubernetes.io/instance: {{ (first .).Release.Name | quote }}
{{- end }}

{{/* Labels of these pods: (list . what), with the user's labels for a service mesh or an admission policy. */}}
{{- define "modelservice.helperLabels" -}}
{{ include "modelservice.helperSelector" . }}
{{- with merge (dict) (first .).Values.podLabels (first .).Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}
