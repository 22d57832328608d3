"""Rules on loading the model: object stores, and formats that a release does not read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelservice.findings import Refuser, Severity
from modelservice.rules.given_arguments import adding_argument, given
from modelservice.rules.image import is_own_image, known_release, release_of
from modelservice.rules.rule import Said, Values, rule
from modelservice.vllm.argument_rules import in_place

# Object stores from which vLLM streams without a download: SUPPORTED_SCHEMES of its runai_utils.py.
_OBJECT_STORE = re.compile("(s3|gs|az)://")
# As vLLM's is_remote_gguf recognises them: owner/name:Q4_K_M.
_GGUF_QUANTIZATION = re.compile("([^/:]+/[^/:]+):((I?Q|TQ)[0-9][0-9A-Z_]*|B?F16|F32)")
_STREAMER = "--load-format=runai_streamer"
_STREAMERS = ("runai_streamer", "runai_streamer_sharded", "modelexpress")
_STREAMS_BY_ITSELF = "0.11.0"
_NO_GGUF_SINCE = "0.24.0"
# is_remote_gguf of its gguf_utils.py, or utils.py.
_GGUF_BY_QUANTIZATION = "0.12.0"


def in_object_store(name: str) -> bool:
    """Return whether a model's name is the address of an object store, as templates/_vllm.tpl does."""
    return _OBJECT_STORE.match(name) is not None


def gguf_repository(name: str) -> str:
    """Return the repository in the name of one quantization of a GGUF model, "" for any other name."""
    found = _GGUF_QUANTIZATION.fullmatch(name)
    return found[1] if found else ""


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


@rule(
    "model-loader",
    "The load format cannot read a model from an object store.",
    why=(
        "Only vLLM's streaming loaders read weights from S3, Google Cloud Storage or Azure. From 0.11.0 on vLLM "
        "chooses one itself, and exits when it starts if an argument names another loader."
    ),
    source="vLLM's try_verify_and_update_config (config/vllm.py of 0.11.0 to 0.33.0)",
    refused_by=Refuser.VLLM,
)
def model_loader(values: Values) -> Iterator[Said]:
    """Find a model in an object store with a loader that cannot read it; other images may have their own loader."""
    name = values.at("model.name")
    if not in_object_store(name) or not is_own_image(values):
        return
    formats = given(values, "--load-format")
    known = known_release(values)
    old = bool(known) and known < _numbers(_STREAMS_BY_ITSELF)
    if formats and formats[-1].values[0].text not in (*_STREAMERS, *(() if old else ("auto",))):
        item = formats[-1]
        message = f"--load-format {item.values[0].text} does not read {name}"
        hint = f"write `{_STREAMER}`" + (" in place of both items" if len(item.items) > 1 else "")
        yield Said(("args", item.values[0].at), message, hint, fix=in_place(item.items, [_STREAMER]))
    elif old and not formats:
        message = f"vLLM before {_STREAMS_BY_ITSELF} does not choose the loader for {name} itself"
        fix = adding_argument(values, _STREAMER)
        yield Said(("model", "name"), message, f"add {_STREAMER} to args", fix=fix)


@rule(
    "gguf-gone",
    "The model is a GGUF file, which the image's vLLM no longer loads.",
    why=(
        "vLLM 0.24.0 moved GGUF to the package vllm-gguf-plugin, which its images do not contain. After the download, "
        "vLLM finds no weights and exits."
    ),
    source="vLLM's load formats (schemas/vllm/flags.json)",
    severity=Severity.WARNING,
)
def gguf_gone(values: Values) -> Iterator[Said]:
    """Find a GGUF model on a release without its loader; argument-value covers the flags."""
    name, release = values.at("model.name"), known_release(values)
    one, asked = gguf_repository(name), release_of(values).asked
    if (one or name.lower().rstrip("/").endswith((".gguf", "-gguf"))) and release >= _numbers(_NO_GGUF_SINCE):
        message = f"{name} is GGUF, which vLLM {asked} does not load without vllm-gguf-plugin"
        hint = "name the repository with the model's safetensors files, or set image.tag: v0.23.0"
        yield Said(("model", "name"), message, hint)
    elif one and release and release < _numbers(_GGUF_BY_QUANTIZATION):
        message = f"vLLM {asked} does not accept a quantization after a model's name"
        yield Said(
            ("model", "name"), message, "name a file of that quantization in a volume, or set image.tag: v0.23.0"
        )


RULES = (model_loader, gguf_gone)
