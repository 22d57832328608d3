{{/* The model volume: its access modes, and what must write to it. */}}
{{- define "modelservice.validate.modelVolume" -}}
{{- $volume := .Values.modelVolume -}}
{{- $modes := $volume.accessModes -}}
{{- $readOnlyMany := eq (join "," $modes) "ReadOnlyMany" -}}
{{- $source := $volume.dataSource -}}
{{- if and $readOnlyMany (not $volume.existingClaim) (not $source) }}
modelVolume.accessModes: a new ReadOnlyMany claim is an empty volume that nobody can fill; set modelVolume.existingClaim or modelVolume.dataSource
{{- end }}
{{- if and (not $volume.existingClaim) (not $source) $volume.readOnly (not $readOnlyMany) }}
modelVolume.readOnly: a new claim mounted read-only stays empty; set modelVolume.existingClaim or modelVolume.dataSource
{{- end }}
{{- if and $readOnlyMany (eq (toString $volume.readOnly) "false") }}
modelVolume.readOnly: false with ReadOnlyMany, which nobody can write to; remove the key
{{- end }}
{{- if and $source $volume.existingClaim }}
modelVolume.dataSource: has no effect on an existing claim; remove it, or modelVolume.existingClaim
{{- else if and $source (not (and $source.kind $source.name)) }}
modelVolume.dataSource: needs kind and name
{{- end }}
{{- if and (has "ReadWriteOncePod" $modes) (gt (len $modes) 1) }}
modelVolume.accessModes: ReadWriteOncePod stands alone; remove the other modes
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (not .Values.nodeName) (not (include "modelservice.claimTemplate" .)) (has "ReadWriteOnce" $modes) (not (or (has "ReadWriteMany" $modes) (has "ReadOnlyMany" $modes))) }}
modelVolume.accessModes: ReadWriteOnce with {{ .Values.replicas }} replicas that share one claim; use ReadWriteMany, or workload.kind StatefulSet, or one node in nodeName
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (not (include "modelservice.claimTemplate" .)) (has "ReadWriteOncePod" $modes) }}
modelVolume.accessModes: ReadWriteOncePod with {{ .Values.replicas }} replicas that share one claim; use ReadWriteMany, or workload.kind StatefulSet
{{- end }}
{{- end }}

{{/* Volumes and mounts: names and paths once, and a volume for each mount. */}}
{{- define "modelservice.validate.mounts" -}}
{{- $own := list "model-dir" "dshm" "home" "tmp" -}}
{{- $names := list -}}
{{- range .Values.volumes -}}
{{- if has .name $own }}
volumes: the name {{ .name }} is the chart's own; choose another
{{- else if has .name $names }}
volumes: {{ .name }} is there twice; keep one
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- $paths := list -}}
{{- range include "modelservice.volumeMounts" . | fromYamlArray -}}
{{- $path := trimSuffix "/" .mountPath -}}
{{- if has $path $paths }}
volumeMounts: {{ $path }} is mounted twice; choose another mountPath
{{- end -}}
{{- if not (has .name (concat $own $names)) }}
volumeMounts: no volume is called {{ .name }}; add it to volumes
{{- end -}}
{{- if and (include "modelservice.ownHome" $) (hasPrefix "/home/modelservice/" $path) }}
volumeMounts: {{ $path }} lies inside /home/modelservice, the server's HOME; choose a path elsewhere
{{- end -}}
{{- $paths = append $paths $path -}}
{{- end -}}
{{- end }}
