"""Call every route of a running server, and check the responses."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from modelservice.deadline import within
from modelservice.errors import ToolError
from modelservice.redact import shown_url
from modelservice.serving.echoed_key import without_key
from modelservice.vllm.routes import EMBEDDING, GENERATE, ROUTES, SCORE, Route

if TYPE_CHECKING:
    import httpx

# Routes that vLLM serves without the key; the last one generates a whole chat completion.
_ROUND_THE_KEY = ("/metrics", "/openapi.json", "/tokenize", "/invocations")
_POSTED = ("/tokenize", "/invocations")
# More than a response of any of these routes.
MAX_BYTES = 16 * 1024 * 1024
# The number of characters of a server's text that are processed before it is shortened for display.
_LONGEST = 4000
# A longer JSON response is not parsed: two embeddings of 10,000 numbers have half a megabyte.
_MAX_JSON = 4 * 1024 * 1024
# The key of the list of objects that a JSON response of OpenAI's API, or of vLLM's rerank, must have.
_OWED = {
    "/v1/models": "data",
    "/v1/chat/completions": "choices",
    "/v1/completions": "choices",
    "/v1/embeddings": "data",
    "/v1/rerank": "results",
}
# After this many timeouts, no further routes are called.
_MOST_LATE = 3

_T = TypeVar("_T")


class Verdict(StrEnum):
    """Whether a response is right for a model of this task."""

    RIGHT = "ok"
    ABSENT = "absent, as it should be"
    WARNING = "warning"
    WRONG = "wrong"


class Answer(NamedTuple):
    """A route's response: status (0 for none), seconds to the end, seconds to the first token of a stream."""

    route: str
    status: int
    seconds: float
    first_token: float | None
    verdict: Verdict
    note: str


class Smoke(NamedTuple):
    """All responses, with what was found about the model and the API key."""

    url: str
    model: str
    task: str
    key: str
    answers: list[Answer]

    @property
    def right(self) -> bool:
        """Whether no response is wrong."""
        return all(answer.verdict is not Verdict.WRONG for answer in self.answers)


def smoke(url: str, *, model: str, key: str, timeout: float, insecure: bool) -> Smoke:
    """Call every route once, with a limit of `timeout` seconds for each response, whatever the server does.

    There are at most 24 requests: two at the start, one for each of the 12 routes, and 10 for the key.
    Raises ToolError if the server does not respond; a wrong key is a result, not an error.
    """
    root = url.rstrip("/").removesuffix("/v1")
    if not (key.isascii() and key.isprintable()):
        raise ToolError(
            "the key contains characters that are invalid in a header, such as a line break: "
            "set OPENAI_API_KEY without them"
        )
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with _client(url, root, timeout=timeout, insecure=insecure, headers=headers) as client:
        _reach(client, shown_url(root), key)
        return _smoke(client, shown_url(root), _plain(model), key)


def wait(url: str, seconds: float, *, insecure: bool, told: Callable[[float], None]) -> None:
    """Call /health until it returns 200; `told` gets the elapsed seconds. Raises ToolError after `seconds`."""
    import httpx

    start, root = time.monotonic(), url.rstrip("/").removesuffix("/v1")
    while (passed := time.monotonic() - start) < seconds:
        with _client(url, root, timeout=min(5.0, seconds - passed), insecure=insecure, headers={}) as client:
            try:
                if _ready(client):
                    return
            except (httpx.HTTPError, OSError) as error:
                if "CERTIFICATE" in str(error):
                    return  # waiting does not help, and the first request reports it
        passed = time.monotonic() - start
        told(passed)
        time.sleep(min(2.0, max(0.0, seconds - passed)))
    raise ToolError(f"{shown_url(root)} was not ready after {seconds:.0f} seconds: check the pod's log")


@contextlib.contextmanager
def _client(url: str, root: str, *, timeout: float, insecure: bool, headers: dict[str, str]) -> Iterator[httpx.Client]:
    import httpx

    # A compressed response could grow when it is read.
    headers = {**headers, "Accept-Encoding": "identity"}
    try:
        with httpx.Client(base_url=root, headers=headers, timeout=timeout, verify=not insecure) as client:
            yield client
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ToolError(f"{shown_url(url)} is not an address: write http://host:port") from error


def _ready(client: httpx.Client) -> bool:
    """Return whether the server is ready; an Ingress that forwards only /v1 has no /health."""
    status = _ask(client, "GET", "/health").status
    return status == 200 or (status == 404 and _ask(client, "GET", "/v1/models").status in (200, 401))


def _reach(client: httpx.Client, root: str, key: str) -> None:
    import httpx

    try:
        _ask(client, "GET", "/health")
    except (httpx.TimeoutException, TimeoutError) as error:
        raise ToolError(f"{root} does not respond: check the address, and that the server is ready") from error
    except (httpx.HTTPError, OSError) as error:
        certificate = "CERTIFICATE" in str(error)
        hint = "pass --insecure to trust any certificate" if certificate else "check that the port is forwarded"
        raise ToolError(f"{root} cannot be reached: {_plain(str(error), key)[:400]}; {hint}") from error


