{{/* Whether a value is set: null and "" leave a field out, 0 and false do not. "true" or nothing. */}}
{{- define "modelservice.isSet" -}}
{{- if not (has (toString .) (list "" "<nil>")) }}true{{ end -}}
{{- end }}

{{/* A map without unset values. */}}
{{- define "modelservice.withoutUnset" -}}
{{- $kept := dict -}}
{{- range $key, $value := . -}}
{{- if include "modelservice.isSet" $value }}{{ $_ := set $kept $key $value }}{{ end -}}
{{- end -}}
{{- with $kept }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* The maximum number of pods; one if another controller sets it. */}}
{{- define "modelservice.mostReplicas" -}}
{{- if .Values.autoscaling.kind -}}
{{- .Values.autoscaling.maxReplicas -}}
{{- else -}}
{{- ternary .Values.replicas 1 (eq (include "modelservice.isSet" .Values.replicas) "true") -}}
{{- end -}}
{{- end }}

{{/* The reference to the workload in autoscalers. */}}
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
{{- $oneNode := and (include "modelservice.sharedClaim" .) (or (has "ReadWriteOnce" $modes) (has "ReadWriteOncePod" $modes)) (not (has "ReadWriteMany" $modes)) -}}
{{- if .Values.strategy -}}
{{- $type := .Values.strategy.type | default "RollingUpdate" -}}
type: {{ $type }}
{{- if eq $type "RollingUpdate" }}
{{- /* Kubernetes' defaults, written out: if Kubernetes fills them in, they remain after a change and make Recreate invalid. */}}
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

{{/* How a StatefulSet replaces its pods. Kubernetes' default is written out for the same reason: it would make OnDelete invalid. */}}
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
{{- $own := dict -}}
{{- with .Values.description }}{{ $_ := set $own "field.cattle.io/description" . }}{{ end -}}
{{- with merge (dict) $own .Values.workload.annotations }}{{ toJson . }}{{ end -}}
{{- end }}
