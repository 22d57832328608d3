{{/*
The vLLM release in the image, three numbers: stated, or read from the tag, or the newest one that this chart knows. In a tag such as
rocm6.4.1_vllm_0.10.1 the ones behind vllm are meant.
*/}}
{{- define "modelservice.vllmVersion" -}}
{{- $tag := .Values.image.tag -}}
{{- $named := contains "vllm" $tag | ternary (regexFind "vllm[-_]?v?[0-9]+[.][0-9]+[.][0-9]+" $tag) "" | default $tag -}}
{{- $found := regexFind "[0-9]+[.][0-9]+[.][0-9]+" (toString (.Values.vllmVersion | default $named)) -}}
{{- $found | default "0.33.0" -}}
{{- end }}

{{/* Whether the image's vLLM is at least this release: (list . release). "true" or nothing. */}}
{{- define "modelservice.vllmSince" -}}
{{- if semverCompare (printf ">=%s" (last .)) (include "modelservice.vllmVersion" (first .)) }}true{{ end -}}
{{- end }}

{{/* Whether the number is that of a listed release or a later one; an earlier one may count something else than vLLM. */}}
{{- define "modelservice.vllmListed" -}}
{{- include "modelservice.vllmSince" (list . "0.10.0") -}}
{{- end }}

{{/* Whether the user's arguments hold one of these flags: (list . flag...). "true" or nothing. */}}
{{- define "modelservice.argumentGiven" -}}
{{- $flags := rest . -}}
{{- range (first .).Values.args -}}
{{- if has (regexReplaceAll "=.*" . "" | replace "_" "-") $flags }}true{{ end -}}
{{- end -}}
{{- end }}

{{/* The user's arguments. Kubernetes expands $(NAME) and reads $$ as $: names of `env` and, where envFrom names variables that the chart does not see, all names are meant, any other $ is text. */}}
{{- define "modelservice.userArguments" -}}
{{- $env := .Values.env -}}
{{- range $argument := .Values.args -}}
{{- $argument = $argument | replace "$" "$$" -}}
{{- range $env -}}
{{- $argument = $argument | replace (printf "$$(%s)" .name) (printf "$(%s)" .name) -}}
{{- end }}
{{- if $.Values.envFrom }}{{ $argument = regexReplaceAll "[$][$][(]([A-Za-z_][A-Za-z0-9_.-]*)[)]" $argument "$(${1})" }}{{ end }}
- {{ $argument | quote }}
{{- end -}}
{{- end }}

{{/* How a pooling model is started: vLLM 0.10.1 replaced --task by two flags. */}}
{{- define "modelservice.taskArguments" -}}
{{- $task := .Values.model.task -}}
{{- if and (ne $task "generate") (not (include "modelservice.argumentGiven" (list . "--task" "--runner" "--convert"))) -}}
{{- $embedding := eq $task "embedding" -}}
{{- if include "modelservice.vllmSince" (list . "0.10.1") }}
- --runner=pooling
- --convert={{ ternary "embed" "classify" $embedding }}
{{- else }}
- --task={{ ternary "embed" "score" $embedding }}
{{- end }}
{{- end }}
{{- end }}

{{/* Seconds before SIGTERM in which the endpoints forget the pod. */}}
{{- define "modelservice.drainSeconds" -}}15{{- end }}

{{/* The arguments of the container, the user's last: of a repeated flag vLLM takes the last. */}}
{{- define "modelservice.arguments" -}}
- --port=8000
{{- with .Values.model.servedName }}
- {{ printf "--served-model-name=%s" . | quote }}
{{- end }}
{{- with .Values.model.reasoningParser }}
- {{ printf "--reasoning-parser=%s" . | quote }}
{{- end }}
{{- with .Values.model.toolCallParser }}
- --enable-auto-tool-choice
- {{ printf "--tool-call-parser=%s" . | quote }}
{{- end }}
{{- with .Values.model.revision }}
- {{ printf "--revision=%s" . | quote }}
{{- end }}
{{- with .Values.rootPath }}
- {{ printf "--root-path=%s" . | quote }}
{{- end }}
{{- include "modelservice.taskArguments" . }}
{{- if .Values.model.chatTemplate }}
- --chat-template=/etc/modelservice/chat-template/template.jinja
{{- end }}
{{- with .Values.tls.secretName }}
- --ssl-certfile=/etc/modelservice/tls/tls.crt
- --ssl-keyfile=/etc/modelservice/tls/tls.key
- --enable-ssl-refresh
{{- end }}
{{- if and .Values.apiKeySecret.name (gt (len .Values.apiKeySecret.keys) 1) }}
- --api-key
{{- range $index, $key := .Values.apiKeySecret.keys }}
- $(API_KEY_{{ add $index 1 }})
{{- end }}
{{- end }}
{{- if and (gt (int .Values.gpu.count) 1) (not (include "modelservice.argumentGiven" (list . "--tensor-parallel-size" "-tp" "--pipeline-parallel-size" "-pp" "--prefill-context-parallel-size" "-pcp" "--data-parallel-size" "-dp" "--data-parallel-size-local" "-dpl" "--nnodes" "-n"))) }}
- --tensor-parallel-size={{ .Values.gpu.count }}
{{- end }}
{{- if and (include "modelservice.vllmSince" (list . "0.18.1")) (not (include "modelservice.argumentGiven" (list . "--shutdown-timeout"))) }}
- --shutdown-timeout={{ sub .Values.terminationGracePeriodSeconds (add (include "modelservice.drainSeconds" .) 5) }}
{{- end }}
{{- include "modelservice.userArguments" . }}
{{- end }}

{{/* Arguments that are the chart's, with an image whose command line is known. */}}
{{- define "modelservice.validate.arguments" -}}
{{- if and .Values.args (not .Values.command) (has (base .Values.image.repository) (list "vllm-openai" "vllm-openai-nonroot" "vllm-openai-cpu" "vllm-cpu-release-repo" "vllm-arm64-cpu-release-repo")) -}}
{{- range $index, $argument := .Values.args -}}
{{- $flag := regexFind "^[^= ]*" $argument | replace "_" "-" -}}
{{- if has $flag (list "--api-key" "--enable-auto-tool-choice" "--grpc" "--headless" "--help" "--hf-token" "--host" "--model" "--port" "--reasoning-parser" "--revision" "--root-path" "--served-model-name" "--ssl-certfile" "--ssl-keyfile" "--tool-call-parser" "--uds") }}
args[{{ $index }}]: {{ $flag }} is the chart's; remove it, or use its field [argument-owned]
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
