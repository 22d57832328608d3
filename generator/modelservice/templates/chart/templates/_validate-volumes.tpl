{{/* The model volume: only one, its access modes, and what must write to it. */}}
{{- define "modelservice.validate.modelVolume" -}}
{{- $volume := .Values.modelVolume -}}
{{- $kind := include "modelservice.modelVolume" . -}}
{{- $new := hasPrefix "claim" $kind -}}
{{- $modes := $volume.accessModes -}}
{{- $readOnlyMany := and (ne $kind "volume") (eq (join "," $modes) "ReadOnlyMany") -}}
{{- $source := $volume.dataSource -}}
{{- $ofPod := or (hasKey $volume.volume "emptyDir") (hasKey $volume.volume "ephemeral") -}}
{{- if and $volume.volume $volume.existingClaim }}
modelVolume.volume: replaces a claim, but modelVolume.existingClaim names one; remove one of them [model-volume-twice]
{{- end }}
{{- if and $readOnlyMany $new (not $source) }}
modelVolume.accessModes: a new ReadOnlyMany claim is an empty volume that cannot be filled; set modelVolume.existingClaim or modelVolume.dataSource [empty-read-only-claim]
{{- else if and $volume.readOnly (or (and $new (not $source) (ne $volume.preDownload "Job")) $ofPod) }}
modelVolume.readOnly: a new volume mounted read-only stays empty; set modelVolume.existingClaim or modelVolume.dataSource [empty-read-only-claim]
{{- end }}
{{- if and $readOnlyMany (has $kind (list "claim" "claims" "existing")) (eq (toString $volume.readOnly) "false") }}
modelVolume.readOnly: false with ReadOnlyMany, which does not allow writes; remove the key [read-only-many-written]
{{- end }}
{{- if and $source $new -}}
{{- if not (and $source.kind $source.name) }}
modelVolume.dataSource: needs kind and name; add both [data-source]
{{- else if and (ne $source.kind "PersistentVolumeClaim") (not $source.apiGroup) }}
modelVolume.dataSource: has no apiGroup, which {{ $source.kind }} needs; add it [data-source]
{{- end -}}
{{- end -}}
{{- $pods := int (include "modelservice.mostReplicas" .) -}}
{{- $shared := and (gt $pods 1) (include "modelservice.sharedClaim" .) -}}
{{- $several := or (has "ReadWriteMany" $modes) (has "ReadOnlyMany" $modes) -}}
{{- $one := or (has "ReadWriteOncePod" $modes) (and (has "ReadWriteOnce" $modes) (not $several) (not (include "modelservice.oneNode" .))) -}}
{{- if and $shared $one }}
modelVolume.accessModes: {{ $pods }} pods ({{ ternary "autoscaling.kind" "replicas" (ne .Values.autoscaling.kind "") }}) share one {{ first $modes }} claim; use ReadWriteMany, or workload.kind StatefulSet, or modelVolume.volume, or one node in nodeName [read-write-once-shared]
{{- end }}
{{- end }}

{{/* Whether all pods mount the same claim. "true" or nothing. */}}
{{- define "modelservice.sharedClaim" -}}
{{- if or (has (include "modelservice.modelVolume" .) (list "claim" "existing")) .Values.modelVolume.volume.persistentVolumeClaim }}true{{ end -}}
{{- end }}

{{/* Mounts: none below /root for another user, and none inside the server's HOME. */}}
{{- define "modelservice.validate.mounts" -}}
{{- $closed := include "modelservice.rootClosed" . -}}
{{- $home := include "modelservice.ownHome" . -}}
{{- $mounts := dict -}}
{{- if include "modelservice.modelVolume" . }}{{ $_ := set $mounts "modelVolume" (include "modelservice.mountPath" .) }}{{ end -}}
{{- range $index, $mount := .Values.volumeMounts }}{{ $_ := set $mounts (printf "volumeMounts[%d]" $index) .mountPath }}{{ end -}}
{{- range $key, $path := $mounts -}}
{{- if and $closed (hasPrefix "/root/" (printf "%s/" $path)) }}
{{ $key }}.mountPath: only root can enter {{ $path }}, but the server runs as another user (see podSecurityContext, securityContext, image.repository); choose a path elsewhere, such as /models [root-closed]
{{- end -}}
{{- if and $home (hasPrefix "/home/modelservice/" (trimSuffix "/" $path)) }}
{{ $key }}.mountPath: {{ $path }} is inside /home/modelservice, the server's HOME; choose a path elsewhere [mount-inside-home]
{{- end -}}
{{- end -}}
{{- end }}

{{/* Whether the server runs as a user who cannot enter /root. "true" or nothing. */}}
{{- define "modelservice.rootClosed" -}}
{{- $context := mergeOverwrite (deepCopy .Values.podSecurityContext) .Values.securityContext -}}
{{- $nonRootImage := eq (base .Values.image.repository) "vllm-openai-nonroot" -}}
{{- if or (include "modelservice.nonRoot" .) (and $nonRootImage (has (toString $context.runAsUser) (list "" "<nil>"))) }}true{{ end -}}
{{- end }}

{{/* The pre-download and the volume of the compile cache. */}}
{{- define "modelservice.validate.caches" -}}
{{- $modes := .Values.modelVolume.accessModes -}}
{{- $way := include "modelservice.preDownload" . -}}
{{- $kind := include "modelservice.modelVolume" . -}}
{{- $readOnly := include "modelservice.readOnly" . -}}
{{- $written := and (ne $kind "volume") (ne (join "," $modes) "ReadOnlyMany") -}}
{{- if and $way (not $kind) }}
modelVolume.preDownload: {{ $way }} has no model volume to download to; remove it, or remove modelVolume.enabled [pre-download]
{{- else if and $way $readOnly (not (and $written (eq $way "Job"))) }}
modelVolume.preDownload: {{ $way }} cannot write to a read-only volume; remove it, or remove the volume's readOnly and ReadOnlyMany [pre-download]
{{- else if and (eq $way "Job") (or (eq $kind "claims") (hasKey .Values.modelVolume.volume "emptyDir") (hasKey .Values.modelVolume.volume "ephemeral")) }}
modelVolume.preDownload: a Job fills one volume, but each pod has its own; use InitContainer [pre-download]
{{- else if and (eq $way "Job") (include "modelservice.sharedClaim" .) (not (has "ReadWriteMany" $modes)) }}
modelVolume.preDownload: a Job writes while the pods read, but only one node at a time can use the volume; set modelVolume.accessModes to [ReadWriteMany], or use InitContainer [pre-download]
{{- end }}
{{- $cache := .Values.compileCache -}}
{{- if and (eq $cache.volume "model") (not $kind) }}
compileCache.volume: model needs a model volume, but there is none; use own [compile-cache]
{{- else if and (eq $cache.volume "model") $readOnly }}
compileCache.volume: model is mounted read-only; use own [compile-cache]
{{- else if and (eq $cache.volume "own") (not $cache.existingClaim) -}}
{{- $shared := gt (int (include "modelservice.mostReplicas" .)) 1 -}}
{{- if eq .Values.workload.kind "StatefulSet" }}
compileCache.volume: own would be a claim for each replica of the StatefulSet, which an upgrade cannot change; name a claim in existingClaim, or use model [compile-cache]
{{- else if and $shared (not (has "ReadWriteMany" $cache.accessModes)) (or (not (include "modelservice.oneNode" .)) (has "ReadWriteOncePod" $cache.accessModes)) }}
compileCache.volume: own is one claim for several replicas; set accessModes to [ReadWriteMany], or use model [compile-cache]
{{- end -}}
{{- end -}}
{{- end }}
