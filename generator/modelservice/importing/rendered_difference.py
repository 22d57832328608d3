"""Render imported values, and list in which fields their pods differ from the original's.

A difference that the chart makes on purpose is a remark with its reason; any other is a note.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.folder import chart_for
from modelservice.chart.manifests import manifests
from modelservice.diff.comparison import Field, differing_fields
from modelservice.diff.masking import Numbers, masked
from modelservice.errors import ToolError
from modelservice.importing.cluster_objects import Object, Workload, find_workload, read_objects
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


class Meant(NamedTuple):
    """Differences that the chart makes on purpose: their paths, and why; `added` where only the chart has the field."""

    paths: str
    reason: str
    added: bool = False


MEANT = (
    Meant(r"(\w+\.)?labels\.app\.kubernetes\.io/.*", "the chart selects its pods by labels of its own"),
    Meant(r"(\w+\.)?(labels|annotations)\.(ml\.)?llmos\.ai/.*", "LLMOS' operator manages objects by it"),
    Meant(r"annotations\.field\.cattle\.io/description", "the workload alone has the description"),
    Meant(r"workload\.strategy", "a surge would need a spare GPU, and a second writer of the claim", added=True),
    Meant(r"workload\.progressDeadlineSeconds", "it follows from the start-up budget"),
    Meant(r"workload\.podManagementPolicy", "replicas need not wait for each other"),
    Meant(r"pod\.automountServiceAccountToken|pod\.enableServiceLinks", "the server does not ask Kubernetes' API"),
    Meant(r"pod\.terminationGracePeriodSeconds", "answers under way get time to end", added=True),
    Meant(r"(pod|server)\.securityContext\..*", "the server has no more rights than it needs", added=True),
    Meant(r"server\.terminationMessagePolicy", "the end of the log says why the server ended"),
    Meant(r"server\.lifecycle(\.preStop)?", "the endpoints forget the pod before it stops", added=True),
    Meant(r"server\.\w+Probe", "a server that loads or hangs is recognised", added=True),
    Meant(r"server\.mounts\./dev/shm", "a container has 64 MiB otherwise", added=True),
    Meant(r"server\.mounts\./(home/modelservice|tmp)", "a user other than root can write there", added=True),
    Meant(r"server\.env\.(HOME|USER)", "a user other than root can write there"),
    Meant(r"server\.env\.(HF_HUB_CACHE|MODELSCOPE_CACHE)", "it names the folder of the model volume", added=True),
    Meant(r"server\.env\.(HF_HUB_OFFLINE|VLLM_NO_USAGE_STATS)", "nothing is written to a read-only volume", added=True),
    Meant(
        r"server\.env\.(VLLM_CACHE_ROOT|T\w+_CACHE_DIR|FLASHINFER_\w+)", "the next start need not compile", added=True
    ),
    Meant(r"server\.env\.(HF_TOKEN|HUGGING_FACE_HUB_TOKEN)", "libraries read one or the other", added=True),
    Meant(r"[\w.-]*\.env\.LLM_SECRET_[0-9]+", "a Secret replaces the text", added=True),
    Meant(r"podDisruptionBudget", "a drained node takes one pod at a time", added=True),
    Meant(
        r"podDisruptionBudget\.unhealthyPodEvictionPolicy", "a pod that is not ready does not stop a drain", added=True
    ),
    Meant(r"serviceMonitor\.endpoints\[0\]\.interval", "30 seconds is the operator's default, too", added=True),
    Meant(r"apiKey", "a Secret replaces the text", added=True),
    Meant(r"arguments\.--(api-key|hf-token)", "a Secret replaces the text"),
    Meant(r"arguments\.--shutdown-timeout", "answers under way get time to end", added=True),
    Meant(r"arguments\.--disable-custom-all-reduce", "slices of GPUs share no memory", added=True),
)


def with_differences(part: Part, workload: Workload, objects: Sequence[Object]) -> Part:
    """Return a part with the differences between its rendered values and the original as notes and remarks.

    Where there is no helm, or it refuses the values by what no rule can ignore, a note says that nothing was compared.
    """
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
    notes += [Note(f"the chart refuses the result [{rule}]", "the comparison ignores this rule") for rule in refused]
    return part._replace(notes=(*part.notes, *notes), remarks=(*part.remarks, *remarks))


def _rendered(document: Document) -> tuple[list[Object], list[str]]:
    """Return the objects that values become, and the chart's rules that refuse them and were ignored for once.

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
    return read_objects({"what helm printed": manifests(chart, "imported", "default", [document])})


def _differences(
    workload: Workload, objects: Sequence[Object], rendered: Sequence[Object], document: Document
) -> list[Field]:
    image = coalesce(default_values(), document.data)["image"]
    release = release_in(image, "")
    line = Line(release.name, release.label, command_line(release.name))
    numbers: Numbers = {}
    sides = []
    for one, beside in ((workload, objects), (find_workload(rendered), rendered)):
        whole = with_claims(one)
        known = known_values(whole.server, configs_in(objects))
        sides.append(masked(meaning(whole, beside, line, known), numbers))
    if document.data.get("autoscaling", {}).get("kind"):
        sides[0]["workload"].pop("replicas", None)
    if "service" not in sides[0]:
        sides[1].pop("service", None)
    return list(differing_fields(*sides))


def _reason(field: Field) -> str:
    """Return why a difference is meant, or "" if it is not one of the chart's."""
    if field.old.startswith(_HIDDEN) or _without_secret(field.old) == _without_secret(field.new):
        return "a Secret replaces the text"
    found = (one for one in MEANT if re.fullmatch(one.paths, field.path) and not (one.added and field.old))
    return next((one.reason for one in found), "")


def _without_secret(text: str) -> str:
    return re.sub(r"\(not shown, [0-9]+\)|\$\(LLM_SECRET_[0-9]+\)", NOT_SHOWN, text)


def _is_noted(field: Field, part: Part) -> bool:
    """Say whether a note speaks of the flag already, or of the secret that was taken out of the text."""
    if _HIDDEN in field.old and _MASK.sub(NOT_SHOWN, field.old) == field.new:
        return True
    name = field.path.partition(".--")[2]
    return bool(name) and any(note.written.startswith(f"--{name}") for note in part.notes)


def _said(field: Field) -> str:
    old, new = (_short(text) for text in (field.old, field.new))
    if not field.new:
        return f"the original has {old}, the chart does not"
    return f"the chart has {new}, the original {old or 'does not'}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
