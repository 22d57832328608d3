"""Check arguments against each other: combinations that vLLM's configuration refuses for every model.

`schemas/vllm/constraints.json` has the relations, each with the releases that check it and the place in vLLM's code.
Nothing is reported if `--config` names a file, which may set the other flag, or if a value is known only in the
cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.findings import Action, Edit, Problem
from modelservice.vllm.argument_rules import in_place, problem, removing
from modelservice.vllm.argument_values import size
from modelservice.vllm.command_line import Given
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import Line
from modelservice.vllm.releases import alive

_GROUP_SIZES = ("--tensor-parallel-size", "--prefill-context-parallel-size", "--data-parallel-size")


class Beside(NamedTuple):
    """What the checks need to know in addition to the arguments.

    `tensor_parallel` is the size that the chart writes if the arguments set none, or 0 if it is unknown. `rocm` says
    that the image is for AMD GPUs, which support another backend for microbatches.
    """

    tensor_parallel: int = 1
    rocm: bool = False


class _Arguments(NamedTuple):
    """The arguments that take effect: the last one for each flag, and for each key of JSON as `--flag.key`."""

    given: Mapping[str, Given]
    line: Line
    beside: Beside

    def on(self, name: str) -> Given | None:
        """Return the argument that sets a flag, or None if the flag is not set or is switched off."""
        item = self.given.get(name)
        return None if item is None or item.negated or self.value(name) in ("", "None") else item

    def value(self, name: str) -> str | None:
        """Return the flag's only value as text, or None for a switch or several values."""
        item = self.given[name]
        if "." in name and not item.key:
            return json.dumps(_json(item)[name.partition(".")[2]]).strip('"')
        return item.values[0].text if len(item.values) == 1 else None

    def number(self, name: str, default: int | None = None) -> int | None:
        """Return the flag's number, `default` if the flag is not given, or None if the number cannot be known."""
        if name not in self.given:
            return default
        return size(self.value(name) or "")

    def sizes(self, name: str) -> list[int | None]:
        """Return the numbers that a flag lists."""
        item = self.given[name]
        return [size(word.text) for word in item.values]


def check_relations(given: Sequence[Given], line: Line, beside: Beside) -> Iterator[Problem]:
    """Yield the arguments that need another one, and those that contradict each other."""
    arguments = _Arguments(_last(given), line, beside)
    if "--config" in arguments.given:
        return
    for check in (_needs, _excludes, _at_least, _context_parallel, _expert_balance, _microbatches, _captures):
        yield from check(arguments)


def _last(given: Sequence[Given]) -> dict[str, Given]:
    last: dict[str, Given] = {}
    for item in given:
        name = item.flag.name
        last[f"{name}.{item.key}" if item.key else name] = item
        if "json" in item.flag.type and not item.key:
            last |= {f"{name}.{key}": item for key in _json(item)}
    return last


