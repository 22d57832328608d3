{{/* Whether the image is one of vLLM's own, or a mirror of it. "true" or nothing. */}}
{{- define "modelservice.ownImage" -}}
{{- $path := printf "%s/%s" .Values.image.registry .Values.image.repository -}}
{{- $other := has (base (dir $path)) (list "lmcache") -}}
{{- if and (has (base $path) (list "vllm-openai" "vllm-openai-nonroot" "vllm-openai-cpu" "vllm-openai-rocm" "vllm-openai-xpu" "vllm-cpu-release-repo" "vllm-arm64-cpu-release-repo")) (not $other) }}true{{ end -}}
{{- end }}

{{/*
The three numbers of a release: from vllmVersion, or from the tag, or nothing. In a tag such as rocm6.4.1_vllm_0.10.1 it is the number after vllm.
For images that are not vLLM's own it may be the version of something else; a number as high as a year is not a vLLM release.
*/}}
{{- define "modelservice.releaseNumber" -}}
{{- $tag := .Values.image.tag -}}
{{- $named := regexFind "vllm[-_]?v?[0-9]+[.][0-9]+[.][0-9]+" $tag | default $tag -}}
{{- $found := regexFind "[0-9]{1,9}[.][0-9]{1,9}[.][0-9]{1,9}" (.Values.vllmVersion | default $named) -}}
{{- if $found }}{{ if semverCompare "<2.0.0" $found }}{{ $found }}{{ end }}{{ end -}}
{{- end }}

{{/* The number if it is at least the oldest listed release; a lower one may be the version of something other than vLLM. */}}
{{- define "modelservice.listedNumber" -}}
{{- with include "modelservice.releaseNumber" . }}{{ if semverCompare ">=0.10.0" . }}{{ . }}{{ end }}{{ end -}}
{{- end }}

{{/* The three numbers of the image's vLLM release, or nothing if neither vllmVersion nor the tag sets it; the tag of another image counts only if it names vllm. */}}
{{- define "modelservice.vllmVersion" -}}
{{- $named := regexMatch "vllm[-_]?v?[0-9]+[.][0-9]+[.][0-9]+" .Values.image.tag -}}
{{- if or .Values.vllmVersion $named (include "modelservice.ownImage" .) }}{{ include "modelservice.releaseNumber" . }}{{ end -}}
{{- end }}

{{/* Whether the image's vLLM is known to be at least this release: (list . release). "true" or nothing. */}}
{{- define "modelservice.vllmSince" -}}
{{- with include "modelservice.vllmVersion" (first .) -}}
{{- if semverCompare (printf ">=%s" (last $)) . }}true{{ end -}}
{{- end -}}
{{- end }}

{{/* The command that starts the server. `vllm serve` was added in 0.5.2 (vllm-project/vllm#5090). */}}
{{- define "modelservice.command" -}}
{{- $old := false -}}
{{- with include "modelservice.vllmVersion" . }}{{ $old = semverCompare "<0.5.2" . }}{{ end -}}
{{- $server := ternary (list "python3" "-m" "vllm.entrypoints.openai.api_server" "--model") (list "vllm" "serve") $old -}}
{{- toYaml (.Values.command | default (append $server .Values.model.name)) -}}
{{- end }}

{{/* Whether the model's name or the command contains the address of an object store, which vLLM reads itself. "true" or nothing. */}}
{{- define "modelservice.objectStore" -}}
{{- range concat (list .Values.model.name) .Values.command -}}
{{- if regexMatch "^(s3|gs|az)://" . }}true{{ end -}}
{{- end -}}
{{- end }}

{{/* Whether the user's arguments contain one of these flags: (list . flag...). "true" or nothing. */}}
{{- define "modelservice.argumentGiven" -}}
{{- $flags := rest . -}}
{{- range (first .).Values.args -}}
{{- if has (regexReplaceAll "=.*" . "" | replace "_" "-") $flags }}true{{ end -}}
{{- end -}}
{{- end }}

{{/* The user's arguments. Kubernetes expands $(NAME) and reads $$ as $. Names in `env` are references, and with envFrom, whose variables the chart does not see, all names are; any other $ is text. */}}
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

