{{/* The user's containers and probes. */}}
{{- range list "probes" "containers" "ports" -}}
{{- include (printf "modelservice.validate.%s" .) $ -}}
{{- end }}

{{/* The user's containers, each with what is checked of it. */}}
{{- define "modelservice.validate.containers" -}}
{{- $names := list "server" "download-model" "wait-for-model" -}}
{{- range $key := list "initContainers" "extraContainers" -}}
{{- range $index, $container := get $.Values $key -}}
{{- $place := printf "%s[%d]" $key $index -}}
{{- $sidecar := eq (toString .restartPolicy) "Always" -}}
{{- if has .name $names }}
{{ $place }}.name: {{ .name }} is taken; choose another
{{- end -}}
{{- $names = append $names .name -}}
{{- if and $sidecar (eq $key "extraContainers") }}
{{ $place }}.restartPolicy: is for an init container; remove it
{{- end -}}
{{- $it := dict "key" $place "container" . "goesOn" (or $sidecar (eq $key "extraContainers")) -}}
{{- include "modelservice.validate.containerProbes" $it -}}
{{- include "modelservice.validate.escalation" (dict "key" (printf "%s.securityContext" $place) "context" (.securityContext | default dict)) -}}
{{- $resources := .resources | default dict -}}
{{- include "modelservice.validate.amounts" (dict "key" (printf "%s.resources" $place) "requests" ($resources.requests | default dict) "limits" ($resources.limits | default dict)) -}}
{{- $seen := list -}}
{{- range $number, $variable := .env -}}
{{- if has .name $seen }}
{{ $place }}.env[{{ $number }}].name: {{ .name }} is there twice; keep one
{{- end -}}
{{- $seen = append $seen .name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Ports: each once in the pod's network, its name once in the container, the node's port once in the pod. */}}
{{- define "modelservice.validate.ports" -}}
{{- $ports := list "8000 TCP" -}}
{{- range $key := list "initContainers" "extraContainers" -}}
{{- $nodes := list -}}
{{- range $index, $container := get $.Values $key -}}
{{- $mine := list -}}
{{- $names := list -}}
{{- $goesOn := or (eq $key "extraContainers") (eq (toString .restartPolicy) "Always") -}}
{{- if eq $key "initContainers" }}{{ $nodes = list }}{{ end -}}
{{- range $number, $_ := .ports -}}
{{- $place := printf "%s[%d].ports[%d]" $key $index $number -}}
{{- $port := printf "%v %s" .containerPort (.protocol | default "TCP") -}}
{{- if and (has $port $ports) $goesOn }}
{{ $place }}.containerPort: {{ .containerPort }} is taken; let it listen on another port
{{- end -}}
{{- $mine = append $mine $port -}}
{{- if and .name (has .name $names) }}
{{ $place }}.name: {{ .name }} is there twice; choose another
{{- end -}}
{{- $names = append $names .name -}}
{{- $node := printf "%v %v %v" .hostPort .hostIP (.protocol | default "TCP") -}}
{{- if and (int .hostPort) (has $node $nodes) }}
{{ $place }}.hostPort: {{ .hostPort }} is taken on the node; remove it
{{- end -}}
{{- $nodes = append $nodes $node -}}
{{- end -}}
{{- if $goesOn }}{{ $ports = concat $ports $mine }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The server's probes: a port that is there, and what Kubernetes wants of every probe. */}}
{{- define "modelservice.validate.probes" -}}
{{- range $name, $probe := .Values.probes -}}
{{- include "modelservice.validate.probe" (dict "key" (printf "probes.%s" $name) "kind" $name "probe" $probe) -}}
{{- range $handler, $asked := pick $probe "httpGet" "tcpSocket" -}}
{{- $number := regexMatch "^[0-9]+$" (toString $asked.port) -}}
{{- if not (or (has (toString $asked.port) (list "http" "8000")) (and $number $.Values.command)) }}
probes.{{ $name }}.{{ $handler }}.port: vLLM does not listen on {{ $asked.port }}; write http, or 8000
{{- end -}}
{{- end -}}
{{- if and $probe.grpc (not $.Values.command) }}
probes.{{ $name }}.grpc.port: vLLM answers no gRPC health check; use httpGet
{{- end -}}
{{- end -}}
{{- end }}

{{/* Another container's probes and hooks: (dict "key" … "container" … "goesOn" …), which says whether it ends. */}}
{{- define "modelservice.validate.containerProbes" -}}
{{- $names := list -}}
{{- range .container.ports }}{{ $names = append $names .name }}{{ end -}}
{{- range $field, $probe := pick .container "livenessProbe" "readinessProbe" "startupProbe" "lifecycle" -}}
{{- $place := printf "%s.%s" $.key $field -}}
{{- if not $.goesOn }}
{{ $place }}: is not for an init container; remove it
{{- else if ne $field "lifecycle" -}}
{{- include "modelservice.validate.probe" (dict "key" $place "kind" (trimSuffix "Probe" $field) "probe" $probe) -}}
{{- if not (pick $probe "httpGet" "tcpSocket" "grpc" "exec") }}
{{ $place }}: needs one handler, such as httpGet
{{- end -}}
{{- range $handler, $asked := pick $probe "httpGet" "tcpSocket" -}}
{{- if not (or (regexMatch "^[0-9]+$" (toString $asked.port)) (has $asked.port $names)) }}
{{ $place }}.{{ $handler }}.port: no port of the container is called {{ $asked.port }}; write its number
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A probe: (dict "key" … "kind" … "probe" …). */}}
{{- define "modelservice.validate.probe" -}}
{{- $handlers := pick .probe "httpGet" "tcpSocket" "grpc" "exec" -}}
{{- if gt (len $handlers) 1 }}
{{ .key }}: {{ keys $handlers | sortAlpha | join " and " }} stand side by side; keep one
{{- end -}}
{{- if and (eq .kind "readiness") (hasKey .probe "terminationGracePeriodSeconds") }}
{{ .key }}.terminationGracePeriodSeconds: is for startup and liveness probes only; remove it
{{- end -}}
{{- if and (ne .kind "readiness") (ne (int (.probe.successThreshold | default 1)) 1) }}
{{ .key }}.successThreshold: must be 1; remove it
{{- end -}}
{{- end }}
