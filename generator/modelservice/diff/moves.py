"""Describe what a service needs if it moves to another namespace or cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.chart.required_secrets import references
from modelservice.diff.effects import model_claim
from modelservice.reading.documents import load_objects, members

Object = Mapping[str, Any]


def elsewhere(new: str) -> Iterator[str]:
    """Yield what the release of these manifests finds, and needs, in a namespace or cluster where it did not run."""
    objects = _objects(new)
    created = {one["metadata"]["name"] for one in objects}
    claims = {claim for one in objects for claim in _claims(one)}
    if any(_templates(one) or model_claim(one) in created for one in objects):
        yield "the new volume is empty there: the model is downloaded again, or must be copied"
    for kind, names in (("claim", claims), ("Secret", {name for one in objects for name in _secrets(one)})):
        if needed := sorted(names - created):
            yield f"{f'this {kind}' if len(needed) == 1 else f'these {kind}s'} must exist there: {', '.join(needed)}"


def _objects(text: str) -> list[Object]:
    return [one for item in load_objects(text) for one in members(item) if isinstance(one, Mapping) and "kind" in one]


def _templates(item: Object) -> Any:
    return item.get("spec", {}).get("volumeClaimTemplates")


def _pod(item: Object) -> Object:
    template = item.get("spec", {}).get("template")
    return template.get("spec", {}) if isinstance(template, Mapping) else {}


def _claims(item: Object) -> Iterator[str]:
    for volume in _pod(item).get("volumes") or []:
        if claim := volume.get("persistentVolumeClaim"):
            yield claim["claimName"]


def _secrets(item: Object) -> Iterator[str]:
    """Yield the Secrets that the pods of a workload, or an Ingress, refer to."""
    yield from (name for name, _ in references(dict(_pod(item))))
    yield from (one["name"] for one in _pod(item).get("imagePullSecrets") or [])
    if item["kind"] == "Ingress":
        yield from (one["secretName"] for one in item["spec"].get("tls") or [] if one.get("secretName"))
