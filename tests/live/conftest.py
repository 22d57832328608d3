"""Fixtures of the live tests. `make test-live` installs vLLM and runs them; plain pytest skips them."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from modelservice.schema.defaults import coalesce, default_values
from modelservice.serving.access import Access, access

from tests.chart.rendering import EXAMPLES
from tests.live.serving import CPU_FLAGS, ENVIRONMENT, MODELS, Server, serving

CHAT = {
    "model": {"name": "/models/chat", "source": "local", "servedName": "tiny"},
    "modelVolume": {"mountPath": "/models", "existingClaim": "models"},
}
EMBED = {**CHAT, "model": {"name": "/models/embed", "source": "local", "servedName": "tiny", "task": "embedding"}}


def copy_models(folder: Path) -> None:
    """Put both models into the model volume."""
    shutil.copytree(MODELS, folder, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def helm4(request: pytest.FixtureRequest) -> str:
    """Return the newest helm; the live tests are about the server, not about helm."""
    import subprocess
    import sys

    command = [sys.executable, "tools/fetch_helm.py", "4.3.1"]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=request.config.rootpath
    ).stdout.strip()


@pytest.fixture
def volumes() -> Iterator[Path]:
    """Return a folder for volumes that any user can enter."""
    assert (ENVIRONMENT / "bin/vllm").exists(), "vLLM is not installed: run make test-live"
    with tempfile.TemporaryDirectory(prefix="live-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def chat(helm4: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a running chat server, with the API key that its manifest takes from a Secret."""
    key = {"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "api"}}}
    folder = tmp_path_factory.mktemp("chat")
    with serving(helm4, {**CHAT, "env": [key]}, folder, copy_models, VLLM_API_KEY="open-sesame") as running:
        yield running


@pytest.fixture(scope="module")
def embed(helm4: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a running embedding server."""
    with serving(helm4, EMBED, tmp_path_factory.mktemp("embed"), copy_models) as running:
        yield running


def accesses() -> dict[str, Access]:
    """Return how each example is reached."""
    values = {example.stem: yaml.safe_load(example.read_text()) for example in EXAMPLES}
    return {name: access(coalesce(default_values(), one), name, "models") for name, one in values.items()}


@pytest.fixture(scope="module")
def as_examples(helm4: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """Return a chat and an embedding server, by task, that accept the model names of all examples."""
    running = {}
    with contextlib.ExitStack() as stack:
        for task, values in (("generate", CHAT), ("embedding", EMBED)):
            names = sorted({found.model for found in accesses().values() if found.task == task})
            flags = [*CPU_FLAGS, "--served-model-name", *names]
            folder = tmp_path_factory.mktemp(task)
            running[task] = stack.enter_context(serving(helm4, values, folder, copy_models, flags))
        yield running
