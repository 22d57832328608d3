{{/* The pod's security context: what `restricted` wants, under what the user says. */}}
{{- define "modelservice.podSecurityContext" -}}
{{- $context := dict -}}
{{- if .Values.restricted -}}
{{- $context = dict "runAsNonRoot" true "runAsUser" 2000 "runAsGroup" 2000 "fsGroup" 2000 "fsGroupChangePolicy" "OnRootMismatch" -}}
{{- end -}}
{{- include "modelservice.withoutUnset" (mergeOverwrite $context (deepCopy .Values.podSecurityContext)) -}}
{{- end }}

{{/* The security context of each of the chart's containers. */}}
{{- define "modelservice.securityContext" -}}
{{- $context := ternary (dict "readOnlyRootFilesystem" true) (dict) .Values.restricted -}}
{{- $context = mergeOverwrite $context (deepCopy .Values.securityContext) -}}
{{- /* Root without these cannot write to a volume that another user filled, or open a port below 1024; a user's own list stays as it is. */}}
{{- if and (not (include "modelservice.nonRoot" .)) (not (hasKey ($context.capabilities | default dict) "add")) (has "ALL" ($context.capabilities | default dict).drop) -}}
{{- $_ := set $context.capabilities "add" (concat (list "DAC_OVERRIDE") (ternary (list "NET_BIND_SERVICE") list (lt (int .Values.containerPort) 1024))) -}}
{{- end -}}
{{- include "modelservice.withoutUnset" $context -}}
{{- end }}

{{/* The security context of `helm test`'s container, which needs nothing; an id that the user chose, or left to the namespace, stays. */}}
{{- define "modelservice.test.securityContext" -}}
{{- $context := dict "allowPrivilegeEscalation" false "capabilities" (dict "drop" (list "ALL")) "readOnlyRootFilesystem" true "runAsUser" 2000 -}}
{{- $chosen := mergeOverwrite (deepCopy .Values.podSecurityContext) .Values.securityContext -}}
{{- include "modelservice.withoutUnset" (mergeOverwrite $context (pick $chosen "runAsUser")) -}}
{{- end }}

{{/* Whether the server runs as another user than root; an id that is left to the namespace is none. "true" or nothing. */}}
{{- define "modelservice.nonRoot" -}}
{{- $context := mergeOverwrite (deepCopy .Values.podSecurityContext) .Values.securityContext -}}
{{- $writes := hasKey .Values.securityContext "runAsUser" | ternary .Values.securityContext .Values.podSecurityContext -}}
{{- $left := and (hasKey $writes "runAsUser") (has (toString $writes.runAsUser) (list "" "<nil>")) -}}
{{- if or .Values.restricted $context.runAsNonRoot (gt (int $context.runAsUser) 0) $left }}true{{ end -}}
{{- end }}

{{/* Whether nobody writes to the image's own files. "true" or nothing. */}}
{{- define "modelservice.readOnlyRoot" -}}
{{- if hasKey .Values.securityContext "readOnlyRootFilesystem" | ternary .Values.securityContext.readOnlyRootFilesystem .Values.restricted }}true{{ end -}}
{{- end }}

{{/* Whether /root cannot hold vLLM's caches, so HOME moves to a volume. "true" or nothing. */}}
{{- define "modelservice.ownHome" -}}
{{- if or (include "modelservice.nonRoot" .) (include "modelservice.readOnly" .) (include "modelservice.readOnlyRoot" .) }}true{{ end -}}
{{- end }}
