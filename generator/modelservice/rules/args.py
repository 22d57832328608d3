"""Rules on `args` that depend on other fields; vllm/arguments.py checks the arguments against vLLM."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from modelservice.findings import Problem, Refuser, Severity
from modelservice.redact import safe_arguments
from modelservice.rules.command import lacks_script
from modelservice.rules.given_arguments import adding_argument, given, whole_numbers, words
from modelservice.rules.gpu import GPU_IMAGES
from modelservice.rules.image import is_own_image, known_release, release_of
from modelservice.rules.rule import RefusedValueError, Said, Values, put, rule
from modelservice.rules.workload import drain_seconds
from modelservice.spelling import nearest
from modelservice.vllm.argument_rules import OWNED, PARALLEL, in_place
from modelservice.vllm.parallel_sizes import ONE_RANK, gpus_of_node

if TYPE_CHECKING:
    from modelservice.vllm.argument_relations import Beside
    from modelservice.vllm.releases import Release

# Fields that become a flag for which vLLM has a list of values.
_FLAG_FIELDS = {"model.reasoningParser": "--reasoning-parser", "model.toolCallParser": "--tool-call-parser"}
# Flags that load further parsers.
_PLUGINS = {"model.reasoningParser": "--reasoning-parser-plugin", "model.toolCallParser": "--tool-parser-plugin"}
# The first listed release whose wheel does not require Ray.
_NO_RAY_SINCE = (0, 18, 1)
_SPLITS = ("--tensor-parallel-size", "--pipeline-parallel-size")
# Resources of HAMi and of Alibaba's plugin, which assign GPUs by memory or cores.
_BY_MEMORY = ("nvidia.com/gpumem", "nvidia.com/gpucores", "aliyun.com/gpu-mem")
# Resources of which one unit is one device for vLLM.
_ONE_DEVICE = ("nvidia.com/", "amd.com/", "google.com/tpu", "habana.ai/", "huawei.com/", "volcano.sh/")
_MIG = "nvidia.com/mig-"
_SCRIPT = ("argument-stray", "argument-two-words")
_VARIABLE = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def check_args(values: Values) -> list[Problem]:
    """Return the problems of the arguments, checked against the command line of the image's vLLM release."""
    parsers = [key for key in _FLAG_FIELDS if not values.was_refused(key) and values.at(key)]
    if values.was_refused("args") or not (values.at("args") or parsers):
        return []
    from modelservice.vllm.argument_relations import Beside
    from modelservice.vllm.arguments import check_arguments
    from modelservice.vllm.releases import Exactness, Release, newest_release

    given_words = words(values)
    try:
        release, own, beside = _release(values), is_own_image(values), _beside(values)
        found = [problem for key in parsers for problem in _field_problems(values, key, release)]
    except RefusedValueError:  # the refused value might have named any image
        unstated = Release(newest_release(), Exactness.UNSTATED, "")
        release, own, beside, found = unstated, False, Beside(tensor_parallel=0), []
    for problem in check_arguments(given_words, release, own_image=own, beside=beside):
        if not given_words[int(problem.path[-1])]:
            continue  # the schema refused the item
        # With a custom command the chart does not name the model, and a shell may split words.
        mine = problem.rule == "argument-owned" and given_words[int(problem.path[-1])].partition("=")[0] == "--model"
        # A word without a flag is the script that command-shell reports as missing.
        mine = mine or (problem.rule in _SCRIPT and not values.was_refused("command") and lacks_script(values))
        whole = problem.rule == "argument-two-words" and not values.given.get("command")
        one = _with_field(problem._replace(severity=Severity.ERROR) if whole else problem, given_words, values)
        found += [] if mine and values.given.get("command") else [one]
    return found


def _with_field(found: Problem, given_words: list[str], values: Values) -> Problem:
    """Return the problem of a reserved flag, with the edit to remove it if its field already sets the same."""
    if found.rule != "argument-owned":
        return found
    flag, _, value = given_words[int(found.path[-1])].partition("=")
    switch = flag.replace("_", "-") == "--enable-auto-tool-choice"
    owned = OWNED.get(flag.replace("_", "-"))
    field = "model.toolCallParser" if switch else owned.field if owned else ""
    if not field or values.was_refused(field) or not values.at(field):
        return found
    if not switch and not (value and values.written(field) and value == str(values.at(field))):
        return found
    return found._replace(hint=f"remove it: {field} sets it", fix=in_place([int(found.path[-1])]))


