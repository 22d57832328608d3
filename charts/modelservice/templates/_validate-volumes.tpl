{{/* The model volume: its access modes, and what must write to it. */}}
{{- define "modelservice.validate.modelVolume" -}}
{{- $volume := .Values.modelVolume -}}
{{- $modes := $volume.accessModes -}}
{{- $readOnlyMany := eq (join "," $modes) "ReadOnlyMany" -}}
{{- $source := $volume.dataSource -}}
{{- if and $readOnlyMany (not $volume.existingClaim) (not $source) }}
modelVolume.accessModes: a new ReadOnlyMany claim is an empty volume that nobody can fill; set modelVolume.existingClaim or modelVolume.dataSource
{{- end }}
{{- if and (not $volume.existingClaim) (not $source) $volume.readOnly (not $readOnlyMany) (ne $volume.preDownload "Job") }}
modelVolume.readOnly: a new claim mounted read-only stays empty; set modelVolume.existingClaim or modelVolume.dataSource
{{- end }}
{{- if and $readOnlyMany (eq (toString $volume.readOnly) "false") }}
modelVolume.readOnly: false with ReadOnlyMany, which nobody can write to; remove the key
{{- end }}
{{- if and (eq .Values.model.source "modelscope") (include "modelservice.readOnly" .) }}
model.source: modelscope cannot lock a read-only volume; set local, and the path of the model's folder in model.name
{{- end }}
{{- if and $source $volume.existingClaim }}
modelVolume.dataSource: has no effect on an existing claim; remove it, or modelVolume.existingClaim
{{- else if and $source (not (and $source.kind $source.name)) }}
modelVolume.dataSource: needs kind and name
{{- else if and $source (ne $source.kind "PersistentVolumeClaim") (not $source.apiGroup) }}
modelVolume.dataSource: has no apiGroup, which {{ $source.kind }} needs; add it
{{- end }}
{{- if and (has "ReadWriteOncePod" $modes) (gt (len $modes) 1) }}
modelVolume.accessModes: ReadWriteOncePod stands alone; remove the other modes
{{- end }}
{{- if and (gt (int (include "modelservice.mostReplicas" .)) 1) (not (include "modelservice.oneNode" .)) (not (include "modelservice.claimTemplate" .)) (has "ReadWriteOnce" $modes) (not (or (has "ReadWriteMany" $modes) (has "ReadOnlyMany" $modes))) }}
modelVolume.accessModes: ReadWriteOnce is for one node, and {{ include "modelservice.mostReplicas" . }} pods ({{ ternary "autoscaling.kind" "replicas" (ne .Values.autoscaling.kind "") }}) share one claim; use ReadWriteMany, or workload.kind StatefulSet, or one node in nodeName
{{- end }}
{{- if and (gt (int (include "modelservice.mostReplicas" .)) 1) (not (include "modelservice.claimTemplate" .)) (has "ReadWriteOncePod" $modes) }}
modelVolume.accessModes: ReadWriteOncePod is for one pod, and {{ include "modelservice.mostReplicas" . }} pods ({{ ternary "autoscaling.kind" "replicas" (ne .Values.autoscaling.kind "") }}) share one claim; use ReadWriteMany, or workload.kind StatefulSet
{{- end }}
{{- end }}

{{/* Volumes: each name once, and none of the chart's own. */}}
{{- define "modelservice.validate.volumes" -}}
{{- $names := list -}}
{{- range $index, $volume := .Values.volumes -}}
{{- if has .name (list "model-dir" "dshm" "home" "tmp" "compile-cache" "chat-template" "tls") }}
volumes[{{ $index }}].name: {{ .name }} is the chart's own; choose another
{{- else if has .name $names }}
volumes[{{ $index }}].name: {{ .name }} is there twice; keep one
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end }}

