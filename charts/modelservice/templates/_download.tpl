{{/*
Downloads the model without the files that vLLM does not read. It calls the functions of the hubs' Python packages, because the names of their
commands change. If the hub does not respond, a complete model in the volume is served. A commit in the volume is not requested again.
*/}}
{{- define "modelservice.download.program" -}}
{{ include "modelservice.download.stop" . }}
import json, re
model, revision = os.environ["MODEL"], os.environ["REVISION"] or None
{{- if eq .Values.model.source "modelscope" }}
from modelscope import snapshot_download
def download():
    snapshot_download(model, revision=revision)
{{- else }}
from huggingface_hub import HfApi, snapshot_download
def download():
    files = [file.rfilename for file in HfApi().model_info(model, revision=revision, timeout=60).siblings]
    ignored = ["original/*", "onnx/*", "openvino/*", "*.onnx*", "*.h5", "*.msgpack", "*.ot"]
    if any(name.endswith(".safetensors") for name in files):
        ignored += ["pytorch_model*.bin", "*.pt", "*.pth"]
    snapshot_download(model, revision=revision, ignore_patterns=ignored, etag_timeout=60)
{{- end }}
def complete():
    try:
        folder = snapshot_download(model, revision=revision, local_files_only=True)
        here = {name for name in os.listdir(folder) if os.path.exists(os.path.join(folder, name))}
        indexes = [json.load(open(os.path.join(folder, name))) for name in here if name.endswith(".index.json")]
    except Exception:
        return False
    if indexes:
        return any(here.issuperset(index["weight_map"].values()) for index in indexes)
    return "config.json" in here and any(name.endswith((".safetensors", ".bin", ".pt", ".pth")) for name in here)
if not (re.fullmatch("[0-9a-f]{40}", revision or "") and complete()):
    try:
        download()
    except Exception as error:
        if not complete():
            raise
        print("the hub did not answer as it should, and the model in the volume is complete:", repr(error))
{{- if eq (include "modelservice.preDownload" .) "Job" }}
open(os.environ["MARKER"], "w").close()
{{- end }}
print("the model is there:", model)
{{- end }}

{{/* How the model is downloaded before the start; nothing if it is in a volume. */}}
{{- define "modelservice.preDownload" -}}
{{- if ne .Values.model.source "local" }}{{ .Values.modelVolume.preDownload }}{{ end -}}
{{- end }}

{{/* The first process of a container ignores SIGTERM unless it sets a handler. */}}
{{- define "modelservice.download.stop" -}}
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
{{- end }}

{{/* Waits for the file that marks the model as downloaded. */}}
{{- define "modelservice.download.wait" -}}
{{ include "modelservice.download.stop" . }}
while not os.path.exists(os.environ["MARKER"]):
    print("waiting for the Job that downloads", os.environ["MODEL"], flush=True)
    time.sleep(10)
{{- end }}

{{/* The file that marks the model as downloaded, for pods that wait for the Job. */}}
{{- define "modelservice.download.marker" -}}
{{- $what := list .Values.model.source .Values.model.name .Values.model.revision | join " " -}}
{{- include "modelservice.mountPath" . | trimSuffix "/" }}/.downloaded-{{ $what | sha256sum | trunc 16 }}
{{- end }}

