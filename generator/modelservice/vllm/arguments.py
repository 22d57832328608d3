"""Check the `args` of a values file against the command line of a vLLM release."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from modelservice.findings import MOST, Action, Fix, Problem, Severity
from modelservice.redact import NAMED, safe_arguments, shown
from modelservice.secret_forms import may_hold_secret
from modelservice.vllm.argument_relations import Beside, check_relations
from modelservice.vllm.argument_rules import OWNED, in_place, is_owned, problem, quoted_items, writing
from modelservice.vllm.argument_values import value_fault
from modelservice.vllm.command_line import DASHES, Given, Read, Stray, Unknown, normal, read, without_values_of_dashes
from modelservice.vllm.flags import Flag, Line, command_line
from modelservice.vllm.history import abbreviated, deprecated, unknown, value_change
from modelservice.vllm.releases import Exactness, Release, release_after

# Rules that stay errors for every image; rules about a known release; rules that stay errors for every release.
_FOR_EVERY_IMAGE = {"argument-secret"}
_OF_A_RELEASE = {"argument-removed", "argument-deprecated"}
_FOR_EVERY_RELEASE = {"argument-secret", "argument-owned", "argument-two-words", "argument-repeated"}
_NO = ("false", "0", "no", "off", "none")
_YES = ("true", "1", "yes", "on")
_ALONE = Beside()


def check_arguments(
    args: Sequence[str], release: Release, *, own_image: bool, beside: Beside = _ALONE
) -> list[Problem]:
    """Return the problems of the arguments on a release's command line; paths are `("args", index)`.

    An image that is not vLLM's own (`own_image` false) may have another command line, and so may a release newer or
    older than the listed ones: for these, errors become warnings. For a release between two listed ones, an error
    becomes a warning if the later one does not have it. If the release in an image that is not vLLM's own is unknown,
    removed and deprecated flags are not reported.
    """
    problems = _check(args, release.name, release.label, beside)
    if not own_image:
        if release.exactness is Exactness.UNSTATED:
            problems = [one for one in problems if one.rule not in _OF_A_RELEASE]
        return [_softened(one, _FOR_EVERY_IMAGE) for one in problems]
    if release.exactness is Exactness.OLDER:  # a flag removed before the oldest listed release may still exist
        problems = [one for one in problems if one.rule != "argument-removed"]
    if release.exactness in (Exactness.NEWER, Exactness.OLDER):
        return [_softened(one, _FOR_EVERY_RELEASE) for one in problems]
    if problems and release.exactness is Exactness.BETWEEN:
        later = {(one.rule, one.path) for one in _check(args, release_after(release.name), "", beside)}
        return [one if (one.rule, one.path) in later else _softened(one, _FOR_EVERY_RELEASE) for one in problems]
    return problems


def _softened(one: Problem, firm: set[str]) -> Problem:
    return one if one.rule in firm else one._replace(severity=Severity.WARNING)


def _check(args: Sequence[str], release: str, label: str, beside: Beside) -> list[Problem]:
    # The code below sees no secret, so no message can print one.
    safe, found_secrets = safe_arguments(args)
    line = Line(release, label, command_line(release))
    secrets = {at: kind for at, kind in found_secrets.items() if kind != NAMED or _is_own(args, at, line)}
    read_items = list(read(safe, line))
    problems = [_secret(index, kind, safe[index], line) for index, kind in secrets.items()]
    found = (
        one for item in without_values_of_dashes(read_items) for one in _item(item, line) if one.path[-1] not in secrets
    )
    problems += itertools.islice(found, MOST)
    given = [item for item in read_items if isinstance(item, Given) and not _is_owned(item)]
    in_json = (one for one in _in_json(given, line) if one.path[-1] not in secrets)
    problems += [*itertools.islice(in_json, MOST), *_repeated(given), *check_relations(given, line, beside)]
    return sorted(problems, key=lambda one: str(one.path[-1]).zfill(9))


def _in_json(given: Sequence[Given], line: Line) -> Iterator[Problem]:
    """Yield the problems inside JSON options; most services have none, so the module is imported only if needed."""
    if any("json" in item.flag.type or item.flag.name == "--lora-modules" for item in given):
        from modelservice.vllm.json_options import json_problems

        yield from json_problems(given, line)


def _is_own(args: Sequence[str], index: int, line: Line) -> bool:
    """Return whether an argument is, or belongs to, a flag of vLLM that is not reserved for the chart."""
    word = args[index] if args[index].startswith("--") or not index else args[index - 1]
    name = normal(word.partition("=")[0]).partition(".")[0]
    return name in line.flags and name not in OWNED


def _secret(index: int, kind: str, text: str, line: Line) -> Problem:
    flag = line.flags.get(normal(text.partition("=")[0]))
    hint = "put it into a Secret, set a variable from it in env with valueFrom.secretKeyRef, and write $(VARIABLE) here"
    if flag and flag.name in OWNED:
        hint = OWNED[flag.name].instead()
    return problem("argument-secret", index, f"{kind} in plain text (not shown)", hint)


def _item(item: Read, line: Line) -> Iterator[Problem]:
    if isinstance(item, Stray):
        yield from _stray(item, line)
    elif isinstance(item, Unknown):
        yield _with_colon(item, line) or unknown(item, line)
    elif item.beginning:
        yield from _abbreviated(item, line)
    elif _is_owned(item):
        yield _owned(item)
    else:
        yield from _given(item, line)


def _with_colon(item: Unknown, line: Line) -> Problem | None:
    """Return the problem of a flag and its value that are joined by a colon, as in YAML, or None for other items."""
    name, colon, value = item.spelling.partition(":")
    if not colon or name not in line.flags:
        return None
    message = f"`{item.spelling}` is not a flag of {line.label}"
    return writing("argument-unknown", item.at, message, [f"{name}={value}" if value else name])


def _abbreviated(item: Given, line: Line) -> Iterator[Problem]:
    """Yield the problems of an abbreviated flag; the fix of its value also writes its whole name."""
    found = [] if _is_owned(item) else [one for one in _given(item, line) if one.severity is Severity.ERROR]
    said = abbreviated(item, line)
    yield from (said._replace(fix=()) if found else said, *found)


def _is_owned(item: Given) -> bool:
    return is_owned(item.flag.name, [word.text for word in item.values])


def _owned(item: Given) -> Problem:
    owned, words = OWNED[item.flag.name], [word.text for word in item.values]
    message = f"`{item.flag.name}` is reserved for the chart: {owned.reason}"
    return problem("argument-owned", item.at, message, owned.instead(words, item.items), owned.fix(item.items, words))


def _given(item: Given, line: Line) -> Iterator[Problem]:
    flag = item.flag
    if flag.deprecated:
        yield deprecated(item, line)
    if flag.type == "switch":
        if item.attached or item.key:
            value = item.values[0].text if item.values else item.key
            yield _switch_value([item.at], item.spelling, flag, value)
    elif item.key and "json" not in flag.type:
        yield problem("argument-type", item.at, f"`{flag.name}` takes no keys", _wanted(flag))
    elif not item.values and flag.nargs != "?":
        yield problem("argument-missing-value", item.at, f"`{item.spelling}` has no value", _wanted(flag))
    elif item.attached and flag.name == "--config":
        message, words = "vLLM does not read a file that is given as `--config=FILE`", [flag.name, item.values[0].text]
        yield writing("argument-config", item.at, message, words)
    else:
        yield from _values(item, line)


def _wanted(flag: Flag) -> str:
    some = flag.values[0] if flag.values else flag.default
    return f"write `{flag.name}=VALUE`" + (f", such as `{flag.name}={some}`" if some else "") + ", or remove it"


def _values(item: Given, line: Line) -> Iterator[Problem]:
    for word in () if item.key else item.values:
        fault = value_fault(item.flag, word.text)
        if fault:
            message = f"`{item.flag.name}`: {fault.message}"
            if change := value_change(item, word.text, line):
                message, fault = message + change, fault._replace(suggestion="")
            suggestion = f"{item.flag.name}={fault.suggestion}" if item.attached else fault.suggestion
            if fault.suggestion:
                yield writing(fault.rule, word.at, message, [suggestion])
            else:
                yield problem(fault.rule, word.at, message, f"correct the value or remove `{item.flag.name}`")


def _switch_value(items: Sequence[int], spelling: str, flag: Flag, value: str) -> Problem:
    """Return the problem of a switch with a value; `items` are the flag, and the value if it is a separate item."""
    message = f"`{spelling}` is a switch and takes no value, but has {shown(value)}"
    negated = (spelling in flag.negatives) != (value.lower() in _NO)
    opposite = next((form for form in flag.negatives if form.startswith("--no-")), "")
    meant = opposite if negated else flag.name
    hint = f"write `{meant}`{' in place of both items' if len(items) > 1 else ''}"
    if not meant:
        hint = "remove it: the switch is off by default"
    return problem("argument-switch-value", items[-1], message, hint, in_place(items, [meant] if meant else []))


def _stray(item: Stray, line: Line) -> Iterator[Problem]:
    text = item.text
    if not text:
        return  # the schema reports an item that is not text
    if item.words:
        yield from _several(item, line)
    elif item.follows and text.lower() in (*_NO, *_YES):
        yield _switch_value([item.follows.at, item.at], item.follows.spelling, item.follows.flag, text)
    else:
        bare = re.sub(r"^([\w.-]+)\s*:\s*", r"\1=", text.strip().lstrip(DASHES + "-"))
        bare = f"--{bare}"
        meant = normal(bare.partition("=")[0]).partition(".")[0] in line.flags
        message = f"{shown(text)} does not belong to a flag"
        if meant and not may_hold_secret(text):
            yield writing("argument-stray", item.at, message, [bare])
        else:
            hint = "remove it, or write it with its flag as --flag=value"
            yield problem("argument-stray", item.at, message, hint)


def _several(item: Stray, line: Line) -> Iterator[Problem]:
    """Yield the problem that an item has several arguments, with the errors in these, so that the hint is valid."""
    inner = [one for part in read(item.words, line) for one in _item(part, line)]
    message = f"{shown(item.text)} has several arguments, but no shell splits a list item"
    wrong = [one for one in inner if one.severity is not Severity.WARNING]
    if not wrong:
        yield writing("argument-two-words", item.at, message, item.words)
    for one in wrong:
        both = f"{message}; {one.message}"
        yield problem("argument-two-words", item.at, both, one.hint, _outside(one.fix, item))


def _outside(fix: Fix, item: Stray) -> Fix:
    """Return the edits of an item's words as edits of the item; each word becomes its own item."""
    if not fix:
        return ()
    words = [[word] for word in item.words]
    for edit in fix:
        if edit.path[0] == "args":
            words[int(edit.path[1])] = {Action.SET: [edit.value], Action.REPLACE: edit.value}.get(edit.action, [])
    fields = (edit for edit in fix if edit.path[0] != "args")
    return (*in_place([item.at], list(itertools.chain(*words))), *fields)


