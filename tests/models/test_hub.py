"""Facts from a hub, with the real client against local servers, valid and hostile ones."""

import json
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from modelservice.errors import ToolError
from modelservice.models import hub_repository
from modelservice.models.hub import HubModel, hub_facts
from modelservice.models.model_facts import ModelFacts, Tensors

from tests.models.hub_server import SHA, TOKEN, Hub, endless, reply, safetensors, serving

FILES = f"/acme/tiny/resolve/{SHA}/"
LIST = "/api/models/acme/tiny"
CONFIG = {"architectures": ["LlamaForCausalLM"], "hidden_size": 4}


def layer(number: int) -> dict[str, Any]:
    return {f"layers.{number}.weight": {"dtype": "BF16", "shape": [4, 2], "data_offsets": [0, 16]}}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        server.files = {
            "config.json": json.dumps(CONFIG).encode(),
            "model.safetensors": safetensors(layer(0), 16),
            "tokenizer.json": b"{}",
        }
        yield server


def facts(hub: Hub, revision: str = "", *, seconds: float = 30.0, with_token: bool = True, **more: Any) -> ModelFacts:
    return hub_facts(HubModel("acme/tiny", revision, hub.url, with_token), seconds=seconds, **more)


def refused(hub: Hub, revision: str = "", seconds: float = 30.0, *, with_token: bool = True) -> str:
    """Return the error message, which must contain no token and come in time."""
    start = time.monotonic()
    with pytest.raises(ToolError) as caught:
        facts(hub, revision, seconds=seconds, with_token=with_token)
    assert time.monotonic() - start < seconds + 20
    assert TOKEN not in str(caught.value)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_facts_of_a_model(hub: Hub) -> None:
    found = facts(hub)
    assert found == ModelFacts(
        "acme/tiny",
        SHA,
        hub.url,
        CONFIG,
        (Tensors("layers.*.weight", "BF16", (4, 2)),),
        {name: len(content) for name, content in hub.files.items()},
    )


def test_shards_are_read_with_progress_and_without_their_weights(hub: Hub) -> None:
    del hub.files["model.safetensors"]
    names = [f"model-{number:05}-of-00020.safetensors" for number in range(20)]
    hub.files |= {name: safetensors(layer(number), 16) for number, name in enumerate(names)}
    hub.files["consolidated.safetensors"] = safetensors(layer(0), 16)
    hub.files["model.safetensors.index.json"] = json.dumps(
        {"weight_map": {f"layers.{number}.weight": name for number, name in enumerate(names)}}
    ).encode()
    heard: list[tuple[int, int]] = []
    found = facts(hub, told=lambda done, of: heard.append((done, of)))
    assert found.tensors == (Tensors("layers.*.weight", "BF16", (4, 2), 20),)
    assert heard == [(done, 20) for done in range(21)]
    assert FILES + "consolidated.safetensors" not in {one.path for one in hub.asked}


def test_the_revision_is_requested_and_its_commit_recorded(hub: Hub) -> None:
    assert facts(hub, "v1.0").revision == SHA
    assert hub.asked[0].path == LIST + "/revision/v1.0"


