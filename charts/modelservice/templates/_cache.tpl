{{/*
The volume for compiled code: nothing, "model" or "own". auto uses the model volume if only one pod writes to it, unless the user sets the folder
with a variable.
*/}}
{{- define "modelservice.compileCache" -}}
{{- if ne .Values.compileCache.volume "auto" -}}
{{- .Values.compileCache.volume -}}
{{- else -}}
{{- $kind := include "modelservice.modelVolume" . -}}
{{- $named := false -}}
{{- range .Values.env }}{{ if has .name (list "VLLM_CACHE_ROOT" "TRITON_CACHE_DIR" "TORCHINDUCTOR_CACHE_DIR" "FLASHINFER_WORKSPACE_BASE") }}{{ $named = true }}{{ end }}{{ end -}}
{{- $ofPod := or (eq $kind "claims") (and (eq $kind "volume") (or (hasKey .Values.modelVolume.volume "emptyDir") (hasKey .Values.modelVolume.volume "ephemeral"))) -}}
{{- $alone := and (has $kind (list "claim" "existing")) (not (has "ReadWriteMany" .Values.modelVolume.accessModes)) (le (int (include "modelservice.mostReplicas" .)) 1) -}}
{{- if and (or $ofPod $alone) (not $named) (not (include "modelservice.readOnly" .)) }}model{{ end -}}
{{- end -}}
{{- end }}

{{/* The folder for compiled code: a hidden one next to the models, or a volume of its own. */}}
{{- define "modelservice.cacheFolder" -}}
{{- if eq (include "modelservice.compileCache" .) "model" -}}
{{- include "modelservice.mountPath" . | trimSuffix "/" }}/.compile-cache
{{- else -}}
/var/cache/modelservice
{{- end -}}
{{- end }}

{{/* The variables that set the folder, one for each compiler. */}}
{{- define "modelservice.cacheEnv" -}}
{{- if include "modelservice.compileCache" . }}
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
