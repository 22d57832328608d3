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
{{- if not (regexMatch "^$|<template>|<path:[^<>]+>|^<[^<>]*>$|^[$][{][^{}]+[}]$|^(ref[+]|vault:|ENC\\[)" (toString .)) }}true{{ end -}}
{{- end -}}
{{- end -}}
{{- end }}
