"""Rules on arguments that other fields have a say in; what vLLM itself says of them is in arguments.py."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Problem, Severity
from modelservice.rules.image import is_own_image
from modelservice.rules.values import Said, Values, rule

_PARALLEL = ("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size")
_DRAIN_SECONDS = 15


def check_arguments(values: Values) -> list[Problem]:
    """Return what vLLM's command line says of the arguments, in the release that the image holds."""
    if not values.at("args"):
        return []
    from modelservice import arguments, vllm

    release = vllm.release_for(values.at("image.tag"), values.at("vllmVersion"))
    return arguments.check_arguments(_words(values), release, own_image=is_own_image(values))


def _words(values: Values) -> list[str]:
    return [word if isinstance(word, str) else "" for word in values.at("args") or ()]


def _numbers(values: Values, flags: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Return the whole numbers that the arguments give to these flags: flag → (index, number), the last one wins."""
    from modelservice import vllm
    from modelservice.arguments import commandline

    release = vllm.release_for(values.at("image.tag"), values.at("vllmVersion"))
    line = vllm.Line(release.name, release.label, vllm.command_line(release.name))
    found = {}
    for item in commandline.read(_words(values), line):
        if (
            isinstance(item, commandline.Given)
            and item.flag.name in flags
            and item.values
            and item.values[0].text.isdecimal()
        ):
            found[item.flag.name] = (item.at, int(item.values[0].text))
    return found


@rule(
    "gpu-split",
    "Tensor, pipeline and data parallel sizes multiply to the number of GPUs.",
    source="vLLM, Parallelism and Scaling",
)
def gpu_split(values: Values) -> Iterator[Said]:
    """A model that is split over more or fewer GPUs than the pod has."""
    count = values.at("gpu.count")
    if not values.at("args") or not count or "--nnodes" in " ".join(_words(values)):
        return
    sizes = _numbers(values, _PARALLEL)
    needed = 1
    for _, size in sizes.values():
        needed *= size
    if sizes and needed != count:
        index = next(iter(sizes.values()))[0]
        product = " times ".join(f"{flag} {size}" for flag, (_, size) in sizes.items())
        message = f"{product} use{'s' if len(sizes) == 1 else ''} {needed} GPUs, and gpu.count is {count}"
        yield Said(("args", index), message, f"set gpu.count: {needed}, or change the arguments")


@rule(
    "shutdown-timeout",
    "Answers under way must end before the pod is killed.",
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
)
def shutdown_timeout(values: Values) -> Iterator[Said]:
    """A drain that is longer than the grace period allows."""
    grace = values.at("terminationGracePeriodSeconds")
    for index, seconds in _numbers(values, ("--shutdown-timeout",)).values() if values.at("args") else ():
        if seconds + _DRAIN_SECONDS >= grace:
            message = (
                f"--shutdown-timeout {seconds}, {_DRAIN_SECONDS} seconds later, ends after the grace period of {grace}"
            )
            hint = f"remove it, or set terminationGracePeriodSeconds: {seconds + _DRAIN_SECONDS + 5}"
            yield Said(("args", index), message, hint)


@rule("task-twice", "The task is said once.", source="the chart's templates/_vllm.tpl", severity=Severity.WARNING)
def task_twice(values: Values) -> Iterator[Said]:
    """Arguments that say the task beside `model.task`; the arguments win."""
    if values.at("model.task") == "generate":
        return
    for index, word in enumerate(_words(values)):
        if word.split("=")[0].replace("_", "-") in ("--task", "--runner", "--convert"):
            message = f"stands in the place of model.task: {values.at('model.task')}"
            yield Said(("args", index), message, "remove it, or model.task")


RULES = (gpu_split, shutdown_timeout, task_twice)
