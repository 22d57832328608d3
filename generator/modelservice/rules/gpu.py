"""Rules on GPUs, slices of GPUs and how a model is split over them."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.rules.values import Said, Values, rule

# vLLM's images for CUDA, and for CPUs.
GPU_IMAGES = ("vllm-openai", "vllm-openai-nonroot")
CPU_IMAGE = "public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo"

_CHART = "the chart's templates/_resources.tpl"


@rule("gpu-required", "The stock vllm-openai image needs at least one GPU.", source="LLMOS, Model Service: Resources")
def gpu_required(values: Values) -> Iterator[Said]:
    """The CUDA image on a pod without a GPU."""
    repository = values.at("image.repository")
    if values.at("gpu.count") == 0 and repository.rsplit("/", 1)[-1] in GPU_IMAGES:
        message = f"0 with the image {repository}, which needs a GPU"
        yield Said(("gpu", "count"), message, f"set at least 1, or an image for CPUs in image.repository: {CPU_IMAGE}")


@rule("vgpu-count", "A vGPU service asks for at least one slice.", source=_CHART)
def vgpu_count(values: Values) -> Iterator[Said]:
    """Slices that are switched on, and none asked for."""
    if values.at("gpu.vgpu.enabled") and values.at("gpu.count") == 0:
        yield Said(("gpu", "count"), "0 with gpu.vgpu.enabled", "set the number of slices, at least 1")


@rule("vgpu-unused", "Memory and cores of a slice need gpu.vgpu.enabled.", source=_CHART)
def vgpu_unused(values: Values) -> Iterator[Said]:
    """Settings of slices without slices."""
    for key in ("memoryMiB", "cores"):
        if values.at(f"gpu.vgpu.{key}") is not None and not values.at("gpu.vgpu.enabled"):
            yield Said(
                ("gpu", "vgpu", key), "has no effect without gpu.vgpu.enabled", "set gpu.vgpu.enabled: true", True
            )


@rule("gpu-resource-twice", "The GPU resource is set by gpu.count only.", source=_CHART)
def gpu_resource_twice(values: Values) -> Iterator[Said]:
    """The GPU resource among the CPU and memory."""
    vgpu = values.at("gpu.vgpu.enabled")
    for part in ("requests", "limits"):
        for name in values.at(f"resources.{part}"):
            if name == ("volcano.sh/vgpu-number" if vgpu else values.at("gpu.resourceName")):
                yield Said(("resources", part, name), "is set by gpu.count", "remove it here and set gpu.count", True)


@rule(
    "runtime-class-unused",
    "Without a GPU the runtime class is left out.",
    source="the chart's templates/_pod.tpl",
    severity=Severity.WARNING,
)
def runtime_class_unused(values: Values) -> Iterator[Said]:
    """A runtime class that was written for a pod without a GPU."""
    if values.written("runtimeClassName") and values.at("runtimeClassName") and values.at("gpu.count") == 0:
        yield Said(("runtimeClassName",), "has no effect with gpu.count 0", "remove it", True)


RULES = (gpu_required, vgpu_count, vgpu_unused, gpu_resource_twice, runtime_class_unused)
