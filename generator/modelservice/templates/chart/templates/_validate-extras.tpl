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

{{/* Secrets: values files go into Git. What a template brings, or a placeholder that Argo CD's plugins fill in, is no value yet. */}}
{{- define "modelservice.validate.secrets" -}}
{{- range $index, $item := .Values.extraObjects -}}
{{- $texts := list (toYaml $item) -}}
{{- if kindIs "string" $item -}}
{{- $text := regexReplaceAll "(?s)\\{\\{.*?(\\}\\}|\\z)" $item "<template>" -}}
{{- $texts = regexSplit "(?m)^---" (regexReplaceAll "(?m)^[ \\t]*(<template>[ \\t]*)+$" $text "") -1 -}}
{{- end -}}
{{- range $texts -}}
{{- $object := fromYaml . -}}
{{- range concat (list $object) ($object.items | default list) -}}
{{- if and (eq (toString .kind) "Secret") (eq (toString .apiVersion) "v1") (include "modelservice.hasLiteral" .) }}
extraObjects[{{ $index }}]: a Secret has its values in plain text; remove it, and make it with kubectl create secret, an ExternalSecret or a SealedSecret
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Say whether a Secret has a value that is neither empty nor brought by a template or a plugin; null is "<nil>". */}}
{{- define "modelservice.hasLiteral" -}}
{{- range list .data .stringData -}}
{{- $values := list . -}}
{{- if kindIs "map" . }}{{ $values = values . }}{{ end -}}
{{- range $values -}}
{{- if not (regexMatch "^$|<template>|<path:[^<>]+>|^<[^<>]*>$" (toString .)) }}true{{ end -}}
{{- end -}}
{{- end -}}
{{- end }}
