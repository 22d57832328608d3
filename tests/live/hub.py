"""The part of the Hugging Face hub's API that its client uses to download a model."""

import contextlib
import hashlib
import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextlib.contextmanager
def hub(folder: Path, model: str, status: int = 200, tls: Path | None = None) -> Iterator[str]:
    """Serve the files of a folder as a model; yields the address for HF_ENDPOINT.

    Another `status` answers every request. `tls` is a folder with a certificate and its key, for HTTPS.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith(f"/api/models/{model}/tree/"):
                self.answer(json.dumps(_tree(folder)).encode(), "application/json")
            elif path.startswith(f"/api/models/{model}"):
                self.answer(json.dumps(_about(folder, model)).encode(), "application/json")
            elif path.startswith(f"/{model}/resolve/"):
                self.answer((folder / path.rsplit("/", 1)[1]).read_bytes(), "application/octet-stream")
            else:
                self.send_error(404)

        def answer(self, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        _encrypt(server, tls)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _tree(folder: Path) -> list[dict[str, object]]:
    return [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": COMMIT} for f in folder.iterdir()]


def _about(folder: Path, model: str) -> dict[str, object]:
    files = [{"rfilename": file.name, "size": file.stat().st_size} for file in sorted(folder.iterdir())]
    return {"id": model, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "siblings": files}


def _encrypt(server: http.server.HTTPServer, folder: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)


def certificate(folder: Path) -> None:
    """Make a self-signed certificate for 127.0.0.1: tls.crt, tls.key and ca.crt."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=hub"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command, "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")], check=True, capture_output=True
    )
    (folder / "ca.crt").write_bytes((folder / "tls.crt").read_bytes())
