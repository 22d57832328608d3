{{/*
What is inside the lists and maps that are Kubernetes' own. Helm compiles the whole of values.schema.json at every command, and takes
longer for that than for all the rest; this schema is read where one of them is set.
*/}}
{{- define "modelservice.validate.optional" -}}
{{- $set := dict -}}
{{- range $key, $value := dict
  "args" .Values.args
  "env" .Values.env
  "imagePullSecrets" .Values.imagePullSecrets
  "command" .Values.command
  "strategy" .Values.strategy
  "serviceAccount.annotations" .Values.serviceAccount.annotations
  "podSecurityContext" (eq (toJson .Values.podSecurityContext) `{"seccompProfile":{"type":"RuntimeDefault"}}` | ternary dict .Values.podSecurityContext)
  "securityContext" (eq (toJson .Values.securityContext) `{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}` | ternary dict .Values.securityContext)
  "modelVolume.dataSource" .Values.modelVolume.dataSource
  "volumes" .Values.volumes
  "volumeMounts" .Values.volumeMounts
  "nodeSelector" .Values.nodeSelector
  "affinity" .Values.affinity
  "tolerations" .Values.tolerations
  "topologySpreadConstraints" .Values.topologySpreadConstraints
  "probes.startup" .Values.probes.startup
  "probes.readiness" .Values.probes.readiness
  "probes.liveness" .Values.probes.liveness
  "ingress.annotations" .Values.ingress.annotations
  "ingress.hosts" .Values.ingress.hosts
  "ingress.tls" .Values.ingress.tls
  "httpRoute.annotations" .Values.httpRoute.annotations
  "httpRoute.parentRefs" .Values.httpRoute.parentRefs
  "httpRoute.hostnames" .Values.httpRoute.hostnames
  "networkPolicy.from" .Values.networkPolicy.from
  "networkPolicy.egress" .Values.networkPolicy.egress
  "autoscaling.metrics" .Values.autoscaling.metrics
  "autoscaling.triggers" .Values.autoscaling.triggers
  "autoscaling.behavior" .Values.autoscaling.behavior
  "serviceMonitor.labels" .Values.serviceMonitor.labels
  "prometheusRule.labels" .Values.prometheusRule.labels
  "podLabels" .Values.podLabels
  "podAnnotations" .Values.podAnnotations
  "initContainers" .Values.initContainers
  "extraContainers" .Values.extraContainers
  "extraObjects" .Values.extraObjects
  "labels" .Values.labels
  "annotations" .Values.annotations
-}}
{{- if $value }}{{ $_ := set $set $key $value }}{{ end -}}
{{- end -}}
{{- if $set -}}
{{- tpl (.Files.Get "checks/schema.tpl") (dict "fields" $set "schema" (.Files.Get "values.optional.schema.json" | fromJson)) -}}
{{- end -}}
{{- end }}
