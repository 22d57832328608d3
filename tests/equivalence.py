"""Compare the manifests of a rendered chart and the generic chart, and validate them, with each helm."""

from __future__ import annotations

import copy
import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
from modelservice.chart.plan import plan_chart
from modelservice.check import check_service, errors
from modelservice.findings import Finding, Refuser, dotted
from modelservice.reading.document import read
from modelservice.reading.documents import load_objects
from modelservice.rules.catalogue import by_id
from modelservice.schema.defaults import default_values
from modelservice.schema.fields import load_fields
from modelservice.schema.kubernetes import kubernetes_releases
from modelservice.service import make_service
from modelservice.writing.files import write_tree

from tests.chart.rendering import CHART, ROOT, Object, strictly

# The newest that kubernetes-validate has: users may set fields that only it has.
KUBERNETES = list(kubernetes_releases())[-1]
# The sides that refuse values when helm renders them.
HELM = (Refuser.HELM, Refuser.SCHEMA, Refuser.CHART)
fields = functools.cache(load_fields)


def errors_in(text: str) -> list[Finding]:
    return errors(check_service([read("values.yaml", text.encode())]).findings)


def repaired(values: Object) -> str:
    """Return the values as JSON, without the parts that have errors."""
    kept = copy.deepcopy(values)
    while found := errors_in(json.dumps(kept)):
        drop(kept, max((finding.path for finding in found), key=len))
    return json.dumps(kept)


def drop(tree: Any, path: Sequence[str | int]) -> None:
    """Delete the value at a path, or its last existing ancestor."""
    head, *rest = path
    below = tree[head]
    there = isinstance(below, dict) and rest and rest[0] in below
    if there or (isinstance(below, list) and rest and isinstance(rest[0], int) and rest[0] < len(below)):
        drop(below, rest)
    else:
        del tree[head]


@functools.cache
def helm_of(release: str) -> str:
    command = [sys.executable, str(ROOT / "tools/fetch_helm.py"), release]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def manifests(helm: str, chart: Path, values: str = "{}") -> list[Object] | str:
    """Return the manifests that helm renders, without the chart's own label, or its message if it fails."""
    command = [helm, "template", "x", str(chart), "--namespace", "models", "-f", "-"]
    answer = subprocess.run(command, input=values, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return answer.stderr
    found: list[Object] = load_objects(answer.stdout)
    for item in found:
        item["metadata"].get("labels", {}).pop("helm.sh/chart", None)
    return found


def disagreement(text: str, helm: str) -> str:
    """Return helm's result and our prediction of it if one refuses the values and the other does not."""
    said = manifests(helm, CHART, text)
    ours = [f"{dotted(one.path)} [{one.rule}]" for one in errors_in(text) if by_id()[one.rule].refused_by in HELM]
    return f"we: {ours}\nhelm: {said}" if isinstance(said, str) != bool(ours) else ""


def fault(text: str, helms: Sequence[str]) -> str:
    """Return the fault in the manifests of values that `validate` accepts, or an empty result."""
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "x"
        service = make_service("x", "0.1.0", json.loads(text), default_values())
        write_tree(plan_chart(load_fields(), service), chart)
        seen = [side for helm in helms for side in (manifests(helm, CHART, text), manifests(helm, chart))]
    first = seen[0]
    for other in seen[1:]:
        if other != first:
            return f"not the same manifests:\n{first}\n{other}"
    return f"refused: {first}" if isinstance(first, str) else "".join(map(invalid, first))


def invalid(item: Object) -> str:
    """Return what Kubernetes would refuse in an object of the chart; extra objects are not checked."""
    if "app.kubernetes.io/managed-by" not in (item["metadata"].get("labels") or {}):
        return ""
    try:
        strictly(item, KUBERNETES)
    except AssertionError as error:
        return f"{item['kind']} is invalid: {error}\n"
    except kubernetes_validate.ValidationError as error:
        return f"{item['kind']} is invalid: {error.json_path}: {error.message[:500]}\n"
    return ""
