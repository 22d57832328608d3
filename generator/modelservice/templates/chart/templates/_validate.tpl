{{/*
Find what would go wrong silently or conflicts with a default of this chart, if no schema can express it and nothing else refuses it in time.
docs/rules.md explains each rule, and `modelservice validate` finds the same with line and column. Each helper prints its problems,
one per line: "key: what is wrong; what to do [rule]". Rules that are listed in ignoredRules are skipped.
*/}}
{{- define "modelservice.validate" -}}
{{- $problems := list -}}
{{- range list "model" "arguments" "command" "env" "probes" "ports" "gpu" "resources" "sizes" "modelVolume" "mounts" "caches" "access" "autoscaling" "secrets" "restricted" "texts" -}}
{{- range include (printf "modelservice.validate.%s" .) $ | trim | splitList "\n" | compact -}}
{{- if not (has (regexFind "[a-z-]+\\]$" . | trimSuffix "]") $.Values.ignoredRules) -}}
{{- $problems = append $problems . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $problems -}}
{{- fail (printf "\n\nThese values do not work:\n- %s\n" (join "\n- " .)) -}}
{{- end -}}
{{- end }}

{{/* The model: an id for a hub, or a path below a mounted volume; and a shell that would run the chart's first argument. */}}
{{- define "modelservice.validate.model" -}}
{{- if regexMatch "^-[a-z]*c$" (last .Values.command | default "") }}
command[{{ sub (len .Values.command) 1 }}]: {{ last .Values.command }} runs the chart's first argument as its script; write the script after it [command-shell]
{{- end }}
{{- $name := .Values.model.name -}}
{{- $local := eq .Values.model.source "local" -}}
{{- if regexMatch "^(s3|gs|az)://" $name -}}
{{- if ne .Values.model.source "huggingface" }}
model.source: {{ .Values.model.source }} with {{ $name }}, which is in an object store; remove it [model-path]
{{- end -}}
{{- else if and (hasPrefix "/" $name) (not $local) }}
model.name: {{ $name }} is a path; set model.source to local [model-path]
{{- else if and $local (not (hasPrefix "/" $name)) }}
model.name: {{ $name }} is not an absolute path, which model.source local needs; write one, or remove model.source [model-path]
{{- else if and $local (include "modelservice.ownImage" .) (not (include "modelservice.mounted" (list . $name))) }}
model.name: {{ $name }} is not in a mounted volume; mount one there, or set modelVolume.mountPath [model-path-not-mounted]
{{- end }}
{{- end }}

{{/* Whether a path is below a mounted volume: (list . path). "true" or nothing. */}}
{{- define "modelservice.mounted" -}}
{{- $path := printf "%s/" (last .) -}}
{{- $own := ternary (list (dict "mountPath" (include "modelservice.mountPath" (first .)))) list (ne (include "modelservice.modelVolume" (first .)) "") -}}
{{- range concat $own (first .).Values.volumeMounts -}}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) $path }}true{{ end -}}
{{- end -}}
{{- end }}

{{/* Variables: none that the chart sets, and each once in a container. */}}
{{- define "modelservice.validate.env" -}}
{{- if .Values.env -}}
{{- $set := list -}}
{{- range include "modelservice.chartEnv" . | fromYamlArray }}{{ $set = append $set .name }}{{ end -}}
{{- range $index, $variable := .Values.env -}}
{{- if has .name $set }}
env[{{ $index }}].name: {{ .name }} is set by the chart; remove it and use the chart's own field [env-set-by-chart]
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "modelservice.validate.names" (list "env" .Values.env) -}}
{{- range include "modelservice.containers" . | fromYamlArray -}}
{{- include "modelservice.validate.names" (list (printf "%s.env" .key) .container.env) -}}
{{- end -}}
{{- end }}

{{/* Names of variables, each once: (list key variables). */}}
{{- define "modelservice.validate.names" -}}
{{- $key := first . -}}
{{- $seen := list -}}
{{- range $index, $variable := last . -}}
{{- if has .name $seen }}
{{ $key }}[{{ $index }}].name: {{ .name }} is set twice, which Helm 4 cannot apply; keep one [env-twice]
{{- end -}}
{{- $seen = append $seen .name -}}
{{- end -}}
{{- end }}

