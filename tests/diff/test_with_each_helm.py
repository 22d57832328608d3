"""`modelservice diff` with every helm."""

from pathlib import Path

import pytest

from tests.diff.test_comparison import PLAIN, diff


def test_an_argument_restarts_the_pod_and_is_named(helm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = diff(helm, f"{PLAIN}args: [--seed=1]\n", f"{PLAIN}args: [--seed=2]\n")
    assert code == 1
    assert said == (
        "~ Deployment modelservice-chat\n"
        "  ! every pod restarts: the old ones stop first, and the service is unavailable until a new one is ready\n"
        "    spec.template.spec.containers[server].args\n"
        "      - --seed=1\n"
        "      + --seed=2\n"
    )