def _release(values: Values) -> Release:
    """Return the release that the arguments are checked against."""
    from modelservice.vllm.releases import Exactness

    release, tag = release_of(values), str(values.at("image.tag"))
    # A nightly build is newer than every release; `latest` and a digest without a tag are releases.
    nightly = is_own_image(values) and release.exactness is Exactness.UNSTATED and tag not in ("", "latest")
    return release._replace(exactness=Exactness.NEWER, asked=tag) if nightly else release


def _beside(values: Values) -> Beside:
    """Return the settings outside `args`: the chart splits the model over the pod's GPUs unless an argument does."""
    from modelservice.vllm.argument_relations import Beside

    count = 0 if values.was_refused("gpu.count") else values.at("gpu.count") or 1
    rocm = values.at("image.repository").endswith("-rocm")
    return Beside(1 if whole_numbers(values, tuple(PARALLEL)) else count, rocm)


def _field_problems(values: Values, key: str, release: Release) -> Iterator[Problem]:
    """Yield a problem if the image's vLLM does not know the parser in a field, unless a plugin may add it."""
    from modelservice.vllm.argument_values import listed, near_value
    from modelservice.vllm.flags import command_line
    from modelservice.vllm.releases import Exactness

    flag, name, path = command_line(release.name).get(_FLAG_FIELDS[key]), values.at(key), tuple(key.split("."))
    if not flag or not flag.values or name in flag.values or (not flag.enforced and _given_plugin(values, key)):
        return
    starting = _starting(name, flag.values)
    near = near_value(name, flag.values) or (starting[0] if len(starting) == 1 else "")
    ordered = [*starting, *(one for one in flag.values if one not in starting)]
    hint = f"did you mean {near}?" if near else f"known are {listed(ordered)}"
    fix = put({path: near}) if near else ()
    if flag.enforced and release.exactness is Exactness.KNOWN and is_own_image(values):
        message = f"{release.label} has no parser {name}"
        yield Problem(Severity.ERROR, path, message, hint, "argument-choice", fix=fix)
    else:
        message = f"{release.label} has no parser {name} without a plugin"
        yield Problem(Severity.WARNING, path, message, hint, "argument-value", fix=fix)


def _starting(name: str, parsers: tuple[str, ...]) -> list[str]:
    """Return the parsers that start with a name: llama3_json for llama3, deepseek_v3 and others for deepseek."""
    return [one for one in parsers if re.match(rf"{re.escape(name)}([_-]|(?<!\d)\d)", one, re.IGNORECASE)]


def _given_plugin(values: Values, key: str) -> bool:
    """Return whether an argument names a file that may define parsers, or a file with more arguments."""
    return not values.was_refused("args") and bool(given(values, _PLUGINS[key], "--config"))


@rule(
    "gpu-split",
    "The parallel sizes need more GPUs than the pods have.",
    why="vLLM exits when it starts, and the container restarts again and again while the pod holds its GPUs.",
    source="vLLM, Parallelism and Scaling",
    refused_by=Refuser.VLLM,
)
def gpu_split(values: Values) -> Iterator[Said]:
    """Find a model that is split over more GPUs than the pods have."""
    if (split := _split(values)) and split.needed > split.have:
        yield split.said


@rule(
    "gpu-unused",
    "The parallel sizes use fewer GPUs than the pods have.",
    why="The other GPUs are reserved for the pods and stay idle. No other pod can use them.",
    source="vLLM, Parallelism and Scaling",
    severity=Severity.WARNING,
)
def gpu_unused(values: Values) -> Iterator[Said]:
    """Find a model that is split over fewer GPUs than the pods have."""
    if (split := _split(values)) and split.needed < split.have:
        yield split.said


