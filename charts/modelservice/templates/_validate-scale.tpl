{{/* Autoscalers: what each of them needs. */}}
{{- define "modelservice.validate.autoscaling" -}}
{{- $scale := .Values.autoscaling -}}
{{- $least := int $scale.minReplicas -}}
{{- if $scale.kind -}}
{{- if gt $least (int $scale.maxReplicas) }}
autoscaling.minReplicas: {{ $least }} is more than maxReplicas, {{ $scale.maxReplicas }}
{{- end -}}
{{- if eq $scale.kind "HorizontalPodAutoscaler" -}}
{{- if not $scale.metrics }}
autoscaling.metrics: is empty, and a HorizontalPodAutoscaler needs something to look at
{{- end -}}
{{- if not $least }}
autoscaling.minReplicas: 0 needs autoscaling.kind ScaledObject and a trigger from outside of the pods; set 1
{{- end -}}
{{- else -}}
{{- if not (or $scale.triggers $scale.prometheusAddress) }}
autoscaling.prometheusAddress: is empty, and so is autoscaling.triggers; a ScaledObject needs one of them
{{- end -}}
{{- $outside := false -}}
{{- range $scale.triggers -}}
{{- if not (or (has .type (list "cpu" "memory")) (contains "vllm:" (.metadata.query | default ""))) }}{{ $outside = true }}{{ end -}}
{{- end -}}
{{- if not (or $least $outside) }}
autoscaling.minReplicas: 0 needs a trigger from outside of the pods in autoscaling.triggers, which alone can start the first one; set 1, or add one
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Metrics with the fields of their type, and triggers with what KEDA needs. */}}
{{- define "modelservice.validate.metrics" -}}
{{- range $index, $metric := .Values.autoscaling.metrics -}}
{{- $key := untitle .type -}}
{{- if not (hasKey . $key) }}
autoscaling.metrics[{{ $index }}]: has the type {{ .type }}, and no {{ $key }}; add it
{{- end -}}
{{- range $other, $_ := omit . "type" $key }}
autoscaling.metrics[{{ $index }}].{{ $other }}: is not for the type {{ $metric.type }}; remove it
{{- end -}}
{{- end -}}
{{- $needed := dict "cron" (list "timezone" "start" "end" "desiredReplicas") "prometheus" (list "serverAddress" "query" "threshold") "cpu" (list "value") "memory" (list "value") -}}
{{- $names := list -}}
{{- range $index, $trigger := .Values.autoscaling.triggers -}}
{{- range $key := get $needed .type | default list -}}
{{- if not (hasKey $trigger.metadata $key) }}
autoscaling.triggers[{{ $index }}].metadata: has no {{ $key }}; add it
{{- end -}}
{{- end -}}
{{- if and (has .type (list "cpu" "memory")) (eq (toString .metricType) "Value") }}
autoscaling.triggers[{{ $index }}].metricType: Value is not for {{ .type }}; use Utilization
{{- end -}}
{{- if and .name (has .name $names) }}
autoscaling.triggers[{{ $index }}].name: {{ .name }} is taken; choose another
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end }}
