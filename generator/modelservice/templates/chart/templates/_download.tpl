{{/*
Downloads the model: what vLLM does not read is left out. Both hubs' Python packages come with their commands, whose names change;
their functions do not.
*/}}
{{- define "modelservice.download.program" -}}
{{ include "modelservice.download.stop" . }}
model, revision = os.environ["MODEL"], os.environ["REVISION"] or None
{{- if eq .Values.model.source "modelscope" }}
from modelscope import snapshot_download
snapshot_download(model, revision=revision)
{{- else }}
from huggingface_hub import HfApi, snapshot_download
files = [file.rfilename for file in HfApi().model_info(model, revision=revision).siblings]
ignored = ["original/*", "onnx/*", "openvino/*", "*.onnx*", "*.h5", "*.msgpack", "*.ot"]
if any(name.endswith(".safetensors") for name in files):
    ignored += ["pytorch_model*.bin", "*.pt", "*.pth"]
snapshot_download(model, revision=revision, ignore_patterns=ignored)
{{- end }}
{{- if eq (include "modelservice.preDownload" .) "Job" }}
open(os.environ["MARKER"], "w").close()
{{- end }}
print("downloaded", model)
{{- end }}

{{/* How the model is downloaded before the start: not at all where it is in a volume. */}}
{{- define "modelservice.preDownload" -}}
{{- if ne .Values.model.source "local" }}{{ .Values.modelVolume.preDownload }}{{ end -}}
{{- end }}

{{/* The first process of a container ignores SIGTERM unless it says what to do. */}}
{{- define "modelservice.download.stop" -}}
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
{{- end }}

{{/* Waits for the file that says that the model is there. */}}
{{- define "modelservice.download.wait" -}}
{{ include "modelservice.download.stop" . }}
while not os.path.exists(os.environ["MARKER"]):
    print("waiting for the Job that downloads", os.environ["MODEL"], flush=True)
    time.sleep(10)
{{- end }}

{{/* The file that says that the model is there, for those who wait for a Job. */}}
{{- define "modelservice.download.marker" -}}
{{- $what := list .Values.model.source .Values.model.name .Values.model.revision | join " " -}}
{{- include "modelservice.mountPath" . | trimSuffix "/" }}/.downloaded-{{ $what | sha256sum | trunc 16 }}
{{- end }}

{{/* A small container with the server's image: (list . name program). Nobody but who downloads gets credentials, and may write. */}}
{{- define "modelservice.helperContainer" -}}
{{- $ := first . -}}
{{- $downloads := eq (index . 1) "download-model" -}}
name: {{ index . 1 }}
image: {{ include "modelservice.image" $ | quote }}
{{- with $.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
command: [python3, -c]
args:
  - |
    {{- last . | nindent 4 }}
env:
  - name: MODEL
    value: {{ $.Values.model.name | quote }}
  {{- if $downloads }}
  - name: REVISION
    value: {{ $.Values.model.revision | quote }}
  {{- end }}
  - name: MARKER
    value: {{ include "modelservice.download.marker" $ | quote }}
  {{- range ternary (include "modelservice.env" $ | fromYamlArray) list $downloads }}
  {{- if not (regexMatch "^(VLLM_|API_KEY_|TRITON_|TORCHINDUCTOR_|FLASHINFER_|HF_HUB_OFFLINE$|MODEL$|REVISION$|MARKER$)" .name) }}
  - {{ toYaml . | nindent 4 | trim }}
  {{- end }}
  {{- end }}
resources:
  requests:
    cpu: "1"
    memory: 2Gi
  limits:
    cpu: "4"
    memory: 8Gi
terminationMessagePolicy: FallbackToLogsOnError
{{- with include "modelservice.securityContext" $ }}
securityContext:
  {{- . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: model-dir
    mountPath: {{ include "modelservice.mountPath" $ | quote }}
    {{- if not $downloads }}
    readOnly: true
    {{- end }}
  {{- if include "modelservice.ownHome" $ }}
  - name: home
    mountPath: /home/modelservice
  {{- end }}
  {{- if include "modelservice.readOnlyRoot" $ }}
  - name: tmp
    mountPath: /tmp
  {{- end }}
{{- end }}

{{/* What runs before the server: the user's containers, and the download or the wait for it. */}}
{{- define "modelservice.initContainers" -}}
{{- with .Values.initContainers }}
{{ toYaml . }}
{{- end }}
{{- $way := include "modelservice.preDownload" . }}
{{- if eq $way "InitContainer" }}
- {{ include "modelservice.helperContainer" (list . "download-model" (include "modelservice.download.program" .)) | nindent 2 | trim }}
{{- else if eq $way "Job" }}
- {{ include "modelservice.helperContainer" (list . "wait-for-model" (include "modelservice.download.wait" .)) | nindent 2 | trim }}
{{- end }}
{{- end }}

{{/* The Job that fills a volume which many pods share. */}}
{{- define "modelservice.download.jobSpec" -}}
backoffLimit: 10
template:
  metadata:
    labels:
      {{- include "modelservice.helperLabels" (list . "download") | nindent 6 }}
    {{- with merge (dict) .Values.podAnnotations .Values.annotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    {{- /* A pod that failed stays, and its log with it. */}}
    restartPolicy: Never
    {{- include "modelservice.podIdentity" . | nindent 4 }}
    {{- with include "modelservice.scheduling" (list . (pick (include "modelservice.affinity" . | fromYaml) "nodeAffinity")) | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    containers:
      - {{ include "modelservice.helperContainer" (list . "download-model" (include "modelservice.download.program" .)) | nindent 8 | trim }}
    volumes:
      - name: model-dir
        persistentVolumeClaim:
          claimName: {{ include "modelservice.claimName" . | quote }}
      {{- if include "modelservice.ownHome" . }}
      - name: home
        emptyDir: {}
      {{- end }}
      {{- if include "modelservice.readOnlyRoot" . }}
      - name: tmp
        emptyDir: {}
      {{- end }}
{{- end }}