class _Reply(NamedTuple):
    """A response: `content` has at most MAX_BYTES, `first` the seconds to the first token, `odd` what is wrong."""

    status: int
    content: bytes
    seconds: float
    first: float | None
    odd: str


def _ask(client: httpx.Client, method: str, path: str, *, streamed: bool = False, **sent: Any) -> _Reply:
    """Send one request, and read the response within limits. Raises httpx.HTTPError and OSError (also TimeoutError)."""
    start, most = time.monotonic(), client.timeout.read or 0.0

    def talk() -> _Reply:
        first, odd, content = None, "", bytearray()
        with client.stream(method, path, **sent) as answer:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                odd = "the response is compressed, although that was not requested"
            for chunk in answer.iter_raw():
                content += chunk
                if streamed and first is None and b"data:" in content:
                    first = time.monotonic() - start
                if len(content) > MAX_BYTES:
                    odd = f"the response is longer than {MAX_BYTES // 1024**2} MiB"
                    break
                if time.monotonic() - start > most:
                    raise TimeoutError
            return _Reply(answer.status_code, bytes(content), time.monotonic() - start, first, odd)

    return within(most, talk)


def _plain(text: str, key: str = "") -> str:
    """Return a server's text, shortened, without the key or parts of it, and without control characters."""
    text = without_key(text[:_LONGEST], key) if key else text
    return "".join(char if char.isprintable() else "?" for char in text)


def _smoke(client: httpx.Client, root: str, model: str, key: str) -> Smoke:
    model = model or _served_model(client, key)
    raw = list(_ask_routes(client, model, key))
    statuses: dict[str, int] = {}
    for route, answer in zip(ROUTES, raw, strict=True):
        statuses[route.path] = statuses.get(route.path) or answer.status
    task = _task(statuses)
    behind = statuses["/health"] == 404 and statuses["/v1/models"] in (200, 401)
    answers = [_judged(route, task, behind, answer) for route, answer in zip(ROUTES, raw, strict=True)]
    enforced, warnings = _key_check(client, model, task)
    said = _KEY_WORDS[enforced] + (", although one was given" if enforced is False and key else "")
    return Smoke(root, model, task, said, answers + warnings)


_KEY_WORDS = {True: "asked for", False: "not asked for", None: "unknown"}


def _ask_routes(client: httpx.Client, model: str, key: str) -> Iterator[_Reply]:
    late = 0
    for route in ROUTES:
        if late == _MOST_LATE:
            yield _Reply(0, b"", 0.0, None, f"not called: {late} responses did not end within --timeout")
            continue
        reply = _ask_route(client, route, model, key)
        late += reply.status == 0 and reply.seconds >= (client.timeout.read or 0.0)
        yield reply


def _served_model(client: httpx.Client, key: str) -> str:
    import httpx

    try:
        name = _parsed(_ask(client, "GET", "/v1/models").content)["data"][0]["id"]
    except (httpx.HTTPError, OSError, LookupError, TypeError):
        return "unknown"
    return _plain(str(name), key)[:200]


def _try(client: httpx.Client, method: str, path: str, **sent: Any) -> _Reply:
    """Send one request; the status is 0 without a response."""
    import httpx

    start = time.monotonic()
    try:
        return _ask(client, method, path, **sent)
    except (httpx.HTTPError, OSError) as error:
        return _Reply(0, b"", time.monotonic() - start, None, type(error).__name__)


def _ask_route(client: httpx.Client, route: Route, model: str, key: str) -> _Reply:
    body = {**route.body, "model": model} if route.body is not None else None
    reply = _try(client, route.method, route.path, streamed=route.streamed, json=body)
    if reply.status >= 400:
        return reply._replace(odd=_plain(_error_of(reply.content), key)[:400])
    if route.streamed and reply.status == 200 and not reply.odd:
        lines = [line for line in reply.content.splitlines() if line.startswith(b"data:")]
        ended = bool(lines) and lines[-1] == b"data: [DONE]"
        return reply._replace(odd="" if ended else "the stream did not end with [DONE]")
    if reply.status == 200 and not reply.odd and route.path in _OWED:
        return reply._replace(odd=_lacking(reply.content, _OWED[route.path]))
    return reply


def _lacking(content: bytes, key: str) -> str:
    """Return what is wrong with a JSON response that must have a list under a key, or ""."""
    answer = _parsed(content)
    owed = answer.get(key) if isinstance(answer, dict) else None
    right = isinstance(owed, list) and owed and all(isinstance(one, dict) for one in owed)
    return "" if right else f'the response is not JSON with a list of objects under "{key}"'


def _parsed(content: bytes) -> Any:
    """Return the value of JSON bytes, or None if they are invalid or too long."""
    try:
        return json.loads(content) if len(content) <= _MAX_JSON else None
    except (ValueError, RecursionError):
        return None


def _error_of(content: bytes) -> str:
    answer = _parsed(content)
    error = answer.get("error", "") if isinstance(answer, dict) else ""
    return str(error.get("message", "") if isinstance(error, dict) else error)