def test_a_long_header_needs_a_second_request(hub: Hub) -> None:
    header = {f"t{number}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for number in range(8000)}
    hub.files["model.safetensors"] = content = safetensors(header, 0)
    assert sum(one.copies for one in facts(hub).tensors) == 8000
    assert [one.range for one in hub.asked if one.range] == ["bytes=0-262143", f"bytes=0-{len(content) - 1}"]


def test_no_whole_shard_is_read_from_a_mirror_that_ignores_range(hub: Hub) -> None:
    hub.answers[FILES + "model.safetensors"] = endless(bytes(1024**2), safetensors(layer(0), 0))
    hub.sizes["model.safetensors"] = len(safetensors(layer(0), 16))
    assert len(facts(hub).tensors) == 1
    assert hub.sent < 100 * 1024**2


def test_without_safetensors_only_sizes_are_known(hub: Hub) -> None:
    del hub.files["model.safetensors"]
    hub.files["pytorch_model.bin"] = b"\x80\x02pickle"
    found = facts(hub)
    assert (found.tensors, found.files["pytorch_model.bin"]) == ((), 8)
    assert found.source == f"{hub.url}, only the sizes of its files: pytorch_model.bin is not read"
    assert FILES + "pytorch_model.bin" not in {one.path for one in hub.asked}


def test_a_mirror_without_sizes_gives_no_sizes(hub: Hub) -> None:
    hub.sizes = dict.fromkeys(hub.files)
    found = facts(hub)
    assert (found.files, found.download_bytes, len(found.tensors)) == ({}, None, 1)


def test_quantisation_in_a_file_of_its_own_counts(hub: Hub) -> None:
    hub.files["hf_quant_config.json"] = b'{"quantization": {"quant_algo": "NVFP4"}}'
    assert facts(hub).config["quantization_config"] == {"quantization": {"quant_algo": "NVFP4"}}


def test_the_token_is_sent_only_to_the_hub(hub: Hub) -> None:
    with serving() as other:
        other.answers["/elsewhere"] = reply(200, hub.files["model.safetensors"])
        moved = reply(302, Location=f"{other.url}/elsewhere")
        hub.answers[FILES + "model.safetensors"] = moved
        assert len(facts(hub).tensors) == 1
        assert {one.authorization for one in hub.asked} == {f"Bearer {TOKEN}"}
        assert [one.authorization for one in other.asked] == [""]


def test_no_token_is_sent_without_a_token_for_the_hub(hub: Hub) -> None:
    facts(hub, with_token=False)
    assert {one.authorization for one in hub.asked} == {""}


def test_a_model_that_moved_is_followed(hub: Hub) -> None:
    hub.answers[LIST] = reply(307, Location=f"{hub.url}/api/models/acme/tiny-2")
    assert len(facts(hub).tensors) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_model(hub: Hub, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"error": f"Access restricted for {TOKEN}"}).encode()
    hub.answers[LIST] = reply(status, body, X_Error_Code="GatedRepo", X_Error_Message=f"no {TOKEN}")
    message = f"acme/tiny is gated on {hub.url}"
    assert refused(hub) == f"{message}, and your token has no access to it: request access on the model's page"
    assert refused(hub, with_token=False).startswith(f"{message}, and no token was sent")
    monkeypatch.delenv("HF_TOKEN")
    assert refused(hub) == f"{message}: set HF_TOKEN, or log in with `hf auth login`"


def test_a_gated_file(hub: Hub) -> None:
    hub.answers[FILES + "config.json"] = reply(403, b"no", X_Error_Code="GatedRepo")
    assert "is gated" in refused(hub)


def test_no_such_model(hub: Hub) -> None:
    hub.answers[LIST] = reply(404, b"{}", X_Error_Code="RepoNotFound")
    assert refused(hub) == f"{hub.url} has no model acme/tiny: check model.name and model.revision"


def test_no_such_revision(hub: Hub) -> None:
    hub.answers[LIST + "/revision/v9"] = reply(404, b"{}", X_Error_Code="RevisionNotFound")
    assert refused(hub, "v9") == f"acme/tiny on {hub.url} has no revision v9: check model.revision"


def test_no_such_file(hub: Hub) -> None:
    del hub.files["config.json"]
    assert "has no config.json in acme/tiny" in refused(hub)


def test_a_closed_port(hub: Hub) -> None:
    with serving() as gone:
        url = gone.url
    hub.url = url
    assert refused(hub) == f"{url} cannot be reached: check huggingFace.endpoint and the network"


