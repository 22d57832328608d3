"""Values drawn from the schema: we and helm say the same of each, and what both accept are strictly valid manifests."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from modelservice import check, document, fields
from modelservice.findings import dotted

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts/modelservice"
EXAMPLES = sorted((ROOT / "values-examples").glob("*.yaml"))
SERVICES = 150
MUTATIONS = 2000
# What only we know: vLLM's command line, and what a secret looks like.
OURS_ALONE = ("argument-", "secret-literal", "gpu-split", "shutdown-timeout")


def candidates(field: fields.Field) -> list[Any]:
    """Return values for a field: its examples, its limits, just beyond them, and other types."""
    schema = field.schema
    found = [field.default, *schema.get("examples", []), *schema.get("enum", [])]
    for bound, beyond in (("minimum", -1), ("maximum", 1)):
        found += [schema[bound], schema[bound] + beyond] if bound in schema else []
    return [*found, "text", 7, True, [], {}, None]


def draw(model: fields.FieldModel, random_: random.Random) -> dict[str, Any]:
    """Return values of a few fields; most of them are sound, or nothing would ever be accepted."""
    values: dict[str, Any] = {}
    for field in random_.sample(model.fields, random_.randint(1, 6)):
        options = candidates(field)
        value = random_.choice(options if random_.random() < 0.15 else options[: max(1, len(options) - 8)])
        place = values
        for key in field.path[:-1]:
            place = place.setdefault(key, {})
        place[field.path[-1]] = value
    return values


def errors(text: str) -> list[str]:
    found = check.errors(check.check(document.read("values.yaml", text.encode())))
    return [f"{dotted(finding.path)} [{finding.rule}]" for finding in found if not finding.rule.startswith(OURS_ALONE)]


@pytest.mark.parametrize("seed", range(3))
def test_helm_and_we_agree_on_values_of_any_kind(seed: int, helm: str, tmp_path: Path) -> None:
    model, random_ = fields.load_fields(), random.Random(seed)
    accepted = 0
    for _ in range(SERVICES // 3):
        text = json.dumps(draw(model, random_))
        (tmp_path / "values.yaml").write_text(text)
        command = [helm, "template", "x", str(CHART), "-f", str(tmp_path / "values.yaml")]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (answer.returncode == 0) == (errors(text) == []), f"{text}\nwe: {errors(text)}\nhelm: {answer.stderr}"
        if answer.returncode == 0:
            accepted += 1
            for item in yaml.safe_load_all(answer.stdout):
                if item:
                    kubernetes_validate.validate(item, "1.32", strict=True)
    assert accepted >= SERVICES // 3 // 5, "too few are accepted to mean much"


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
        check.check(document.read("values.yaml", raw))
        slowest = max(slowest, time.process_time() - start)
    assert slowest < 2


def test_mutations_stay_within_200_megabytes(tmp_path: Path) -> None:
    random_ = random.Random(1)
    for number in range(200):
        (tmp_path / f"{number}.yaml").write_bytes(mutated(EXAMPLES[number % len(EXAMPLES)].read_bytes(), random_))
    program = (
        "import resource, sys; from modelservice import check; check.check_files(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    answer = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(answer.stdout) < 200 * 1024
