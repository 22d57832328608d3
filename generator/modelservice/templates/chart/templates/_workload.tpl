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
{{- /* Kubernetes' own numbers, written out: those that it fills in itself stay behind, and forbid Recreate later on. */}}
{{- $strategy := deepCopy .Values.strategy -}}
{{- if ne ($strategy.type | default "RollingUpdate") "Recreate" -}}
{{- $strategy = mergeOverwrite (dict "type" "RollingUpdate" "rollingUpdate" (dict "maxSurge" "25%" "maxUnavailable" "25%")) $strategy -}}
{{- end -}}
{{- toYaml $strategy -}}
{{- else if or (le (int (include "modelservice.mostReplicas" .)) 1) $oneNode -}}
type: Recreate
{{- else -}}
type: RollingUpdate
rollingUpdate:
  maxSurge: 0
  maxUnavailable: 1
{{- end -}}
{{- end }}

{{/* Annotations of the workload: the console shows this one as the description. */}}
{{- define "modelservice.workloadAnnotations" -}}
{{- with .Values.description }}
field.cattle.io/description: {{ . | quote }}
{{- end }}
{{- end }}
