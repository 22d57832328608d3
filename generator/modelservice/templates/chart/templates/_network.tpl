{{/* A path as clients outside of the cluster see it: (list . path). */}}
{{- define "modelservice.outsidePath" -}}
{{- printf "%s%s" (first .).Values.rootPath (last .) | trimSuffix "/" | default "/" -}}
{{- end }}

{{/* Ways out to DNS, and to the hub or its mirror where something is downloaded: (list . whether-something-is). */}}
{{- define "modelservice.egress" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- if last . }}
{{- $address := (first .).Values.huggingFace.endpoint | default "https://huggingface.co" | urlParse }}
{{- $port := regexFind ":[0-9]+$" $address.host | trimPrefix ":" | default (ternary "80" "443" (eq $address.scheme "http")) }}
- ports:
    - {port: {{ $port }}, protocol: TCP}
{{- end }}
{{- end }}

{{/* Whether the server downloads its model, or reads it from an object store. "true" or nothing. */}}
{{- define "modelservice.downloads" -}}
{{- $kept := or (eq .Values.model.source "local") (include "modelservice.readOnly" .) -}}
{{- if or (include "modelservice.objectStore" .) (not $kept) }}true{{ end -}}
{{- end }}
