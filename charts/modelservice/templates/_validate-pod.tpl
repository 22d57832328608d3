{{/* Users other than root, who cannot enter /root. */}}
{{- define "modelservice.validate.user" -}}
{{- $context := mergeOverwrite (deepCopy .Values.podSecurityContext) .Values.securityContext -}}
{{- $image := base .Values.image.repository -}}
{{- $user := toJson $context.runAsUser | trimAll "\"" -}}
{{- if or (include "modelservice.nonRoot" .) (and (eq $image "vllm-openai-nonroot") (eq $user "null")) -}}
{{- if hasPrefix "/root/" (printf "%s/" (include "modelservice.mountPath" .)) }}
modelVolume.mountPath: {{ .Values.modelVolume.mountPath }} is closed to a user other than root (see podSecurityContext, securityContext, image.repository); mount it elsewhere, such as /models
{{- end -}}
{{- range $index, $mount := .Values.volumeMounts -}}
{{- if hasPrefix "/root/" (printf "%s/" .mountPath) }}
volumeMounts[{{ $index }}].mountPath: {{ .mountPath }} is closed to a user other than root; choose a path elsewhere, such as /data
{{- end -}}
{{- end -}}
{{- end -}}
{{- $where := eq (toJson .Values.securityContext.runAsUser) "null" | ternary "podSecurityContext" "securityContext" -}}
{{- if and $context.runAsNonRoot (eq $user "0") }}
{{ $where }}.runAsUser: 0 with runAsNonRoot; set another user
{{- else if and $context.runAsNonRoot (eq $user "null") (eq $image "vllm-openai") (not .Values.restricted) }}
{{ hasKey .Values.securityContext "runAsNonRoot" | ternary "securityContext" "podSecurityContext" }}.runAsNonRoot: true, and the image {{ .Values.image.repository }} runs as root; set runAsUser beside it
{{- end }}
{{- end }}

{{/* Privileges that Kubernetes refuses together: (dict "key" … "context" …). */}}
{{- define "modelservice.validate.escalation" -}}
{{- if eq (toString .context.allowPrivilegeEscalation) "false" -}}
{{- if .context.privileged }}
{{ .key }}.privileged: true with allowPrivilegeEscalation false; remove it
{{- end -}}
{{- range $index, $name := dig "capabilities" "add" (list) .context -}}
{{- if eq $name "CAP_SYS_ADMIN" }}
{{ $.key }}.capabilities.add[{{ $index }}]: CAP_SYS_ADMIN with allowPrivilegeEscalation false; remove it
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The server's privileges, and the account that is in every namespace. */}}
{{- define "modelservice.validate.privileges" -}}
{{- include "modelservice.validate.escalation" (dict "key" "securityContext" "context" .Values.securityContext) -}}
{{- if and .Values.serviceAccount.create (eq .Values.serviceAccount.name "default") }}
serviceAccount.name: default is there already; set serviceAccount.create to false
{{- end }}
{{- end }}

{{/* The update strategy: what the kind of workload knows. */}}
{{- define "modelservice.validate.strategy" -}}
{{- $kind := .Values.workload.kind -}}
{{- $type := .Values.strategy.type | default "RollingUpdate" -}}
{{- $rolling := .Values.strategy.rollingUpdate | default (dict) -}}
{{- if and (eq $kind "StatefulSet") (eq $type "Recreate") }}
strategy.type: Recreate is for a Deployment; use RollingUpdate or OnDelete
{{- else if and (eq $kind "Deployment") (eq $type "OnDelete") }}
strategy.type: OnDelete is for a StatefulSet; use Recreate or RollingUpdate
{{- else if and $rolling (ne $type "RollingUpdate") }}
strategy.rollingUpdate: has no effect with the type {{ $type }}; remove it
{{- end }}
{{- if and (eq $kind "StatefulSet") (hasKey $rolling "maxSurge") }}
strategy.rollingUpdate.maxSurge: is for a Deployment; remove it
{{- end }}
{{- if and (eq $kind "Deployment") (hasKey $rolling "partition") }}
strategy.rollingUpdate.partition: is for a StatefulSet; remove it
{{- end }}
{{- if and (has (toString $rolling.maxSurge) (list "0" "0%")) (has (toString $rolling.maxUnavailable) (list "0" "0%")) }}
strategy.rollingUpdate.maxUnavailable: 0 beside maxSurge 0 replaces no pod; set it to 1
{{- end }}
{{- end }}

{{/* Tolerations: fields that fit together. */}}
{{- define "modelservice.validate.tolerations" -}}
{{- range $index, $toleration := .Values.tolerations -}}
{{- $exists := eq ($toleration.operator | default "Equal") "Exists" -}}
{{- if and $exists $toleration.value }}
tolerations[{{ $index }}].value: has no effect with operator Exists; remove it
{{- end -}}
{{- if not (or $exists $toleration.key) }}
tolerations[{{ $index }}]: has no key; add it, or operator Exists
{{- end -}}
{{- if and (hasKey $toleration "tolerationSeconds") (ne (toString $toleration.effect) "NoExecute") }}
tolerations[{{ $index }}].tolerationSeconds: is for the effect NoExecute only; remove it
{{- end -}}
{{- end -}}
{{- end }}

{{/* Constraints on how pods are spread: what fits together. */}}
{{- define "modelservice.validate.spread" -}}
{{- $seen := list -}}
{{- range $index, $item := .Values.topologySpreadConstraints -}}
{{- $selected := include "modelservice.selectorLabels" $ | fromYaml | keys -}}
{{- if hasKey . "labelSelector" -}}
{{- $selected = keys (.labelSelector.matchLabels | default dict) -}}
{{- range .labelSelector.matchExpressions }}{{ $selected = append $selected .key }}{{ end -}}
{{- end -}}
{{- $which := printf "%s and %s" .topologyKey .whenUnsatisfiable -}}
{{- if has $which $seen }}
topologySpreadConstraints[{{ $index }}]: another one is about {{ $which }} too; keep one
{{- end -}}
{{- $seen = append $seen $which -}}
{{- if and .minDomains (ne .whenUnsatisfiable "DoNotSchedule") }}
topologySpreadConstraints[{{ $index }}].minDomains: is for whenUnsatisfiable DoNotSchedule only; remove it
{{- end -}}
{{- range $number, $key := .matchLabelKeys -}}
{{- if has $key $selected }}
topologySpreadConstraints[{{ $index }}].matchLabelKeys[{{ $number }}]: {{ $key }} is in the selector already; remove it
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
