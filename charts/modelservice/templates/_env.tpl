{{/* Whether the model volume is mounted read-only: as said, or when nothing else is possible. "true" or nothing. */}}
{{- define "modelservice.readOnly" -}}
{{- $readOnly := .Values.modelVolume.readOnly -}}
{{- if not (include "modelservice.isSet" $readOnly) -}}
{{- $readOnly = eq (join "," .Values.modelVolume.accessModes) "ReadOnlyMany" -}}
{{- end -}}
{{- if $readOnly }}true{{ end -}}
{{- end }}

{{/* The API keys, each from the Secret. Several reach vLLM as arguments that name these variables. */}}
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
{{- if eq .Values.model.source "modelscope" }}
- name: VLLM_USE_MODELSCOPE
  value: "True"
- name: MODELSCOPE_CACHE
  value: {{ include "modelservice.mountPath" . | quote }}
{{- else }}
- name: HF_HUB_CACHE
  value: {{ include "modelservice.mountPath" . | quote }}
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
      {{- toYaml $.Values.huggingFace.tokenSecret | nindent 6 }}
{{- end }}
{{- end }}
{{- include "modelservice.keyEnv" . }}
{{- include "modelservice.cacheEnv" . }}
{{- if include "modelservice.readOnly" . }}
- name: HF_HUB_OFFLINE
  value: "1"
- name: VLLM_NO_USAGE_STATS
  value: "1"
{{- end }}
{{- if include "modelservice.ownHome" . }}
- name: HOME
  value: /home/modelservice
{{- /* PyTorch asks for the user's name, and an uid that is not in the image's /etc/passwd has none. */}}
- name: USER
  value: modelservice
{{- end }}
{{- end }}

{{/* The container's variables, the user's last. */}}
{{- define "modelservice.env" -}}
{{- include "modelservice.chartEnv" . | trim }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}
