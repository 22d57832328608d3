{{/* The container that serves the model. An explicit command makes the image's entrypoint irrelevant. */}}
{{- define "modelservice.container" -}}
name: server
image: {{ include "modelservice.image" . | quote }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
command:
  {{- include "modelservice.command" . | nindent 2 }}
args:
  {{- include "modelservice.arguments" . | nindent 2 }}
{{- with include "modelservice.env" . | regexFind "(?s)\\S.*" }}
env:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: http
    containerPort: {{ .Values.containerPort }}
    protocol: TCP
{{- with include "modelservice.resources" . | regexFind "(?s)\\S.*" }}
resources:
  {{- . | nindent 2 }}
{{- end }}
{{- with include "modelservice.probes" . | regexFind "(?s)\\S.*" }}
{{- . | nindent 0 }}
{{- end }}
lifecycle:
  {{- include "modelservice.lifecycle" . | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
{{- with include "modelservice.securityContext" . }}
securityContext:
  {{- . | nindent 2 }}
{{- end }}
{{- with include "modelservice.volumeMounts" . | regexFind "(?s)\\S.*" }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.serverContainer }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The container's hooks: a preStop from the user replaces the pause in which the endpoints remove the pod. */}}
{{- define "modelservice.lifecycle" -}}
{{- $pause := dict "preStop" (dict "sleep" (dict "seconds" (include "modelservice.drainSeconds" . | int))) -}}
{{- ternary (dict) $pause (hasKey .Values.lifecycle "preStop") | merge (deepCopy .Values.lifecycle) | toYaml -}}
{{- end }}

{{/* The pod template, the same for every kind of workload. */}}
{{- define "modelservice.podTemplate" -}}
metadata:
  labels:
    {{- include "modelservice.podLabels" . | nindent 4 }}
  {{- with include "modelservice.podAnnotations" . }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
spec:
  {{- include "modelservice.podIdentity" . | nindent 2 }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- if and .Values.runtimeClassName (or (int .Values.gpu.count) .Values.resources.claims) }}
  runtimeClassName: {{ .Values.runtimeClassName | quote }}
  {{- end }}
  {{- with .Values.schedulerName | default (ternary "volcano" "" .Values.gpu.vgpu.enabled) }}
  schedulerName: {{ . | quote }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with include "modelservice.scheduling" (list . (include "modelservice.affinity" . | fromYaml)) | regexFind "(?s)\\S.*" }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with include "modelservice.topologySpread" . | regexFind "(?s)\\S.*" }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with include "modelservice.initContainers" . | regexFind "(?s)\\S.*" }}
  initContainers:
    {{- . | nindent 4 }}
  {{- end }}
  containers:
    - {{ include "modelservice.container" . | nindent 6 | regexFind "(?s)\\S.*" }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with include "modelservice.volumes" . | regexFind "(?s)\\S.*" }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .Values.podSpec }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The common part of the chart's pods: credentials, service account and user. */}}
{{- define "modelservice.podIdentity" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{ end -}}
serviceAccountName: {{ include "modelservice.serviceAccountName" . | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with include "modelservice.podSecurityContext" . }}
securityContext:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The Secrets that the pods need to start: a map from name to the required keys. */}}
{{- define "modelservice.secrets" -}}
{{- $spec := (include "modelservice.podTemplate" . | fromYaml).spec -}}
{{- $keys := dict -}}
{{- range $spec.imagePullSecrets }}{{ $_ := set $keys .name list }}{{ end -}}
{{- range $spec.volumes -}}
  {{- range values (omit . "name") | compact -}}
    {{- $secrets := list (dict "name" .secretName "optional" .optional) .secretRef .nodePublishSecretRef -}}
    {{- range .sources }}{{ $secrets = append $secrets .secret }}{{ end -}}
    {{- range compact $secrets -}}
      {{- if and .name (not .optional) }}{{ $_ := set $keys .name (get $keys .name | default list) }}{{ end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- range concat ($spec.initContainers | default list) $spec.containers -}}
  {{- range .env -}}
    {{- with (.valueFrom | default dict).secretKeyRef -}}
      {{- if not .optional }}{{ $_ := set $keys .name (append (get $keys .name | default list) .key | uniq) }}{{ end -}}
    {{- end -}}
  {{- end -}}
  {{- range .envFrom -}}
    {{- with .secretRef -}}
      {{- if not .optional }}{{ $_ := set $keys .name (get $keys .name | default list) }}{{ end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- toYaml $keys -}}
{{- end }}
