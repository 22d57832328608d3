"""Values drawn from the schema: helm and `validate` agree, and both charts give the same, valid manifests.

Invalid files: bytes and structures of the examples, changed at random, give findings.
"""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

from modelservice.check import check
from modelservice.reading.document import read

from tests.conftest import HELM_RELEASES
from tests.drawing import drawn
from tests.equivalence import disagreement, errors_in, fault, helm_of, repaired

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts/modelservice"
EXAMPLES = sorted((ROOT / "values-examples").glob("*.yaml"))
SERVICES = 100
EQUAL = 30
MUTATIONS = 2000


def test_helm_and_validate_agree(helm: str) -> None:
    values = drawn(SERVICES, 1)
    assert [f"{text}\n{wrong}" for text in values if (wrong := disagreement(text, helm))] == []
    assert sum(errors_in(text) == [] for text in values) >= SERVICES // 30, "too few are accepted to mean much"


def test_a_rendered_chart_gives_the_same_valid_manifests_as_the_generic_one() -> None:
    values = [repaired(json.loads(text)) for text in drawn(EQUAL, 0)]
    helms = [helm_of(release) for release in HELM_RELEASES]
    assert [f"{text}\n{wrong}" for text in dict.fromkeys(values) if (wrong := fault(text, helms))] == []


def mutated(raw: bytes, random_: random.Random) -> bytes:
    """Return the bytes with a few of them changed, dropped, doubled or replaced by YAML's special characters."""
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


def test_mutations_stay_within_300_megabytes(tmp_path: Path) -> None:
    random_ = random.Random(1)
    for number in range(200):
        (tmp_path / f"{number}.yaml").write_bytes(mutated(EXAMPLES[number % len(EXAMPLES)].read_bytes(), random_))
    # The peak memory of only this program: that of getrusage starts with its parent's.
    program = (
        "import re, sys; from pathlib import Path; from modelservice.cli import main\n"
        "try: main(['validate', sys.argv[1]])\n"
        "finally: print(re.search('VmHWM:.*?([0-9]+) kB', Path('/proc/self/status').read_text())[1])\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    *findings, most = answer.stdout.splitlines()
    assert (len(findings) > 100, int(most) < 300 * 1024) == (True, True), most
