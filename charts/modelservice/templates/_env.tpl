{{/* Whether the model volume is mounted read-only: if set, or if it cannot be written. "true" or nothing. */}}
{{- define "modelservice.readOnly" -}}
{{- $kind := include "modelservice.modelVolume" . -}}
{{- $readOnly := .Values.modelVolume.readOnly -}}
{{- if and (eq $kind "volume") (not (include "modelservice.isSet" $readOnly)) -}}
{{- $source := first (values .Values.modelVolume.volume) -}}
{{- $readOnly = or (hasKey .Values.modelVolume.volume "image") $source.readOnly -}}
{{- else if not (include "modelservice.isSet" $readOnly) -}}
{{- $readOnly = eq (join "," .Values.modelVolume.accessModes) "ReadOnlyMany" -}}
{{- end -}}
{{- if and $kind $readOnly }}true{{ end -}}
{{- end }}

{{/* The cache folder of the hub's library that the user sets with a variable; "unknown" if the values do not contain it. */}}
{{- define "modelservice.userCache" -}}
{{- $names := ternary (list "MODELSCOPE_CACHE") (list "HF_HUB_CACHE" "HUGGINGFACE_HUB_CACHE" "HF_HOME") (eq .Values.model.source "modelscope") -}}
{{- $found := "" -}}
{{- range $name := reverse $names -}}
{{- range $.Values.env -}}
{{- if eq .name $name -}}
{{- $found = "unknown" -}}
{{- with .value }}{{ $found = ternary (printf "%s/hub" (trimSuffix "/" .)) (trimSuffix "/" .) (eq $name "HF_HOME") }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if contains "$" $found }}unknown{{ else }}{{ $found }}{{ end -}}
{{- end }}

{{/*
The cache folder of the hub's library: the mounted folder if its name is that of the library's folder hub or of its parent; else the library's
default if it is below the mount, so that an existing cache is found; else the mount.
*/}}
{{- define "modelservice.hubCache" -}}
{{- $own := ternary "/root/.cache/modelscope/hub" "/root/.cache/huggingface/hub" (eq .Values.model.source "modelscope") -}}
{{- $mount := include "modelservice.mountPath" . | trimSuffix "/" -}}
{{- $mounts := list (dict "mountPath" $mount) -}}
{{- $folder := base .Values.modelVolume.subPath -}}
{{- if not (include "modelservice.modelVolume" .) }}{{ $mounts = .Values.volumeMounts -}}
{{- else if eq $folder "hub" }}{{ $mounts = list -}}
{{- else if eq $folder (base (dir $own)) }}{{ $mounts = list }}{{ $mount = printf "%s/hub" $mount }}{{ end -}}
{{- range $mounts -}}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) (printf "%s/" $own) }}{{ $mount = $own }}{{ end -}}
{{- end -}}
{{- $mount -}}
{{- end }}

{{/* The API keys from the Secret. Several keys are passed to vLLM as arguments that refer to these variables. */}}
{{- define "modelservice.keyEnv" -}}
{{- $secret := .Values.apiKeySecret -}}
{{- if $secret.name }}
- name: VLLM_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name | quote }}
      key: {{ first $secret.keys | quote }}
{{- range $index, $key := ternary $secret.keys (list) (gt (len $secret.keys) 1) }}
- name: API_KEY_{{ add $index 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name | quote }}
      key: {{ $key | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The variables that the chart sets. */}}
{{- define "modelservice.chartEnv" -}}
{{- $scope := eq .Values.model.source "modelscope" }}
{{- if $scope }}
- name: VLLM_USE_MODELSCOPE
  value: "True"
{{- end }}
{{- if and (include "modelservice.mounted" (list . (include "modelservice.hubCache" .))) (not (include "modelservice.userCache" .)) }}
- name: {{ ternary "MODELSCOPE_CACHE" "HF_HUB_CACHE" $scope }}
  value: {{ include "modelservice.hubCache" . | quote }}
{{- end }}
{{- with .Values.huggingFace.endpoint }}
- name: HF_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- if .Values.huggingFace.tokenSecret.name }}
{{- range list "HF_TOKEN" "HUGGING_FACE_HUB_TOKEN" }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      {{- toYaml (ternary $.Values.huggingFace.tokenSecret (omit $.Values.huggingFace.tokenSecret "optional") $.Values.huggingFace.tokenSecret.optional) | nindent 6 }}
{{- end }}
{{- end }}
{{- include "modelservice.keyEnv" . }}
{{- include "modelservice.cacheEnv" . }}
{{- if include "modelservice.caMount" . }}
{{- range list "SSL_CERT_FILE" "REQUESTS_CA_BUNDLE" "CURL_CA_BUNDLE" "AWS_CA_BUNDLE" }}
- name: {{ . }}
  value: {{ printf "/etc/modelservice/ca/%s" $.Values.caBundle.key | quote }}
{{- end }}
{{- end }}
{{- if include "modelservice.readOnly" . }}
- name: HF_HUB_OFFLINE
  value: "1"
- name: VLLM_NO_USAGE_STATS
  value: "1"
{{- end }}
{{- if include "modelservice.ownHome" . }}
- name: HOME
  value: /home/modelservice
{{- /* PyTorch needs a user name, and an uid that is not in the image's /etc/passwd has none. */}}
- name: USER
  value: modelservice
{{- end }}
{{- end }}

{{/* The container's variables, the user's last. */}}
{{- define "modelservice.env" -}}
{{- include "modelservice.chartEnv" . | regexFind "(?s)\\S.*" }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}
