{{/* Where the model volume is mounted: nobody but root can enter the default's /root. */}}
{{- define "modelservice.mountPath" -}}
{{- if and .Values.restricted (eq .Values.modelVolume.mountPath "/root/.cache/huggingface/hub") -}}
/models
{{- else -}}
{{- .Values.modelVolume.mountPath -}}
{{- end -}}
{{- end }}

{{/* Where the container mounts its volumes. */}}
{{- define "modelservice.volumeMounts" -}}
- name: model-dir
  mountPath: {{ include "modelservice.mountPath" . | quote }}
  {{- if include "modelservice.readOnly" . }}
  readOnly: true
  {{- end }}
{{- if .Values.sharedMemory.enabled }}
- name: dshm
  mountPath: /dev/shm
{{- end }}
{{- if include "modelservice.ownHome" . }}
- name: home
  mountPath: /home/modelservice
{{- end }}
{{- if include "modelservice.readOnlyRoot" . }}
- name: tmp
  mountPath: /tmp
{{- end }}
{{- if eq .Values.compileCache.volume "own" }}
- name: compile-cache
  mountPath: {{ include "modelservice.cacheFolder" . | quote }}
{{- end }}
{{- if .Values.model.chatTemplate }}
- name: chat-template
  mountPath: /etc/modelservice/chat-template
  readOnly: true
{{- end }}
{{- if .Values.tls.secretName }}
- name: tls
  mountPath: /etc/modelservice/tls
  readOnly: true
{{- end }}
{{- with .Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Whether a StatefulSet makes the model volume's claim, one for each replica. "true" or nothing. */}}
{{- define "modelservice.claimTemplate" -}}
{{- if and (eq .Values.workload.kind "StatefulSet") (not .Values.modelVolume.existingClaim) }}true{{ end -}}
{{- end }}

{{/* The pod's volumes. */}}
{{- define "modelservice.volumes" -}}
{{- if not (include "modelservice.claimTemplate" .) }}
- name: model-dir
  persistentVolumeClaim:
    claimName: {{ include "modelservice.claimName" . | quote }}
    {{- if include "modelservice.readOnly" . }}
    readOnly: true
    {{- end }}
{{- end }}
{{- if .Values.sharedMemory.enabled }}
- name: dshm
  emptyDir:
    medium: Memory
    {{- with .Values.sharedMemory.sizeLimit }}
    sizeLimit: {{ . | toJson | trimAll "\"" | quote }}
    {{- end }}
{{- end }}
{{- if include "modelservice.ownHome" . }}
- name: home
  emptyDir: {}
{{- end }}
{{- if include "modelservice.readOnlyRoot" . }}
- name: tmp
  emptyDir: {}
{{- end }}
{{- if eq .Values.compileCache.volume "own" }}
- name: compile-cache
  persistentVolumeClaim:
    claimName: {{ include "modelservice.cacheClaimName" . | quote }}
{{- end }}
{{- if .Values.model.chatTemplate }}
- name: chat-template
  configMap:
    name: {{ include "modelservice.chatTemplateName" . | quote }}
{{- end }}
{{- with .Values.tls.secretName }}
- name: tls
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The spec of a new claim, of the model volume or of the compile cache: both have the same keys. */}}
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

{{/* What keeps the claim, and the models in it, when helm uninstalls the release or Argo CD prunes or deletes the application. */}}
{{- define "modelservice.claimAnnotations" -}}
{{- if .Values.modelVolume.retain -}}
helm.sh/resource-policy: keep
argocd.argoproj.io/sync-options: Prune=false,Delete=false
{{- end -}}
{{- end }}
