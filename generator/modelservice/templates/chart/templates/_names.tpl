{{/*
The value of app.kubernetes.io/name, which differs for two aliases in one umbrella chart with either override. A label has at most 63
characters; nine of them are for a suffix.
*/}}
{{- define "modelservice.name" -}}
{{- include "modelservice.limited" (list (.Values.nameOverride | default .Values.fullnameOverride | default "modelservice") 54) -}}
{{- end }}

{{/* The name of the release's objects, of any length; dots become dashes, as the LLMOS operator writes them. */}}
{{- define "modelservice.fullname" -}}
{{- .Values.fullnameOverride | default (printf "%s-%s" (include "modelservice.name" .) .Release.Name) | replace "." "-" -}}
{{- end }}

{{/* The name of the release's objects, cut to a length: (list . limit). */}}
{{- define "modelservice.limitedName" -}}
{{- include "modelservice.limited" (list (include "modelservice.fullname" (first .)) (last .)) -}}
{{- end }}

{{/* Text, cut to a length: (list text limit). A hash distinguishes two long texts that differ only at the end. */}}
{{- define "modelservice.limited" -}}
{{- $name := first . -}}
{{- $limit := last . -}}
{{- if le (len $name) $limit -}}
{{- $name -}}
{{- else -}}
{{- printf "%s-%s" ($name | trunc (int (sub $limit 9)) | trimAll "-") ($name | sha256sum | trunc 8) -}}
{{- end -}}
{{- end }}

{{/* The name of the Deployment or StatefulSet: a longer one leaves no room for the hash in the labels of its pods. */}}
{{- define "modelservice.workloadName" -}}
{{- include "modelservice.limitedName" (list . 52) -}}
{{- end }}

{{/* Name of the Service, and of every other object: a DNS label. */}}
{{- define "modelservice.serviceName" -}}
{{- include "modelservice.limitedName" (list . 63) -}}
{{- end }}

{{/* The claim for the models of a Deployment. */}}
{{- define "modelservice.claimName" -}}
{{- .Values.modelVolume.existingClaim | default (printf "%s-model-dir" (include "modelservice.serviceName" .)) -}}
{{- end }}

{{/* The claim for the compiled code. */}}
{{- define "modelservice.cacheClaimName" -}}
{{- .Values.compileCache.existingClaim | default (printf "%s-compile-cache" (include "modelservice.serviceName" .)) -}}
{{- end }}

{{/* The ConfigMap with the chat template. */}}
{{- define "modelservice.chatTemplateName" -}}
{{- include "modelservice.serviceName" . }}-chat-template
{{- end }}

{{/* The pods' service account. */}}
{{- define "modelservice.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "modelservice.serviceName" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{/* The server's URL scheme. */}}
{{- define "modelservice.scheme" -}}
{{- ternary "https" "http" (ne .Values.tls.secretName "") -}}
{{- end }}
