{{/*
What no schema can say: fields that contradict each other. `modelservice validate` refuses the same, with line and column; these
lines are for who runs helm alone. Each helper prints its problems, one a line, with the full path of the key.
*/}}
{{- define "modelservice.validate" -}}
{{- $problems := list -}}
{{- range list "gpu" "resources" "modelVolume" "source" "env" "mounts" "security" "strategy" -}}
{{- $problems = concat $problems (include (printf "modelservice.validate.%s" .) $ | trim | splitList "\n" | compact) -}}
{{- end -}}
{{- with $problems -}}
{{- fail (printf "\n\nThese values contradict each other:\n- %s\n" (join "\n- " .)) -}}
{{- end -}}
{{- end }}

{{/* GPUs and slices of GPUs. Helm 3.18.0 hands numbers over as text, so that 0 is true: hence int. */}}
{{- define "modelservice.validate.gpu" -}}
{{- $gpu := .Values.gpu -}}
{{- if and (not (int $gpu.count)) (has (base .Values.image.repository) (list "vllm-openai" "vllm-openai-nonroot")) }}
gpu.count: 0 with the image {{ .Values.image.repository }}, which needs a GPU; set at least 1, or an image for CPUs in image.repository
{{- end }}
{{- if and $gpu.vgpu.enabled (not (int $gpu.count)) }}
gpu.count: 0 with gpu.vgpu.enabled; set the number of slices
{{- end }}
{{- if and (or $gpu.vgpu.memoryMiB $gpu.vgpu.cores) (not $gpu.vgpu.enabled) }}
gpu.vgpu: memoryMiB and cores have no effect; set gpu.vgpu.enabled to true
{{- end }}
{{- end }}

{{/* A quantity as a number: 16Gi, 500m, 1e3. */}}
{{- define "modelservice.number" -}}
{{- $text := toJson . | trimAll "\"" -}}
{{- $factors := dict "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- mulf (float64 (trimSuffix $unit $text)) (get $factors $unit | default 1.0) -}}
{{- end }}

{{/* Requests within limits, and /dev/shm within the memory that it is taken from. */}}
{{- define "modelservice.validate.resources" -}}
{{- $limits := .Values.resources.limits -}}
{{- range $name, $amount := .Values.resources.requests -}}
{{- $limit := get $limits $name -}}
{{- if and (hasKey $limits $name) (not (kindIs "invalid" $limit)) (not (kindIs "invalid" $amount)) -}}
{{- if gt (float64 (include "modelservice.number" $amount)) (float64 (include "modelservice.number" $limit)) }}
resources.requests.{{ $name }}: {{ $amount }} is more than resources.limits.{{ $name }}, {{ $limit }}; lower the request or raise the limit
{{- end -}}
{{- end -}}
{{- end }}
{{- if and .Values.sharedMemory.enabled .Values.sharedMemory.sizeLimit $limits.memory -}}
{{- if gt (float64 (include "modelservice.number" .Values.sharedMemory.sizeLimit)) (float64 (include "modelservice.number" $limits.memory)) }}
sharedMemory.sizeLimit: {{ .Values.sharedMemory.sizeLimit }} is more than resources.limits.memory, {{ $limits.memory }}, to which it counts; lower it or raise the limit
{{- end -}}
{{- end -}}
{{- $gpus := ternary "volcano.sh/vgpu-number" .Values.gpu.resourceName .Values.gpu.vgpu.enabled -}}
{{- range $part := list "requests" "limits" -}}
{{- if hasKey (index $.Values.resources $part) $gpus }}
resources.{{ $part }}: {{ $gpus }} is set by gpu.count; remove it here
{{- end -}}
{{- end -}}
{{- end }}

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

{{/* The model's source, and the settings of another one. */}}
{{- define "modelservice.validate.source" -}}
{{- $source := .Values.model.source -}}
{{- $name := .Values.model.name -}}
{{- if and (ne $source "huggingface") .Values.huggingFace.endpoint }}
huggingFace.endpoint: has no effect with model.source {{ $source }}; remove it
{{- end }}
{{- if and (ne $source "huggingface") .Values.huggingFace.tokenSecret.name }}
huggingFace.tokenSecret.name: has no effect with model.source {{ $source }}; remove it
{{- end }}
{{- if and (eq $source "local") (not (hasPrefix "/" $name)) }}
model.name: {{ $name }} is not an absolute path, which model.source local needs
{{- else if and (ne $source "local") (hasPrefix "/" $name) }}
model.name: {{ $name }} is a path; set model.source to local
{{- else if eq $source "local" -}}
{{- $covered := false -}}
{{- range concat (list .Values.modelVolume) .Values.volumeMounts -}}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) (printf "%s/" $name) }}{{ $covered = true }}{{ end -}}
{{- end -}}
{{- if not $covered }}
model.name: {{ $name }} is under no mounted volume; mount one there with volumes and volumeMounts, or set modelVolume.mountPath
{{- end -}}
{{- end -}}
{{- end }}

{{/* Names of variables: each once, and none that the chart sets. */}}
{{- define "modelservice.validate.env" -}}
{{- $set := list -}}
{{- range include "modelservice.chartEnv" . | fromYamlArray }}{{ $set = append $set .name }}{{ end -}}
{{- $seen := list -}}
{{- range .Values.env -}}
{{- if has .name $set }}
env: {{ .name }} is set by the chart; remove it and use the chart's own field
{{- else if has .name $seen }}
env: {{ .name }} is there twice; keep one
{{- end -}}
{{- $seen = append $seen .name -}}
{{- end -}}
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
{{- $paths = append $paths $path -}}
{{- end -}}
{{- end }}

{{/* Users other than root, who cannot enter /root. */}}
{{- define "modelservice.validate.security" -}}
{{- $context := mergeOverwrite (dict) (deepCopy .Values.podSecurityContext) (deepCopy .Values.securityContext) -}}
{{- if and (include "modelservice.nonRoot" .) (hasPrefix "/root/" (printf "%s/" .Values.modelVolume.mountPath)) }}
modelVolume.mountPath: {{ .Values.modelVolume.mountPath }} is closed to a user other than root; mount it elsewhere, for example at /models
{{- end }}
{{- if and $context.runAsNonRoot (hasKey $context "runAsUser") (eq (toString $context.runAsUser) "0") }}
podSecurityContext.runAsUser: 0 with runAsNonRoot; set another user
{{- end }}
{{- end }}

{{/* The update strategy: what the kind of workload knows. */}}
{{- define "modelservice.validate.strategy" -}}
{{- $kind := .Values.workload.kind -}}
{{- $type := .Values.strategy.type | default "RollingUpdate" -}}
{{- $rolling := .Values.strategy.rollingUpdate | default (dict) -}}
{{- if and (eq $kind "StatefulSet") (eq $type "Recreate") }}
strategy.type: Recreate is for a Deployment; use RollingUpdate or OnDelete
{{- else if and (eq $kind "Deployment") (eq $type "OnDelete") }}
strategy.type: OnDelete is for a StatefulSet; use Recreate or RollingUpdate
{{- else if and $rolling (ne $type "RollingUpdate") }}
strategy.rollingUpdate: has no effect with the type {{ $type }}; remove it
{{- end }}
{{- if and (eq $kind "StatefulSet") (hasKey $rolling "maxSurge") }}
strategy.rollingUpdate.maxSurge: is for a Deployment; remove it
{{- end }}
{{- if and (eq $kind "Deployment") (hasKey $rolling "partition") }}
strategy.rollingUpdate.partition: is for a StatefulSet; remove it
{{- end }}
{{- end }}