def _json(item: Given) -> dict[str, Any]:
    try:
        found = json.loads(item.values[0].text)
    except (IndexError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _stated(arguments: _Arguments, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the relations of a kind that the release checks."""
    stated: list[dict[str, Any]] = facts("constraints")[kind]
    yield from (one for one in stated if alive(one["in"], arguments.line.release))


def _needs(arguments: _Arguments) -> Iterator[Problem]:
    for need in _stated(arguments, "needs"):
        item, needed = arguments.on(need["flag"]), need["needs"]
        if item is None or arguments.on(needed) or any(arguments.on(other) for other in need.get("unless", ())):
            continue
        value = arguments.value(need["flag"]) or ""
        by_life = need.get("values", {}).items()
        listed = [name for life, names in by_life if alive(life, arguments.line.release) for name in names]
        if ("values" in need and value not in listed) or value in need.get("but", ()):
            continue
        what = f"{need['flag']}={value}" if listed or "but" in need else need["flag"]
        flag = arguments.line.flags.get(needed)
        if flag and flag.type == "switch":
            fix = () if needed in arguments.given else (Edit(Action.APPEND, ("args",), needed),)
            yield problem("argument-needs", item.at, f"`{what}` needs `{needed}`", f"add `{needed}`", fix)
        else:
            hint = f"{removing(item.items)}, or add `{needed}` with its value"
            yield problem("argument-needs", item.at, f"`{what}` needs `{needed}`", hint)


def _excludes(arguments: _Arguments) -> Iterator[Problem]:
    for pair in _stated(arguments, "excludes"):
        items = [arguments.on(name) for name in pair["flags"]]
        if all(items):
            other, later = sorted((item for item in items if item), key=lambda item: item.at)
            message = f"`{pair['flags'][0]}` and `{pair['flags'][1]}` are mutually exclusive"
            hint = f"{removing(later.items)}, or args[{other.at}]"
            yield problem("argument-conflict", later.at, message, hint)


def _at_least(arguments: _Arguments) -> Iterator[Problem]:
    for pair in _stated(arguments, "at_least"):
        if "when" in pair and not _is_so(arguments, pair["when"]):
            continue
        more, less = pair["flag"], pair["than"]
        defaults = pair.get("defaults", {})
        numbers = [arguments.number(name, defaults.get(name)) for name in (more, less)]
        if None in numbers or not 0 < numbers[0] < numbers[1]:  # type: ignore[operator]  # 0 and -1 are "not set"
            continue
        item = arguments.given.get(more) or arguments.given[less]
        message = f"`{more}` is {numbers[0]}, which is less than `{less}` ({numbers[1]})"
        written = item.attached and item.flag.name == more
        hint = f"write `{more}={numbers[1]}` or more" if written else f"set `{more}` to {numbers[1]} or more"
        yield problem("argument-conflict", item.at, message, hint)


def _is_so(arguments: _Arguments, form: str) -> bool:
    """Return whether a switch is given in this form."""
    return any(item.spelling == form for item in arguments.given.values())


def _context_parallel(arguments: _Arguments) -> Iterator[Problem]:
    """Find a decode context parallel size that does not divide the tensor parallel size.

    Source: _validate_parallel_config in config/parallel.py, from 0.11.2 to 0.33.0; another rule applies if
    `--prefill-context-parallel-size` is given.
    """
    name = "--decode-context-parallel-size"
    if name not in arguments.given or "--prefill-context-parallel-size" in arguments.given:
        return
    parts, whole = arguments.number(name), arguments.number(_GROUP_SIZES[0], arguments.beside.tensor_parallel)
    if parts and whole and alive("0.11.2..", arguments.line.release) and whole % parts:
        message = f"`{name}` is {parts}, which does not divide the tensor parallel size, {whole}"
        item = arguments.given[name]
        hint = f"{removing(item.items)}, or use a tensor parallel size that is a multiple of {parts}"
        yield problem("argument-conflict", item.at, message, hint)


def _expert_balance(arguments: _Arguments) -> Iterator[Problem]:
    """Find expert balancing on a single GPU: _validate_parallel_config in config/parallel.py, 0.11.0 to 0.33.0."""
    item = arguments.on("--enable-eplb")
    sizes = [
        arguments.number(name, arguments.beside.tensor_parallel if name == _GROUP_SIZES[0] else 1)
        for name in _GROUP_SIZES
    ]
    if item and set(sizes) == {1} and alive("0.11.0..", arguments.line.release):
        hint = "remove it, or split the model over several GPUs"
        yield problem("argument-conflict", item.at, "`--enable-eplb` needs several GPUs, but there is one", hint)


def _microbatches(arguments: _Arguments) -> Iterator[Problem]:
    """Find microbatches with a backend that does not support them; before 0.16.0, a variable could set the backend."""
    backends = [value for one in _stated(arguments, "microbatch_backends") for value in one["values"]]
    backends += ["allgather_reducescatter"] if arguments.beside.rocm else []
    name = "--all2all-backend"
    item = arguments.on("--enable-dbo")
    given = arguments.value(name) if name in arguments.given else "allgather_reducescatter"
    unknown = name not in arguments.given and not alive("0.16.0..", arguments.line.release)
    if item and backends and given and "$(" not in given and given not in backends and not unknown:
        message = f"`--enable-dbo` does not work with `{name}={given}`"
        hint = f"{removing(item.items)}, or set `{name}` to one of {', '.join(backends)}"
        yield problem("argument-conflict", item.at, message, hint)


def _captures(arguments: _Arguments) -> Iterator[Problem]:
    """Find a maximum capture size that is not one of the listed sizes: config/vllm.py, 0.11.2 to 0.33.0."""
    name, listed = "--max-cudagraph-capture-size", "--cudagraph-capture-sizes"
    if name in arguments.given and listed in arguments.given and not arguments.on("--enforce-eager"):
        greatest, sizes = arguments.number(name), arguments.sizes(listed)
        if greatest is not None and None not in sizes and greatest not in sizes:
            item = arguments.given[name]
            message = f"`{name}` is {greatest}, which is not one of `{listed}`"
            yield problem("argument-conflict", item.at, message, "remove it", in_place(item.items))