@rule(
    "gpu-slices-split",
    "The model is split over slices of GPUs.",
    why=(
        "The processes of one model exchange data between GPUs on every step. NCCL cannot do that between MIG "
        "slices, and refuses two shares of the same GPU. A CUDA process sees only one MIG slice, however many the "
        "container has. vLLM then hangs or exits when it starts."
    ),
    source="vllm-project/vllm#7211, NVIDIA/nccl#1716, NVIDIA/k8s-device-plugin#446",
    severity=Severity.WARNING,
)
def gpu_slices_split(values: Values) -> Iterator[Said]:
    """Find tensor or pipeline parallelism over MIG slices, shared GPUs, or slices by memory."""
    count, name = values.at("gpu.count"), values.at("gpu.resourceName")
    sizes = whole_numbers(values, tuple(PARALLEL))
    parts = math.prod(size for flag, (_, size) in sizes.items() if flag in _SPLITS) if sizes else count
    if values.at("gpu.vgpu.enabled"):
        return
    if count < 2:
        return
    if _are_slices(name):
        yield from _over_slices(values, name, parts)
    if parts < 2:
        return
    sliced = next((key for key in values.at("resources.limits") if key.startswith(_BY_MEMORY)), None)
    switch = "--disable-custom-all-reduce"
    if sliced and not any(word.replace("_", "-").endswith("-custom-all-reduce") for word in words(values)):
        message = f"{sliced} divides GPUs into slices, but vLLM's own all-reduce does not work between them"
        fix = adding_argument(values, switch)
        yield Said(("resources", "limits", sliced), message, f"add {switch} to args", True, fix)


def _are_slices(name: str) -> bool:
    return name.startswith(_MIG) or name.endswith(".shared")


def _over_slices(values: Values, name: str, parts: int) -> Iterator[Said]:
    """Yield findings about slices of one resource: a process sees one slice, and NCCL does not connect slices."""
    count, sizes = values.at("gpu.count"), whole_numbers(values, tuple(PARALLEL))
    given = [flag for flag, (_, size) in sizes.items() if size > 1]
    steps = " and ".join(["request one slice with gpu.count: 1", *(f"remove {flag}" for flag in given)])
    if parts > 1:
        message = f"one model is split over {parts} of {name}, but NCCL does not connect such slices"
        hint = f"{steps}, or name whole GPUs or a larger slice in gpu.resourceName"
        yield Said(("gpu", "count"), message, hint)
    elif given and name.startswith(_MIG):
        message = f"{count} of {name} are assigned to one pod, but a vLLM process sees only the first one"
        yield Said(("gpu", "count"), message, f"{steps}, and set replicas: {count}")


class _Split(NamedTuple):
    """How many GPUs the arguments use, how many the pods have, and the finding if these differ."""

    needed: int
    have: int
    said: Said


def _split(values: Values) -> _Split | None:
    """Return how the arguments split the model, or None if the number of devices in the pod is unknown.

    Ray may use GPUs anywhere, a Neuron device has several cores, and a plugin for device files assigns all devices.
    """
    count = values.at("gpu.count")
    counted = values.at("gpu.vgpu.enabled") or values.at("gpu.resourceName").startswith(_ONE_DEVICE)
    if (
        not values.at("args")
        or not count
        or not counted
        or any(word == "ray" or word.endswith("=ray") for word in words(values))
    ):
        return None
    sizes = whole_numbers(values, (*PARALLEL, "--nnodes"))
    nodes = sizes.pop("--nnodes", (0, 1))[1] or 1
    one_rank = _one_rank(values)
    needed = gpus_of_node({flag: size for flag, (_, size) in sizes.items()}, nodes, one_rank=one_rank)
    if "--data-parallel-size-local" in sizes or one_rank:  # the other ranks are in other pods
        sizes.pop("--data-parallel-size", None)
    if one_rank:
        sizes.pop("--data-parallel-size-local", None)
    every = math.prod(size for _, size in sizes.values())
    if not every or not sizes:  # a data parallel head has no rank of its own; argument-range reports any other 0
        return None
    product = " times ".join(f"{flag} {size}" for flag, (_, size) in sizes.items())
    have = f"gpu.count is {count}" + (f" on each of {nodes} nodes" if nodes > 1 else "")
    message = f"{product} use{'s' if len(sizes) == 1 else ''} {every} GPUs, but {have}"
    several = needed is None or _are_slices(values.at("gpu.resourceName"))
    hint = "change the arguments" if several else f"set gpu.count: {needed}, or change the arguments"
    said = Said(("args", next(iter(sizes.values()))[0]), message, hint)
    return _Split(every, count * nodes, said) if needed is None else _Split(needed, count, said)


def _one_rank(values: Values) -> bool:
    """Return whether each pod is one data parallel rank of several."""
    flags = {word.partition("=")[0].replace("_", "-") for word in words(values)}
    return bool(flags & {*ONE_RANK, *ONE_RANK.values()})