{{/* The flags for a pooling model: vLLM 0.10.1 replaced --task by two flags. An unknown release gets none. Every release with --task accepts "embedding", but the first ones have no "embed". */}}
{{- define "modelservice.taskArguments" -}}
{{- $task := .Values.model.task -}}
{{- if and (ne $task "generate") (not (include "modelservice.argumentGiven" (list . "--task" "--runner" "--convert"))) -}}
{{- $embedding := eq $task "embedding" -}}
{{- if include "modelservice.vllmSince" (list . "0.10.1") }}
- --runner=pooling
- --convert={{ ternary "embed" "classify" $embedding }}
{{- else if include "modelservice.vllmVersion" . }}
- --task={{ $task }}
{{- end }}
{{- end }}
{{- end }}

{{/* The model names that clients may send, separated by commas; responses contain the first one. */}}
{{- define "modelservice.servedNames" -}}
{{- $names := .Values.model.servedName | default .Values.model.name -}}
{{- kindIs "slice" $names | ternary $names (list $names) | join ", " -}}
{{- end }}

{{/* Seconds before SIGTERM in which the endpoints remove the pod; the duration of a command other than sleep is unknown. */}}
{{- define "modelservice.drainSeconds" -}}
{{- $command := dig "preStop" "exec" "command" list .Values.lifecycle | join " " -}}
{{- $slept := regexFind "(^|[ /])sleep [0-9]{1,9}($|[ ;&])" $command | regexFind "[0-9]+" -}}
{{- $usual := min 15 (div .Values.terminationGracePeriodSeconds 2) -}}
{{- dig "preStop" "sleep" "seconds" ($slept | default $usual) .Values.lifecycle | int -}}
{{- end }}

{{/* The arguments of the container, the user's last: vLLM uses the last one of a repeated flag. */}}
{{- define "modelservice.arguments" -}}
{{- /* Several names must be followed by another flag: vLLM would treat anything else as a name. */}}
{{- $names := .Values.model.servedName }}
{{- if kindIs "slice" $names }}
- --served-model-name
{{- range $names }}
- {{ . | quote }}
{{- end }}
{{- end }}
- --port={{ .Values.containerPort }}
{{- with kindIs "string" $names | ternary $names "" }}
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
{{- if and .Values.gpu.vgpu.enabled (gt (int .Values.gpu.count) 1) (not (include "modelservice.argumentGiven" (list . "--disable-custom-all-reduce" "--no-disable-custom-all-reduce" "--enable-custom-all-reduce"))) }}
{{- /* vLLM's custom all-reduce shares memory between GPUs, which does not work with slices of GPUs: Project-HAMi/HAMi#1947. */}}
- --disable-custom-all-reduce
{{- end }}
{{- if and (include "modelservice.vllmSince" (list . "0.18.1")) (not (include "modelservice.argumentGiven" (list . "--shutdown-timeout"))) }}
- --shutdown-timeout={{ sub .Values.terminationGracePeriodSeconds (add (include "modelservice.drainSeconds" .) 5) | max 0 }}
{{- end }}
{{- include "modelservice.userArguments" . }}
{{- end }}

{{/* Arguments that only the chart may set, for an image with a known command line. */}}
{{- define "modelservice.validate.arguments" -}}
{{- if and .Values.args (not .Values.command) (include "modelservice.ownImage" .) -}}
{{- range $index, $argument := .Values.args -}}
{{- $flag := regexFind "^[^= ]*" $argument | replace "_" "-" -}}
{{- $value := regexReplaceAll "^[^= ]*[ =]?" $argument "" -}}
{{- if eq $argument $flag }}{{ $value = index (append $.Values.args "") (add1 $index) }}{{ end -}}
{{- $everywhere := and (eq $flag "--host") (regexMatch `^(0\.0\.0\.0|::|\$\(.+\))$` $value) -}}
{{- $named := and (eq $flag "--served-model-name") (contains "$(" $value) -}}
{{- if and (has $flag (list "--api-key" "--download-dir" "--enable-auto-tool-choice" "--grpc" "--headless" "--help" "--hf-token" "--host" "--model" "--port" "--reasoning-parser" "--revision" "--root-path" "--served-model-name" "--ssl-certfile" "--ssl-keyfile" "--tool-call-parser" "--uds")) (not (or $everywhere $named)) }}
args[{{ $index }}]: {{ $flag }} is reserved for the chart; remove it, or use its field [argument-owned]
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The shell script in the command that starts vLLM, with its index: "index script", or nothing. */}}
{{- define "modelservice.script" -}}
{{- $shell := false -}}
{{- $next := false -}}
{{- range $index, $word := .Values.command -}}
{{- if $next -}}
{{- if contains "vllm" $word }}{{ printf "%d %s" $index $word }}{{ end -}}
{{- $shell = false -}}
{{- end -}}
{{- $next = and $shell (regexMatch "^-[a-z]*c$" $word) -}}
{{- if regexMatch "^(.*/)?(sh|ash|bash|dash|ksh|zsh)$" $word }}{{ $shell = not $next }}{{ end -}}
{{- end -}}
{{- end }}

