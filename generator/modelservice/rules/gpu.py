"""Rules on GPUs, slices of GPUs and how a model is split over them."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.rules.values import Said, Values, rule

# Images that hold vLLM for CUDA only.
GPU_IMAGES = ("vllm-openai", "vllm-openai-nonroot")


@rule(
    "gpu-required",
    "The stock vllm-openai image needs at least one GPU.",
    source="LLMOS documentation, Model Service: Resources",
)
def gpu_required(values: Values) -> Iterator[Said]:
    """The CUDA image on a pod without a GPU."""
    repository = values.at("image.repository") or ""
    if values.at("gpu.count") == 0 and repository.rsplit("/", 1)[-1] in GPU_IMAGES:
        yield Said(
            ("gpu", "count"),
            f"0 with the image {repository}, which needs a GPU",
            "set at least 1, or an image for CPUs such as public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo in image.repository",
        )


RULES = (gpu_required,)
