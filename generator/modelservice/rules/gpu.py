"""Rules on GPUs, slices of GPUs and how a model is split over them."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Action, Edit, Fix, Path, Severity
from modelservice.rules.rule import Said, Values, put, removal, rule, setting

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


@rule("gpu-required", "The stock vllm-openai image needs at least one GPU.", source="LLMOS, Model Service: Resources")
def gpu_required(values: Values) -> Iterator[Said]:
    """The CUDA image on a pod without a GPU."""
    repository = values.at("image.repository")
    if values.at("gpu.count") == 0 and repository.rsplit("/", 1)[-1] in GPU_IMAGES:
        message = f"0 with the image {repository}, which needs a GPU"
        yield Said(("gpu", "count"), message, f"write 1 or more, or set image.repository: {CPU_IMAGE} for CPUs")


@rule("vgpu-count", "A vGPU service asks for at least one slice.", source=_CHART)
def vgpu_count(values: Values) -> Iterator[Said]:
    """Slices that are switched on, and none asked for."""
    if values.at("gpu.vgpu.enabled") and values.at("gpu.count") == 0:
        yield Said(("gpu", "count"), "0 with gpu.vgpu.enabled", "write 1 or more, the number of slices")


@rule("vgpu-unused", "Memory and cores of a slice need gpu.vgpu.enabled.", source=_CHART)
def vgpu_unused(values: Values) -> Iterator[Said]:
    """Settings of slices without slices."""
    for key in ("memoryMiB", "cores"):
        if values.at(f"gpu.vgpu.{key}") is not None and not values.at("gpu.vgpu.enabled"):
            path, message = ("gpu", "vgpu", key), "has no effect without gpu.vgpu.enabled"
            yield setting(path, message, {"gpu.vgpu.enabled": True}, on_key=True)


def resource_fields(values: Values) -> dict[str, str]:
    """Return the resources that the chart sets → the fields that say how many."""
    return _SLICES if values.at("gpu.vgpu.enabled") else {values.at("gpu.resourceName"): "gpu.count"}


@rule("gpu-resource-twice", "The GPU resource is set by gpu.count only.", source=_CHART)
def gpu_resource_twice(values: Values) -> Iterator[Said]:
    """The GPU resource among the CPU and memory."""
    for part in ("requests", "limits"):
        for name, field in resource_fields(values).items():
            amounts, path = values.at(f"resources.{part}"), ("resources", part, name)
            if name in amounts:
                fix = _moved(path, str(amounts[name]), values, field)
                yield Said(path, f"is set by {field}", f"remove it here and set {field}", True, fix)


def _moved(path: Path, given: str, values: Values, field: str) -> Fix:
    """Return the edits that give a resource's amount to its field, unless that has it already."""
    number = int(given) if given.isdecimal() else 0
    has = values.at(field) == number
    return (Edit(Action.REMOVE, path), *(() if has else put({field: number}))) if number else ()


@rule(
    "gpu-vendor",
    "The stock image and the runtime class nvidia are for NVIDIA's GPUs.",
    source="https://docs.vllm.ai/en/stable/getting_started/installation/gpu",
    severity=Severity.WARNING,
)
def gpu_vendor(values: Values) -> Iterator[Said]:
    """Another maker's GPU, with what only NVIDIA's can use."""
    resource, repository = values.at("gpu.resourceName"), values.at("image.repository")
    if not resource.startswith(_OTHER_MAKERS) or values.at("gpu.vgpu.enabled") or values.at("gpu.count") == 0:
        return
    if repository.rsplit("/", 1)[-1] in GPU_IMAGES:
        message = f"{resource} is no GPU for the image {repository}, which needs NVIDIA's"
        if resource.startswith("amd.com/"):
            yield setting(("gpu", "resourceName"), message, {"image.repository": _AMD_IMAGE})
        else:
            yield Said(("gpu", "resourceName"), message, "set image.repository to an image for it")
    if values.at("runtimeClassName") == "nvidia":
        message = f"{resource} is no GPU for the runtime class nvidia"
        yield setting(("gpu", "resourceName"), message, {"runtimeClassName": ""})


@rule(
    "runtime-class-unused",
    "Without a GPU the runtime class is left out.",
    source="the chart's templates/_pod.tpl",
    severity=Severity.WARNING,
)
def runtime_class_unused(values: Values) -> Iterator[Said]:
    """A runtime class that was written for a pod without a GPU."""
    if values.written("runtimeClassName") and values.at("runtimeClassName") and values.at("gpu.count") == 0:
        yield removal(("runtimeClassName",), "has no effect with gpu.count 0")


RULES = (gpu_required, gpu_vendor, vgpu_count, vgpu_unused, gpu_resource_twice, runtime_class_unused)
