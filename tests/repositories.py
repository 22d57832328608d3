"""Debian's docker-registry and nginx, each a process of its own on a free port."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from click.testing import CliRunner
from modelservice.cli import main

USER, PASSWORD = "publisher", "open-sesame"
ROOT = Path(__file__).parents[1]


def modelservice(helm: str, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this process with this helm on PATH; a new process would take longer than most runs."""
    path = f"{Path(helm).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    words = [str(argument) for argument in arguments]
    answer = CliRunner().invoke(main, words, env={"PATH": path, **variables}, catch_exceptions=False)
    return subprocess.CompletedProcess(words, answer.exit_code, answer.stdout, answer.stderr)


def done(answer: subprocess.CompletedProcess[str]) -> str:
    """Return a command's output; fails with its message if it failed."""
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


class Registry(NamedTuple):
    """An OCI registry: its host and port, and helm's options and variables to reach it."""

    host: str
    options: tuple[str, ...]
    variables: dict[str, str]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def needed(program: str) -> str:
    """Return a program's path; the test is skipped if Debian's package is not installed."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: apt-get install {program}")
    return found


@contextlib.contextmanager
def running(command: list[str], url: str, log: Path) -> Iterator[None]:
    """Run a server during the context; it answers at the start."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        for _ in range(100):
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(url, verify=False)
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def certificate(folder: Path) -> None:
    """Make a self-signed certificate for localhost."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    names = [
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(folder / "tls.key"),
        "-out",
        str(folder / "tls.crt"),
    ]
    subprocess.run([*command, *names], check=True, capture_output=True)


@contextlib.contextmanager
def registry(folder: Path, *, secured: bool = False) -> Iterator[Registry]:
    """Run an OCI registry; `secured` has TLS and asks for a password."""
    program = needed("docker-registry")
    folder.mkdir(parents=True)
    port = free_port()
    http: dict[str, Any] = {"addr": f"127.0.0.1:{port}", "secret": "test"}
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}, "level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": http,
    }
    options: tuple[str, ...] = ("--plain-http",)
    if secured:
        certificate(folder)
        users = subprocess.run(
            [needed("htpasswd"), "-Bbn", USER, PASSWORD], check=True, capture_output=True, text=True
        ).stdout
        (folder / "users").write_text(users)
        http["tls"] = {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")}
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "users")}}
        options = ("--ca-file", str(folder / "tls.crt"))
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    scheme = "https" if secured else "http"
    with running([program, "serve", str(folder / "config.yaml")], f"{scheme}://localhost:{port}/v2/", folder / "log"):
        yield Registry(f"localhost:{port}", options, {"HELM_REGISTRY_CONFIG": str(folder / "login.json")})


@contextlib.contextmanager
def nginx(server: str, work: Path) -> Iterator[int]:
    """Run nginx with the inner lines of a server block; yields its port."""
    port = free_port()
    work.mkdir(parents=True)
    (work / "nginx.conf").write_text(
        f"""daemon off; pid {work}/pid; error_log {work}/error.log; worker_processes 1;
{"user root;" if os.getuid() == 0 else ""}
events {{ }}
http {{ access_log off; client_body_temp_path {work}; proxy_temp_path {work}; fastcgi_temp_path {work};
uwsgi_temp_path {work}; scgi_temp_path {work};
server {{ listen 127.0.0.1:{port}; {server} }} }}
"""
    )
    with running([needed("nginx"), "-c", str(work / "nginx.conf")], f"http://127.0.0.1:{port}/", work / "log"):
        yield port


@contextlib.contextmanager
def web(folder: Path, work: Path) -> Iterator[str]:
    """Serve a folder with nginx; yields its address."""
    with nginx(f"location / {{ root {folder}; }}", work) as port:
        yield f"http://127.0.0.1:{port}"


def small_archive(helm: str, folder: Path, name: str = "llama", version: str = "1.0.0", content: str = "a") -> Path:
    """Return a packaged chart with one object; other content gives other bytes."""
    chart = folder / f"chart-{name}-{version}-{content}" / name
    (chart / "templates").mkdir(parents=True)
    about = {"apiVersion": "v2", "name": name, "version": version, "appVersion": content}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about))
    note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}, "data": {"note": content}}
    (chart / "templates/note.yaml").write_text(yaml.safe_dump(note))
    command = [helm, "package", str(chart), "-d", str(chart.parent)]
    subprocess.run(command, check=True, capture_output=True)
    return chart.parent / f"{name}-{version}.tgz"


def git(*words: str) -> None:
    """Run git in the working directory, with a test author."""
    person = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *person, *words], check=True, capture_output=True)
