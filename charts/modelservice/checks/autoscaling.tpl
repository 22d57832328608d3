{{/* Autoscalers, their metrics and their triggers. */}}
{{- range list "autoscaling" "metrics" "triggers" -}}
{{- include (printf "modelservice.validate.%s" .) $ -}}
{{- end }}

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
{{- if not (or (has .type (list "cpu" "memory")) (regexMatch "(^|[^\"'])vllm:" (.metadata.query | default "" | replace "vllm:num_incoming_requests" ""))) }}{{ $outside = true }}{{ end -}}
{{- end -}}
{{- if not (or $least $outside) }}
autoscaling.minReplicas: 0 needs a trigger from outside of the pods in autoscaling.triggers, which alone can start the first one; set 1, or add one
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Metrics with the fields of their type, and a target that goes with it. */}}
{{- define "modelservice.validate.metrics" -}}
{{- $types := dict "ContainerResource" "Utilization AverageValue" "External" "AverageValue Value" "Object" "AverageValue Value" "Pods" "AverageValue" "Resource" "Utilization AverageValue" -}}
{{- range $index, $metric := .Values.autoscaling.metrics -}}
{{- $key := untitle .type -}}
{{- $path := printf "autoscaling.metrics[%d]" $index -}}
{{- range $other, $_ := omit . "type" $key }}
{{ $path }}.{{ $other }}: is not for the type {{ $metric.type }}; remove it
{{- end -}}
{{- with get . $key -}}
{{- $given := omit .target "type" | keys | first -}}
{{- if not (has (title $given | replace "AverageUtilization" "Utilization") (splitList " " (get $types $metric.type))) }}
{{ $path }}.{{ $key }}.target.{{ $given }}: is not for the type {{ $metric.type }}; use {{ get $types $metric.type | replace " " " or " }}
{{- else if ne (title $given | replace "AverageUtilization" "Utilization") .target.type }}
{{ $path }}.{{ $key }}.target.type: {{ .target.type }} stands beside {{ $given }}; use the type that goes with it
{{- end -}}
{{- else }}
{{ $path }}: has the type {{ .type }}, and no {{ $key }}; add it
{{- end -}}
{{- end -}}
{{- end }}

{{/* Triggers with what KEDA needs. */}}
{{- define "modelservice.validate.triggers" -}}
{{- $needed := dict "cron" (list "timezone" "start" "end" "desiredReplicas") "prometheus" (list "serverAddress" "query" "threshold") "cpu" (list "value") "memory" (list "value") -}}
{{- $names := list -}}
{{- range $index, $trigger := .Values.autoscaling.triggers -}}
{{- $path := printf "autoscaling.triggers[%d]" $index -}}
{{- range $key := get $needed .type | default list -}}
{{- if not (hasKey $trigger.metadata $key) }}
{{ $path }}.metadata: has no {{ $key }}; add it
{{- else if not (trim (get $trigger.metadata $key)) }}
{{ $path }}.metadata.{{ $key }}: is empty, and {{ $trigger.type }} needs it
{{- end -}}
{{- end -}}
{{- if and (eq .type "cron") .metadata.start (eq (toString .metadata.start) (toString .metadata.end)) }}
{{ $path }}.metadata.end: is the same as start; write a later time
{{- end -}}
{{- if and .useCachedMetrics (has .type (list "cpu" "memory" "cron")) }}
{{ $path }}.useCachedMetrics: is not for {{ .type }}; remove it
{{- end -}}
{{- if and .name (has .name $names) }}
{{ $path }}.name: {{ .name }} is taken; choose another
{{- end -}}
{{- $names = append $names .name -}}
{{- include "modelservice.validate.metricType" (list $ $path .) -}}
{{- end -}}
{{- end }}

{{/* How a trigger's number is meant: (list . key trigger). */}}
{{- define "modelservice.validate.metricType" -}}
{{- $path := index . 1 -}}
{{- $trigger := last . -}}
{{- $given := $trigger.metricType | default "" -}}
{{- if has $trigger.type (list "cpu" "memory") -}}
{{- if not $given }}
{{ $path }}: has no metricType, which {{ $trigger.type }} needs; add metricType Utilization
{{- else if eq $given "Value" }}
{{ $path }}.metricType: Value is not for {{ $trigger.type }}; use Utilization
{{- else if and (eq $given "Utilization") (not (regexMatch "^([1-9][0-9]*)?$" (trim (toString $trigger.metadata.value)))) }}
{{ $path }}.metadata.value: {{ $trigger.metadata.value }} is not a percentage as KEDA reads one; write a whole number alone
{{- end -}}
{{- if hasKey $trigger.metadata "type" }}
{{ $path }}.metadata.type: is refused by KEDA 2.18 and later, which read metricType; remove it
{{- end -}}
{{- else if eq $given "Utilization" }}
{{ $path }}.metricType: Utilization is not for {{ $trigger.type }}; use AverageValue
{{- end -}}
{{- end }}
