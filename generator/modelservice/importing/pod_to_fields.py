"""Turn the pods of a workload that runs vLLM into the fields of a service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.importing.cluster_objects import Object, Workload, selects
from modelservice.importing.container import Note
from modelservice.importing.container_to_values import image_fields
from modelservice.importing.env_to_fields import fields_of_env, known_values
from modelservice.importing.flags_to_fields import fields_of, without_unknown
from modelservice.importing.launch import MODEL
from modelservice.importing.part import Part, joined
from modelservice.importing.pod_volumes import Volumes, volumes_of_pod, with_renamed
from modelservice.importing.probes_to_fields import fields_of_probes
from modelservice.importing.resources_to_fields import fields_of_resources, gpus_of
from modelservice.importing.server_arguments import Start, start_of, unread
from modelservice.rules.image import is_vllms
from modelservice.schema.defaults import default_values
from modelservice.schema.source import plain_schema
from modelservice.vllm.argument_rules import PARALLEL

# Fields of a pod, and the keys that accept them unchanged.
_SAME = {
    "imagePullSecrets": "imagePullSecrets",
    "priorityClassName": "priorityClassName",
    "schedulerName": "schedulerName",
    "nodeName": "nodeName",
    "nodeSelector": "nodeSelector",
    "affinity": "affinity",
    "tolerations": "tolerations",
    "topologySpreadConstraints": "topologySpreadConstraints",
    "securityContext": "podSecurityContext",
}
_CHART_LABELS = ("name", "instance", "managed-by", "version", "component")
# The annotation that the console shows as the description.
DESCRIPTION = "field.cattle.io/description"
_DOWNLOADERS = ("huggingface-cli", "hf", "modelscope")


def part_of_pod(workload: Workload, configs: Mapping[str, Mapping[str, str]]) -> Part:
    """Return the fields of a workload's pods; `configs` are the data of known ConfigMaps by name."""
    pod, server = workload.pod, workload.server
    known = known_values(server, configs)
    start = start_of(server, known)
    image = image_fields(str(server.get("image", "")), server.get("imagePullPolicy", ""))
    named = {**default_values()["image"], **{key.partition(".")[2]: value for key, value in image.items()}}
    flags = _flags(start, named, gpus_of(server.get("resources", {})).number)
    model = str(flags.settings.get("model.name", ""))
    split = int(flags.settings.get("gpu.count", 0))
    folder = {"HF_HUB_CACHE": start.download_dir} if start.download_dir else {}
    volumes = volumes_of_pod(pod, server, model, {**known, **folder})
    return joined(
        [
            Part(image, start.launch.notes + _entrypoint(server, is_vllms(named))),
            fields_of_env([*server.get("env", ()), *_set_by_script(start), *_as_entries(folder)]),
            start.part,
            flags,
            _command(start, model),
            Part({"envFrom": server["envFrom"]} if "envFrom" in server else {}),
            fields_of_resources(
                server.get("resources", {}), named["repository"], pod.get("runtimeClassName", ""), split
            ),
            volumes.part,
            fields_of_probes(server, start.port),
            _port(start.port),
            _rights(server),
            _scheduling(pod, workload.pod_metadata.get("labels", {})),
            _containers(workload, volumes, model),
            _labels(workload),
            _rest(pod, server),
        ]
    )


def _flags(start: Start, image: Mapping[str, str], gpus: int) -> Part:
    """Return the arguments as fields; a model that the original does not split over its GPUs stays unsplit."""
    flags = without_unknown(fields_of(start.arguments, image, gpus or None))
    spellings = {word.partition("=")[0].replace("_", "-") for word in start.arguments}
    split = spellings & {*PARALLEL, *PARALLEL.values(), "--config", "--nnodes"}
    if gpus > 1 and not split and not start.launch.command:
        return joined([flags, Part({"args": ["--tensor-parallel-size=1"]})])
    if gpus > 1 and "--config" in split:
        reason = f"its file is not read; vLLM gets --tensor-parallel-size={gpus}, which overrides the file's"
        return joined([flags, Part(notes=(Note("--config", reason),))])
    return flags


def _command(start: Start, model: str) -> Part:
    if "$(" in model:
        command = start.launch.command or ("vllm", "serve", MODEL)
        words = [word.replace(MODEL, model) for word in command]
        default = default_values()["model"]["name"]
        return Part({"model.name": default, "command": words}, (unread(model),))
    command = tuple(word.replace(MODEL, model) for word in start.launch.command)
    notes = (
        ()
        if model or command
        else (Note("--model", "the container names none: set model.name, or the chart serves its default"),)
    )
    return Part({"command": list(command)} if command else {}, notes)


def _entrypoint(server: Object, own: bool) -> tuple[Note, ...]:
    if own or server.get("command"):
        return ()
    return (Note(str(server.get("image")), "`vllm serve` replaces the image's own command"),)


def _set_by_script(start: Start) -> list[dict[str, str]]:
    return [] if start.launch.command else _as_entries(start.launch.variables)


