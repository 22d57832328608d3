{{/*
A probe: (dict "context" . "defaults" … "given" …). The user's fields override the defaults, and a user's handler replaces /health. The
timeout is at most the user's period.
*/}}
{{- define "modelservice.probe" -}}
{{- $probe := omit (mergeOverwrite (dict) .defaults (deepCopy .given)) "enabled" -}}
{{- if not .given.timeoutSeconds }}{{ $_ := set $probe "timeoutSeconds" (min $probe.timeoutSeconds $probe.periodSeconds) }}{{ end -}}
{{- if not (pick .given "httpGet" "tcpSocket" "grpc" "exec") }}{{ $_ := set $probe "httpGet" (dict "path" "/health" "port" "http") }}{{ end -}}
{{- if and .context.Values.tls.secretName $probe.httpGet -}}
{{- $_ := set $probe "httpGet" (merge $probe.httpGet (dict "scheme" "HTTPS")) -}}
{{- end -}}
{{- toYaml $probe -}}
{{- end }}

{{/* The startup probe: the number of tries is the start-up budget divided by the period. */}}
{{- define "modelservice.startupProbe" -}}
{{- $given := .Values.probes.startup -}}
{{- $period := $given.periodSeconds | default 10 | int -}}
{{- $tries := div (add (int .Values.startupSeconds) $period -1) $period -}}
{{- include "modelservice.probe" (dict "context" . "given" $given "defaults" (dict "periodSeconds" $period "timeoutSeconds" 3 "failureThreshold" $tries)) -}}
{{- end }}

{{/* The total seconds of the startup probe; the probe's own fields override the budget. */}}
{{- define "modelservice.startupBudget" -}}
{{- $probe := include "modelservice.startupProbe" . | fromYaml -}}
{{- add (int $probe.initialDelaySeconds) (mul (int $probe.periodSeconds) (int $probe.failureThreshold)) -}}
{{- end }}

{{/*
Seconds until a rollout has failed: the budget, and ten minutes to pull the image and attach the volume, which no probe covers. A pre-download
is not covered either: it adds the budget once more.
*/}}
{{- define "modelservice.deadline" -}}
{{- add (mul (include "modelservice.startupBudget" .) (ternary 2 1 (ne (include "modelservice.preDownload" .) ""))) 600 -}}
{{- end }}

{{/*
The container's probes. A saturated vLLM answers /health late, and a killed pod must load its model again, so it is restarted only after 200
seconds without a response. A server whose worker died exits by itself.
*/}}
{{- define "modelservice.probes" -}}
{{- with .Values.probes -}}
{{- if ne (toString .startup.enabled) "false" }}
startupProbe:
  {{- include "modelservice.startupProbe" $ | nindent 2 }}
{{- end }}
{{- if ne (toString .readiness.enabled) "false" }}
readinessProbe:
  {{- include "modelservice.probe" (dict "context" $ "given" .readiness "defaults" (dict "periodSeconds" 10 "timeoutSeconds" 10 "failureThreshold" 3)) | nindent 2 }}
{{- end }}
{{- if ne (toString .liveness.enabled) "false" }}
livenessProbe:
  {{- include "modelservice.probe" (dict "context" $ "given" .liveness "defaults" (dict "periodSeconds" 20 "timeoutSeconds" 15 "failureThreshold" 10)) | nindent 2 }}
{{- end }}
{{- end -}}
{{- end }}