def _task(statuses: dict[str, int]) -> str:
    for path, task in (("/v1/chat/completions", GENERATE), ("/v1/embeddings", EMBEDDING), ("/v1/rerank", SCORE)):
        if statuses[path] not in (0, 404, 405):
            return task
    return GENERATE


def _judged(route: Route, task: str, behind: bool, reply: _Reply) -> Answer:
    """Judge a response; `behind`: the server is behind a proxy that forwards only /v1."""
    status, odd = reply.status, reply.odd
    if status == 0:
        verdict, note = Verdict.WRONG, odd
    elif behind and status == 404 and not route.path.startswith("/v1"):
        verdict, note = Verdict.ABSENT, "only /v1 is forwarded"
    elif task not in route.tasks:
        verdict = Verdict.ABSENT if status in (404, 405) else Verdict.WARNING
        note = "" if status in (404, 405) else f"unexpected for the task {task}"
    elif status == 200 and not odd:
        verdict, note = Verdict.RIGHT, ""
    elif status == 400 and "chat template" in odd:
        verdict, note = Verdict.WARNING, "the model has no chat template: use /v1/completions"
    elif status == 404 and route.path == "/openapi.json":
        verdict, note = Verdict.WARNING, "the server's documents are off (--disable-fastapi-docs)"
    elif status == 401:
        verdict, note = Verdict.WRONG, "the key is wrong or missing: set OPENAI_API_KEY"
    else:
        verdict, note = Verdict.WRONG, odd or "this route should return 200"
    return Answer(route.name, status, reply.seconds, reply.first, verdict, note)


def _key_check(client: httpx.Client, model: str, task: str) -> tuple[bool | None, list[Answer]]:
    """Send requests without the key: return whether /v1 refuses them (None: no response), and open routes."""
    status = _try(client, "GET", "/v1/models", headers=_ANONYMOUS).status
    if status != 401:
        return (False if status else None), []
    return True, [*_open_routes(client, model, task), *_bypasses(client)]


_ANONYMOUS = {"Authorization": ""}


def _open_routes(client: httpx.Client, model: str, task: str) -> Iterator[Answer]:
    body: dict[str, Any] = {
        "model": model,
        "prompt": "Hello",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 1,
    }
    for path in _ROUND_THE_KEY:
        if path == "/invocations" and task != GENERATE:
            continue
        names = ("model", "prompt") if path == "/tokenize" else ("model", "messages", "max_tokens")
        sent: dict[str, Any] = {"json": {name: body[name] for name in names}} if path in _POSTED else {}
        method = "POST" if sent else "GET"
        reply = _try(client, method, path, headers=_ANONYMOUS, **sent)
        if reply.status == 200:
            note = "answers without the key: expose only /v1 outside the cluster"
            yield Answer(f"{method} {path}", 200, reply.seconds, None, Verdict.WARNING, note)


def _bypasses(client: httpx.Client) -> Iterator[Answer]:
    """Try two ways around the key from outside: a Host header, and a path that a proxy and vLLM read differently."""
    host = forged_host(client.base_url)
    reply = _try(client, "GET", "/v1/models", headers={**_ANONYMOUS, "Host": host})
    if reply.status == 200:
        note = "answers without the key: use vLLM 0.22.0 or later"
        yield Answer(f"GET /v1/models (Host: {host})", 200, reply.seconds, None, Verdict.WRONG, note)
    if _try(client, "GET", "/metrics", headers=_ANONYMOUS).status == 200:
        return  # already reported
    below = client.base_url.raw_path.rstrip(b"/")
    for path in (b"/metrics/../v1/models", b"/metrics/%2e%2e/v1/models", b"/metrics%2f..%2fv1/models"):
        reply = _try(client, "GET", "/metrics", headers=_ANONYMOUS, extensions={"target": below + path})
        if reply.status == 200 and b"# TYPE" in reply.content:
            note = "answers without the key, and a proxy may treat it as /v1: see docs/exposing.md"
            yield Answer(f"GET {path.decode()}", 200, reply.seconds, None, Verdict.WARNING, note)


def forged_host(url: httpx.URL) -> str:
    """Return a Host header with a suffix that URL parsers drop; nginx and HAProxy forward it after a port."""
    port = "" if url.port else f":{443 if url.scheme == 'https' else 80}"
    return f"{url.netloc.decode('ascii')}{port}?x"


def as_text(result: Smoke) -> str:
    """Return the result as a table for people."""
    width = max(len(answer.route) for answer in result.answers)
    lines = [f"{result.url}: {result.model} ({result.task}), API key {result.key}", ""]
    for answer in result.answers:
        first = f" first token {answer.first_token * 1000:.0f} ms" if answer.first_token is not None else ""
        note = f": {answer.note}" if answer.note else ""
        status = answer.status or "---"
        lines.append(
            f"{answer.route:<{width}}  {status}  {answer.seconds * 1000:6.0f} ms  {answer.verdict}{note}{first}"
        )
    return "\n".join(lines) + "\n"


def as_json(result: Smoke) -> str:
    """Return the result as JSON."""
    answers = [{**answer._asdict(), "verdict": answer.verdict.name.lower()} for answer in result.answers]
    return json.dumps({**result._asdict(), "right": result.right, "answers": answers}, indent=2) + "\n"
