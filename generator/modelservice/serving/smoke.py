"""Ask every route of a running server, and judge the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from modelservice.errors import ToolError
from modelservice.redact import shown_url
from modelservice.vllm.routes import EMBEDDING, GENERATE, ROUTES, SCORE, Route

if TYPE_CHECKING:
    import httpx

# Routes that vLLM answers without the key; the last is a whole chat.
_ROUND_THE_KEY = ("/metrics", "/openapi.json", "/tokenize", "/invocations")


class Verdict(StrEnum):
    """Whether an answer is what a model of this kind should give."""

    RIGHT = "ok"
    ABSENT = "absent, as it should be"
    WARNING = "warning"
    WRONG = "wrong"


class Answer(NamedTuple):
    """What a route answered: status (0: nothing), seconds to the end, seconds to the first token of a stream."""

    route: str
    status: int
    seconds: float
    first_token: float | None
    verdict: Verdict
    note: str


class Smoke(NamedTuple):
    """Every answer, what was found about the model and the key, and whether all is right."""

    url: str
    model: str
    task: str
    key: str
    answers: list[Answer]

    @property
    def right(self) -> bool:
        """Whether no answer is wrong."""
        return all(answer.verdict is not Verdict.WRONG for answer in self.answers)


def smoke(url: str, *, model: str, key: str, timeout: float, insecure: bool) -> Smoke:
    """Ask every route once. Raises ToolError where nothing answers; a wrong key is an answer."""
    import httpx

    root = url.rstrip("/").removesuffix("/v1")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.Client(base_url=root, headers=headers, timeout=timeout, verify=not insecure) as client:
            _reach(client, shown_url(root))
            return _smoke(client, shown_url(root), model, key)
    except httpx.InvalidURL as error:
        raise _no_address(url) from error


def wait(url: str, seconds: float, *, insecure: bool, told: Callable[[float], None]) -> None:
    """Ask /health until it answers 200; `told` hears the seconds that have passed. Raises ToolError in the end."""
    import httpx

    start, root = time.monotonic(), url.rstrip("/").removesuffix("/v1")
    with httpx.Client(verify=not insecure, timeout=5) as client:
        while (passed := time.monotonic() - start) < seconds:
            try:
                if _ready(client, root):
                    return
            except httpx.InvalidURL as error:
                raise _no_address(url) from error
            except httpx.HTTPError as error:
                if "CERTIFICATE" in str(error):
                    return  # waiting mends none, and the first question says so
            told(passed)
            time.sleep(min(2.0, max(0.0, seconds - passed)))
    raise ToolError(f"{shown_url(root)} was not ready after {seconds:.0f} seconds: look at the pod's log")


def _no_address(url: str) -> ToolError:
    return ToolError(f"{shown_url(url)} is no address: write http://host:port")


def _ready(client: httpx.Client, root: str) -> bool:
    """Say whether the server answers; behind an Ingress that forwards /v1 alone there is no /health."""
    status = client.get(f"{root}/health").status_code
    return status == 200 or (status == 404 and client.get(f"{root}/v1/models").status_code in (200, 401))


def _reach(client: httpx.Client, root: str) -> None:
    import httpx

    try:
        client.get("/health")
    except httpx.TimeoutException as error:
        raise ToolError(f"{root} does not answer: is it the right address, and is it ready?") from error
    except httpx.HTTPError as error:
        hint = "--insecure trusts any certificate" if "CERTIFICATE" in str(error) else "is the port forwarded?"
        raise ToolError(f"{root} cannot be reached: {error}; {hint}") from error


def _smoke(client: httpx.Client, root: str, model: str, key: str) -> Smoke:
    model = model or _served_model(client)
    raw = [_ask(client, route, model) for route in ROUTES]
    statuses = {route.path: answer[0] for route, answer in zip(ROUTES, raw, strict=True)}
    task = _task(statuses)
    behind = statuses["/health"] == 404 and statuses["/v1/models"] in (200, 401)
    answers = [_judged(route, task, behind, *answer) for route, answer in zip(ROUTES, raw, strict=True)]
    enforced, warnings = _key_check(client, model, task)
    said = "asked for" if enforced else "not asked for" + (", though one was given" if key else "")
    return Smoke(root, model, task, said, answers + warnings)


def _served_model(client: httpx.Client) -> str:
    try:
        return str(client.get("/v1/models").json()["data"][0]["id"])
    except (ValueError, LookupError, TypeError):
        return "unknown"


_Raw = tuple[int, float, float | None, str]  # status, seconds, seconds to the first token, what is odd


def _ask(client: httpx.Client, route: Route, model: str) -> _Raw:
    import httpx

    body = {**route.body, "model": model} if route.body is not None else None
    start = time.monotonic()
    first, odd = None, ""
    try:
        with client.stream(route.method, route.path, json=body) as answer:
            if route.streamed and answer.status_code == 200:
                first, odd = _read_stream(answer, start)
            else:
                odd = _error_of(answer.read()) if answer.status_code >= 400 else ""
        return answer.status_code, time.monotonic() - start, first, odd
    except httpx.HTTPError as error:
        return 0, time.monotonic() - start, None, type(error).__name__


def _read_stream(answer: httpx.Response, start: float) -> tuple[float | None, str]:
    first, last = None, ""
    for line in answer.iter_lines():
        if line.startswith("data:"):
            first = time.monotonic() - start if first is None else first
            last = line
    return first, "" if last == "data: [DONE]" else "the stream did not end with [DONE]"


def _error_of(content: bytes) -> str:
    try:
        error = json.loads(content).get("error", "")
    except (ValueError, AttributeError):
        return ""
    return str(error.get("message", "") if isinstance(error, dict) else error)[:120]


def _task(statuses: dict[str, int]) -> str:
    for path, task in (("/v1/chat/completions", GENERATE), ("/v1/embeddings", EMBEDDING), ("/v1/rerank", SCORE)):
        if statuses[path] not in (0, 404, 405):
            return task
    return GENERATE


def _judged(
    route: Route, task: str, behind: bool, status: int, seconds: float, first: float | None, odd: str
) -> Answer:
    """Judge an answer; `behind` says that something in between forwards /v1 alone."""
    if behind and status == 404 and not route.path.startswith("/v1"):
        verdict, note = Verdict.ABSENT, "/v1 alone is forwarded"
    elif task not in route.tasks:
        verdict = Verdict.ABSENT if status in (404, 405) else Verdict.WARNING
        note = "" if status in (404, 405) else f"a {task} model serves it too"
    elif status == 200 and not odd:
        verdict, note = Verdict.RIGHT, ""
    elif status == 400 and "chat template" in odd:
        verdict, note = Verdict.WARNING, "the model has no chat template: use /v1/completions"
    elif status == 404 and route.path == "/openapi.json":
        verdict, note = Verdict.WARNING, "the server's documents are off (--disable-fastapi-docs)"
    elif status == 401:
        verdict, note = Verdict.WRONG, "the key is wrong or missing: set OPENAI_API_KEY"
    else:
        verdict, note = Verdict.WRONG, odd or "this route should answer 200"
    return Answer(route.name, status, seconds, first, verdict, note)


def _key_check(client: httpx.Client, model: str, task: str) -> tuple[bool, list[Answer]]:
    """Ask without the key: whether /v1 refuses, and then what else does not."""
    import httpx

    anonymous = {"Authorization": ""}
    try:
        enforced = client.get("/v1/models", headers=anonymous).status_code == 401
        found = list(_open_routes(client, model, task, anonymous)) if enforced else []
    except httpx.HTTPError:
        return False, []
    return enforced, found


def _open_routes(client: httpx.Client, model: str, task: str, headers: dict[str, str]) -> Iterator[Answer]:
    body: dict[str, Any] = {
        "model": model,
        "prompt": "Hello",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 1,
    }
    for path in _ROUND_THE_KEY:
        if path == "/invocations" and task != GENERATE:
            continue
        start = time.monotonic()
        posted = path in ("/tokenize", "/invocations")
        sent = {
            key: body[key]
            for key in (("model", "prompt") if path == "/tokenize" else ("model", "messages", "max_tokens"))
        }
        answer = client.post(path, json=sent, headers=headers) if posted else client.get(path, headers=headers)
        if answer.status_code == 200:
            note = "answers without the key: let only /v1 leave the cluster"
            yield Answer(
                f"{'POST' if posted else 'GET'} {path}", 200, time.monotonic() - start, None, Verdict.WARNING, note
            )


def as_text(result: Smoke) -> str:
    """Return a table for people."""
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
    """Return the same for programs."""
    answers = [{**answer._asdict(), "verdict": answer.verdict.name.lower()} for answer in result.answers]
    return json.dumps({**result._asdict(), "right": result.right, "answers": answers}, indent=2) + "\n"
