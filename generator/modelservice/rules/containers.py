"""Rules on containers beside the server."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.rules.values import Said, Values, rule

_OWN = ("server", "download-model", "wait-for-model")


@rule("container-name", "A container's name is there once, and not the chart's own.", source="the Pod API")
def container_name(values: Values) -> Iterator[Said]:
    """Two containers of one name, which the API server refuses."""
    seen = dict.fromkeys(_OWN, "the chart's own container")
    for key in ("initContainers", "extraContainers"):
        for index, item in values.items(key):
            if item["name"] in seen:
                message = f"{item['name']} is the name of {seen[item['name']]} too"
                yield Said((key, index, "name"), message, f"write {item['name']}-2")
            seen.setdefault(item["name"], f"{key}[{index}]")


RULES = (container_name,)
