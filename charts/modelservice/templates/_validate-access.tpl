{{/* Ways from outside of the cluster, and the keys that they ask for. */}}
{{- define "modelservice.validate.access" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
ingress.hosts: is empty, and an Ingress without a host takes every host's /v1; name one
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
httpRoute.parentRefs: is empty, and a route hangs on a gateway; name one
{{- end }}
{{- $seen := dict -}}
{{- range $index, $parent := .Values.httpRoute.parentRefs -}}
{{- $which := printf "%s %s %s %s" (.group | default "gateway.networking.k8s.io") (.kind | default "Gateway") .name (.namespace | default "") -}}
{{- $section := .sectionName | default "" -}}
{{- $others := get $seen $which | default list -}}
{{- if and $others (not .port) (or (not $section) (has "" $others) (has $section $others)) }}
httpRoute.parentRefs[{{ $index }}]: another one is the same gateway; name a listener in the sectionName of both
{{- end -}}
{{- if not .port }}{{ $_ := set $seen $which (append $others $section) }}{{ end -}}
{{- end -}}
{{- if and .Values.apiKeySecret.name (gt (len .Values.apiKeySecret.keys) 1) (not (include "modelservice.vllmSince" (list . "0.32.0"))) }}
apiKeySecret.keys: several need vLLM 0.32.0 or later, because earlier releases print them in the log; keep one
{{- end }}
{{- end }}

{{/* Ranges of ports in the network policy. */}}
{{- define "modelservice.validate.policy" -}}
{{- range $index, $way := .Values.networkPolicy.egress -}}
{{- range $number, $port := .ports -}}
{{- if and .endPort (or (not (regexMatch "^[0-9]+$" (toString .port))) (gt (int .port) (int .endPort))) }}
networkPolicy.egress[{{ $index }}].ports[{{ $number }}].endPort: {{ .endPort }} needs a number in port, at most {{ .endPort }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
