"""A local hub with the three routes that are used, and their failures."""

import contextlib
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

SHA = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH"


def safetensors(header: Any, data: int) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


class Asked(NamedTuple):
    path: str
    authorization: str
    range: str


class Hub:
    """`files` are those of the one model, `answers` a path → the handler that replaces the file.

    `asked` are the requests so far, `sent` the bytes of their answers.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.sizes: dict[str, Any] = {}
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.ranges = True
        self.asked: list[Asked] = []
        self.sent = 0
        self.url = ""

    def list_of_files(self) -> dict[str, Any]:
        sizes = {name: len(content) for name, content in self.files.items()} | self.sizes
        siblings = [{"rfilename": name, "size": size} for name, size in sizes.items()]
        return {"id": "acme/tiny", "sha": SHA, "siblings": siblings}


def reply(status: int, body: bytes = b"{}", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def endless(chunk: bytes, first: bytes = b"", pause: float = 0.0, status: int = 200) -> Any:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(first)
        while True:
            time.sleep(pause)
            handler.server.hub.sent += len(chunk)  # type: ignore[attr-defined]
            handler.wfile.write(chunk)

    return answer


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        hub: Hub = self.server.hub  # type: ignore[attr-defined]
        path = self.path.partition("?")[0]
        hub.asked.append(Asked(path, self.headers.get("Authorization", ""), self.headers.get("Range", "")))
        with contextlib.suppress(ConnectionError):
            if path in hub.answers:
                hub.answers[path](self)
            elif path.startswith("/api/models/acme/tiny"):
                reply(200, json.dumps(hub.list_of_files()).encode())(self)
            else:
                self._file(hub, path.removeprefix(f"/acme/tiny/resolve/{SHA}/"))

    def _file(self, hub: Hub, name: str) -> None:
        content, status = hub.files.get(name), 200
        if content is None:
            return reply(404, b"Entry not found", X_Error_Code="EntryNotFound")(self)
        if hub.ranges and (asked := self.headers.get("Range", "")):
            first, last = map(int, asked.removeprefix("bytes=").split("-"))
            content, status = content[first : last + 1], 206
        hub.sent += len(content)
        return reply(status, content)(self)

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.hub = hub  # type: ignore[attr-defined]
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
