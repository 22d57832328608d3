{{/* The folder of what is compiled: a hidden one beside the models, or a volume of its own. */}}
{{- define "modelservice.cacheFolder" -}}
{{- if eq .Values.compileCache.volume "model" -}}
{{- include "modelservice.mountPath" . | trimSuffix "/" }}/.compile-cache
{{- else -}}
/var/cache/modelservice
{{- end -}}
{{- end }}

{{/* The variables that name the folder, one for each of those who compile. */}}
{{- define "modelservice.cacheEnv" -}}
{{- if .Values.compileCache.volume }}
{{- $folder := include "modelservice.cacheFolder" . }}
- name: VLLM_CACHE_ROOT
  value: {{ printf "%s/vllm" $folder | quote }}
- name: TRITON_CACHE_DIR
  value: {{ printf "%s/triton" $folder | quote }}
- name: TORCHINDUCTOR_CACHE_DIR
  value: {{ printf "%s/torchinductor" $folder | quote }}
- name: FLASHINFER_WORKSPACE_BASE
  value: {{ $folder | quote }}
{{- end }}
{{- end }}
