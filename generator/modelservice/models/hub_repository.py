"""Read the files of one model from a hub, through huggingface_hub, with limits on time and memory.

The library provides authentication, addresses and the list of files, but limits neither time nor memory. So this module
gives it a client with limits, and closes the stream after the header of a weight file: a mirror that ignores Range
would send gigabytes. The imports need the extra `hub`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from logging import CRITICAL
from typing import NamedTuple

import httpx2
from huggingface_hub import HfApi, constants, get_session, hf_hub_url, set_client_factory
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import logging
from huggingface_hub.utils._headers import build_hf_headers

from modelservice.errors import ToolError
from modelservice.models.safetensors import PREFIX, HeaderError, Tensor, header_length, tensors_in
from modelservice.redact import shown_url

# A longer response is an error: the list of files and the index of the largest models have 14 MB.
MAX_ANSWER = 32 * 1024**2
# Most headers fit into these first bytes of a file; a longer one needs a second request.
_FIRST = 256 * 1024
_CHUNK = 64 * 1024
_MOST_FILES = 20_000
_MOST_BYTES = 2**50
_LONGEST_NAME = 1024
# The time limit for connecting, and for each chunk of a response.
_SECONDS = 15.0


class Listing(NamedTuple):
    """The commit of a model ("" if the hub does not send it), and the names and sizes of its files (-1 if unknown)."""

    commit: str
    files: dict[str, int]


class _BoundedStream(httpx2.SyncByteStream):
    """The body of a response; raises ToolError if it is too long."""

    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        length = 0
        for chunk in self._stream:
            length += len(chunk)
            if length > MAX_ANSWER:
                raise ToolError(
                    f"the hub's response is longer than {MAX_ANSWER // 1024**2} MiB: check huggingFace.endpoint"
                )
            yield chunk

    def close(self) -> None:
        self._stream.close()


def _bound(response: httpx2.Response) -> None:
    """Limit the length of a response. Refuse a compressed one, which could grow when it is read."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ToolError("the hub's response is compressed, which was not requested: check huggingFace.endpoint")
    if isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _BoundedStream(response.stream)


def _client() -> httpx2.Client:
    # httpx2 follows redirects to http and https only, and sends no token to another host.
    return httpx2.Client(
        event_hooks={"response": [_bound]},
        headers={"Accept-Encoding": "identity"},
        follow_redirects=True,
        max_redirects=5,
        timeout=_SECONDS,
    )


