{{/*
What no schema can say: fields that contradict each other. `modelservice validate` refuses the same, with line and column; these
lines are for who runs helm alone. Each helper prints its problems, one a line, with the full path of the key.
*/}}
{{- define "modelservice.validate" -}}
{{- with include "modelservice.validate.optional" . | trim | splitList "\n" | compact -}}
{{- fail (printf "\n\nThese values are not what their fields take:\n- %s\n" (join "\n- " .)) -}}
{{- else with include "modelservice.validate.all" . | trim | splitList "\n" | compact -}}
{{- fail (printf "\n\nThese values contradict each other:\n- %s\n" (join "\n- " .)) -}}
{{- end -}}
{{- end }}

{{/* All of them. What stands in checks/ is for few services, and helm parses it for these alone. */}}
{{- define "modelservice.validate.all" -}}
{{- range list "arguments" "gpu" "resources" "sizes" "modelVolume" "model" "huggingFace" "env" "volumes" "mounts" "user" "privileges" "strategy" "tolerations" "spread" "access" "policy" "caches" "objects" "secrets" }}
{{ include (printf "modelservice.validate.%s" .) $ }}
{{- end -}}
{{- $probes := .Values.probes -}}
{{- $scale := .Values.autoscaling -}}
{{- range $name, $asked := dict "containers" (or .Values.initContainers .Values.extraContainers $probes.startup $probes.readiness $probes.liveness) "autoscaling" (or $scale.kind $scale.metrics $scale.triggers) "restricted" .Values.restricted -}}
{{- if $asked }}
{{ tpl ($.Files.Get (printf "checks/%s.tpl" $name)) $ }}
{{- end -}}
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
{{- range $key := list "memoryMiB" "cores" -}}
{{- if and (get $gpu.vgpu $key) (not $gpu.vgpu.enabled) }}
gpu.vgpu.{{ $key }}: has no effect; set gpu.vgpu.enabled to true
{{- end -}}
{{- end -}}
{{- end }}

{{/* The model: an id for a hub, or a path in a volume. */}}
{{- define "modelservice.validate.model" -}}
{{- if regexMatch "^-[a-z]*c$" (last .Values.command | default "") }}
command[{{ sub (len .Values.command) 1 }}]: {{ last .Values.command }} takes the chart's first argument for its script; write the script behind it
{{- end }}
{{- if and .Values.model.chatTemplate (include "modelservice.argumentGiven" (list . "--chat-template")) }}
model.chatTemplate: --chat-template stands in args too; keep one of them
{{- end }}
{{- if and .Values.model.revision (eq .Values.model.source "local") }}
model.revision: has no effect on a path; remove it
{{- end }}
{{- $name := .Values.model.name -}}
{{- $word := "[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?" -}}
{{- if ne .Values.model.source "local" -}}
{{- if hasPrefix "/" $name }}
model.name: {{ $name }} is a path; set model.source to local
{{- else if and (not .Values.command) (or (contains "--" $name) (contains ".." $name) (hasSuffix ".git" $name) (not (regexMatch (printf "^(%s/)?%s$" $word $word) $name))) }}
model.name: {{ $name }} is no model id; write owner/name
{{- end -}}
{{- else if not (hasPrefix "/" $name) }}
model.name: {{ $name }} is not an absolute path, which model.source local needs
{{- else -}}
{{- $covered := false -}}
{{- range concat (list (dict "mountPath" (include "modelservice.mountPath" .))) .Values.volumeMounts -}}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) (printf "%s/" $name) }}{{ $covered = true }}{{ end -}}
{{- end -}}
{{- if not $covered }}
model.name: {{ $name }} is under no mounted volume; mount one there with volumes and volumeMounts, or set modelVolume.mountPath
{{- end -}}
{{- end -}}
{{- end }}

{{/* Settings of Hugging Face, and models from elsewhere. */}}
{{- define "modelservice.validate.huggingFace" -}}
{{- $source := .Values.model.source -}}
{{- $secret := .Values.huggingFace.tokenSecret -}}
{{- if and (ne $source "huggingface") .Values.huggingFace.endpoint }}
huggingFace.endpoint: has no effect with model.source {{ $source }}; remove it
{{- end }}
{{- if and (ne $source "huggingface") $secret.name }}
huggingFace.tokenSecret.name: has no effect with model.source {{ $source }}; remove it
{{- end }}
{{- if and (ne $secret.key "token") (not $secret.name) }}
huggingFace.tokenSecret.key: has no effect without huggingFace.tokenSecret.name; name the Secret there
{{- end }}
{{- end }}

{{/* Names of variables: each once, and none that the chart sets. */}}
{{- define "modelservice.validate.env" -}}
{{- $set := list -}}
{{- if .Values.env -}}
{{- range include "modelservice.chartEnv" . | fromYamlArray }}{{ $set = append $set .name }}{{ end -}}
{{- end -}}
{{- $seen := list -}}
{{- range $index, $variable := .Values.env -}}
{{- if has .name $set }}
env[{{ $index }}].name: {{ .name }} is set by the chart; remove it and use the chart's own field
{{- else if has .name $seen }}
env[{{ $index }}].name: {{ .name }} is there twice; keep one
{{- end -}}
{{- $seen = append $seen .name -}}
{{- end -}}
{{- end }}
