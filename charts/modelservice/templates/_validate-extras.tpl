{{/* Further objects: each an object, and none twice. Text is a template, which may come to nothing. */}}
{{- define "modelservice.validate.objects" -}}
{{- $seen := list -}}
{{- range $index, $object := .Values.extraObjects -}}
{{- if kindIs "string" . }}{{ $object = tpl . $ | fromYaml }}{{ end -}}
{{- if and $object (not (and $object.apiVersion $object.kind $object.metadata)) }}
extraObjects[{{ $index }}]: this text is no Kubernetes object; write apiVersion, kind and metadata.name
{{- else if $object -}}
{{- $group := contains "/" $object.apiVersion | ternary (splitList "/" $object.apiVersion | first) "" -}}
{{- $which := printf "%v %v %v %v" $object.kind $object.metadata.name ($object.metadata.namespace | default "") $group -}}
{{- if has $which $seen }}
extraObjects[{{ $index }}]: {{ $object.kind }} {{ $object.metadata.name }} is there twice; keep one
{{- end -}}
{{- $seen = append $seen $which -}}
{{- end -}}
{{- end -}}
{{- end }}