{{/*
The user's volumes that the download mounts like the server, for example with the certificates of a private authority. A Job's pod mounts no
claims: a claim for a single node would then be unavailable to the pods that wait for the Job.
*/}}
{{- define "modelservice.download.volumes" -}}
{{- $job := eq (include "modelservice.preDownload" .) "Job" -}}
{{- $mounted := list -}}
{{- range .Values.volumeMounts }}{{ $mounted = append $mounted .name }}{{ end -}}
{{- $found := list -}}
{{- range .Values.volumes -}}
{{- if and (has .name $mounted) (not (and $job (or .persistentVolumeClaim .ephemeral))) }}{{ $found = append $found . }}{{ end -}}
{{- end -}}
{{- with $found }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* The mounts of these volumes. */}}
{{- define "modelservice.download.mounts" -}}
{{- $names := list -}}
{{- range include "modelservice.download.volumes" . | fromYamlArray }}{{ $names = append $names .name }}{{ end -}}
{{- $found := list -}}
{{- range .Values.volumeMounts }}{{ if has .name $names }}{{ $found = append $found . }}{{ end }}{{ end -}}
{{- with $found }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* A small container with the server's image: (list . name program). Only the download gets credentials and write access. */}}
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
    value: {{ regexReplaceAll ":[A-Z0-9_]+$" $.Values.model.name "" | quote }}
  {{- if $downloads }}
  - name: REVISION
    value: {{ $.Values.model.revision | quote }}
  {{- end }}
  - name: MARKER
    value: {{ include "modelservice.download.marker" $ | quote }}
  - name: NVIDIA_VISIBLE_DEVICES
    value: void
  {{- range ternary (include "modelservice.env" $ | printf "%s\n" | fromYamlArray) list $downloads }}
  {{- if not (regexMatch "^(VLLM_|API_KEY_|TRITON_|TORCHINDUCTOR_|FLASHINFER_|HF_HUB_OFFLINE$|(NVIDIA|CUDA)_VISIBLE_DEVICES$|MODEL$|REVISION$|MARKER$)" .name) }}
  - {{ toYaml . | nindent 4 | regexFind "(?s)\\S.*" }}
  {{- end }}
  {{- end }}
{{- with ternary $.Values.envFrom list $downloads }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "modelservice.amounts" $.Values.modelVolume.download.resources | regexFind "(?s)\\S.*" }}
resources:
  {{- . | nindent 2 }}
{{- end }}
terminationMessagePolicy: FallbackToLogsOnError
{{- with include "modelservice.securityContext" $ }}
securityContext:
  {{- . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- include "modelservice.modelMount" (list $ (not $downloads)) | nindent 2 }}
  {{- if $downloads }}
  {{- with include "modelservice.caMount" $ | regexFind "(?s)\\S.*" }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with include "modelservice.download.mounts" $ }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- if include "modelservice.ownHome" $ }}
  - name: modelservice-home
    mountPath: /home/modelservice
  {{- end }}
  {{- if include "modelservice.readOnlyRoot" $ }}
  - name: modelservice-tmp
    mountPath: /tmp
  {{- end }}
{{- end }}

{{/* The init containers: the user's, and the download or the wait for it. */}}
{{- define "modelservice.initContainers" -}}
{{- with .Values.initContainers }}
{{ toYaml . }}
{{- end }}
{{- $way := include "modelservice.preDownload" . }}
{{- if eq $way "InitContainer" }}
- {{ include "modelservice.helperContainer" (list . "download-model" (include "modelservice.download.program" .)) | nindent 2 | regexFind "(?s)\\S.*" }}
{{- else if eq $way "Job" }}
- {{ include "modelservice.helperContainer" (list . "wait-for-model" (include "modelservice.download.wait" .)) | nindent 2 | regexFind "(?s)\\S.*" }}
{{- end }}
{{- end }}

{{/* The Job that downloads the model into a volume that many pods share. */}}
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
    {{- /* A failed pod is kept, with its log. */}}
    restartPolicy: Never
    {{- include "modelservice.podIdentity" . | nindent 4 }}
    {{- with pick .Values.podSpec "dnsConfig" "dnsPolicy" "hostAliases" }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with include "modelservice.scheduling" (list . (pick (include "modelservice.affinity" . | fromYaml) "nodeAffinity")) | regexFind "(?s)\\S.*" }}
    {{- . | nindent 4 }}
    {{- end }}
    containers:
      - {{ include "modelservice.helperContainer" (list . "download-model" (include "modelservice.download.program" .)) | nindent 8 | regexFind "(?s)\\S.*" }}
    volumes:
      {{- include "modelservice.modelSource" (list . false) | nindent 6 }}
      {{- with include "modelservice.caVolume" . | regexFind "(?s)\\S.*" }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "modelservice.download.volumes" . }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- if include "modelservice.ownHome" . }}
      - name: modelservice-home
        emptyDir: {}
      {{- end }}
      {{- if include "modelservice.readOnlyRoot" . }}
      - name: modelservice-tmp
        emptyDir: {}
      {{- end }}
{{- end }}
