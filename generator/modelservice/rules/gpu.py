"""Rules on GPUs and slices of GPUs; the rules on how arguments split a model over them are in args.py."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Action, Edit, Fix, Path, Refuser, Severity
from modelservice.rules.containers import containers
from modelservice.rules.rule import Said, Values, asking, put, removal, rule, setting, sound
from modelservice.spelling import nearest

# vLLM's images for CUDA, and for CPUs.
GPU_IMAGES = ("vllm-openai", "vllm-openai-nonroot")
CPU_IMAGE = "public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo"

_CHART = "the chart's templates/_resources.tpl"
_SLICES = {
    "volcano.sh/vgpu-number": "gpu.count",
    "volcano.sh/vgpu-memory": "gpu.vgpu.memoryMiB",
    "volcano.sh/vgpu-cores": "gpu.vgpu.cores",
}
_OTHER_MAKERS = ("amd.com/", "gpu.intel.com/", "habana.ai/", "huawei.com/", "google.com/", "aws.amazon.com/")
_AMD_IMAGE = "vllm/vllm-openai-rocm"


@rule(
    "gpu-required",
    "The image needs a GPU, but `gpu.count` is 0.",
    why="vLLM finds no device and exits with `Failed to infer device type`. The container restarts again and again.",
    source="LLMOS, Model Service: Resources",
    refused_by=Refuser.CHART,
)
def gpu_required(values: Values) -> Iterator[Said]:
    """Find vLLM's CUDA image in a pod without a GPU."""
    repository = values.at("image.repository")
    # MIG slices are resources of their own, and a claim provides its devices.
    sliced = any(name.startswith("nvidia.com/") for name in values.at("resources.limits"))
    claims = values.at("podSpec.resourceClaims") or values.written("resourceClaims")
    other = sliced or claims or values.at("resources.claims")
    if values.at("gpu.count") == 0 and not other and repository.rsplit("/", 1)[-1] in GPU_IMAGES:
        message = f"0, but the image {repository} needs a GPU"
        yield Said(("gpu", "count"), message, f"write 1 or more, or set image.repository: {CPU_IMAGE} for CPUs")


@rule(
    "vgpu-count",
    "vGPU is enabled, but `gpu.count` is 0.",
    why="The pod gets no slice of a GPU, and an image for GPUs does not start.",
    source=_CHART,
    refused_by=Refuser.CHART,
)
def vgpu_count(values: Values) -> Iterator[Said]:
    """Find a vGPU service that requests no slice."""
    if values.at("gpu.vgpu.enabled") and values.at("gpu.count") == 0:
        yield Said(("gpu", "count"), "0, but gpu.vgpu.enabled is true", "write 1 or more, the number of slices")


@rule(
    "vgpu-unused",
    "The size of a vGPU slice is ignored because `gpu.vgpu.enabled` is false.",
    why="Each pod gets whole GPUs instead of slices, so fewer services fit on a node.",
    source=_CHART,
    severity=Severity.WARNING,
)
def vgpu_unused(values: Values) -> Iterator[Said]:
    """Find the size of a slice without vGPU."""
    for key in ("memoryMiB", "cores"):
        if values.at(f"gpu.vgpu.{key}") is not None and not values.at("gpu.vgpu.enabled"):
            path, message = ("gpu", "vgpu", key), "has no effect without gpu.vgpu.enabled"
            yield setting(path, message, {"gpu.vgpu.enabled": True}, on_key=True)


def resource_fields(values: Values) -> dict[str, str]:
    """Return the resources that the chart sets → the fields with their amounts."""
    name = values.at("gpu.resourceName")
    return _SLICES if values.at("gpu.vgpu.enabled") else {name: "gpu.count"} if name else {}


@rule(
    "gpu-resource-twice",
    "A GPU resource is set in `resources` although a field sets it.",
    why=(
        "The chart also sets `--tensor-parallel-size` and the runtime class from `gpu.count`. Another number in "
        "`resources` would be ignored, or would not reach vLLM."
    ),
    source=_CHART,
    refused_by=Refuser.CHART,
)
def gpu_resource_twice(values: Values) -> Iterator[Said]:
    """Find the GPU resource in `resources`."""
    for part in ("requests", "limits"):
        for name, field in resource_fields(values).items():
            amounts, path = values.at(f"resources.{part}"), ("resources", part, name)
            if name in amounts:
                fix = _moved(path, str(amounts[name]), values, field)
                yield Said(path, f"is set by {field}", f"remove it here and set {field}", True, fix)


