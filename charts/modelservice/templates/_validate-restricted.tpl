{{/* Settings that the `restricted` Pod Security profile refuses. */}}
{{- define "modelservice.validate.restricted" -}}
{{- if .Values.restricted -}}
{{- range $key := list "podSecurityContext" "securityContext" -}}
{{- include "modelservice.restricted.context" (list $key (get $.Values $key)) -}}
{{- end -}}
{{- include "modelservice.restricted.container" (list "securityContext" .Values.securityContext) -}}
{{- range $key := list "initContainers" "extraContainers" -}}
{{- range $index, $container := get $.Values $key -}}
{{- $path := printf "%s[%d].securityContext" $key $index -}}
{{- include "modelservice.restricted.context" (list $path ($container.securityContext | default (dict))) -}}
{{- include "modelservice.restricted.container" (list $path ($container.securityContext | default (dict))) -}}
{{- range $number, $port := $container.ports -}}
{{- if $port.hostPort }}
{{ $key }}[{{ $index }}].ports[{{ $number }}].hostPort: is not allowed with restricted; remove it [restricted-profile]
{{- end -}}
{{- end -}}
{{- range $name, $asked := pick $container "livenessProbe" "readinessProbe" "startupProbe" -}}
{{- include "modelservice.restricted.handler" (list (printf "%s[%d].%s" $key $index $name) $asked) -}}
{{- end -}}
{{- range $name, $asked := $container.lifecycle -}}
{{- include "modelservice.restricted.handler" (list (printf "%s[%d].lifecycle.%s" $key $index $name) $asked) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "modelservice.restricted.pod" . -}}
{{- end -}}
{{- end }}

{{/* Of the pod: its security context, annotations and volumes, and the server's probes. */}}
{{- define "modelservice.restricted.pod" -}}
{{- $pod := include "modelservice.podSecurityContext" . | fromYaml -}}
{{- if eq (toJson $pod.runAsNonRoot) "null" }}
podSecurityContext.runAsNonRoot: null leaves it out, but restricted requires it; remove the key [restricted-profile]
{{- end -}}
{{- if not $pod.seccompProfile }}
podSecurityContext.seccompProfile: null leaves it out, but restricted requires it; remove the key [restricted-profile]
{{- end -}}
{{- range $index, $sysctl := .Values.podSecurityContext.sysctls -}}
{{- if not (regexMatch "^(kernel[.]shm_rmid_forced|net[.]ipv4[.](ip_local_port_range|ip_unprivileged_port_start|tcp_syncookies|ping_group_range|ip_local_reserved_ports|tcp_keepalive_(time|intvl|probes)|tcp_fin_timeout|tcp_[rw]mem))$" .name) }}
podSecurityContext.sysctls[{{ $index }}]: {{ .name }} is not allowed with restricted; remove it [restricted-profile]
{{- end -}}
{{- end -}}
{{- range $key, $profile := .Values.podAnnotations -}}
{{- if and (hasPrefix "container.apparmor.security.beta.kubernetes.io/" $key) (not (regexMatch "^(runtime/default|localhost/.*)?$" $profile)) }}
podAnnotations[{{ $key | quote }}]: is not allowed with restricted; remove it [restricted-profile]
{{- end -}}
{{- end -}}
{{- range $key := list "hostIPC" "hostNetwork" "hostPID" -}}
{{- if get $.Values.podSpec $key }}
podSpec.{{ $key }}: is not allowed with restricted; remove it [restricted-profile]
{{- end -}}
{{- end -}}
{{- $volumes := dict "modelVolume.volume" .Values.modelVolume.volume -}}
{{- range $index, $volume := .Values.volumes }}{{ $_ := set $volumes (printf "volumes[%d]" $index) . }}{{ end -}}
{{- range $path, $volume := $volumes -}}
{{- with omit . "name" "configMap" "csi" "downwardAPI" "emptyDir" "ephemeral" "image" "persistentVolumeClaim" "projected" "secret" }}
{{ $path }}.{{ keys . | first }}: is not allowed with restricted; use another kind of volume [restricted-profile]
{{- end -}}
{{- end -}}
{{- range $name, $probe := .Values.probes -}}
{{- include "modelservice.restricted.handler" (list (printf "probes.%s" $name) $probe) -}}
{{- end -}}
{{- range $name, $hook := .Values.lifecycle -}}
{{- include "modelservice.restricted.handler" (list (printf "lifecycle.%s" $name) $hook) -}}
{{- end -}}
{{- end }}

{{/* Of a probe or a hook: (list path handlers). */}}
{{- define "modelservice.restricted.handler" -}}
{{- range $handler := list "httpGet" "tcpSocket" -}}
{{- if dig $handler "host" "" (last $) }}
{{ first $ }}.{{ $handler }}.host: is not allowed with restricted; remove it [restricted-profile]
{{- end -}}
{{- end -}}
{{- end }}

{{/* Of a pod's or a container's context: (list path context). */}}
{{- define "modelservice.restricted.context" -}}
{{- $path := first . -}}
{{- $context := last . -}}
{{- if eq (toString $context.runAsNonRoot) "false" }}
{{ $path }}.runAsNonRoot: false is not allowed with restricted; remove it [restricted-profile]
{{- end }}
{{- if eq (toJson $context.runAsUser | trimAll "\"") "0" }}
{{ $path }}.runAsUser: 0 is not allowed with restricted; remove it [restricted-profile]
{{- end }}
{{- range list "seccompProfile" "appArmorProfile" -}}
{{- if eq (dig . "type" "" $context) "Unconfined" }}
{{ $path }}.{{ . }}.type: Unconfined is not allowed with restricted; use RuntimeDefault [restricted-profile]
{{- end -}}
{{- end -}}
{{- range $key, $value := $context.seLinuxOptions -}}
{{- if and $value (or (has $key (list "user" "role")) (and (eq $key "type") (not (has $value (list "container_t" "container_init_t" "container_kvm_t" "container_engine_t"))))) }}
{{ $path }}.seLinuxOptions.{{ $key }}: is not allowed with restricted; remove it [restricted-profile]
{{- end -}}
{{- end -}}
{{- end }}

{{/* Of a container's context only: (list path context). */}}
{{- define "modelservice.restricted.container" -}}
{{- $path := first . -}}
{{- $context := last . -}}
{{- if $context.privileged }}
{{ $path }}.privileged: true is not allowed with restricted; remove it [restricted-profile]
{{- end -}}
{{- if ne (toString $context.allowPrivilegeEscalation) "false" }}
{{ $path }}.allowPrivilegeEscalation: must be false with restricted [restricted-profile]
{{- end -}}
{{- if not (has "ALL" (dig "capabilities" "drop" (list) $context)) }}
{{ $path }}.capabilities.drop: must contain ALL with restricted; add it [restricted-profile]
{{- end -}}
{{- range $index, $name := dig "capabilities" "add" (list) $context -}}
{{- if ne $name "NET_BIND_SERVICE" }}
{{ $path }}.capabilities.add[{{ $index }}]: {{ $name }} is not allowed with restricted; remove it [restricted-profile]
{{- end -}}
{{- end -}}
{{- end }}
