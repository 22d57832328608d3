{{/* Where the container mounts its volumes. */}}
{{- define "modelservice.volumeMounts" -}}
- name: model-dir
  mountPath: {{ .Values.modelVolume.mountPath | quote }}
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
{{- if .Values.securityContext.readOnlyRootFilesystem }}
- name: tmp
  mountPath: /tmp
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
{{- if .Values.securityContext.readOnlyRootFilesystem }}
- name: tmp
  emptyDir: {}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The spec of the model volume's claim. */}}
{{- define "modelservice.claimSpec" -}}
accessModes:
  {{- toYaml .Values.modelVolume.accessModes | nindent 2 }}
{{- with .Values.modelVolume.storageClassName }}
storageClassName: {{ . | quote }}
{{- end }}
{{- with .Values.modelVolume.dataSource }}
dataSource:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.modelVolume.size | toJson | trimAll "\"" | quote }}
{{- end }}