{{/* The user's containers as a list: key, the container, and whether it runs next to the server. */}}
{{- define "modelservice.containers" -}}
{{- $found := list -}}
{{- range $field := list "initContainers" "extraContainers" -}}
{{- range $index, $container := get $.Values $field -}}
{{- $beside := or (eq $field "extraContainers") (eq (toString .restartPolicy) "Always") -}}
{{- $found = append $found (dict "key" (printf "%s[%d]" $field $index) "container" . "beside" $beside) -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end }}

{{/* Probes use a port that the container has. */}}
{{- define "modelservice.validate.probes" -}}
{{- $listened := list "http" (toString .Values.containerPort) -}}
{{- range include "modelservice.containers" . | fromYamlArray -}}
{{- range ternary .container.ports list .beside }}{{ $listened = append $listened (toString .containerPort) }}{{ end -}}
{{- end -}}
{{- range $name, $probe := .Values.probes -}}
{{- if eq (toString $probe.enabled) "false" }}{{ $probe = dict }}{{ end -}}
{{- range $handler, $asked := pick $probe "httpGet" "tcpSocket" -}}
{{- $number := regexMatch "^[0-9]+$" (toString $asked.port) -}}
{{- if not (or (has (toString $asked.port) $listened) (and $number $.Values.command)) }}
probes.{{ $name }}.{{ $handler }}.port: vLLM does not listen on {{ $asked.port }}; write http, or {{ $.Values.containerPort }} [probe-port]
{{- end -}}
{{- end -}}
{{- if and $probe.grpc (not $.Values.command) }}
probes.{{ $name }}.grpc.port: vLLM does not answer gRPC health checks; use httpGet [probe-port]
{{- end -}}
{{- end -}}
{{- range include "modelservice.containers" . | fromYamlArray -}}
{{- $names := list -}}
{{- range .container.ports }}{{ $names = append $names .name }}{{ end -}}
{{- $key := .key -}}
{{- range $field, $probe := ternary (pick .container "livenessProbe" "readinessProbe" "startupProbe") dict .beside -}}
{{- range $handler, $asked := pick $probe "httpGet" "tcpSocket" -}}
{{- if not (or (regexMatch "^[0-9]+$" (toString $asked.port)) (has $asked.port $names)) }}
{{ $key }}.{{ $field }}.{{ $handler }}.port: no port of the container is called {{ $asked.port }}; write its number [probe-port]
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Containers that run side by side share a network: each port once. */}}
{{- define "modelservice.validate.ports" -}}
{{- $taken := list (printf "%v TCP" .Values.containerPort) -}}
{{- range include "modelservice.containers" . | fromYamlArray -}}
{{- $mine := list -}}
{{- $key := .key -}}
{{- range $number, $_ := ternary .container.ports list .beside -}}
{{- $port := printf "%v %s" .containerPort (.protocol | default "TCP") -}}
{{- if has $port $taken }}
{{ $key }}.ports[{{ $number }}].containerPort: {{ .containerPort }} is already used by another container of the pod; let it listen on another port [container-port]
{{- end -}}
{{- $mine = append $mine $port -}}
{{- end -}}
{{- $taken = concat $taken $mine -}}
{{- end -}}
{{- end }}

{{/* Texts that Helm can write: toYaml loses the map or list around a control character without a message. */}}
{{- define "modelservice.validate.texts" -}}
{{- range $key, $value := omit .Values "global" -}}
{{- if regexMatch `[\x7f-\x9f\x{fffe}\x{ffff}]` (toJson $value) }}
{{ include "modelservice.unwritable" (list $key $value) }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Where control characters are: (list key value). */}}
{{- define "modelservice.unwritable" -}}
{{- $path := first . -}}
{{- if kindIs "map" (last .) -}}
{{- range $key, $value := last . }}
{{ include "modelservice.unwritable" (list (ternary (printf "%s.%s" $path $key) (printf "%s[%q]" $path $key) (regexMatch "^[A-Za-z0-9_-]+$" $key)) (kindIs "string" $value | ternary (print $key $value) $value)) }}
{{- end -}}
{{- else if kindIs "slice" (last .) -}}
{{- range $index, $value := last . }}
{{ include "modelservice.unwritable" (list (printf "%s[%d]" $path $index) $value) }}
{{- end -}}
{{- else if regexMatch `[\x7f-\x9f\x{fffe}\x{ffff}]` (toString (last .)) -}}
{{ $path }}: has a control character, which Helm cannot write; remove that character [control-character]
{{- end -}}
{{- end }}
