{{/* Ways from outside of the cluster, and the keys that they ask for. */}}
{{- define "modelservice.validate.access" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
ingress.hosts: is empty, and an Ingress without a host takes every host's /v1; name one
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
httpRoute.parentRefs: is empty, and a route hangs on a gateway; name one
{{- end }}
{{- if and .Values.apiKeySecret.name (gt (len .Values.apiKeySecret.keys) 1) (not (include "modelservice.vllmSince" (list . "0.32.0"))) }}
apiKeySecret.keys: several need vLLM 0.32.0 or later, because earlier releases print them in the log; keep one
{{- end }}
{{- if and .Values.model.chatTemplate (include "modelservice.argumentGiven" (list . "--chat-template")) }}
model.chatTemplate: --chat-template stands in args too; keep one of them
{{- end }}
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
{{- if not (or (has .type (list "cpu" "memory")) (contains "vllm:" (.metadata.query | default ""))) }}{{ $outside = true }}{{ end -}}
{{- end -}}
{{- if not (or $least $outside) }}
autoscaling.minReplicas: 0 needs a trigger from outside of the pods in autoscaling.triggers, which alone can start the first one; set 1, or add one
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The download before the start, and the volume of what is compiled. */}}
{{- define "modelservice.validate.caches" -}}
{{- $volume := .Values.modelVolume -}}
{{- $way := $volume.preDownload -}}
{{- $readOnlyMany := eq (join "," $volume.accessModes) "ReadOnlyMany" -}}
{{- if and $way (eq .Values.model.source "local") }}
modelVolume.preDownload: has nothing to download with model.source local; remove it
{{- else if and $way (or $readOnlyMany (and (eq $way "InitContainer") (include "modelservice.readOnly" .))) }}
modelVolume.preDownload: {{ $way }} cannot write to a read-only volume; remove it, or the volume's readOnly and ReadOnlyMany
{{- else if and (eq $way "Job") (include "modelservice.claimTemplate" .) }}
modelVolume.preDownload: a Job fills one volume, and each replica of this StatefulSet has its own; use InitContainer
{{- else if and (eq $way "Job") (not (has "ReadWriteMany" $volume.accessModes)) }}
modelVolume.preDownload: a Job writes beside the pods that read; set modelVolume.accessModes to [ReadWriteMany], or use InitContainer
{{- end }}
{{- $cache := .Values.compileCache -}}
{{- if and (eq $cache.volume "model") (include "modelservice.readOnly" .) }}
compileCache.volume: model is mounted read-only; use own
{{- end }}
{{- if and (eq $cache.volume "own") (not $cache.existingClaim) -}}
{{- if eq .Values.workload.kind "StatefulSet" }}
compileCache.volume: own would be a claim for each replica of the StatefulSet, which no upgrade can change; name a claim in existingClaim, or use model
{{- else if and (gt (int (include "modelservice.mostReplicas" .)) 1) (not (has "ReadWriteMany" $cache.accessModes)) (or (not .Values.nodeName) (has "ReadWriteOncePod" $cache.accessModes)) }}
compileCache.volume: own is one claim for several replicas; set accessModes to [ReadWriteMany], or use model
{{- end -}}
{{- end -}}
{{- if and .Values.model.revision (eq .Values.model.source "local") }}
model.revision: has no effect on a path; remove it
{{- end }}
{{- end }}

{{/* Names of the containers: each once, and none of the chart's own. */}}
{{- define "modelservice.validate.containers" -}}
{{- $names := list "server" "download-model" "wait-for-model" -}}
{{- range $key := list "initContainers" "extraContainers" -}}
{{- range $index, $container := get $.Values $key -}}
{{- if has .name $names }}
{{ $key }}[{{ $index }}].name: {{ .name }} is taken; choose another
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end -}}
{{- end }}
