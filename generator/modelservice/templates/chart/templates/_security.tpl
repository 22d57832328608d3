{{/* The pod's security context: the settings for `restricted`, which the user's settings override. */}}
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
{{- /* Without these capabilities, root cannot write to another user's files in a volume, or open a port below 1024. A user's own list is unchanged. */}}
{{- if and (not (include "modelservice.nonRoot" .)) (not (hasKey ($context.capabilities | default dict) "add")) (has "ALL" ($context.capabilities | default dict).drop) -}}
{{- $_ := set $context.capabilities "add" (concat (list "DAC_OVERRIDE") (ternary (list "NET_BIND_SERVICE") list (lt (int .Values.containerPort) 1024))) -}}
{{- end -}}
{{- include "modelservice.withoutUnset" $context -}}
{{- end }}

{{/* The security context of `helm test`'s container, which needs no permissions; a user id that the values set or unset is kept. */}}
{{- define "modelservice.test.securityContext" -}}
{{- $context := dict "allowPrivilegeEscalation" false "capabilities" (dict "drop" (list "ALL")) "readOnlyRootFilesystem" true "runAsUser" 2000 -}}
{{- $chosen := mergeOverwrite (deepCopy .Values.podSecurityContext) .Values.securityContext -}}
{{- include "modelservice.withoutUnset" (mergeOverwrite $context (pick $chosen "runAsUser")) -}}
{{- end }}

{{/* Whether the server does not run as root; an unset id, which the namespace then chooses, counts as not root. "true" or nothing. */}}
{{- define "modelservice.nonRoot" -}}
{{- $context := mergeOverwrite (deepCopy .Values.podSecurityContext) .Values.securityContext -}}
{{- $writes := hasKey .Values.securityContext "runAsUser" | ternary .Values.securityContext .Values.podSecurityContext -}}
{{- $left := and (hasKey $writes "runAsUser") (has (toString $writes.runAsUser) (list "" "<nil>")) -}}
{{- if or .Values.restricted $context.runAsNonRoot (gt (int $context.runAsUser) 0) $left }}true{{ end -}}
{{- end }}

{{/* Whether the image's own files are read-only. "true" or nothing. */}}
{{- define "modelservice.readOnlyRoot" -}}
{{- if hasKey .Values.securityContext "readOnlyRootFilesystem" | ternary .Values.securityContext.readOnlyRootFilesystem .Values.restricted }}true{{ end -}}
{{- end }}

{{/* Whether /root cannot hold vLLM's caches, so HOME moves to a volume. "true" or nothing. */}}
{{- define "modelservice.ownHome" -}}
{{- if or (include "modelservice.nonRoot" .) (include "modelservice.readOnly" .) (include "modelservice.readOnlyRoot" .) }}true{{ end -}}
{{- end }}
