"""Draw random values from the schema: most of them valid, some wrong, some empty at any depth."""

from __future__ import annotations

import copy
import functools
import json
import re
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from modelservice.schema.fields import load_fields
from modelservice.schema.source import plain_schema

from tests.chart.rendering import EXAMPLES

WRONG: list[Any] = ["no such thing", "", -1, 7, 0.5, True, [], [1], {}, {"a": 1}, None]
EMPTY: list[Any] = ["", None, {}, []]
PATHS = ["/models", "/root/x", "/dev/shm", "/tmp/", "/home/modelservice", "/home/modelservice/x", "/data"]
# Values that rules check, and that random values from the schema would hardly ever combine.
TELLING: dict[str, list[Any]] = {
    "model.name": ["acme/chat", "/models/qwen3", "/data", "a/b/c", "a--b", "s3://models/qwen3"],
    "command": [[], ["vllm", "serve", "Qwen/Qwen3-8B"], ["sh", "-c", "vllm serve Qwen/Qwen3-8B -tp 2"]],
    "image.repository": ["vllm/vllm-openai", "vllm/vllm-openai-nonroot", "example.com/llm", "lmcache/vllm-openai"],
    "huggingFace.tokenSecret.key": ["token", "key"],
    "serviceAccount.name": ["default", "models"],
    "gpu.count": [0, 1, 2],
    "replicas": [0, 1, 3],
    "nodeName": ["", "gpu-1"],
    "modelVolume.mountPath": PATHS,
    "modelVolume.accessModes": [
        ["ReadOnlyMany"],
        ["ReadWriteMany"],
        ["ReadWriteOncePod"],
        ["ReadWriteOnce", "ReadOnlyMany"],
    ],
    "modelVolume.existingClaim": ["", "models"],
    "modelVolume.size": [0, 20, "20Gi", "1e9", 5000000],
    "sharedMemory.sizeLimit": ["", "8Gi", "64Gi", 16, "512k"],
    "resources.requests.memory": ["1Gi", 16, "500m", "64Gi"],
    "resources.limits.memory": ["16Gi", "32Gi", 64, "1e3"],
    "resources.limits.cpu": [2, "8Gi", 0.5],
    "volumes": [
        [{"name": "a", "emptyDir": {}}],
        [{"name": "dshm", "emptyDir": {}}],
        [{"name": "a", "emptyDir": {}}] * 2,
    ],
    "volumeMounts": [
        [{"name": name, "mountPath": path}] for name in ("a", "dshm", "home", "model-dir") for path in PATHS
    ],
    "env": [[{"name": name, "value": "1"}] for name in ("HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE", "A")],
    "podSecurityContext": [{"runAsNonRoot": True}, {"runAsUser": 2000}, {"runAsUser": 0, "runAsNonRoot": True}],
    "securityContext": [
        {"privileged": True},
        {"readOnlyRootFilesystem": True},
        {"runAsUser": 0},
        {"runAsNonRoot": False},
    ],
    "strategy": [{"type": "Recreate"}, {"type": "OnDelete"}, {"rollingUpdate": {"maxSurge": 1}}],
}
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)


@functools.cache
def schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of each field and each group of fields, by its key."""
    leaves = {field.key for field in load_fields().fields if not field.read_by_helm}
    found: dict[str, dict[str, Any]] = {}

    def walk(schema: dict[str, Any], above: str) -> None:
        for name, child in schema["properties"].items():
            key = f"{above}{name}"
            if key in leaves:
                found[key] = child
            elif "properties" in child and name != "global":
                found[key] = child
                walk(child, f"{key}.")

    walk(plain_schema(), "")
    return found


def values_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a schema; conditions (if, not) are ignored."""
    if "$ref" in schema:
        schema = {**schema, **plain_schema()["definitions"][schema["$ref"].rpartition("/")[2]]}
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([value_of(kind, schema) for kind in kinds])


def value_of(kind: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for values of one of a schema's types."""
    if kind == "object":
        return objects(schema)
    if kind == "array":
        items = values_of(schema["items"]) if "items" in schema else st.nothing()
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=min(schema.get("maxItems", 2), 2))
    if kind == "string":
        text = st.from_regex(re.compile(schema.get("pattern", "^[ -~]*$")), fullmatch=True, alphabet=PRINTABLE)
        return text.filter(lambda one: schema.get("minLength", 0) <= len(one) <= min(schema.get("maxLength", 80), 80))
    low = schema.get("minimum", 0)
    high = schema.get("maximum", low + 100)
    plain = {"integer": st.integers(low, high), "number": st.sampled_from([0.5, 1.5, 4]), "boolean": st.booleans()}
    return plain.get(kind, st.none())


def objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for maps: with the schema's keys, or with any keys if it names none."""
    known = {key: values_of(child) for key, child in schema.get("properties", {}).items() if "not" not in child}
    required = schema.get("required", [])
    free = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    if not known:
        drawn = values_of(free[0]) if free[0] else st.nothing()
        return st.dictionaries(st.sampled_from(["team", "example.com/a"]), drawn, max_size=2)
    optional = {key: perhaps_empty(child) for key, child in known.items() if key not in required}
    return st.fixed_dictionaries({key: known[key] for key in required}, optional=optional)


def perhaps_empty(sound: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy that sometimes draws an empty value instead."""
    return st.integers(0, 19).flatmap(lambda one: st.sampled_from(EMPTY) if one == 0 else sound)


@functools.cache
def values_for(key: str) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a field, or of none or some fields of a group."""
    schema = schemas()[key]
    if "default" not in schema:
        return st.one_of(st.sampled_from(EMPTY), objects(schema))
    known = st.sampled_from([schema["default"], *schema.get("examples", [])])
    # Objects of an unknown kind have no schema.
    sound = known if key == "extraObjects" else st.one_of(values_of(schema), known)
    telling = st.sampled_from(TELLING[key]) if key in TELLING else sound
    return st.integers(0, 19).flatmap(
        lambda one: st.sampled_from([WRONG, EMPTY, EMPTY][one]) if one < 3 else telling if one % 2 else sound
    )


@functools.cache
def examples() -> list[dict[str, Any]]:
    """Return the values of every example."""
    return [yaml.safe_load(file.read_text()) for file in EXAMPLES]


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    """Draw values of a few fields, sometimes over an example; most are valid, or nothing would be accepted."""
    values: dict[str, Any] = copy.deepcopy(draw(st.one_of(st.just({}), st.sampled_from(examples()))))
    some = st.one_of(st.sampled_from(sorted(schemas())), st.sampled_from(sorted(TELLING)))
    for key in draw(st.lists(some, min_size=1, max_size=8, unique=True)):
        *above, last = key.split(".")
        place = values
        for part in above:
            place = place.setdefault(part, {}) if isinstance(place, dict) else {}
        if isinstance(place, dict):
            place[last] = copy.deepcopy(draw(values_for(key)))
    return values


def drawn(number: int, start: int) -> list[str]:
    """Return values files, as JSON, that the seed `start` draws: `number` of them, less those drawn twice."""
    found: dict[str, None] = {}

    @seed(start)
    @settings(
        max_examples=number,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(services())
    def keep(values: dict[str, Any]) -> None:
        found[json.dumps(values)] = None

    keep()
    return list(found)