{{/* Mounts: each path once, a volume for each, and none inside the server's HOME. The chart's own come first. */}}
{{- define "modelservice.validate.mounts" -}}
{{- $mounts := include "modelservice.volumeMounts" . | fromYamlArray -}}
{{- $own := sub (len $mounts) (len .Values.volumeMounts) -}}
{{- $names := list "model-dir" -}}
{{- range concat (slice $mounts 0 $own) .Values.volumes }}{{ $names = append $names .name }}{{ end -}}
{{- $paths := list -}}
{{- range $index, $mount := $mounts -}}
{{- $key := ge $index (int $own) | ternary (printf "volumeMounts[%d]" (sub $index $own)) "modelVolume" -}}
{{- $path := trimSuffix "/" .mountPath -}}
{{- if has $path $paths }}
{{ $key }}.mountPath: {{ $path }} is mounted twice; choose another path
{{- end -}}
{{- if not (has .name $names) }}
{{ $key }}.name: no volume is called {{ .name }}; add it to volumes
{{- end -}}
{{- if and (include "modelservice.ownHome" $) (hasPrefix "/home/modelservice/" $path) }}
{{ $key }}.mountPath: {{ $path }} lies inside /home/modelservice, the server's HOME; choose a path elsewhere
{{- end -}}
{{- $paths = append $paths $path -}}
{{- end -}}
{{- range $index, $mount := .Values.volumeMounts -}}
{{- include "modelservice.validate.mount" (dict "key" (printf "volumeMounts[%d]" $index) "mount" . "context" $.Values.securityContext) -}}
{{- end -}}
{{- include "modelservice.validate.containerMounts" (list $ $names) -}}
{{- end }}

{{/* Mounts and devices of the user's containers: (list . names-of-volumes). */}}
{{- define "modelservice.validate.containerMounts" -}}
{{- $values := (first .).Values -}}
{{- $names := last . -}}
{{- range $key := list "initContainers" "extraContainers" -}}
{{- range $index, $container := get $values $key -}}
{{- $paths := list -}}
{{- range $kind, $mounts := pick . "volumeMounts" "volumeDevices" -}}
{{- range $number, $mount := $mounts -}}
{{- $place := printf "%s[%d].%s[%d]" $key $index $kind $number -}}
{{- $path := trimSuffix "/" (.mountPath | default .devicePath) -}}
{{- if not (has .name $names) }}
{{ $place }}.name: no volume is called {{ .name }}; add it to volumes
{{- end -}}
{{- if has $path $paths }}
{{ $place }}.{{ hasKey . "mountPath" | ternary "mountPath" "devicePath" }}: {{ $path }} is mounted twice; choose another path
{{- end -}}
{{- $paths = append $paths $path -}}
{{- include "modelservice.validate.mount" (dict "key" $place "mount" . "context" ($container.securityContext | default dict)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A mount's settings: (dict "key" … "mount" … "context" …), its container's security context. */}}
{{- define "modelservice.validate.mount" -}}
{{- $way := .mount.recursiveReadOnly | default "Disabled" -}}
{{- $spread := .mount.mountPropagation | default "None" -}}
{{- if and (ne $way "Disabled") (not .mount.readOnly) }}
{{ .key }}.recursiveReadOnly: {{ $way }} without readOnly; remove it, or add readOnly
{{- else if and (ne $way "Disabled") (ne $spread "None") }}
{{ .key }}.mountPropagation: {{ $spread }} with recursiveReadOnly {{ $way }}; remove it
{{- end -}}
{{- if and (eq $spread "Bidirectional") (not .context.privileged) }}
{{ .key }}.mountPropagation: Bidirectional is for a privileged container; use HostToContainer
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
{{- else if and (gt (int (include "modelservice.mostReplicas" .)) 1) (not (has "ReadWriteMany" $cache.accessModes)) (or (not (include "modelservice.oneNode" .)) (has "ReadWriteOncePod" $cache.accessModes)) }}
compileCache.volume: own is one claim for several replicas; set accessModes to [ReadWriteMany], or use model
{{- end -}}
{{- end -}}
{{- end }}
