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

{{/* Ranges of ports in the network policy. */}}
{{- define "modelservice.validate.policy" -}}
{{- range $index, $way := .Values.networkPolicy.egress -}}
{{- range $number, $port := .ports -}}
{{- if and .endPort (or (not (regexMatch "^[0-9]+$" (toString .port))) (gt (int .port) (int .endPort))) }}
networkPolicy.egress[{{ $index }}].ports[{{ $number }}].endPort: {{ .endPort }} needs a number in port, at most {{ .endPort }}
{{- end -}}
{{- end -}}
{{- end -}}
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

{{/* The user's containers: names, ports and variables each once, probes with a handler. */}}
{{- define "modelservice.validate.containers" -}}
{{- $names := list "server" "download-model" "wait-for-model" -}}
{{- $ports := list "8000 TCP" -}}
{{- range $key := list "initContainers" "extraContainers" -}}
{{- range $index, $container := get $.Values $key -}}
{{- if has .name $names }}
{{ $key }}[{{ $index }}].name: {{ .name }} is taken; choose another
{{- end -}}
{{- $names = append $names .name -}}
{{- range $number, $port := eq $key "extraContainers" | ternary .ports list -}}
{{- $port = printf "%v %s" .containerPort (.protocol | default "TCP") -}}
{{- if has $port $ports }}
{{ $key }}[{{ $index }}].ports[{{ $number }}].containerPort: {{ .containerPort }} is taken; let it listen on another port
{{- end -}}
{{- $ports = append $ports $port -}}
{{- end -}}
{{- range $name, $probe := pick . "livenessProbe" "readinessProbe" "startupProbe" -}}
{{- if and (eq $key "initContainers") (ne (toString $container.restartPolicy) "Always") }}
{{ $key }}[{{ $index }}].{{ $name }}: is not for an init container; remove it
{{- else if ne (len (pick $probe "httpGet" "tcpSocket" "grpc" "exec")) 1 }}
{{ $key }}[{{ $index }}].{{ $name }}: needs one handler, such as httpGet
{{- end -}}
{{- end -}}
{{- $seen := list -}}
{{- range $number, $variable := .env -}}
{{- if has .name $seen }}
{{ $key }}[{{ $index }}].env[{{ $number }}].name: {{ .name }} is there twice; keep one
{{- end -}}
{{- $seen = append $seen .name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Further objects: each an object, and none twice. Text is a template, which may come to nothing. */}}
{{- define "modelservice.validate.objects" -}}
{{- $seen := list -}}
{{- range $index, $object := .Values.extraObjects -}}
{{- if kindIs "string" . }}{{ $object = tpl . $ | fromYaml }}{{ end -}}
{{- if and $object (not (and $object.apiVersion $object.kind $object.metadata)) }}
extraObjects[{{ $index }}]: this text is no Kubernetes object; write apiVersion, kind and metadata.name
{{- else if $object -}}
{{- $which := printf "%v %v %v" $object.kind $object.metadata.name ($object.metadata.namespace | default "") -}}
{{- if has $which $seen }}
extraObjects[{{ $index }}]: {{ $which }} is there twice; keep one
{{- end -}}
{{- $seen = append $seen $which -}}
{{- end -}}
{{- end -}}
{{- end }}
