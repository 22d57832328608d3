"""The wheel works without a checkout."""

import subprocess
import sys
import venv
from pathlib import Path

from modelservice.chart.changelog import changes

ROOT = Path(__file__).parents[1]


def test_an_installed_wheel_validates_and_renders_outside_the_checkout(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env/bin/python"
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", str(ROOT)], check=True, cwd=tmp_path, capture_output=True)
    (tmp_path / "opt.yaml").write_text("model:\n  name: facebook/opt-125m\n")
    command = [str(tmp_path / "env/bin/modelservice")]
    for arguments in (["validate", "opt.yaml"], ["render", "opt.yaml", "-o", "chart"], ["explain", "gpu.count"]):
        answer = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "chart/values.schema.json").is_file()
    # A published chart lists its changes, wherever it was packaged.
    of_wheel = [str(python), "-c", "from modelservice.chart.changelog import changes; print(*changes(), sep='\\n')"]
    listed = subprocess.run(of_wheel, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert listed.splitlines() == changes()
    answer = subprocess.run([*command, "generate"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr[:38]) == (1, "error: generate works only in a checko")


def test_the_tests_run_the_checkout() -> None:
    import modelservice

    assert Path(modelservice.__file__).is_relative_to(ROOT), sys.path