def _repeated(given: Sequence[Given]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Given] = {}
    for item in given:
        if item.flag.repeatable or item.key.endswith("+"):
            continue
        same = [other for (name, _), other in seen.items() if name == item.flag.name]
        others = [other for other in same if other.key == item.key or not (other.key and item.key)]
        if others and _same(others[0], item):
            message = f"`{item.flag.name}` is given again after args[{others[0].at}], with the same value"
            hint = "remove it" if len(item.items) == 1 else "remove both items"
            yield problem("argument-duplicate", item.at, message, hint, in_place(item.items))
        elif others and item.flag.nargs == "+" and not (item.key or others[0].key):
            yield _split_list(others[0], item)
        elif others:
            mixed = bool(others[0].key) != bool(item.key)
            lost = "the dotted keys replace the JSON" if mixed else "the last one wins"
            message = f"`{item.flag.name}` is given again after args[{others[0].at}], and {lost}"
            yield problem("argument-repeated", item.at, message, "keep one of them")
        seen[item.flag.name, item.key] = item


def _split_list(one: Given, other: Given) -> Problem:
    """Return the problem of a list in two parts, of which vLLM uses the last; its fix joins them at the first flag."""
    name = one.flag.name
    words = list(dict.fromkeys(word.text for word in (*one.values, *other.values)))
    message = f"`{name}` is given again after args[{one.at}], and the last one wins"
    hint = f"join them: {quoted_items([name, *words])}"
    return problem("argument-repeated", other.at, message, hint, in_place([*one.items, *other.items], [name, *words]))


def _same(one: Given, other: Given) -> bool:
    """Return whether two items set the same flag or key to the same value; a switch may be negated."""
    texts = [[word.text for word in item.values] for item in (one, other)]
    return texts[0] == texts[1] and (one.key, one.negated) == (other.key, other.negated)
