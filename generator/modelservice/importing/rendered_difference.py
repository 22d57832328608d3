"""Render imported values, and list the fields in which the result differs from the original.

A difference that the chart makes on purpose is a remark with its reason; any other is a note.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.folder import chart_for
from modelservice.chart.manifests import manifests
from modelservice.diff.comparison import Field, differing_fields, with_quantities
from modelservice.diff.masking import Numbers, masked
from modelservice.errors import ToolError
from modelservice.helm import find_helm
from modelservice.importing.cluster_objects import Object, Workload, find_workloads, read_objects
from modelservice.importing.container import Note
from modelservice.importing.env_to_fields import configs_in, known_values
from modelservice.importing.part import Part, values_of
from modelservice.importing.pod_meaning import meaning
from modelservice.importing.workload_to_fields import with_claims
from modelservice.reading.document import Document, read
from modelservice.redact import NOT_SHOWN
from modelservice.rules.image import release_in
from modelservice.schema.defaults import coalesce, default_values
from modelservice.schema.source import plain_schema
from modelservice.vllm.flags import Line, command_line
from modelservice.writing.dump import dump

_HIDDEN = "(not shown"
_MASK = re.compile(r"\(not shown, \d+\)")
_LONGEST = 80
_WRITABLE = "a non-root user, or a server with a read-only volume or root filesystem, can write there"


class Meant(NamedTuple):
    """Intended differences: their paths (a regular expression) and why; `added`: only if the original has none."""

    paths: str
    reason: str
    added: bool = False


MEANT = (
    Meant(r"(\w+\.)?labels\.app\.kubernetes\.io/.*", "the chart selects its pods by its own labels"),
    Meant(r"(\w+\.)?(labels|annotations)\.(ml\.)?llmos\.ai/.*", "LLMOS' operator uses it to manage objects"),
    Meant(r"annotations\.field\.cattle\.io/description", "only the workload has the description"),
    Meant(r"workload\.strategy", "a surge would need a spare GPU, and two pods would write to the claim", added=True),
    Meant(r"workload\.progressDeadlineSeconds", "it follows from startupSeconds"),
    Meant(r"workload\.podManagementPolicy", "replicas need not wait for each other"),
    Meant(r"pod\.automountServiceAccountToken|pod\.enableServiceLinks", "the server does not use the Kubernetes API"),
    Meant(r"pod\.terminationGracePeriodSeconds", "requests in progress get time to finish", added=True),
    Meant(r"(pod|server)\.securityContext\..*", "the server has no more rights than it needs", added=True),
    Meant(r"server\.terminationMessagePolicy", "the end of the log shows why the server ended"),
    Meant(r"server\.lifecycle(\.preStop)?", "the pod leaves the Service's endpoints before it stops", added=True),
    Meant(r"server\.\w+Probe", "Kubernetes detects a server that is still loading or does not respond", added=True),
    Meant(r"server\.mounts\./dev/shm", "a container has only 64 MiB without it", added=True),
    Meant(r"server\.mounts\./(home/modelservice|tmp)", _WRITABLE, added=True),
    Meant(r"server\.env\.(HOME|USER)", _WRITABLE),
    Meant(r"server\.mounts\..*\.readOnly", "a ReadOnlyMany volume cannot be written", added=True),
    Meant(r"server\.env\.(HF_HUB_CACHE|MODELSCOPE_CACHE)", "it points to the model volume", added=True),
    Meant(r"server\.env\.(HF_HUB_OFFLINE|VLLM_NO_USAGE_STATS)", "nothing is written to a read-only volume", added=True),
    Meant(
        r"server\.env\.(VLLM_CACHE_ROOT|T\w+_CACHE_DIR|FLASHINFER_\w+)",
        "later starts need not compile again",
        added=True,
    ),
    Meant(r"server\.env\.(HF_TOKEN|HUGGING_FACE_HUB_TOKEN)", "libraries read either of the two", added=True),
    Meant(r"[\w.-]*\.env\.LLM_SECRET_[0-9]+", "a Secret replaces the plain text", added=True),
    Meant(r"podDisruptionBudget", "a node drain evicts one pod at a time", added=True),
    Meant(
        r"podDisruptionBudget\.unhealthyPodEvictionPolicy", "a pod that is not ready does not block a drain", added=True
    ),
    Meant(r"serviceMonitor\.endpoints\[0\]\.interval", "30 seconds is also the operator's default", added=True),
    Meant(r"apiKey", "a Secret replaces the plain text", added=True),
    Meant(r"arguments\.--(api-key|hf-token)", "a Secret replaces the plain text"),
    Meant(r"arguments\.--shutdown-timeout", "requests in progress get time to finish", added=True),
    Meant(r"arguments\.--disable-custom-all-reduce", "GPU slices share no memory", added=True),
)


def with_differences(part: Part, workload: Workload, objects: Sequence[Object]) -> Part:
    """Return a part with the differences between its rendered values and the original as notes and remarks.

    If helm refuses the values by a rule that cannot be ignored, a note says that nothing was compared. If helm is
    missing, `unchecked` says so.
    """
    try:
        find_helm()
    except ToolError as error:
        return part._replace(unchecked=str(error))
    document = read("values.yaml", dump(values_of(part.settings)).encode())
    try:
        rendered, refused = _rendered(document)
    except ToolError as error:
        why = " ".join(str(error).split())[:300]
        note = Note("comparison", f"the original was not compared with the result: {why}")
        return part._replace(notes=(*part.notes, note))
    meant: dict[str, list[str]] = {}
    notes = []
    for field in _differences(workload, objects, rendered, document):
        if reason := _reason(field):
            meant.setdefault(reason, []).append(field.path)
        elif not _is_noted(field, part):
            notes.append(Note(field.path, _said(field)))
    remarks = [Note(", ".join(paths), reason) for reason, paths in meant.items()]
    notes += [
        Note(f"the chart refuses the result [{rule}]", "fix the values; only the comparison ignored this rule")
        for rule in refused
    ]
    return part._replace(notes=(*part.notes, *notes), remarks=(*part.remarks, *remarks))


def _rendered(document: Document) -> tuple[list[Object], list[str]]:
    """Return the objects rendered from values, and the chart's rules that refused them and were ignored.

    Raises ToolError if helm refuses them for another reason.
    """
    with chart_for() as chart:
        try:
            return _objects(chart, document), []
        except ToolError as error:
            can_be_ignored = plain_schema()["properties"]["ignoredRules"]["items"]["enum"]
            refused = list(
                dict.fromkeys(
                    rule for rule in re.findall(r"\[([a-z-]+)\]$", str(error), re.MULTILINE) if rule in can_be_ignored
                )
            )
            if not refused:
                raise
        ignoring = {**document.data, "ignoredRules": [*document.data.get("ignoredRules", ()), *refused]}
        again = read("values.yaml", dump(ignoring).encode())
        return _objects(chart, again), refused


def _objects(chart: Path, document: Document) -> list[Object]:
    return read_objects({"helm's output": manifests(chart, "imported", "default", [document])})


def _differences(
    workload: Workload, objects: Sequence[Object], rendered: Sequence[Object], document: Document
) -> list[Field]:
    image = coalesce(default_values(), document.data)["image"]
    release = release_in(image, "")
    line = Line(release.name, release.label, command_line(release.name))
    numbers: Numbers = {}
    sides = []
    for one, around in ((workload, objects), (find_workloads(rendered)[0], rendered)):
        whole = with_claims(one)
        known = known_values(whole.server, configs_in(objects))
        sides.append(with_quantities(masked(meaning(whole, around, line, known), numbers)))
    if document.data.get("autoscaling", {}).get("kind"):
        sides[0]["workload"].pop("replicas", None)
    if "service" not in sides[0]:
        sides[1].pop("service", None)
    return list(differing_fields(*sides))


def _reason(field: Field) -> str:
    """Return why a difference is intended, or "" if it is not."""
    if field.old.startswith(_HIDDEN) or _without_secret(field.old) == _without_secret(field.new):
        return "a Secret replaces the plain text"
    found = (one for one in MEANT if re.fullmatch(one.paths, field.path) and not (one.added and field.old))
    return next((one.reason for one in found), "")


def _without_secret(text: str) -> str:
    return re.sub(r"\(not shown, [0-9]+\)|\$\(LLM_SECRET_[0-9]+\)", NOT_SHOWN, text)


def _is_noted(field: Field, part: Part) -> bool:
    """Return whether a note or remark already covers the field or its flag, or the secret that was removed from it."""
    if _HIDDEN in field.old and _MASK.sub(NOT_SHOWN, field.old) == field.new:
        return True
    if any(one.written == field.path for one in (*part.notes, *part.remarks)):
        return True
    name = field.path.partition(".--")[2]
    return bool(name) and any(note.written.startswith(f"--{name}") for note in part.notes)


def _said(field: Field) -> str:
    old, new = (_short(text) for text in (field.old, field.new))
    if not field.new:
        return f"the original has {old}, the chart does not"
    return f"the chart has {new}, the original {f'has {old}' if old else 'does not'}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
