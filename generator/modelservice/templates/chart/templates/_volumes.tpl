{{/* Where the model volume is mounted: only root can enter the default's /root. */}}
{{- define "modelservice.mountPath" -}}
{{- if and .Values.restricted (eq .Values.modelVolume.mountPath "/root/.cache/huggingface/hub") -}}
/models
{{- else -}}
{{- .Values.modelVolume.mountPath -}}
{{- end -}}
{{- end }}

{{/*
The kind of the model volume: nothing, "volume" for the user's definition, "existing" for an existing claim, "claim" for the chart's, or "claims" for
one per replica of a StatefulSet. An unused claim is not created.
*/}}
{{- define "modelservice.modelVolume" -}}
{{- $volume := .Values.modelVolume -}}
{{- if ne (toString $volume.enabled) "false" -}}
{{- if $volume.volume -}}volume
{{- else if $volume.existingClaim -}}existing
{{- else if or (include "modelservice.isSet" $volume.enabled) (not (include "modelservice.modelElsewhere" .)) -}}
{{- ternary "claims" "claim" (eq .Values.workload.kind "StatefulSet") -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/*
Whether a new claim would be unused: the model is in the image, in object storage or in another volume, or a user's volume is mounted in its
place. "true" or nothing.
*/}}
{{- define "modelservice.modelElsewhere" -}}
{{- $mount := printf "%s/" (include "modelservice.mountPath" . | trimSuffix "/") -}}
{{- $cache := include "modelservice.userCache" . -}}
{{- $elsewhere := or (include "modelservice.objectStore" .) (and $cache (ne $cache "unknown") (not (hasPrefix $mount (printf "%s/" $cache)))) -}}
{{- if eq .Values.model.source "local" -}}
{{- $elsewhere = not (hasPrefix $mount (printf "%s/" .Values.model.name)) -}}
{{- end -}}
{{- $used := or .Values.modelVolume.dataSource (include "modelservice.preDownload" .) (eq .Values.compileCache.volume "model") -}}
{{- if contains $mount (printf "%s/" (join "/ " (concat .Values.args .Values.command))) }}{{ $used = true }}{{ end -}}
{{- range concat .Values.volumeMounts .Values.initContainers .Values.extraContainers -}}
{{- if contains "name: model-dir\n" (printf "%s\n" (toYaml .)) }}{{ $used = true }}{{ end -}}
{{- end -}}
{{- $taken := false -}}
{{- range .Values.volumeMounts -}}
{{- $other := printf "%s/" (trimSuffix "/" .mountPath) -}}
{{- if or (eq $mount $other) (and (hasPrefix $other $mount) (hasPrefix "/root/.cache/" $other)) }}{{ $taken = true }}{{ end -}}
{{- end -}}
{{- if or $taken (and $elsewhere (not $used)) }}true{{ end -}}
{{- end }}

