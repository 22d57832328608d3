{{/* The labels that the service monitor gives to this release's series. */}}
{{- define "modelservice.series" -}}
namespace={{ .Release.Namespace | quote }},service={{ include "modelservice.serviceName" . | quote }}
{{- end }}

{{/*
A regular expression that matches only the names of this workload's pods, not those of a workload with the same prefix. Kubernetes cuts a pod's
name to 58 characters before it adds five: for a long Deployment name, this removes the dash and part of the hash before it.
*/}}
{{- define "modelservice.podPattern" -}}
{{- $name := include "modelservice.workloadName" . -}}
{{- $hash := gt (len $name) 46 | ternary "[a-z0-9]+-?[a-z0-9]{5}" "[a-z0-9]+-[a-z0-9]{5}" -}}
{{- $name }}-{{ ternary "[0-9]+" $hash (eq .Values.workload.kind "StatefulSet") }}
{{- end }}

{{/* An alert: (list . name severity for expression summary). */}}
{{- define "modelservice.alert" -}}
alert: {{ index . 1 }}
expr: {{ index . 4 | quote }}
for: {{ index . 3 }}
labels:
  severity: {{ index . 2 }}
  {{- /* Alertmanager distinguishes alerts by their labels, but the expressions return none. */}}
  namespace: {{ (first .).Release.Namespace | quote }}
  service: {{ include "modelservice.serviceName" (first .) | quote }}
annotations:
  summary: {{ printf "%s in namespace %s %s" (include "modelservice.serviceName" (first .)) (first .).Release.Namespace (index . 5) | quote }}
{{- end }}
