"""Map the words that other charts, Docker Compose and vLLM use for a field to this chart's keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# The parts of Kubernetes' pod whose fields people write at the top level.
_PARTS = ("serverContainer", "podSpec")
_TOKEN = "put the token into a Secret, and write the Secret's name in huggingFace.tokenSecret.name"  # noqa: S105  a sentence
_API_KEY = "put the key into a Secret, and write the Secret's name in apiKeySecret.name"
_ONE_MODEL = "a values file describes one model: write model, args, resources and gpu at the top level"
_COMPOSE = "a Compose file is not a values file: `modelservice import docker -f FILE` turns it into one"
_SHARED_MEMORY = "use sharedMemory.sizeLimit for /dev/shm, or podSpec.hostIPC for the node's own"
_MODEL_VOLUME = "use modelVolume, such as modelVolume.size or modelVolume.existingClaim"
_METRICS = "use serviceMonitor.enabled: the server always serves metrics"
_SCALE = "use autoscaling.kind, autoscaling.minReplicas and autoscaling.maxReplicas"
_HOOKS = "use probes.startup, probes.readiness and probes.liveness: each uses /health by default"
_NAMESPACE = "leave it out: the release's namespace is the one given to helm, Argo CD or Flux"
_ALWAYS = "leave it out: Kubernetes always restarts the container"
_NAMES = "use nameOverride or fullnameOverride: objects are named after the release"
_PORT = "use service.port for clients: the container's port needs no declaration"
_SECURITY = "use securityContext, as Kubernetes writes it"
GPU_TYPE = (
    "choose nodes with that GPU by a label in nodeSelector, such as nvidia.com/gpu.product: NVIDIA-L40S "
    "(`kubectl get nodes -L nvidia.com/gpu.product` lists them)"
)
_GPU_SWITCH = "set the number of GPUs in gpu.count; 0 means none"
_REQUESTS = "use resources.requests and resources.limits: each has cpu and memory"
_ROUTES = "write the host names in ingress.hosts, and the paths in ingress.paths"
_INGRESS_TLS = "use ingress.tls, such as [{hosts: [llm.example.com], secretName: llm-tls}]"
_TARGET = "write metrics, as in a HorizontalPodAutoscaler, or set autoscaling.kind: ScaledObject, which counts requests"
_SERVICE = "leave it out: the chart always creates a Service"

# The key that accepts the value, or a sentence → the words that people write, without regard to case, - and _. A word
# may also be a path: gpuType is gpu.type too. A word may have a key, and a sentence for values that the key refuses.
WORDS: Mapping[str, str] = {
    _PORT: "ports port servicePort servicePorts expose extraPorts",
    _SHARED_MEMORY: "ipc ipcMode",
    "sharedMemory.sizeLimit": "shm shmSize shmSizeLimit sharedMemorySize dshm",
    _TOKEN: "token hfToken huggingFaceToken huggingFaceHubToken hubToken huggingFaceApiToken",
    "huggingFace.tokenSecret.name": (
        "hfTokenSecret hfSecret hfTokenSecretName hfSecretName huggingFaceSecret huggingFaceTokenSecret"
    ),
    "huggingFace.endpoint": "hfEndpoint hfMirror huggingFaceEndpoint",
    _API_KEY: "apiKey apiKeys vllmApiKey",
    "apiKeySecret.name": "apiKeySecretName vllmApiKeySecret",
    "args": (
        "extraArgs engineArgs vllmArgs serverArgs vllmExtraArgs additionalArgs arguments extraCliArgs flags vllmFlags"
    ),
    "write vLLM's flags in args, such as --max-model-len=8192": "vllmConfig",
    "env": "environment extraEnv extraEnvVars envVars additionalEnv envs",
    "use envFrom, as Kubernetes writes it": "envFile envFromSecret extraEnvVarsSecret extraEnvVarsCM",
    _MODEL_VOLUME: (
        "persistence pvc storage persistentVolume persistentVolumeClaim volumeClaim cache modelCache modelStorage"
    ),
    "modelVolume.size": "pvcStorage storageSize volumeSize",
    "modelVolume.accessModes": "pvcAccessMode",
    "modelVolume.existingClaim": "existingClaim modelVolumePvc modelVolumeExistingPvc modelVolumeClaim",
    "probes.liveness": "customLivenessProbe",
    "probes.readiness": "customReadinessProbe",
    "probes.startup": "customStartupProbe",
    _HOOKS: "healthcheck healthProbe healthChecks",
    _ALWAYS: "restart restartPolicy",
    _NAMES: "containerName deploymentName serviceName",
    "write the model's name in model.name, and the name of the objects in fullnameOverride": "name",
    "use httpGet, as in httpGet: {path: /health, port: http}": (
        "probesStartupPath probesReadinessPath probesLivenessPath "
        "probesStartupPort probesReadinessPort probesLivenessPort"
    ),
    "use resources, gpu.count and replicas": "deploy",
    "use command, which replaces `vllm serve MODEL`, or leave it out": "entrypoint",
    "gpu.count": (
        "tensorParallelSize gpus numGpus gpuNum requestGpu numGpu gpuNumber gpuReplicas gpuGpus resourcesGpu "
        "resourcesLimitsGpu resourcesRequestsGpu resourcesNvidia.com/gpu"
    ),
    "gpu.resourceName": "requestGpuType gpuType gpuResource accelerator gpuName gpuVendor",
    "gpu.memory": "gpuSize gpuVram gpuMem",
    GPU_TYPE: (
        "gpuType gpuName gpuProduct gpuModel gpuKind gpuClass gpuAccelerator gpuArchitecture "
        "accelerator acceleratorType"
    ),
    "use gpu.count, and nodeSelector for the type of the GPUs": "accelerators gpuConfig",
    "resources.requests.memory": "requestMemory memory resourcesRequestsMem",
    "resources.limits.memory": "limitMemory memLimit resourcesLimitsMem",
    "use modelVolume.size for the volume of the model": "resourcesRequestsStorage resourcesLimitsStorage",
    "use modelVolume.volume for the model, or volumes and volumeMounts for other files": "hostPath nfs",
    "use ingress or httpRoute, or write an OpenShift Route in extraObjects": "route openshiftRoute",
    "set model.toolCallParser: it also turns tool calls on": "enableAutoToolChoice enableTools toolCalling",
    "set model.reasoningParser: it also turns reasoning on": "enableReasoning",
    "write --max-model-len in args, such as --max-model-len=8192": (
        "contextLength maxContextLength contextWindow modelLen modelLength maxModelLength"
    ),
    _GPU_SWITCH: "gpuEnabled gpuEnable useGpu",
    "nodeSelector": "gpuNodeSelector nodeLabels",
    "affinity.nodeAffinity": "nodeAffinity",
    "affinity.podAffinity": "podAffinity",
    "affinity.podAntiAffinity": "podAntiAffinity",
    "tolerations": "gpuTolerations",
    _REQUESTS: "resourcesCpu resourcesMemory",
    "resources.requests.cpu": "requestCpu cpu",
    "resources.limits.cpu": "limitCpu cpus",
    _ONE_MODEL: (
        "servingEngineSpec modelSpec routerSpec cacheServerSpec loraController models modelArtifacts decode "
        "prefill predictor"
    ),
    _COMPOSE: "services",
    "model.name": "modelUrl modelId hfModel hfModelId modelPath modelUri",
    "model.servedName": "servedModelName",
    "image.repository": "imageName",
    "image.tag": "imageVersion",
    "ingress.hosts": "ingressHost ingressHostname ingressHostnames ingressDomain ingressDomains",
    _ROUTES: "ingressRules ingressExtraHosts ingressExtraPaths",
    "leave it out: the Ingress forwards every path below those in ingress.paths": "ingressPathType",
    "leave it out: the Ingress always forwards to the chart's Service": "ingressServicePort ingressServiceName",
    _INGRESS_TLS: "ingressTlsSecret ingressTlsSecretName ingressTlsHosts ingressSecretName",
    "containerPort": "serviceTargetPort serviceContainerPort serviceInternalPort",
    _SERVICE: "serviceEnabled serviceCreate",
    "leave it out: the Service has an address of its own, and a name in the cluster's DNS": "serviceClusterIP",
    "use service.annotations, which the cloud's load balancer reads": "serviceLoadBalancerIP",
    _TARGET: (
        "autoscalingTargetCPUUtilizationPercentage autoscalingTargetMemoryUtilizationPercentage autoscalingTargetCPU "
        "autoscalingTargetMemory"
    ),
    "networkPolicy.from": "networkPolicyIngress networkPolicyAllowFrom",
    "leave it out: the account's token is never mounted": "serviceAccountAutomount",
    "securityContext.allowPrivilegeEscalation": "podSecurityContextAllowPrivilegeEscalation",
    "securityContext.capabilities": "podSecurityContextCapabilities",
    "securityContext.privileged": "podSecurityContextPrivileged",
    "securityContext.readOnlyRootFilesystem": "podSecurityContextReadOnlyRootFilesystem",
    "write name": "envKey envVariable envVar",
    "write it in valueFrom, as in valueFrom: {secretKeyRef: {name: NAME, key: KEY}}": "envSecretKeyRef",
    "write it in valueFrom, as in valueFrom: {configMapKeyRef: {name: NAME, key: KEY}}": "envConfigMapKeyRef",
    "write it in valueFrom, as in valueFrom: {fieldRef: {fieldPath: status.podIP}}": "envFieldRef",
    "write it in volumeMounts, with the name of the volume": "volumesMountPath volumesMount",
    "use persistentVolumeClaim, with the claim's name in claimName": "volumesPvc volumesClaim volumesClaimName",
    "podSecurityContext.runAsUser": "user runAsUser",
    "podSecurityContext.fsGroup": "fsGroup",
    _SECURITY: "capAdd capDrop privileged securityOpt",
    "runtimeClassName": "runtime runtimeClass",
    "terminationGracePeriodSeconds": "stopGracePeriod gracePeriod terminationGracePeriod",
    "use podSpec.hostAliases": "extraHosts",
    "use podSpec.hostNetwork: true for the node's network": "networkMode",
    "use podSpec.dnsConfig.nameservers": "dns",
    "labels": "commonLabels",
    "annotations": "commonAnnotations",
    "workload.labels": "deploymentLabels statefulSetLabels",
    "workload.annotations": "deploymentAnnotations statefulSetAnnotations",
    "extraObjects": "extraDeploy extraManifests extraResources customObjects rawResources",
    "extraContainers": "sidecars sidecarContainers",
    "initContainers": "extraInitContainers",
    "strategy": "updateStrategy deploymentStrategy rolloutStrategy",
    "use podDisruptionBudget": "pdb",
    _SCALE: "hpa keda scaledObject",
    "lifecycle": "lifecycleHooks",
    "volumes": "extraVolumes",
    "volumeMounts": "extraVolumeMounts",
    _METRICS: "metrics monitoring prometheus",
    _NAMESPACE: "namespace namespaceOverride targetNamespace",
    "imagePullSecrets": "pullSecrets imagePullSecret",
    "use --enable-lora and --lora-modules in args": "lora loraAdapters loraModules modelLora",
    "use httpRoute": "gateway gatewayApi",
    "write the fields of this chart: image, args, env, resources": "containers container pod spec template",
    "write its keys at the top level of the file": "values modelservice vllm server deployment statefulset",
}


def plain(word: str) -> str:
    """Return a word in lower case, without dashes, underscores and dots."""
    return re.sub("[-_.]", "", word).lower()


def pointers(word: str, schema: Mapping[str, Any]) -> list[str]:
    """Return where a foreign word's value may belong: keys, and a sentence (with spaces)."""
    return [known for name, known in (*_table(), *_kubernetes(schema)) if name == plain(word)]


def _table() -> Iterator[tuple[str, str]]:
    yield from ((plain(word), known) for known, words in WORDS.items() for word in words.split())


def _kubernetes(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields of Kubernetes' pod and container, each with this chart's key for it."""
    for part in _PARTS:
        group = schema["properties"].get(part, {})
        yield from ((plain(name), f"{part}.{name}") for name in group.get("properties", ()))
        yield from ((plain(name), known) for name, known in group.get("x-instead", {}).items())