def _moved(path: Path, given: str, values: Values, field: str) -> Fix:
    """Return the edits that move a resource's amount to its field, unless the field has that amount already."""
    number = int(given) if given.isdecimal() and len(given) < 10 else 0
    has = values.at(field) == number
    return (Edit(Action.REMOVE, path), *(() if has else put({field: number}))) if number else ()


@rule(
    "gpu-vendor",
    "The image or the runtime class does not match the GPU's vendor.",
    why=(
        "The image is built for CUDA and finds no device on another vendor's GPU. The runtime class `nvidia` needs "
        "NVIDIA's container runtime on the node. In both cases the server does not start. A pod that requests GPUs "
        "of two vendors stays Pending."
    ),
    source="https://docs.vllm.ai/en/stable/getting_started/installation/gpu",
    severity=Severity.WARNING,
)
def gpu_vendor(values: Values) -> Iterator[Said]:
    """Find another vendor's GPU with an image or a runtime class for NVIDIA GPUs."""
    resource, repository = values.at("gpu.resourceName"), values.at("image.repository")
    if values.at("gpu.vgpu.enabled") or values.at("gpu.count") == 0:
        return
    if resource.startswith("nvidia.com/"):
        yield from _of_two_vendors(values, resource)
    if not resource.startswith(_OTHER_MAKERS):
        return
    if repository.rsplit("/", 1)[-1] in GPU_IMAGES:
        message = f"{resource} is not an NVIDIA GPU, which the image {repository} needs"
        if resource.startswith("amd.com/"):
            yield setting(("gpu", "resourceName"), message, {"image.repository": _AMD_IMAGE})
        else:
            yield Said(("gpu", "resourceName"), message, "set image.repository to an image for that GPU")
    if values.at("runtimeClassName") == "nvidia":
        message = f"{resource} is not an NVIDIA GPU, which the runtime class nvidia needs"
        yield setting(("gpu", "resourceName"), message, {"runtimeClassName": ""})


def _of_two_vendors(values: Values, resource: str) -> Iterator[Said]:
    """Yield a finding for another vendor's GPU that is requested in addition to the chart's default."""
    for name in values.at("resources.limits"):
        if name.startswith(_OTHER_MAKERS):
            message = f"is requested in addition to {resource} of gpu.resourceName"
            hint = f"name {name} in gpu.resourceName and its number in gpu.count instead"
            yield Said(("resources", "limits", name), message, hint, True)


@rule(
    "runtime-class-unused",
    "The runtime class is ignored because `gpu.count` is 0.",
    why=(
        "Pods without a GPU run with the node's default runtime. A runtime class that isolates containers, such as "
        "gVisor, is not used either."
    ),
    source="the chart's templates/_pod.tpl",
    severity=Severity.WARNING,
)
def runtime_class_unused(values: Values) -> Iterator[Said]:
    """Find a runtime class for a pod without a GPU."""
    without = values.at("gpu.count") == 0 and not values.at("resources.claims")
    if values.written("runtimeClassName") and values.at("runtimeClassName") and without:
        why = ", or request GPUs in gpu.count, with an empty gpu.resourceName if the runtime class provides them"
        yield removal(("runtimeClassName",), "has no effect with gpu.count 0", why)


@rule(
    "resource-claim",
    "A container uses a resource claim that the pod does not have.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/",
    refused_by=Refuser.API_SERVER,
)
def resource_claim(values: Values) -> Iterator[Said]:
    """Find a container's claim that is not among the pod's resource claims."""
    names = [claim["name"] for _, claim in values.items("podSpec.resourceClaims")]
    if values.written("resourceClaims") or values.was_refused("podSpec.resourceClaims") or None in names:
        return
    servers = (("resources", "claims"), values.at("resources.claims"))
    others = (
        ((*path, "resources", "claims"), item.get("resources", {}).get("claims")) for path, item in containers(values)
    )
    for path, claims in (servers, *others):
        for index, claim in sound(claims):
            if claim["name"] not in names:
                hint = f"add it there, as in {{name: {claim['name']}, resourceClaimTemplateName: NAME}}"
                message = f"{claim['name']} is not in podSpec.resourceClaims"
                yield asking((*path, index, "name"), message, nearest(claim["name"], names), hint)


RULES = (resource_claim, gpu_required, gpu_vendor, vgpu_count, vgpu_unused, gpu_resource_twice, runtime_class_unused)