def _as_entries(variables: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


def _port(port: int) -> Part:
    if port >= 1024:
        return Part()
    reason = "the server listens on 8000, which a non-root user can open; the Service keeps its port"
    return Part(remarks=(Note(f"--port {port}", reason),))


def _rights(server: Object) -> Part:
    """Return the container's security context; fields that the API server refuses in combination are left out."""
    context = dict(server.get("securityContext") or {})
    if not context:
        return Part()
    if capabilities := context.get("capabilities"):
        context["capabilities"] = {"drop": [], **capabilities}
    added = (context.get("capabilities") or {}).get("add", ())
    if (context.get("privileged") or "SYS_ADMIN" in added) and "allowPrivilegeEscalation" not in context:
        context["allowPrivilegeEscalation"] = ""
    return Part({"securityContext": context})


def _scheduling(pod: Object, labels: Mapping[str, str]) -> Part:
    settings = {key: pod[field] for field, key in _SAME.items() if field in pod}
    if "topologySpreadConstraints" in settings:
        settings["topologySpreadConstraints"] = [_spread(one, labels) for one in settings["topologySpreadConstraints"]]
    settings["runtimeClassName"] = pod.get("runtimeClassName", "")
    settings |= {"serviceAccount.create": False, "serviceAccount.name": pod.get("serviceAccountName", "")}
    if int(pod.get("terminationGracePeriodSeconds", 30)) > 30:
        settings["terminationGracePeriodSeconds"] = pod["terminationGracePeriodSeconds"]
    if settings.get("schedulerName") == "volcano" and gpus_are_slices(pod):
        del settings["schedulerName"]
    return Part(settings, tuple(_unselected(pod, labels)))


def _unselected(pod: Object, labels: Mapping[str, str]) -> Iterator[Note]:
    """Yield notes on affinity rules that select the pods by a label that the chart sets to another value."""
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = str((pod.get("affinity") or {}).get(kind, ""))
        for key in labels.keys() - kept(labels).keys():
            if key in terms:
                yield Note(f"affinity.{kind}", f"it selects pods by {key}, which has another value on the new pods")


def _spread(rule: Object, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return a topology spread constraint, without a selector that the chart has to replace by its own."""
    selector = rule.get("labelSelector") or {}
    named = selector.get("matchLabels") or {}
    own = selects(selector, labels) and kept(named) != named
    return {key: value for key, value in rule.items() if key != "labelSelector" or not own}


def gpus_are_slices(pod: Object) -> bool:
    """Return whether a container of the pod requests GPU slices from Volcano."""
    limits = [(one.get("resources") or {}).get("limits") or {} for one in pod.get("containers", ())]
    return any("volcano.sh/vgpu-number" in one for one in limits)


def _containers(workload: Workload, volumes: Volumes, model: str) -> Part:
    settings: dict[str, Any] = {}
    server = workload.server
    others = [with_renamed(one, volumes.names) for one in workload.pod["containers"] if one is not server]
    before = list(workload.pod.get("initContainers", ()))
    downloads = [one for one in before if is_download(one, server, model)]
    lost = volumes.part.settings.get("modelVolume.enabled") is False
    if downloads and not lost:
        settings["modelVolume.preDownload"] = "InitContainer"
    first = [with_renamed(one, volumes.names) for one in before if one not in downloads]
    settings |= {"initContainers": first} if first else {}
    settings |= {"extraContainers": others} if others else {}
    reason = "they are left out: without a volume their download is lost, and the server downloads the model"
    return Part(settings, (Note("initContainers", reason),) if downloads and lost else ())


def is_download(container: Object, server: Object, model: str) -> bool:
    """Return whether an init container only downloads the model with the server's image, as the chart's does."""
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    return container.get("image") == server.get("image") and words in (
        [name, "download", model] for name in _DOWNLOADERS
    )


def kept(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return labels or annotations without those of the chart and of LLMOS' operator."""
    charts = ["helm.sh/chart", DESCRIPTION, *(f"app.kubernetes.io/{name}" for name in _CHART_LABELS)]
    operators = ("ml.llmos.ai/", "llmos.ai/")
    return {key: value for key, value in pairs.items() if key not in charts and not key.startswith(operators)}


def _labels(workload: Workload) -> Part:
    """Return the labels and annotations of the pods and of the workload, and the description."""
    about, pods = workload.metadata, workload.pod_metadata
    described = {**pods.get("annotations", {}), **about.get("annotations", {})}.get(DESCRIPTION, "")
    settings: dict[str, Any] = {
        "description": " ".join(described.split())[:500],
        "podLabels": kept(pods.get("labels", {})),
        "podAnnotations": kept(pods.get("annotations", {})),
    }
    if workload.kind != "Pod":
        settings["workload.labels"] = kept(about.get("labels", {}))
        settings["workload.annotations"] = kept(about.get("annotations", {}))
    return Part({key: value for key, value in settings.items() if value})


def _rest(pod: Object, server: Object) -> Part:
    """Return the fields of the pod and the container that `podSpec` and `serverContainer` accept."""
    fields = plain_schema()["properties"]
    settings = {
        key: {name: one[name] for name in fields[key]["properties"] if name in one}
        for key, one in (("podSpec", pod), ("serverContainer", server))
    }
    return Part({key: value for key, value in settings.items() if value})
