{{/*
The pod's affinity. A fixed node is a required rule in each of the user's terms (they are alternatives): spec.nodeName would
bypass the scheduler, which counts GPUs and binds volumes that wait for their first consumer.
*/}}
{{- define "modelservice.affinity" -}}
{{- $affinity := deepCopy .Values.affinity -}}
{{- if .Values.nodeName -}}
{{- $node := dict "key" "metadata.name" "operator" "In" "values" (list .Values.nodeName) -}}
{{- $terms := list -}}
{{- range dig "nodeAffinity" "requiredDuringSchedulingIgnoredDuringExecution" "nodeSelectorTerms" (list (dict)) $affinity -}}
{{- $terms = append $terms (set . "matchFields" (append (.matchFields | default list) $node)) -}}
{{- end -}}
{{- $required := dict "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" $terms) -}}
{{- $affinity = mergeOverwrite $affinity (dict "nodeAffinity" $required) -}}
{{- end -}}
{{- toYaml $affinity -}}
{{- end }}

{{/* Whether all pods run on one node. "true" or nothing. */}}
{{- define "modelservice.oneNode" -}}
{{- if or .Values.nodeName (hasKey (.Values.nodeSelector | default dict) "kubernetes.io/hostname") }}true{{ end -}}
{{- end }}

{{/* Where pods may run: (list . affinity). */}}
{{- define "modelservice.scheduling" -}}
{{- $ := first . -}}
{{- with $.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with last . }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* How the replicas are spread; rules without a selector apply to this service's own pods. */}}
{{- define "modelservice.topologySpread" -}}
{{- range .Values.topologySpreadConstraints }}
{{- $own := dict "labelSelector" (dict "matchLabels" (include "modelservice.selectorLabels" $ | fromYaml)) }}
- {{ toYaml (hasKey . "labelSelector" | ternary . (merge (deepCopy .) $own)) | nindent 2 | regexFind "(?s)\\S.*" }}
{{- end }}
{{- end }}
