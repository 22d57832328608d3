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

{{/* Whether the server downloads its model. "true" or nothing. */}}
{{- define "modelservice.downloads" -}}
{{- if not (or (eq .Values.model.source "local") (include "modelservice.readOnly" .)) }}true{{ end -}}
{{- end }}
