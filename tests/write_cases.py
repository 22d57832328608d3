"""Rewrite the expected findings in tests/cases from the current behaviour, for review: python -m tests.write_cases.

The first line of each bad*.txt names the side that refuses the file in addition to `validate`. Both helms are tried; if
both accept the file, the rule names the side.
"""

import contextlib
import subprocess
import sys
from pathlib import Path

from modelservice.check import check_service
from modelservice.findings import Refuser
from modelservice.reading.document import read
from modelservice.report import lines
from modelservice.rules.catalogue import by_id

from tests.conftest import HELM_RELEASES, ROOT

CHART = ROOT / "charts/modelservice"
# If a file breaks several rules, the first of these sides refuses it.
ORDER = [*Refuser]


def helm(release: str) -> str:
    command = [sys.executable, str(ROOT / "tools/fetch_helm.py"), release]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def refuses(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


def side(case: Path, rules: set[str], helms: list[str]) -> Refuser:
    """Return the side that refuses a case. Raises ValueError if the helms do not agree, or disagree with the rules."""
    stated = min((by_id()[rule].refused_by for rule in rules), key=ORDER.index)
    linted = {refuses([one, "lint", str(CHART), "-f", str(case)]) for one in helms}
    rendered = {refuses([one, "template", "x", str(CHART), "-f", str(case)]) for one in helms}
    if len(linted) != 1 or len(rendered) != 1:
        raise ValueError(f"{case}: the helms do not agree")
    if linted == {True}:
        return stated if stated is Refuser.HELM else Refuser.SCHEMA
    if (rendered == {True}) != (stated in (Refuser.CHART, Refuser.HELM)):
        raise ValueError(f"{case}: the rules say {stated}, and helm template fails: {rendered}")
    return stated


def main() -> None:
    helms = [helm(release) for release in HELM_RELEASES]
    for case in sorted((ROOT / "tests/cases").glob("*/bad*.yaml")):
        with contextlib.chdir(case.parent):  # a case may have the facts of its model
            found = check_service([read("values.yaml", case.read_bytes())]).findings
        if not found:
            raise ValueError(f"{case}: nothing is found")
        expected = [f"refused by: {side(case, {one.rule for one in found}, helms)}", *lines(found)]
        case.with_suffix(".txt").write_text("\n".join(expected) + "\n")


if __name__ == "__main__":
    main()
