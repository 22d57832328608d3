{{/* Routes from outside the cluster, and the keys that they need. */}}
{{- define "modelservice.validate.access" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
ingress.hosts: is empty, and an Ingress without a host serves /v1 of every host; name one, or list "*" [route-incomplete]
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
httpRoute.parentRefs: is empty, so no gateway serves the route; name one [route-incomplete]
{{- end }}
{{- $keyed := .Values.apiKeySecret.name -}}
{{- range .Values.env }}{{ if eq .name "VLLM_API_KEY" }}{{ $keyed = true }}{{ end }}{{ end -}}
{{- $stated := or .Values.vllmVersion (contains "vllm" (printf "%s:%s" .Values.image.repository .Values.image.tag)) -}}
{{- $listed := include "modelservice.listedNumber" . | default "0.22.0" -}}
{{- if and .Values.ingress.enabled $keyed $stated (semverCompare "<0.22.0" $listed) }}
ingress.enabled: before vLLM 0.22.0 a Host header bypasses the API key; use a later release [api-key-bypass]
{{- end }}
{{- if and .Values.apiKeySecret.name (gt (len .Values.apiKeySecret.keys) 1) (include "modelservice.vllmVersion" .) (not (include "modelservice.vllmSince" (list . "0.32.0"))) }}
apiKeySecret.keys: several need vLLM 0.32.0 or later, because earlier releases print them in the log; keep one [api-keys-logged]
{{- end }}
{{- end }}

{{/* Autoscalers: a metric or trigger, and one that can start the first pod. */}}
{{- define "modelservice.validate.autoscaling" -}}
{{- $scale := .Values.autoscaling -}}
{{- $zero := not (int $scale.minReplicas) -}}
{{- if eq $scale.kind "HorizontalPodAutoscaler" -}}
{{- if not $scale.metrics }}
autoscaling.metrics: is empty, but a HorizontalPodAutoscaler needs a metric; add one [autoscaling-metrics]
{{- end -}}
{{- $outside := false -}}
{{- range $scale.metrics }}{{ if has .type (list "External" "Object") }}{{ $outside = true }}{{ end }}{{ end -}}
{{- if and $zero (not $outside) }}
autoscaling.minReplicas: 0 needs a metric of type External or Object to start the first pod; set 1, or add one [scale-to-zero]
{{- end -}}
{{- else if $scale.kind -}}
{{- if not (or $scale.triggers $scale.prometheusAddress) }}
autoscaling.prometheusAddress: is empty, and so is autoscaling.triggers; a ScaledObject needs one of them [autoscaling-metrics]
{{- end -}}
{{- $outside := false -}}
{{- range $scale.triggers -}}
{{- $ours := regexMatch "(^|[^\"'])vllm:" (.metadata.query | default "" | replace "vllm:num_incoming_requests" "") -}}
{{- if not (or $ours (has .type (list "cpu" "memory"))) }}{{ $outside = true }}{{ end -}}
{{- end -}}
{{- if and $zero (not $outside) }}
autoscaling.minReplicas: 0 needs a trigger from outside the pods in autoscaling.triggers to start the first one; set 1, or add one [scale-to-zero]
{{- end -}}
{{- end -}}
{{- end }}

{{/* Secrets: values files go into Git. A template's output, or a placeholder for Argo CD's plugins, is not a secret value; a text that a template only encodes is one. */}}
{{- define "modelservice.validate.secrets" -}}
{{- range $index, $item := .Values.extraObjects -}}
{{- $texts := list (toYaml $item) -}}
{{- if kindIs "string" $item -}}
{{- $written := "\\{\\{-?[ \\t]*((b64enc|printf?|s?quote|toString|trim)[ \\t]+)*((\\x22[^\\x22<${}+:\\[]+\\x22|\\x60[^\\x60<${}+:\\[]+\\x60)[ \\t]*)+(\\|[ \\t]*[A-Za-z][A-Za-z0-9]*([ \\t]+[0-9]+)?[ \\t]*)*-?\\}\\}" -}}
{{- $text := regexReplaceAll "(?s)\\{\\{.*?(\\}\\}|\\z)" (regexReplaceAll $written $item "written") "<template>" -}}
{{- $texts = regexSplit "(?m)^---" (regexReplaceAll "(?m)^[ \\t]*(<template>[ \\t]*)+$" $text "") -1 -}}
{{- end -}}
{{- range $texts -}}
{{- $object := fromYaml . -}}
{{- range concat (list $object) ($object.items | default list) -}}
{{- if and (eq (toString .kind) "Secret") (eq (toString .apiVersion) "v1") (include "modelservice.hasLiteral" .) }}
extraObjects[{{ $index }}]: a Secret has its values in plain text; remove it, and create it with kubectl create secret, an ExternalSecret or a SealedSecret [secret-object]
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Whether a Secret has a value that is neither empty nor filled in by a template or a plugin; null is "<nil>". */}}
{{- define "modelservice.hasLiteral" -}}
{{- range list .data .stringData -}}
{{- $values := list . -}}
{{- if kindIs "map" . }}{{ $values = values . }}{{ end -}}
{{- range $values -}}
{{- if not (regexMatch "^$|<template>|<path:[^<>]+>|^<[^<>]*>$|^[$][{][^{}]+[}]$|^(ref[+]|vault:|ENC\\[)" (toString .)) }}true{{ end -}}
{{- end -}}
{{- end -}}
{{- end }}
