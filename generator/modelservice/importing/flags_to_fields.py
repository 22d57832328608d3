"""Turn the arguments of `vllm serve` into fields, and into `args` if no field has the same meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from modelservice.importing.container import Note
from modelservice.importing.part import SECRETS, Part, Secret, joined, reference
from modelservice.redact import PLACEHOLDER, hidden, safe_arguments
from modelservice.rules.image import is_vllms, release_in
from modelservice.vllm.argument_rules import EVERY_ADDRESS, OWNED, PARALLEL
from modelservice.vllm.command_line import DASHES, Given, Read, Stray, Unknown, read, without_values_of_dashes
from modelservice.vllm.flags import Line, command_line
from modelservice.vllm.parallel_sizes import ONE_RANK, gpus_of_node
from modelservice.vllm.releases import Exactness

_AND_SO_ON = ("...", "…", "[...]")
TASKS = {"embed": "embedding", "embedding": "embedding", "score": "score", "classify": "score", "generate": "generate"}
API_KEY = Part(
    {"apiKeySecret.name": "llm-api-keys"}, secrets=(Secret("llm-api-keys", "api-key", "the API key that clients send"),)
)
HUB_TOKEN = Part({"huggingFace.tokenSecret.name": "hf-token"}, secrets=(Secret("hf-token", "token", "$HF_TOKEN"),))


def fields_of(arguments: Sequence[str], image: Mapping[str, str], gpus: int | None = None) -> Part:
    """Return the fields and `args` for the arguments of `vllm serve`, without secrets.

    `image` is the container's, as in the values. `gpus` is its number of GPUs, or None if it is unknown.
    """
    is_checked = is_vllms(image) or release_in(image, "").exactness is not Exactness.UNSTATED
    line = line_of(image)
    known = [word for word in arguments if word not in _AND_SO_ON]
    items = list(read(known, line))
    model = next((item for item in without_values_of_dashes(items) if _may_be_model(item)), None)
    split = {item.flag.name: item for item in items if isinstance(item, Given) and item.flag.name in PARALLEL}
    given = {item.flag.name: item for item in items if isinstance(item, Given)}
    # With --task the chart writes embedding or score, and a classifier does not score.
    tasks = {word: TASKS[word] for word in TASKS if word != "classify" or "--runner" in line.flags}
    needed = _needed(split, given)
    names = set(given)
    if needed and (gpus or needed) == needed and list(split) == ["--tensor-parallel-size"] and "--nnodes" not in names:
        names |= {"--tensor-parallel-size="}  # the chart writes it for gpu.count
    parts = [_model(model.text)] if isinstance(model, Stray) else []
    parts += [
        (is_checked and _removed_task(item)) or _part(item, known, names, tasks) for item in items if item is not model
    ]
    parts += (
        [Part(notes=(Note("...", "it stands for arguments that are not in the line: add them to args"),))]
        if known != list(arguments)
        else []
    )
    return joined([*parts, Part({"gpu.count": gpus or needed} if gpus or needed else {})])


def line_of(image: Mapping[str, str]) -> Line:
    """Return the command line of the vLLM release in an image, as in the values."""
    release = release_in(image, "")
    return Line(release.name, release.label, command_line(release.name))


def without_unknown(flags: Part) -> Part:
    """Return the fields of flags without values that only a shell knows, with notes on the variables."""
    own = ("model.", "args")
    notes, unset = list[Note](), list[str]()
    for key, value in flags.settings.items():
        if key.startswith(own) and key != "model.chatTemplate":
            words = value if isinstance(value, list) else [value]
            names = [name for word in words for name in re.findall(r"(?<!\$)\$\{?(\w+)", str(word))]
            unset += [key] if names and key not in ("model.name", "args") else []
            notes += [Note(f"${name}", "its value comes from the shell; " + _for(key)) for name in names]
    settings = {key: value for key, value in flags.settings.items() if key not in unset}
    return flags._replace(settings=settings, notes=(*flags.notes, *notes))


def _for(key: str) -> str:
    return "write the value in its place" if key in ("model.name", "args") else f"set {key} to it"


def _may_be_model(item: Read) -> bool:
    if not isinstance(item, Stray) or item.words or item.text.startswith(tuple(DASHES)):
        return False
    return item.text.lower() not in ("true", "false", "0", "1")


def _model(name: str) -> Part:
    if name.startswith("/"):
        return Part({"model.name": name.rstrip("/") or "/", "model.source": "local"})
    if name.startswith(("./", "~", "..")):
        return Part({"model.name": name}, (Note(name, "write the folder's path in the container, or a model id"),))
    return Part({"model.name": name.rstrip("/")})


def _part(item: Read, arguments: Sequence[str], names: set[str], tasks: Mapping[str, str]) -> Part:
    """Return the fields or `args` for one flag with its values."""
    if not isinstance(item, Given):
        at = (item.at,) if isinstance(item, Stray) else item.items
        return _argument([arguments[index] for index in at])
    name, words = item.flag.name, [word.text for word in item.values]
    if name == "--model" and len(words) == 1:
        return _model(words[0])
    if name in ("--api-key", "--hf-token"):
        return API_KEY if name == "--api-key" else HUB_TOKEN
    if name in ("--task", "--runner") and words and words[0] in tasks:
        return Part({"model.task": tasks[words[0]]})
    if name + "=" in names or (name == "--enable-auto-tool-choice" and "--tool-call-parser" in names):
        return Part()
    if name == "--host":
        note = Note(f"--host {' '.join(words)}", "the server listens on every address of the pod")
        return Part(notes=() if re.fullmatch(EVERY_ADDRESS, "".join(words)) else (note,))
    if name in OWNED:
        return _owned(name, words)
    return _argument(_written(item, arguments))


def _removed_task(item: Read) -> Part | None:
    """Return the task in a flag that the release of the image does not have any more."""
    words = [word.text for word in item.values] if isinstance(item, Unknown) and item.spelling == "--task" else []
    return Part({"model.task": TASKS[words[0]]}) if words and words[0] in TASKS else None


def _owned(name: str, words: list[str]) -> Part:
    owned = OWNED[name]
    value = owned.value(words) if owned.field else None
    if value is not None:
        return Part({owned.field: value})
    return Part(notes=(Note(name, f"{owned.reason}: {owned.instead(words)}"),))


def _written(item: Given, arguments: Sequence[str]) -> list[str]:
    """Return a flag as items of `args`: a single value after "=", several values as separate items."""
    spelling = item.spelling + (f".{item.key}" if item.key else "")
    if len(item.values) == 1 and item.spelling.startswith("--") and item.flag.name != "--config":
        return [f"{spelling}={item.values[0].text}"]
    return [arguments[at] for at in item.items]


def _argument(texts: Sequence[str]) -> Part:
    """Return items of `args`, with a secret replaced by a variable from a Secret."""
    safe, found = safe_arguments(texts)
    if not found and PLACEHOLDER not in "".join(safe):
        return Part({"args": list(texts)})
    flag = texts[0].partition("=")[0]
    # A text that is not a flag may be the secret itself.
    flag = flag if re.fullmatch(r"--?[A-Za-z][\w.-]*", flag) and hidden(flag) == flag else "an argument"
    name = re.sub(r"\W+", "_", flag.strip("-")).strip("_").upper()
    secret = Secret(SECRETS, name, f"the secret of {flag}")
    return Part(
        {
            "args": [text.replace(PLACEHOLDER, f"$({name})") for text in safe],
            "env": [reference(name)],
        },
        secrets=(secret,),
    )


def _whole(item: Given) -> int:
    text = item.values[-1].text if item.values else ""
    return int(text) if re.fullmatch(r"[1-9]\d{0,3}", text) else 0


def _needed(split: Mapping[str, Given], given: Mapping[str, Given]) -> int:
    """Return how many GPUs the parallel sizes need on one node, or 0 if they are not given."""
    nodes = _whole(given["--nnodes"]) if "--nnodes" in given else 1
    sizes = {name: _whole(item) for name, item in split.items()}
    if not sizes or not nodes:
        return 0
    return gpus_of_node(sizes, nodes, one_rank=not ONE_RANK.keys().isdisjoint(given)) or 0