{{/* The mount of the model volume: (list . whether-it-is-read-only). */}}
{{- define "modelservice.modelMount" -}}
- name: model-dir
  mountPath: {{ include "modelservice.mountPath" (first .) | quote }}
  {{- with (first .).Values.modelVolume.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
  {{- if last . }}
  readOnly: true
  {{- end }}
{{- end }}

{{/* The volume itself, unless it is one of a StatefulSet's claims: (list . whether-it-is-read-only). */}}
{{- define "modelservice.modelSource" -}}
- name: model-dir
{{- with (first .).Values.modelVolume.volume }}
  {{- toYaml . | nindent 2 }}
{{- else }}
  persistentVolumeClaim:
    claimName: {{ include "modelservice.claimName" (first .) | quote }}
    {{- if last . }}
    readOnly: true
    {{- end }}
{{- end }}
{{- end }}

{{/* Where the container mounts its volumes. */}}
{{- define "modelservice.volumeMounts" -}}
{{- if include "modelservice.modelVolume" . }}
{{ include "modelservice.modelMount" (list . (include "modelservice.readOnly" .)) }}
{{- end }}
{{- if .Values.sharedMemory.enabled }}
- name: dshm
  mountPath: /dev/shm
{{- end }}
{{- if include "modelservice.ownHome" . }}
- name: modelservice-home
  mountPath: /home/modelservice
{{- end }}
{{- if include "modelservice.readOnlyRoot" . }}
- name: modelservice-tmp
  mountPath: /tmp
{{- end }}
{{- include "modelservice.caMount" . }}
{{- if eq .Values.compileCache.volume "own" }}
- name: modelservice-compile-cache
  mountPath: {{ include "modelservice.cacheFolder" . | quote }}
{{- end }}
{{- if .Values.model.chatTemplate }}
- name: modelservice-chat-template
  mountPath: /etc/modelservice/chat-template
  readOnly: true
{{- end }}
{{- if .Values.tls.secretName }}
- name: modelservice-tls
  mountPath: /etc/modelservice/tls
  readOnly: true
{{- end }}
{{- with .Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The mount of the private authority's certificates. */}}
{{- define "modelservice.caMount" -}}
{{- if or .Values.caBundle.configMap .Values.caBundle.secret }}
- name: modelservice-ca
  mountPath: /etc/modelservice/ca
  readOnly: true
{{- end }}
{{- end }}

{{/* The volume with these certificates. */}}
{{- define "modelservice.caVolume" -}}
{{- if .Values.caBundle.secret }}
- name: modelservice-ca
  secret:
    secretName: {{ .Values.caBundle.secret | quote }}
{{- else if .Values.caBundle.configMap }}
- name: modelservice-ca
  configMap:
    name: {{ .Values.caBundle.configMap | quote }}
{{- end }}
{{- end }}

{{/* Whether a StatefulSet creates the model volume's claims, one for each replica. "true" or nothing. */}}
{{- define "modelservice.claimTemplate" -}}
{{- if eq (include "modelservice.modelVolume" .) "claims" }}true{{ end -}}
{{- end }}

{{/* The pod's volumes. */}}
{{- define "modelservice.volumes" -}}
{{- if has (include "modelservice.modelVolume" .) (list "volume" "existing" "claim") }}
{{ include "modelservice.modelSource" (list . (include "modelservice.readOnly" .)) }}
{{- end }}
{{- if .Values.sharedMemory.enabled }}
- name: dshm
  emptyDir:
    medium: Memory
    {{- if include "modelservice.isSet" .Values.sharedMemory.sizeLimit }}
    sizeLimit: {{ .Values.sharedMemory.sizeLimit | toJson | trimAll "\"" | quote }}
    {{- end }}
{{- end }}
{{- if include "modelservice.ownHome" . }}
- name: modelservice-home
  emptyDir: {}
{{- end }}
{{- if include "modelservice.readOnlyRoot" . }}
- name: modelservice-tmp
  emptyDir: {}
{{- end }}
{{- include "modelservice.caVolume" . }}
{{- if eq .Values.compileCache.volume "own" }}
- name: modelservice-compile-cache
  persistentVolumeClaim:
    claimName: {{ include "modelservice.cacheClaimName" . | quote }}
{{- end }}
{{- if .Values.model.chatTemplate }}
- name: modelservice-chat-template
  configMap:
    name: {{ include "modelservice.chatTemplateName" . | quote }}
{{- end }}
{{- with .Values.tls.secretName }}
- name: modelservice-tls
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The spec of a new claim for the model volume or the compile cache: both have the same keys. */}}
{{- define "modelservice.claimSpec" -}}
accessModes:
  {{- toYaml .accessModes | nindent 2 }}
{{- with .storageClassName }}
storageClassName: {{ . | quote }}
{{- end }}
{{- with .dataSource }}
dataSource:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- /* As the API server stores it: Argo CD compares a StatefulSet's list of claims as a whole. */}}
volumeMode: Filesystem
resources:
  requests:
    storage: {{ .size | toJson | trimAll "\"" | quote }}
{{- end }}

{{/* The annotations that keep the claim and its models when helm uninstalls the release, or Argo CD prunes or deletes the application. */}}
{{- define "modelservice.claimAnnotations" -}}
{{- if .Values.modelVolume.retain -}}
helm.sh/resource-policy: keep
argocd.argoproj.io/sync-options: Prune=false,Delete=false
{{- end -}}
{{- end }}
