"""Values drawn from the schema: we and helm say the same of each, and what both accept are strictly valid manifests.

And files that are no such thing: bytes and structures of the examples, changed at random, end in findings.
"""

import functools
import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelservice.check import check, errors
from modelservice.findings import Finding, Refuser, dotted
from modelservice.reading.document import read
from modelservice.rules.catalogue import by_id
from modelservice.schema.fields import FieldModel, load_fields
from modelservice.schema.source import plain_schema

from tests.chart.rendering import strictly

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts/modelservice"
EXAMPLES = sorted((ROOT / "values-examples").glob("*.yaml"))
SERVICES = 150
MUTATIONS = 2000
# Who refuses values when helm renders them.
HELM = (Refuser.HELM, Refuser.SCHEMA, Refuser.CHART)
WRONG: list[Any] = ["no such thing", "", -1, 7, 0.5, True, [], [1], {}, {"a": 1}, None]
PATHS = ["/models", "/root/x", "/dev/shm", "/tmp/", "/home/modelservice", "/home/modelservice/x", "/data"]
# Values that rules look at, and that a form alone would hardly ever bring together.
TELLING: dict[str, list[Any]] = {
    "model.name": ["Qwen/Qwen3-8B", "/models/qwen3", "/data", "a/b/c", "a--b", "s3://models/qwen3"],
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
def model() -> FieldModel:
    return load_fields()


def values_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return what draws values of a schema; conditions (if, not) are left to chance."""
    if "$ref" in schema:
        schema = {**schema, **plain_schema()["definitions"][schema["$ref"].rpartition("/")[2]]}
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([value_of(kind, schema) for kind in kinds])


def value_of(kind: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if kind == "object":
        return objects(schema)
    if kind == "array":
        items = values_of(schema["items"]) if "items" in schema else st.nothing()
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=min(schema.get("maxItems", 2), 2))
    if kind == "string":
        text = st.from_regex(re.compile(schema.get("pattern", "^[ -~]*$")), fullmatch=True, alphabet=PRINTABLE)
        return text.filter(lambda one: schema.get("minLength", 0) <= len(one) <= min(schema.get("maxLength", 80), 80))
    low, high = schema.get("minimum", 0), schema.get("maximum", 100)
    plain = {"integer": st.integers(low, high), "number": st.sampled_from([0.5, 1.5, 4]), "boolean": st.booleans()}
    return plain.get(kind, st.none())


def objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    known = {key: values_of(child) for key, child in schema.get("properties", {}).items() if "not" not in child}
    required = schema.get("required", [])
    free = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    if not known:
        drawn = values_of(free[0]) if free[0] else st.nothing()
        return st.dictionaries(st.sampled_from(["team", "example.com/a"]), drawn, max_size=2)
    optional = {key: child for key, child in known.items() if key not in required}
    return st.fixed_dictionaries({key: known[key] for key in required}, optional=optional)


@functools.cache
def field_values(key: str) -> st.SearchStrategy[Any]:
    field = next(field for field in model().fields if field.key == key)
    schema = functools.reduce(lambda above, part: above["properties"][part], field.path, plain_schema())
    sound = st.one_of(values_of(schema), st.sampled_from([field.default, *field.schema.get("examples", [])]))
    telling = st.sampled_from(TELLING[key]) if key in TELLING else sound
    return st.integers(0, 19).flatmap(
        lambda one: st.sampled_from(WRONG) if one == 19 else telling if one % 2 else sound
    )


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    """Draw values of a few fields, most of them sound, or nothing would ever be accepted."""
    values: dict[str, Any] = {}
    keys = [field.key for field in model().fields if not field.read_by_helm]
    some = st.one_of(st.sampled_from(keys), st.sampled_from(sorted(TELLING)))
    for key in draw(st.lists(some, min_size=1, max_size=5, unique=True)):
        *above, last = key.split(".")
        place = values
        for part in above:
            place = place.setdefault(part, {})
        place[last] = draw(field_values(key))
    return values


def errors_in(text: str) -> list[Finding]:
    return errors(check(read("values.yaml", text.encode())))


def test_helm_and_we_agree_and_what_both_accept_is_valid(helm: str) -> None:
    accepted = []

    @settings(
        max_examples=SERVICES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(services())
    def agree(values: dict[str, Any]) -> None:
        text = json.dumps(values)
        command = [helm, "template", "x", str(CHART), "-f", "-"]
        answer = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        found = errors_in(text)
        helms = [f"{dotted(one.path)} [{one.rule}]" for one in found if by_id()[one.rule].refused_by in HELM]
        assert (answer.returncode == 0) == (helms == []), f"{text}\nwe: {helms}\nhelm: {answer.stderr}"
        if not found:
            accepted.append(text)
            for item in yaml.safe_load_all(answer.stdout):
                strictly(item, "1.30")

    agree()
    assert len(accepted) >= SERVICES // 5, "too few are accepted to mean much"


def mutated(raw: bytes, random_: random.Random) -> bytes:
    """Return the bytes with a few of them changed, dropped, doubled or swapped for what YAML finds special."""
    data = bytearray(raw)
    for _ in range(random_.randint(1, 8)):
        at = random_.randrange(len(data))
        what = random_.randrange(5)
        if what == 0:
            data[at] = random_.randrange(256)
        elif what == 1:
            del data[at : at + random_.randint(1, 20)]
        elif what == 2:
            data[at:at] = data[at : at + random_.randint(1, 40)]
        elif what == 3:
            data[at:at] = random_.choice(
                [b"\t", b"- ", b": ", b"{", b"[", b"&a ", b"*a", b"<<: ", b"!!int ", b"\xff", b"'", b"|\n"]
            )
        else:
            data[at : at + 4] = random_.choice(
                [b"yes", b"null", b"1e999", b"0o17", b"---\n", b"\x00", b"2" * 30, b".inf"]
            )
        data = data or bytearray(b" ")
    return bytes(data)


def test_no_mutation_of_an_example_ends_in_a_traceback_or_takes_long() -> None:
    random_ = random.Random(0)
    raws = [example.read_bytes() for example in EXAMPLES]
    slowest = 0.0
    for number in range(MUTATIONS):
        raw = mutated(raws[number % len(raws)], random_)
        start = time.process_time()
        check(read("values.yaml", raw))
        slowest = max(slowest, time.process_time() - start)
    assert slowest < 2


def test_mutations_stay_within_200_megabytes(tmp_path: Path) -> None:
    random_ = random.Random(1)
    for number in range(200):
        (tmp_path / f"{number}.yaml").write_bytes(mutated(EXAMPLES[number % len(EXAMPLES)].read_bytes(), random_))
    program = (
        "import resource, sys; from modelservice.check import check_files; check_files(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    answer = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(answer.stdout) < 200 * 1024
