"""Rules on the keys of labels, annotations and resources."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.rules.values import Said, Values, rule

_LONGEST = 63
# Every map with such keys; _validate-pod.tpl has the same list.
_MAPS = (
    "labels",
    "annotations",
    "podLabels",
    "podAnnotations",
    "nodeSelector",
    "serviceAccount.annotations",
    "ingress.annotations",
    "httpRoute.annotations",
    "serviceMonitor.labels",
    "prometheusRule.labels",
    "resources.requests",
    "resources.limits",
)


# Not in the schema: a counted repeat in a pattern costs Helm as much time as fifty plain fields.
@rule(
    "key-length",
    "A key's name has at most 63 characters behind its prefix.",
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set",
)
def key_length(values: Values) -> Iterator[Said]:
    """What the API server refuses."""
    places = [((*name.split("."), key), key, True) for name in _MAPS for key in values.at(name) or ()]
    resource = values.at("gpu.resourceName")
    for path, key, on_key in [*places, (("gpu", "resourceName"), resource, False)]:
        name = key.rpartition("/")[2]
        if len(name) > _LONGEST:
            message = f"{name} has {len(name)} characters, and at most 63 are allowed"
            yield Said(path, message, "remove it, or shorten it", on_key)


RULES = (key_length,)
