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
  value: {{ $folder }}/vllm
- name: TRITON_CACHE_DIR
  value: {{ $folder }}/triton
- name: TORCHINDUCTOR_CACHE_DIR
  value: {{ $folder }}/torchinductor
- name: FLASHINFER_WORKSPACE_BASE
  value: {{ $folder }}
{{- end }}
{{- end }}
