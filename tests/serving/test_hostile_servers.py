"""`modelservice smoke` against hostile servers: it ends in time, and prints neither the key nor an escape."""

import base64
import contextlib
import json
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from modelservice.serving.smoke import forged_host

KEY = "open-sesame-open-sesame"
CHUNK = b"x" * 1_000_000
Talk = Callable[[socket.socket, bytes], None]


def answered(body: bytes, status: str = "200 OK", header: str = "") -> Talk:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{header}Connection: close\r\n\r\n".encode("latin-1")
    return lambda client, request: client.sendall(head + body)


def listed(name: str) -> Talk:
    return answered(f'{{"data": [{{"id": {name}}}]}}'.encode("utf-8", "surrogatepass"))


def without_end(head: bytes, piece: bytes, pause: float = 0.0) -> Talk:
    def talk(client: socket.socket, request: bytes) -> None:
        client.sendall(head)
        while True:
            client.sendall(piece)
            time.sleep(pause)

    return talk


def echo(client: socket.socket, request: bytes) -> None:
    sent = [line for line in request.decode("latin-1").split("\r\n") if line.lower().startswith("authorization")]
    body = json.dumps({"error": {"message": f"\x1b[31m {sent} \x9b2J"}}).encode()
    answered(body, "400 Bad Request")(client, request)


def healthy(talk: Talk) -> Talk:
    """Return a server that reports ready, and handles other requests as given."""
    return lambda client, request: (answered(b"") if request.startswith(b"GET /health") else talk)(client, request)


