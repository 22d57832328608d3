{{/* A path as clients outside the cluster see it: (list . path). */}}
{{- define "modelservice.outsidePath" -}}
{{- printf "%s%s" (first .).Values.rootPath (last .) | trimSuffix "/" | default "/" -}}
{{- end }}

{{/*
Egress rules for DNS, for the hub or its mirror if something is downloaded, and for the proxies, mirrors and collectors that variables set:
(list . whether-something-is-downloaded).
*/}}
{{- define "modelservice.egress" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- $addresses := ternary (list ((first .).Values.huggingFace.endpoint | default "https://huggingface.co")) list (ne (toString (last .)) "") }}
{{- range (first .).Values.env }}
{{- if has (upper .name) (list "HTTPS_PROXY" "HTTP_PROXY" "ALL_PROXY" "HF_ENDPOINT" "MODELSCOPE_DOMAIN" "MODELSCOPE_ENDPOINT" "AWS_ENDPOINT_URL" "AWS_ENDPOINT_URL_S3" "OTEL_EXPORTER_OTLP_ENDPOINT" "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") }}{{ $addresses = append $addresses (.value | default "") }}{{ end }}
{{- end }}
{{- range $index, $argument := (first .).Values.args }}
{{- $flag := regexFind "^[^= ]*" $argument | replace "_" "-" }}
{{- $value := ternary (index (append (first $).Values.args "") (add1 $index)) (regexReplaceAll "^[^= ]*[ =]" $argument "") (eq $argument (regexFind "^[^= ]*" $argument)) }}
{{- if eq $flag "--otlp-traces-endpoint" }}{{ $addresses = append $addresses $value }}{{ end }}
{{- end }}
{{- $ports := list }}
{{- range $addresses }}{{ $ports = append $ports (include "modelservice.addressPort" .) }}{{ end }}
{{- range compact $ports | uniq | sortAlpha }}
- ports:
    - {port: {{ . }}, protocol: TCP}
{{- end }}
{{- end }}

{{/* The port of an address, with or without a scheme and a user; nothing if the address contains a variable. */}}
{{- define "modelservice.addressPort" -}}
{{- $scheme := regexFind "^[A-Za-z0-9+.-]+://" . | lower | trimSuffix "://" -}}
{{- $host := regexReplaceAll "^([A-Za-z0-9+.-]+://)?([^/?#]*@)?([^/?#]*).*" . "${3}" -}}
{{- $usual := hasPrefix "socks" $scheme | ternary "1080" (ternary "443" "80" (eq $scheme "https")) -}}
{{- if and . (not (contains "$(" .)) }}{{ regexFind ":[1-9][0-9]{0,4}$" $host | trimPrefix ":" | default $usual }}{{ end -}}
{{- end }}

{{/* Whether the server downloads its model, or reads it from an object store. "true" or nothing. */}}
{{- define "modelservice.downloads" -}}
{{- $kept := or (eq .Values.model.source "local") (include "modelservice.readOnly" .) -}}
{{- if or (include "modelservice.objectStore" .) (not $kept) }}true{{ end -}}
{{- end }}
