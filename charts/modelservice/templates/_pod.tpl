{{/* The container that serves the model. An explicit command makes the image's entrypoint irrelevant. */}}
{{- define "modelservice.container" -}}
name: server
image: {{ include "modelservice.image" . | quote }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
command:
  {{- toYaml (.Values.command | default (list "vllm" "serve" .Values.model.name)) | nindent 2 }}
args:
  {{- include "modelservice.arguments" . | nindent 2 }}
env:
  {{- include "modelservice.env" . | nindent 2 }}
ports:
  - name: http
    containerPort: 8000
    protocol: TCP
resources:
  {{- include "modelservice.resources" . | trim | nindent 2 }}
{{- include "modelservice.probes" . | nindent 0 }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ include "modelservice.drainSeconds" . }}
terminationMessagePolicy: FallbackToLogsOnError
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- include "modelservice.volumeMounts" . | nindent 2 }}
{{- end }}

{{/* The pod template, the same for every kind of workload. */}}
{{- define "modelservice.podTemplate" -}}
{{- include "modelservice.validate" . -}}
metadata:
  labels:
    {{- include "modelservice.podLabels" . | nindent 4 }}
  {{- with .Values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "modelservice.serviceAccountName" . | quote }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- if and .Values.runtimeClassName (int .Values.gpu.count) }}
  runtimeClassName: {{ .Values.runtimeClassName | quote }}
  {{- end }}
  {{- if .Values.gpu.vgpu.enabled }}
  schedulerName: volcano
  {{- end }}
  {{- with .Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with include "modelservice.scheduling" (list . (include "modelservice.affinity" . | fromYaml)) | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - {{ include "modelservice.container" . | nindent 6 | trim }}
  volumes:
    {{- include "modelservice.volumes" . | trim | nindent 4 }}
{{- end }}