{{/* Whether a script has one of these flags: (list script flag...). "true" or nothing. */}}
{{- define "modelservice.scriptSays" -}}
{{- $script := first . | replace "_" "-" -}}
{{- range rest . -}}
{{- if regexMatch (printf "(^|[^A-Za-z0-9-])%s([^A-Za-z0-9-]|$)" (regexQuoteMeta .)) $script }}true{{ end -}}
{{- end -}}
{{- end }}

{{/* A script must pass the arguments on, or set the same flags itself. A file or a variable may set the chart's flags. */}}
{{- define "modelservice.validate.command" -}}
{{- $script := include "modelservice.script" . -}}
{{- $at := regexFind "^[0-9]+" $script | int -}}
{{- if not $script -}}
{{- else if regexMatch "[$][{]?[@*1-9]" $script -}}
{{- /* The item after the script is the shell's $0: a user's item, or the chart's first argument. */}}
{{- $first := index (concat .Values.command (list (include "modelservice.arguments" . | fromYamlArray | first))) (add1 $at) -}}
{{- $harmless := and (hasPrefix "--port=" $first) (or (eq (int .Values.containerPort) 8000) (include "modelservice.scriptSays" (list $script "--port"))) -}}
{{- if and (regexMatch "^--?[A-Za-z]" $first) (not $harmless) (not (regexMatch "[$][{]?0" $script)) }}
command[{{ $at }}]: the shell uses {{ $first }} as its own name ($0), so vLLM does not get it; add an item sh after the script [command-arguments]
{{- end -}}
{{- else -}}
{{- $arguments := include "modelservice.arguments" . | fromYamlArray -}}
{{- $chart := sub (len $arguments) (len .Values.args) | int -}}
{{- $vague := regexMatch "--config\\b|[$][{]?[A-Za-z0-9_]*(ARG|OPT|FLAG|PARAM|EXTRA)" $script -}}
{{- $small := list "--port" "--shutdown-timeout" "--disable-custom-all-reduce" "--enable-auto-tool-choice" "--enable-ssl-refresh" -}}
{{- $lost := list -}}
{{- range $index, $argument := $arguments -}}
{{- $flag := regexFind "^--?[A-Za-z][^= ]*" $argument | replace "_" "-" -}}
{{- $same := list $script $flag -}}
{{- if eq $flag "--tensor-parallel-size" }}{{ $same = concat $same (list "--tensor-parallel-size" "-tp" "--pipeline-parallel-size" "-pp" "--prefill-context-parallel-size" "-pcp" "--data-parallel-size" "-dp" "--data-parallel-size-local" "-dpl") }}{{ end -}}
{{- if has $flag (list "--task" "--runner" "--convert") }}{{ $same = concat $same (list "--task" "--runner" "--convert") }}{{ end -}}
{{- $ours := lt $index $chart -}}
{{- if and $flag (not (and $ours (or $vague (has $flag $small)))) (not (include "modelservice.scriptSays" $same)) -}}
{{- $lost = append $lost $flag -}}
{{- end -}}
{{- end -}}
{{- with $lost }}
command[{{ $at }}]: starts vLLM without "$@", so vLLM does not get {{ join ", " . }}; end the script with "$@" and add a last item sh [command-arguments]
{{- end -}}
{{- end -}}
{{- end }}
