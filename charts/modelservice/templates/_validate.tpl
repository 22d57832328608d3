{{/*
What no schema can say: fields that contradict each other. `modelservice validate` refuses the same, with line and column; these
lines are for who runs helm alone. Each helper prints its problems, one a line, with the full path of the key.
*/}}
{{- define "modelservice.validate" -}}
{{- $problems := list -}}
{{- range list "gpu" "resources" "modelVolume" "source" "env" "mounts" "security" "strategy" "probes" "tolerations" -}}
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

{{/* Users other than root, who cannot enter /root. */}}
{{- define "modelservice.validate.security" -}}
{{- $context := mergeOverwrite (dict) (deepCopy .Values.podSecurityContext) (deepCopy .Values.securityContext) -}}
{{- if and (include "modelservice.nonRoot" .) (hasPrefix "/root/" (printf "%s/" .Values.modelVolume.mountPath)) }}
modelVolume.mountPath: {{ .Values.modelVolume.mountPath }} is closed to a user other than root; mount it elsewhere, for example at /models
{{- end }}
{{- if and $context.runAsNonRoot (hasKey $context "runAsUser") (eq (toString $context.runAsUser) "0") }}
podSecurityContext.runAsUser: 0 with runAsNonRoot; set another user
{{- end }}
{{- if and $context.privileged (eq (toString $context.allowPrivilegeEscalation) "false") }}
securityContext.privileged: true with allowPrivilegeEscalation false; remove it
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
{{- if and (has (toString $rolling.maxSurge) (list "0" "0%")) (has (toString $rolling.maxUnavailable) (list "0" "0%")) }}
strategy.rollingUpdate.maxUnavailable: 0 beside maxSurge 0 replaces no pod; set it to 1
{{- end }}
{{- end }}

{{/* Probes: one handler, a port that is there, and success at once where Kubernetes wants it. */}}
{{- define "modelservice.validate.probes" -}}
{{- range $name, $probe := .Values.probes -}}
{{- $handlers := pick $probe "httpGet" "tcpSocket" "grpc" "exec" -}}
{{- if gt (len $handlers) 1 }}
probes.{{ $name }}: {{ keys $handlers | sortAlpha | join " and " }} stand side by side; keep one
{{- end -}}
{{- range $handler, $asked := pick $probe "httpGet" "tcpSocket" -}}
{{- if not (or (eq (toString $asked.port) "http") (regexMatch "^[0-9]+$" (toString $asked.port))) }}
probes.{{ $name }}.{{ $handler }}.port: no port is called {{ $asked.port }}; write http, or 8000
{{- end -}}
{{- end -}}
{{- if and (ne $name "readiness") (ne (int ($probe.successThreshold | default 1)) 1) }}
probes.{{ $name }}.successThreshold: must be 1; remove it
{{- end -}}
{{- end -}}
{{- end }}

{{/* Tolerations: fields that fit together. */}}
{{- define "modelservice.validate.tolerations" -}}
{{- range $index, $toleration := .Values.tolerations -}}
{{- $exists := eq ($toleration.operator | default "Equal") "Exists" -}}
{{- if and $exists $toleration.value }}
tolerations[{{ $index }}].value: has no effect with operator Exists; remove it
{{- end -}}
{{- if not (or $exists $toleration.key) }}
tolerations[{{ $index }}]: has no key; add it, or operator Exists
{{- end -}}
{{- if and (hasKey $toleration "tolerationSeconds") (ne (toString $toleration.effect) "NoExecute") }}
tolerations[{{ $index }}].tolerationSeconds: is for the effect NoExecute only; remove it
{{- end -}}
{{- end -}}
{{- end }}
