{{/* The most pods that there may be. */}}
{{- define "modelservice.mostReplicas" -}}
{{- ternary .Values.autoscaling.maxReplicas .Values.replicas (ne .Values.autoscaling.kind "") -}}
{{- end }}

{{/* The workload, as autoscalers name it. */}}
{{- define "modelservice.scaleTarget" -}}
apiVersion: apps/v1
kind: {{ .Values.workload.kind }}
name: {{ include "modelservice.workloadName" . | quote }}
{{- end }}

{{/*
How a Deployment replaces its pods. A surge needs a spare GPU and a second writer of the claim, and with one replica a rolling
update without surge makes `helm upgrade --wait` return before the new pod is ready.
*/}}
{{- define "modelservice.strategy" -}}
{{- $modes := .Values.modelVolume.accessModes -}}
{{- $oneNode := and (or (has "ReadWriteOnce" $modes) (has "ReadWriteOncePod" $modes)) (not (has "ReadWriteMany" $modes)) -}}
{{- if .Values.strategy -}}
{{- $type := .Values.strategy.type | default "RollingUpdate" -}}
type: {{ $type }}
{{- if eq $type "RollingUpdate" }}
{{- /* Kubernetes' own numbers, written out: those that it fills in itself stay behind, and forbid Recreate later on. */}}
rollingUpdate:
  {{- mergeOverwrite (dict "maxSurge" "25%" "maxUnavailable" "25%") (deepCopy (.Values.strategy.rollingUpdate | default dict)) | toYaml | nindent 2 }}
{{- end -}}
{{- else if or (le (int (include "modelservice.mostReplicas" .)) 1) $oneNode -}}
type: Recreate
{{- else -}}
type: RollingUpdate
rollingUpdate:
  maxSurge: 0
  maxUnavailable: 1
{{- end -}}
{{- end }}

{{/* How a StatefulSet replaces its pods, Kubernetes' own number written out for the same reason: it forbids OnDelete. */}}
{{- define "modelservice.updateStrategy" -}}
{{- $type := .Values.strategy.type | default "RollingUpdate" -}}
type: {{ $type }}
{{- if eq $type "RollingUpdate" }}
rollingUpdate:
  {{- mergeOverwrite (dict "partition" 0) (deepCopy (.Values.strategy.rollingUpdate | default dict)) | toYaml | nindent 2 }}
{{- end -}}
{{- end }}

{{/* Annotations of the workload: the console shows this one as the description. */}}
{{- define "modelservice.workloadAnnotations" -}}
{{- with .Values.description }}
field.cattle.io/description: {{ . | quote }}
{{- end }}
{{- end }}