@rule(
    "argument-variable",
    "An argument refers to a variable that is not in `env`.",
    why=(
        "Kubernetes replaces `$(NAME)` only if the container has the variable. Otherwise vLLM gets the text "
        "`$(NAME)` itself."
    ),
    source="https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/",
    severity=Severity.WARNING,
)
def argument_variable(values: Values) -> Iterator[Said]:
    """Find $(NAME) in an argument without a variable of that name."""
    names = [variable["name"] for _, variable in values.items("env")]
    if None in (values.at("env") or ()) or values.at("envFrom"):
        return
    safe = safe_arguments(words(values))[0]
    for index, word in values.items("args"):
        for name in _VARIABLE.findall(word):
            if name not in names:
                near, path, message = nearest(name, names), ("args", index), f"no variable in env is called {name}"
                if near:
                    meant = put({path: word.replace(f"$({name})", f"$({near})")}) if word == safe[index] else ()
                    yield Said(path, message, f"did you mean $({near})?", fix=meant)
                else:
                    yield Said(path, message, f"add {name} to env")


@rule(
    "ray-missing",
    "An argument asks for Ray, which the image does not contain.",
    why=(
        "vLLM's images from 0.18.1 on come without Ray. vLLM exits when it starts, because it cannot import Ray, and "
        "the container restarts again and again while the pod holds its GPUs."
    ),
    source="Requires-Dist of vLLM's wheels: ray until 0.17.1; assert_ray_available of 0.33.0",
    refused_by=Refuser.VLLM,
)
def ray_missing(values: Values) -> Iterator[Said]:
    """Find Ray as the backend in one of vLLM's own images for NVIDIA GPUs that does not contain it."""
    name = str(values.at("image.repository")).rpartition("/")[2]
    if not is_own_image(values) or name not in GPU_IMAGES or known_release(values) < _NO_RAY_SINCE:
        return
    for item in given(values, "--distributed-executor-backend", "--data-parallel-backend"):
        if item.values[0].text == "ray":
            message = f"{item.flag.name} is ray, but vLLM {release_of(values).asked}'s image contains no Ray"
            without = f"{item.flag.name}=mp"
            hint = (
                f"write `{without}`{' in place of both items' if len(item.items) > 1 else ''}, or use an image with Ray"
            )
            yield Said(("args", item.values[0].at), message, hint, fix=in_place(item.items, [without]))


@rule(
    "shutdown-timeout",
    "vLLM's shutdown timeout ends after the pod's grace period.",
    why=(
        "A pod that stops first waits, then vLLM gets SIGTERM and finishes its requests. The kubelet kills "
        "vLLM at the end of the grace period, and clients lose incomplete answers."
    ),
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
)
def shutdown_timeout(values: Values) -> Iterator[Said]:
    """Find a shutdown timeout that does not fit into the grace period."""
    grace, drain = values.at("terminationGracePeriodSeconds"), drain_seconds(values)
    for index, seconds in whole_numbers(values, ("--shutdown-timeout",)).values():
        if seconds + drain >= grace:
            both = f"{drain} seconds before SIGTERM plus --shutdown-timeout {seconds}"
            message = f"{both} do not fit into the grace period of {grace} seconds"
            hint = f"remove it, or set terminationGracePeriodSeconds: {seconds + drain + 5}"
            yield Said(("args", index), message, hint)


@rule(
    "task-twice",
    "An argument overrides `model.task`.",
    why=(
        "The chart adds its own flags for the task only if `args` has none. The server follows the argument, and "
        "`model.task` may describe another kind of model."
    ),
    source="the chart's templates/_vllm.tpl",
    severity=Severity.WARNING,
)
def task_twice(values: Values) -> Iterator[Said]:
    """Find arguments that set the task although `model.task` sets it."""
    if values.at("model.task") == "generate":
        return
    for index, word in enumerate(words(values)):
        if word.split("=")[0].replace("_", "-") in ("--task", "--runner", "--convert"):
            message = f"overrides model.task: {values.at('model.task')}"
            yield Said(("args", index), message, "remove it, or remove model.task")


RULES = (gpu_split, gpu_unused, gpu_slices_split, argument_variable, ray_missing, shutdown_timeout, task_twice)