OK = b"HTTP/1.1 200 OK\r\n"
STREAM = OK + b"Content-Type: text/event-stream\r\n\r\n"
SERVERS: dict[str, Talk] = {
    "slow header": without_end(OK, b"X-A: b\r\n", 0.2),
    "header without end": without_end(OK, b"X-A: " + CHUNK + b"\r\n"),
    "no status": answered(b"", "999999 \xff"),
    "bytes": lambda client, request: client.sendall(os.urandom(1000)),
    "closes": lambda client, request: None,
    "waits": lambda client, request: time.sleep(30),
    "body without end": without_end(OK + b"\r\n", CHUNK),
    "health, then slow header": healthy(without_end(OK, b"X-A: b\r\n", 0.2)),
    "health, then closes": healthy(lambda client, request: None),
    "slow body": healthy(without_end(OK + b"Content-Length: 100000\r\n\r\n", b"x", 0.2)),
    "cut off": healthy(lambda client, request: client.sendall(OK + b"Content-Length: 1000\r\n\r\nabc")),
    "slow stream": healthy(without_end(STREAM, b"data: {}\n\n", 0.2)),
    "stream without end": healthy(without_end(STREAM, b"data: {}\n\n" * 10_000)),
    "stream without lines": healthy(without_end(STREAM, CHUNK)),
    "no gzip": healthy(answered(b"no gzip", header="Content-Encoding: gzip\r\n")),
    "gzip without end": healthy(without_end(OK + b"Content-Encoding: gzip\r\n\r\n", CHUNK)),
    "deep": healthy(answered(b'{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}")),
    "deep error": healthy(answered(b'{"error":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "400 Bad Request")),
    "no JSON": healthy(answered(b'{"data": [')),
    "a list": healthy(answered(b"[1, 2]")),
    "half a character": healthy(listed('"\\ud800abc"')),
    "escape in a name": healthy(listed('"\\u001b[2J\\u001b[31mred\\u0007 \\u202e\\u009b2J"')),
    "long name": healthy(listed(f'"{"a" * 1_000_000}"')),
    "number": healthy(listed("9" * 5000)),
    "key as a name": healthy(listed(f'"{KEY}"')),
    "key in base64": healthy(listed(f'"{base64.b64encode(KEY.encode()).decode()}"')),
    "login in base64": healthy(listed(f'"{base64.b64encode(f"ann:{KEY}".encode()).decode()}"')),
    "key reversed": healthy(listed(f'"{KEY[::-1]}"')),
    "key in part": healthy(listed(f'"sent: {KEY[3:18]}…"')),
    "bytes as a name": healthy(answered(b'{"data": [{"id": "\xff\xfe"}]}')),
    "another encoding": healthy(answered('{"data": [{"id": "é"}]}'.encode("utf-16"))),
    "elsewhere": answered(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
    "error with the key": healthy(echo),
    "error that is a list": healthy(answered(b'{"error": {"message": [1, 2]}}', "400 Bad Request")),
    "refused": healthy(answered(b'{"error": "Unauthorized"}', "401 Unauthorized")),
    "no model": healthy(answered(b'{"data": []}')),
    "no data": healthy(answered(b'{"data": null}')),
    "models as text": healthy(answered(b'{"data": "abc"}')),
    "model without a name": healthy(answered(b'{"data": [{"id": null}, 7, null, []]}')),
    "two answers": healthy(lambda client, request: client.sendall((OK + b"Content-Length: 2\r\n\r\n{}") * 2)),
    "negative length": healthy(lambda client, request: client.sendall(OK + b"Content-Length: -1\r\n\r\n{}")),
    "bad chunks": healthy(lambda client, request: client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}")),
    "chunks without end": healthy(without_end(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.1)),
    "informed without end": without_end(b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.1),
    "escape in a header": healthy(answered(b"{}", "200 \x1b[31mOK", "X-A: \x1b[2J\r\n")),
    "teapot with the key": healthy(answered(KEY.encode(), "418 I am a teapot")),
}


@contextlib.contextmanager
def running(talk: Talk) -> Iterator[str]:
    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request and (piece := client.recv(65536)):
                request += piece
            talk(client, request)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))


def smoke(url: str, *options: str, key: str = KEY) -> tuple[int, str, float]:
    start = time.monotonic()
    command = [sys.executable, "-m", "modelservice", "smoke", url, "--timeout", "0.3", *options]
    environment = {**os.environ, "OPENAI_API_KEY": key}
    answer = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False, preexec_fn=bounded)
    return answer.returncode, (answer.stdout + answer.stderr).decode(), time.monotonic() - start


@pytest.mark.parametrize(
    ("name", "style"),
    [(name, "text") for name in SERVERS] + [(name, "json") for name in ("escape in a name", "key as a name")],
)
def test_smoke_ends_in_time_and_shows_no_key(name: str, style: str) -> None:
    with running(SERVERS[name]) as url:
        code, said, seconds = smoke(url, "--format", style)
    assert code in (1, 3), said
    assert "Traceback" not in said
    encoded = (base64.b64encode(text.encode()).decode() for text in (KEY, f"ann:{KEY}"))
    assert not any(form[at : at + 10] in said for form in (KEY, KEY[::-1], *encoded) for at in range(6, len(form) - 9))
    assert all(char.isprintable() or char == "\n" for char in said)
    assert seconds < 15


@pytest.mark.parametrize("name", ["slow header", "waits", "body without end", "closes", "header without end"])
def test_waiting_ends_in_time(name: str) -> None:
    with running(SERVERS[name]) as url:
        code, said, seconds = smoke(url, "--wait", "1.5")
    assert code in (1, 3), said
    assert seconds < 8


@pytest.mark.parametrize(
    "name", ["deep", "no JSON", "a list", "no model", "no data", "models as text", "model without a name"]
)
def test_an_invalid_list_of_models_is_wrong(name: str) -> None:
    with running(SERVERS[name]) as url:
        _, said, _ = smoke(url)
    assert re.search(
        r"GET /v1/models +200 .* wrong: the response is not JSON with a list of objects under \"data\"", said
    )


@pytest.mark.parametrize("name", ["slow stream", "slow body", "health, then slow header"])
def test_not_every_route_of_a_slow_server_is_called(name: str) -> None:
    with running(SERVERS[name]) as url:
        _, said, _ = smoke(url)
    assert "not called: 3 responses did not end within --timeout" in said
    assert "API key unknown" in said


def test_a_key_that_is_invalid_in_a_header_is_not_shown() -> None:
    code, said, _ = smoke("http://127.0.0.1:1", key=f"{KEY}\n")
    assert (code, KEY in said) == (3, False)
    assert said.startswith("error: the key contains characters that are invalid in a header")


@pytest.mark.parametrize("timeout", ["inf", "nan", "1e9", "-1"])
def test_a_timeout_is_a_number_of_seconds(timeout: str) -> None:
    code, said, _ = smoke("http://127.0.0.1:1", "--timeout", timeout)
    assert (code, "Traceback" in said) == (2, False)


def behind_a_proxy(client: socket.socket, request: bytes) -> None:
    """Answer like vLLM before 0.22.0 behind a proxy that forwards only /v1 and compares the resolved path."""
    words = request.decode("latin-1").split("\r\n")
    path = words[0].split()[1]
    lines = dict(line.lower().split(": ", 1) for line in words[1:] if ": " in line)
    if path.startswith("/metrics/"):
        answered(b"# TYPE vllm:requests counter\n")(client, request)
    elif not path.startswith("/v1"):
        answered(b"{}", "404 Not Found")(client, request)
    elif lines.get("authorization") == f"bearer {KEY}" or "?" in lines["host"]:
        listed('"m"')(client, request)
    else:
        answered(b"{}", "401 Unauthorized")(client, request)


def test_ways_to_bypass_the_key_are_tested() -> None:
    with running(behind_a_proxy) as url:
        code, said, _ = smoke(url)
    assert code == 1
    assert "answers without the key: use vLLM 0.22.0 or later" in said
    assert "GET /metrics/../v1/models" in said
    assert "a proxy may treat it as /v1" in said


def test_a_proxy_that_drops_a_forged_host_does_not_bypass_the_key() -> None:
    with running(lambda client, request: None if b"?x" in request else behind_a_proxy(client, request)) as url:
        _, said, _ = smoke(url, key=KEY)
    assert "API key asked for" in said
    assert "use vLLM 0.22.0" not in said
    assert "GET /metrics/../v1/models" in said


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://llm.example.com/v1", "llm.example.com:443?x"),
        ("http://llm.example.com", "llm.example.com:80?x"),
        ("http://[::1]:8000", "[::1]:8000?x"),
    ],
)
def test_a_forged_host_contains_a_port(url: str, host: str) -> None:
    assert forged_host(httpx.URL(url)) == host
