"""`modelservice smoke` against other servers: always a verdict in time, and never a traceback."""

import contextlib
import http.server
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from modelservice.cli import main

from tests.repositories import web


class Model(http.server.BaseHTTPRequestHandler):
    """A server that answers like an embedding model and requires a key."""

    key = "open-sesame"
    ready_at = 0.0

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/health" and time.monotonic() < self.ready_at:
            self._answer(503, {})
        elif self.path.startswith("/v1") and self.headers.get("Authorization") != f"Bearer {self.key}":
            self._answer(401, {"error": "Unauthorized"})
        elif self.path in ("/v1/chat/completions", "/v1/completions", "/v1/rerank", "/invocations"):
            self._answer(404, {"detail": "Not Found"})
        else:
            self._answer(200, {"data": [{"id": "bge-m3"}]})

    do_HEAD = do_POST = do_GET


class BehindIngress(Model):
    """The same, behind a proxy that forwards only /v1."""

    def do_GET(self) -> None:
        if self.path.startswith("/v1"):
            super().do_GET()
        else:
            self._answer(404, {})

    do_HEAD = do_POST = do_GET


@contextlib.contextmanager
def running(handler: type[Model], context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def smoke(url: str, *options: str, key: str = "") -> Result:
    environment = {"OPENAI_API_KEY": key, "VLLM_API_KEY": ""}
    return CliRunner().invoke(main, ["smoke", url, *options], env=environment, catch_exceptions=False)


@pytest.mark.parametrize("options", [[], ["--wait", "0.1"]])
@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("http://ann:s3cr3t@127.0.0.1:1", 3, "http://127.0.0.1:1 "),
        ("http://127.0.0.1:1/?token=s3cr3t", 3, "http://127.0.0.1:1/ "),
        ("http://ann:s3/cr3t@127.0.0.1:1", 3, "http://127.0.0.1:1 is not an address: write http://host:port"),
        ("http://ann:s3cr3t@127.0.0.1:x", 3, "http://127.0.0.1:x is not an address: write http://host:port"),
        ("ann:s3cr3t@127.0.0.1:1", 2, "before the address: http://127.0.0.1:1"),
    ],
)
def test_a_password_in_the_address_is_not_repeated(url: str, code: int, says: str, options: list[str]) -> None:
    answer = smoke(url, *options)
    assert (answer.exit_code, answer.stdout) == (code, "")
    assert says in answer.stderr
    assert not any(part in answer.stderr for part in ("s3", "cr3t"))


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_password_in_the_address_is_not_in_the_table(style: str) -> None:
    with running(Model) as url:
        answer = smoke(url.replace("://", "://ann:s3cr3t@"), "--format", style)
    assert url in answer.stdout
    assert "s3cr3t" not in answer.output


def test_an_embedding_server_passes() -> None:
    with running(Model) as url:
        answer = smoke(f"{url}/v1", "--format", "json", key="open-sesame")
    result = json.loads(answer.stdout)
    assert (answer.exit_code, result["task"], result["model"], result["key"]) == (0, "embedding", "bge-m3", "asked for")
    verdicts = {item["route"]: item["verdict"] for item in result["answers"]}
    assert verdicts["POST /v1/embeddings"] == "right"
    assert verdicts["POST /v1/chat/completions"] == "absent"
    assert any("without the key" in item["note"] for item in result["answers"])
    assert "open-sesame" not in answer.output


def test_a_server_behind_an_ingress_that_forwards_only_v1_passes() -> None:
    with running(BehindIngress) as url:
        answer = smoke(f"{url}/v1", "--wait", "5", key="open-sesame")
    assert answer.exit_code == 0, answer.stdout
    assert re.search(r"GET /health +404 .*absent, as it should be: only /v1 is forwarded", answer.stdout)
    assert "without the key" not in answer.stdout


def test_a_wrong_key_is_reported() -> None:
    with running(Model) as url:
        answer = smoke(url, key="wrong-one")
    assert answer.exit_code == 1
    assert "the key is wrong or missing: set OPENAI_API_KEY" in answer.stdout
    assert "wrong-one" not in answer.output


def test_a_key_that_equals_a_word_of_the_output_does_not_mask_the_output() -> None:
    with running(Model) as url:
        assert "the key is wrong or missing: set OPENAI_API_KEY" in smoke(url, key="wrong").stdout


def test_a_web_server_without_the_routes_fails(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with web(tmp_path / "empty", tmp_path / "nginx") as url:
        answer = smoke(url)
    assert answer.exit_code == 1
    assert re.search(r"GET /health +404 .*wrong: this route should return 200", answer.stdout)
    assert "Traceback" not in answer.output


def test_a_closed_port_is_reported_in_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        answer = smoke(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert answer.exit_code == 3
    assert "cannot be reached" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        start = time.monotonic()
        answer = smoke(f"http://127.0.0.1:{deaf.getsockname()[1]}", "--timeout", "1")
    assert answer.exit_code == 3
    assert "does not respond" in answer.stderr
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("url", ["http://", "http://[::1"])
def test_an_invalid_address_is_reported_in_one_sentence(url: str) -> None:
    answer = smoke(url)
    assert answer.exit_code == 3
    assert answer.stderr.startswith("error: ")


def test_an_address_without_http_is_wrong_usage_even_with_wait() -> None:
    answer = smoke("localhost:8000", "--wait", "600")
    assert (answer.exit_code, "http://localhost:8000" in answer.stderr) == (2, True)


@pytest.mark.parametrize("url", ["nonsense://x", "file:///etc/passwd", "ftp://ann:s3cr3t@x"])
def test_another_scheme_than_http_is_wrong_usage(url: str) -> None:
    answer = smoke(url, "--wait", "600")
    scheme = url.partition("//")[0]
    assert f"{scheme}// is not the address of a server: write http://host:port or https://host" in answer.stderr
    assert (answer.exit_code, "s3cr3t" in answer.stderr) == (2, False)


def test_a_scheme_can_be_in_upper_case() -> None:
    with running(Model) as url:
        assert smoke(url.replace("http", "HTTP"), key="open-sesame").exit_code == 0


def test_a_port_that_the_client_would_read_differently_is_wrong_usage() -> None:
    assert smoke("http://127.0.0.1:99999", "--wait", "600").exit_code == 2


def test_a_private_certificate_is_trusted_only_with_an_option(tmp_path: Path) -> None:
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with running(Model, context) as url:
        refused, trusted = smoke(url, key="open-sesame"), smoke(url, "--insecure", key="open-sesame")
    assert (refused.exit_code, trusted.exit_code) == (3, 0)
    assert "pass --insecure to trust any certificate" in refused.stderr


def test_it_waits_until_the_server_is_ready() -> None:
    class Late(Model):
        ready_at = time.monotonic() + 3

    with running(Late) as url:
        assert smoke(url, "--wait", "20", key="open-sesame").exit_code == 0


def test_it_does_not_wait_for_ever() -> None:
    class Never(Model):
        ready_at = time.monotonic() + 1000

    with running(Never) as url:
        answer = smoke(url, "--wait", "2")
    assert answer.exit_code == 3
    assert "was not ready after 2 seconds" in answer.stderr
