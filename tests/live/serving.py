"""The container of a rendered manifest, run as a process.

Command, arguments, variables, probes and lifecycle are the manifest's own. Only these are replaced: `vllm` by that of
the live tests' environment, mount paths by folders of this machine, port 8000 by a free one, and variables from Secrets
by their values. Only these are added: variables that a CPU needs and, after the manifest's arguments, flags that save
time on a CPU. The user is the manifest's; root has the capabilities that the manifest adds, and no others.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.chart.rendering import ROOT, Object, objects, pod, server

ENVIRONMENT = ROOT / ".venv-vllm"
MODELS = ROOT / ".cache/live/models"
# The installed release decides the flags; there is no GPU.
RELEASE: Object = {
    "image": {"repository": "example.com/vllm-cpu", "tag": "v0.32.0"},
    "gpu": {"count": 0},
    "startupSeconds": 300,
}
CPU_VARIABLES = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "OMP_NUM_THREADS": "2",
}
CPU_FLAGS = ["--enforce-eager", "--dtype=float16", "--max-num-seqs=8"]


class Server:
    """A running container: `url` is its address, `container` and `spec` the manifest's."""

    def __init__(
        self,
        items: list[Object],
        folders: dict[str, Path],
        secrets: dict[str, str],
        log: Path,
        flags: list[str],
        assigned: Object,
    ) -> None:
        self.items, self.container, self.spec = items, server(items), pod(items)
        self.assigned = assigned
        self.secrets, self.flags = secrets, flags
        self.folders, self.log = folders, log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        scheme = self.container["startupProbe"]["httpGet"].get("scheme", "HTTP").lower()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.started = time.monotonic()
        # The process has its own handle of the log.
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*self._user(), *self._command()],
                env=self._environment(secrets),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )

    def _local(self, text: str) -> str:
        for mount, folder in self.folders.items():
            if text == mount or text.startswith(f"{mount}/"):
                return str(folder) + text[len(mount) :]
        return text

    def _command(self) -> list[str]:
        words = [self._local(word) for word in [*self.container["command"], *self.container["args"]]]
        assert words[0] == "vllm"
        words = [f"--port={self.port}" if word == "--port=8000" else self._expanded(word) for word in words]
        return [str(ENVIRONMENT / "bin/vllm"), *words[1:], *self.flags]

    def _expanded(self, word: str) -> str:
        """Replace $(NAME) and $$ as Kubernetes does; paths may follow a flag."""
        for name, secret in self.secrets.items():
            word = word.replace(f"$({name})", secret)
        flag, equals, value = word.partition("=")
        word = f"{flag}={self._local(value)}" if equals and value.startswith("/") else word
        return word.replace("$$", "$")

    def _environment(self, secrets: dict[str, str]) -> dict[str, str]:
        found = {
            "PATH": f"{ENVIRONMENT}/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.log.parent),
            **CPU_VARIABLES,
        }
        for entry in self.container["env"]:
            found[entry["name"]] = self._local(entry["value"]) if "value" in entry else secrets[entry["name"]]
        return {**found, "TMPDIR": str(self.folders.get("/tmp", "/tmp"))}

    def _user(self) -> list[str]:
        context = {**self.assigned, **self.spec.get("securityContext", {}), **self.container.get("securityContext", {})}
        user = context.get("runAsUser", os.getuid())
        if os.getuid() != 0:
            return []
        groups = [f"--regid={context.get('runAsGroup', 0)}", f"--groups={context.get('fsGroup', 0)}"]
        return ["setpriv", f"--reuid={user}", *groups, *self._capabilities(context), "--no-new-privs"]

    def _capabilities(self, context: Object) -> list[str]:
        """Return the capabilities that the manifest leaves to root."""
        added = "".join(f",+{name.lower()}" for name in context["capabilities"].get("add", []))
        return [f"--inh-caps=-all{added}", f"--bounding-set=-all{added}"]

    def probe(self, name: str) -> bool:
        """Send the rendered probe's request; return whether it succeeds."""
        probe = self.container[name]
        assert probe["httpGet"]["port"] == "http"
        try:
            # The kubelet trusts any certificate too.
            answer = httpx.get(
                self.url + probe["httpGet"]["path"], timeout=probe.get("timeoutSeconds", 1), verify=False
            )
        except httpx.HTTPError:
            return False
        return 200 <= answer.status_code < 400

    def start(self) -> float:
        """Wait as the kubelet does with the startup probe; return the seconds. Fails if the pod would be killed."""
        probe = self.container["startupProbe"]
        time.sleep(probe.get("initialDelaySeconds", 0))
        for _ in range(probe["failureThreshold"]):
            if self.probe("startupProbe"):
                return time.monotonic() - self.started
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.tail()}"
            time.sleep(probe["periodSeconds"])
        raise AssertionError(f"not started within the budget:\n{self.tail()}")

    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-6000:]

    def stop(self) -> float:
        """Stop as the kubelet does: preStop, SIGTERM, and no more than the grace period; return the seconds."""
        start = time.monotonic()
        grace = self.spec["terminationGracePeriodSeconds"]
        time.sleep(self.container["lifecycle"]["preStop"]["sleep"]["seconds"])
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(max(1.0, grace - (time.monotonic() - start)))
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"SIGKILL would come after {grace} seconds:\n{self.tail()}") from error
        return time.monotonic() - start

    def kill(self) -> None:
        """End the whole process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def serving(
    helm: str,
    values: Object,
    folder: Path,
    prepare: Callable[[Path], None],
    flags: list[str] = CPU_FLAGS,
    assigned: Object | None = None,
    **secrets: str,
) -> Iterator[Server]:
    """Run the container of the values' manifest with its volumes below a folder; yield it when it has started.

    `prepare` first fills the folder of the model volume, and the folders of mounted Secrets next to it. `assigned` is
    the security context that the namespace gives a pod without one, as on OpenShift.
    """
    items = objects(helm, {**RELEASE, **values})
    folder.mkdir(parents=True, exist_ok=True)
    folders = {}
    context = {**(assigned or {}), **pod(items).get("securityContext", {}), **server(items).get("securityContext", {})}
    for mount in server(items)["volumeMounts"]:
        if mount["mountPath"] != "/dev/shm":
            place = folders[mount["mountPath"]] = folder / mount["name"]
            place.mkdir(exist_ok=True)
            place.chmod(0o2777 if context.get("fsGroup") else 0o755)
    for volume in pod(items)["volumes"]:
        if "configMap" in volume:
            (data,) = (i["data"] for i in items if i["metadata"]["name"] == volume["configMap"]["name"])
            for name, text in data.items():
                (folder / volume["name"] / name).write_text(text)
    prepare(folder / "model-dir")
    running = Server(items, folders, secrets, folder / "server.log", flags, assigned or {})
    try:
        running.start()
        yield running
    finally:
        running.kill()


def fill(folder: Path, model: str, name: str) -> None:
    """Put a model into a folder as the Hugging Face hub's cache keeps it."""
    cache = folder / f"models--{name.replace('/', '--')}"
    shutil.copytree(MODELS / model, cache / "snapshots/0123456789abcdef")
    (cache / "refs").mkdir()
    (cache / "refs/main").write_text("0123456789abcdef")


def close(folder: Path) -> None:
    """Make a folder read-only for everyone."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def run_python(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the environment that has the openai package."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), **variables}
    command = [str(ENVIRONMENT / "bin/python"), "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def parse(arguments: dict[str, list[str]]) -> Any:
    """Check several command lines with vLLM's own parser; return name → "" or its error."""
    program = """
import contextlib, io, json, os
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
said = {}
for name, line in json.loads(os.environ["LINES"]).items():
    err = io.StringIO()
    try:
        with contextlib.redirect_stderr(err):
            parser.parse_args(line)
        said[name] = ""
    except (SystemExit, Exception) as error:
        said[name] = f"{error!r} {err.getvalue()[-300:]}"
print("RESULT" + json.dumps(said))
"""
    answer = run_python(program, LINES=json.dumps(arguments), **CPU_VARIABLES)
    assert "RESULT" in answer.stdout, answer.stderr
    return json.loads(answer.stdout.partition("RESULT")[2])
