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
{{- if or (eq $key "extraContainers") (eq (toString .restartPolicy) "Always") -}}
{{- $mine := list -}}
{{- range $number, $_ := .ports -}}
{{- $port := printf "%v %s" .containerPort (.protocol | default "TCP") -}}
{{- if has $port $ports }}
{{ $key }}[{{ $index }}].ports[{{ $number }}].containerPort: {{ .containerPort }} is taken; let it listen on another port
{{- end -}}
{{- $mine = append $mine $port -}}
{{- end -}}
{{- $ports = concat $ports $mine -}}
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

{{/* Further objects: each an object, and none twice. Text is a template, which may come to nothing, or to several of them. */}}
{{- define "modelservice.validate.objects" -}}
{{- $seen := list -}}
{{- range $index, $item := .Values.extraObjects -}}
{{- $objects := list $item -}}
{{- if kindIs "string" $item -}}
{{- $objects = list -}}
{{- range regexSplit "(?m)^---(?:\\s|$)" (tpl $item $) -1 }}{{ $objects = append $objects (fromYaml .) }}{{ end -}}
{{- end -}}
{{- range $object := $objects -}}
{{- $about := get $object "metadata" | kindIs "map" | ternary (get $object "metadata") dict -}}
{{- if and $object (not (and $object.apiVersion $object.kind (or $about.name $about.generateName))) }}
extraObjects[{{ $index }}]: this text is no Kubernetes object; write apiVersion, kind and metadata.name
{{- else if and $object $about.name -}}
{{- $group := regexFind "^.*/" (toString $object.apiVersion) | trimSuffix "/" -}}
{{- $which := printf "%v %v %v %v" $object.kind $about.name ($about.namespace | default "") $group -}}
{{- if has $which $seen }}
extraObjects[{{ $index }}]: {{ $object.kind }} {{ $about.name }} is there twice; keep one
{{- end -}}
{{- $seen = append $seen $which -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