HEADER = FILES + "model.safetensors"
ODD: dict[str, tuple[str, Any, str]] = {
    "another file system": (LIST, reply(302, Location="file:///etc/passwd"), "redirects"),
    "in a circle": (LIST, reply(302, Location=LIST), "redirects"),
    "too many requests": (LIST, reply(429), "refuses more requests"),
    "broken": (LIST, reply(500, b"<html>"), "responded 500"),
    "errors of another form": (LIST, reply(500, b'["a"]'), "did not respond as a hub"),
    "no JSON": (LIST, reply(200, b"<html>"), "did not respond as a hub"),
    "deep JSON": (LIST, reply(200, b"[" * 100_000), "did not respond as a hub"),
    "a list": (LIST, reply(200, b"[]"), "did not respond as a hub"),
    "a list of files in text": (LIST, reply(200, b'{"siblings": "abc"}'), "did not respond as a hub"),
    "compressed": (LIST, reply(200, b"{}", Content_Encoding="gzip"), "compressed"),
    "a list without end": (LIST, endless(b" " * 1024**2), "longer than 32 MiB"),
    "an error without end": (LIST, endless(b" " * 1024**2, status=500), "longer than 32 MiB"),
    "a config without end": (FILES + "config.json", endless(b" " * 1024**2), "has more than 4 MiB"),
    "a config that is a list": (FILES + "config.json", reply(200, b"[]"), "config.json of acme/tiny on"),
    "a deep config": (FILES + "config.json", reply(200, b"[" * 100_000), "is not JSON"),
    "half a character in a config": (
        FILES + "config.json",
        reply(200, b'{"architectures": ["\\ud800"]}'),
        "is not JSON",
    ),
    "half a character in a name": (
        HEADER,
        reply(200, safetensors({"\ud800": layer(0)["layers.0.weight"]}, 16)),
        "is not a tensor",
    ),
    "a header without end": (HEADER, endless(b" " * 1024**2, b"\xff" * 7 + b"\x7f"), "its header has"),
    "a header of one byte": (HEADER, reply(206, b"\1"), "ends inside its header"),
    "a truncated header": (HEADER, reply(200, safetensors(layer(0), 0)[:40]), "ends inside its header"),
    "no tensors": (HEADER, reply(200, safetensors(b"[]", 0)), "is not a valid safetensors file"),
    "a shard that is not there": (HEADER, reply(404), "has no model.safetensors in acme/tiny"),
    "a range that is not there": (HEADER, reply(416), "responded 416"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_unexpected_answer_gives_a_clear_message(hub: Hub, name: str) -> None:
    path, answer, message = ODD[name]
    hub.answers[path] = answer
    assert message in refused(hub)
    assert hub.sent < 200 * 1024**2


def test_an_index_without_end(hub: Hub) -> None:
    hub.files["model.safetensors.index.json"] = b"{}"
    hub.answers[FILES + "model.safetensors.index.json"] = endless(b" " * 1024**2)
    assert "longer than 32 MiB" in refused(hub)


def test_an_index_of_something_else(hub: Hub) -> None:
    hub.files["model.safetensors.index.json"] = b'{"weight_map": [1]}'
    assert "model.safetensors.index.json of acme/tiny" in refused(hub)


def test_wrong_sizes(hub: Hub) -> None:
    hub.sizes["model.safetensors"] = 10**6
    assert "its tensors have 16 bytes" in refused(hub)


def test_a_hub_that_answers_too_slowly(hub: Hub) -> None:
    hub.answers[LIST] = endless(b" ", pause=0.05)
    assert refused(hub, seconds=1.0) == f"{hub.url} took more than 1 seconds: try again later"


def test_a_hub_that_never_answers(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_repository, "_SECONDS", 0.5)
    hub.answers[LIST] = lambda _: time.sleep(3)
    assert refused(hub).startswith(f"{hub.url} did not send ")


def test_an_answer_that_breaks_off(hub: Hub) -> None:
    hub.answers[LIST] = reply(200, b'{"sha":', Content_Length="100")
    assert "ended its response" in refused(hub, seconds=5)


def test_hostile_headers_do_not_fill_the_memory(hub: Hub) -> None:
    hub.answers[HEADER] = endless(b'{"a":' * 200_000, b"\0\0\0\1" + bytes(4))
    tracemalloc.start()
    try:
        assert "claims" in refused(hub) or "is not a valid" in refused(hub)
        assert tracemalloc.get_traced_memory()[1] < 300 * 1024**2
    finally:
        tracemalloc.stop()


def test_without_the_library_the_message_says_what_to_install(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "modelservice.models.hub_repository", None)
    said = refused(hub)
    assert "pip install 'huggingface_hub>=2'" in said
    assert "pipx inject modelservice huggingface_hub" in said


@pytest.mark.parametrize("proxy", ["socks5://user:secretword@127.0.0.1:1", "http://[::1", "ftp://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used(hub: Hub, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("ALL_PROXY", proxy)
    message = refused(hub)
    assert message.startswith("the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY cannot be used")
    assert "secretword" not in message


def test_offline_mode_sends_no_request(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in refused(hub)
    assert hub.asked == []