class Repository:
    """One model on a hub. Every method may raise ToolError with a message for the user."""

    def __init__(self, model: str, revision: str, endpoint: str, *, with_token: bool) -> None:
        """Store the model's id, its revision ("": the default), and the hub's address ("": the user's default hub).

        `with_token`: whether the user's token is sent to the hub.
        """
        self.model, self.revision = model, revision
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        # None means the user's own token, if there is one.
        self._token = None if with_token else False
        self._parsing = threading.Lock()

    @property
    def host(self) -> str:
        """The hub's address as messages show it."""
        return shown_url(self.endpoint)

    def listing(self) -> Listing:
        """Return the commit and the list of files."""
        api = HfApi(endpoint=self.endpoint, token=self._token)
        with self._told():
            info = api.model_info(self.model, revision=self.revision or None, timeout=_SECONDS, files_metadata=True)
        siblings = info.siblings or []
        if len(siblings) > _MOST_FILES:
            raise ToolError(f"{self.host} lists {len(siblings)} files: at most {_MOST_FILES} are accepted")
        files = {one.rfilename: _size(one.size) for one in siblings if _is_name(one.rfilename)}
        commit = info.sha if isinstance(info.sha, str) and info.sha.isalnum() and len(info.sha) <= 64 else ""
        return Listing(commit, files)

    def content(self, name: str, commit: str, most: int) -> bytes:
        """Return a file's content. Raises ToolError if it has more than `most` bytes."""
        found = bytearray()
        with self._told(name), self._opened(name, commit, {}) as answer:
            for chunk in answer.iter_raw(_CHUNK):
                found += chunk
                if len(found) > most:
                    raise ToolError(f"{name} of {self.model} has more than {most // 1024**2} MiB: it is not read")
        return bytes(found)

    def tensors(self, name: str, commit: str, size: int) -> list[Tensor]:
        """Return the tensors of a safetensors file, without its weights; `size` is its size in bytes, -1 if unknown."""
        try:
            header = self._header(name, commit, _FIRST)
            with self._parsing:  # one at a time, for memory
                return tensors_in(header, size - PREFIX - len(header) if size >= 0 else None)
        except HeaderError as error:
            raise ToolError(
                f"{name} of {self.model} on {self.host} is not a valid safetensors file: {error}"
            ) from error

    def _header(self, name: str, commit: str, most: int) -> bytes:
        """Return a file's header from a request for `most` bytes; stop reading after it, whatever the hub sends."""
        found, end = bytearray(), PREFIX
        with self._told(name), self._opened(name, commit, {"Range": f"bytes=0-{most - 1}"}) as answer:
            for chunk in answer.iter_raw(_CHUNK):
                found += chunk
                if end == PREFIX and len(found) >= PREFIX:
                    end += header_length(bytes(found[:PREFIX]))
                if len(found) >= end > PREFIX:
                    return bytes(found[PREFIX:end])
            if len(found) == most < end and answer.status_code == httpx2.codes.PARTIAL_CONTENT:
                return self._header(name, commit, end)
        raise HeaderError("it ends inside its header")

    @contextlib.contextmanager
    def _opened(self, name: str, commit: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        url = hf_hub_url(self.model, name, revision=commit or self.revision or None, endpoint=self.endpoint)
        headers = {**build_hf_headers(token=self._token), **headers}
        with get_session().stream("GET", url, headers=headers) as answer:
            if answer.status_code not in (httpx2.codes.OK, httpx2.codes.PARTIAL_CONTENT):
                raise self._refused(answer, name)
            yield answer

    @contextlib.contextmanager
    def _told(self, name: str = "") -> Iterator[None]:
        """Convert errors to ToolError, without repeating texts of other programs: they may contain the token."""
        what = f"{name} of {self.model}" if name else self.model
        try:
            yield
        except HfHubHTTPError as error:
            raise self._refused(error.response, name) from None
        except httpx2.TimeoutException:
            raise ToolError(f"{self.host} did not send {what} within {_SECONDS:.0f} seconds: try again later") from None
        except httpx2.ConnectError:
            raise ToolError(f"{self.host} cannot be reached: check huggingFace.endpoint and the network") from None
        except (httpx2.TooManyRedirects, httpx2.UnsupportedProtocol):
            raise ToolError(f"{self.host} redirects {what} too often, or to an address that is not http(s)") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            raise ToolError(f"{self.host} ended its response for {what} early: try again") from None
        except HeaderError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UnicodeError):
            raise ToolError(f"{self.host} did not respond as a hub to a request for {what}") from None

    def _refused(self, answer: httpx2.Response, name: str) -> ToolError:
        status, code = answer.status_code, answer.headers.get("X-Error-Code", "")
        if status == 404 and code == "RevisionNotFound":
            return ToolError(f"{self.model} on {self.host} has no revision {self.revision}: check model.revision")
        if status == 404:
            what = f"{name} in {self.model}" if name else f"model {self.model}"
            return ToolError(f"{self.host} has no {what}: check model.name and model.revision")
        if status in (401, 403):
            return ToolError(self._closed(gated=code == "GatedRepo"))
        if status == 429:
            return ToolError(f"{self.host} refuses more requests for now (429): wait, or set HF_TOKEN")
        return ToolError(f"{self.host} responded {status} to a request for {name or self.model}")

    def _closed(self, *, gated: bool) -> str:
        what = f"{self.model} is gated" if gated else f"{self.model} does not exist, is private or is gated"
        if build_hf_headers(token=self._token).get("authorization"):
            return f"{what} on {self.host}, and your token has no access to it: request access on the model's page"
        if self._token is False:
            return (
                f"{what} on {self.host}, and no token was sent: your token is sent to a mirror only if HF_ENDPOINT "
                "names it, or huggingFace.tokenSecret is set"
            )
        return f"{what} on {self.host}: set HF_TOKEN, or log in with `hf auth login`"


def _size(size: object) -> int:
    return size if isinstance(size, int) and 0 <= size <= _MOST_BYTES else -1


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and name.isprintable()


def offline() -> bool:
    """Return whether the user has set huggingface_hub to offline mode."""
    return constants.is_offline_mode()


@contextlib.contextmanager
def bounded_client() -> Iterator[None]:
    """Make huggingface_hub use a client with limits and log nothing inside the `with` block.

    Raises ToolError for a proxy that cannot be used.
    """
    from huggingface_hub.utils._http import default_client_factory

    try:
        client = _client()
    except (ImportError, ValueError, httpx2.InvalidURL):  # socks5:// needs one more package; the URL is never shown
        names = "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"
        raise ToolError(f"the proxy in {names} cannot be used: write http://HOST:PORT, or unset it") from None
    verbosity = logging.get_verbosity()
    logging.set_verbosity(CRITICAL)
    set_client_factory(lambda: client)
    try:
        yield
    finally:
        set_client_factory(default_client_factory)
        logging.set_verbosity(verbosity)
