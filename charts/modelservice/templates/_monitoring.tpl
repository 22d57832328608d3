{{/* The labels that the service monitor gives to this release's series. */}}
{{- define "modelservice.series" -}}
namespace={{ .Release.Namespace | quote }},service={{ include "modelservice.serviceName" . | quote }}
{{- end }}

{{/* A regular expression for the names of this workload's pods, and of no other's whose name begins alike. */}}
{{- define "modelservice.podPattern" -}}
{{- include "modelservice.workloadName" . }}-{{ ternary "[0-9]+" "[a-z0-9]+-[a-z0-9]{5}" (eq .Values.workload.kind "StatefulSet") }}
{{- end }}

{{/* An alert: (list . name severity for expression summary). */}}
{{- define "modelservice.alert" -}}
alert: {{ index . 1 }}
expr: {{ index . 4 | quote }}
for: {{ index . 3 }}
labels:
  severity: {{ index . 2 }}
annotations:
  summary: {{ printf "%s in namespace %s %s" (include "modelservice.serviceName" (first .)) (first .).Release.Namespace (index . 5) | quote }}
{{- end }}
