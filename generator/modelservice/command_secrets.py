"""Find secrets in commands, flags, URLs and JSON: values whose names say that they are secrets."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from modelservice.secret_forms import holds_login, is_literal, keys_secret, names_secret

_VALUE = r"(?P<value>\"[^\"\n]{1,4000}\"|'[^'\n]{1,4000}'|[^\s\"'`;&|,$(){}\[\]-][^\s\"'`;&|,$(){}\[\]]*)"
# A shell variable that is set, a header of curl or of a proxy (proxy_set_header NAME VALUE;), a flag with its
# value, a parameter of a query or of a connection string, or a key with quoted text in JSON or in code.
_SET = re.compile(
    r"(?<![\w.$-])(?:(?P<variable>[A-Z_][A-Z0-9_]{1,80}|(?:https?|all|ftp)_proxy)="
    r"|(?:(?:-[A-Za-z]{0,10}H|--(?:proxy-)?header)(?:=|\s{0,20})|[\w-]{0,20}(?:set|add)[-_]header\s{1,20}"
    r"|(?=(?i:proxy-)?(?i:authorization)[\"']?\s{0,5}:\s{0,5}[\"']?(?i:bearer|basic|token)\s{1,20}(?=\S{0,200}\d)))[\"']?"
    r"(?P<header>[A-Za-z][\w-]{1,80})[\"']?(?::\s{0,20}|\s{1,20})[\"']?"
    r"(?:(?i:bearer|basic|token)\s{1,20})?(?!(?i:bearer|basic|token)\s)"
    r"|(?P<flag>--?[A-Za-z][\w.-]{1,80})(?:=|\s{1,20})"
    r"|(?<=[?&;])(?P<query>[A-Za-z][\w-]{1,80})="
    r"|(?P<quote>[\"']?)(?P<key>[A-Za-z][\w-]{1,80})(?P=quote)\s{0,20}[:=]\s{0,20}(?=[\"']))" + _VALUE
)
# Flags that accept a password or user:password, and the programs that read them this way, by the flag and by whether
# a gap separates it from its value.
_SHORT = re.compile(
    r"(?<![\w.$-])(?:(?P<flag>-[pa])(?P<gap>[\s=]{0,20})"
    r"|(?P<login>-[A-Za-z]{0,10}[uU]|--(?:proxy-)?user)(?:=|\s{0,20})[\"']?[^\s:\"'$/]{1,100}:(?!//))" + _VALUE
)
_PROGRAMS = {
    "-p": re.compile(r"\b(?:sshpass|mongo[a-z]*|login)\b"),
    "-p and no gap": re.compile(r"mysql|mariadb|sshpass|\b(?:mongo[a-z]*|login)\b|(?<!\S)-u[A-Za-z]"),
    "-a": re.compile(r"\bredis-cli\b"),
    "curl": re.compile(r"\bcurl\b"),
}
# A line with a name and its value, as in YAML, JSON, .env and .ini files.
_LINE = re.compile(
    r"(?m)^[ \t-]*(?P<quote>[\"']?)(?P<key>[A-Za-z][\w.-]{1,80})(?P=quote)[ \t]{0,20}[:=][ \t]{0,20}"
    r"(?P<mark>[\"']?)(?P<value>[^\s\"',;]{6,200})(?P=mark)[,;]?[ \t]*\r?$"
)
# Query parameters of signed URLs that contain the signature.
_SIGNATURES = ("sig", "signature", "x-amz-signature", "x-goog-signature")
# Characters after a value that make it a part of code or of another text.
_GOES_ON = tuple("$`([{")


def writes_secret(text: str) -> bool:
    """Return whether a file certainly contains a secret; a value without a digit may also be a word or a name."""
    values = [text[begin:end].strip("\"'") for begin, end in literals(text)]
    values += [found["value"] for found in _LINE.finditer(text) if keys_secret(found["key"].rpartition(".")[2])]
    return any(is_certain(value) for value in values)


def is_certain(value: str) -> bool:
    """Return whether a value with a secret's name is certainly a secret, not a name, a reference or a word."""
    value = re.sub(r"(?i)^(bearer|basic|token)\s+", "", value)
    return (
        bool(re.fullmatch(r"(?=.*\d)[^\s(){}\[\]$<>.]{6,200}", value)) and is_literal(value) and not names_secret(value)
    )


def literals(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each secret in a command, a flag, a URL or JSON, in order."""
    found = (one.span("value") for one in itertools.chain(_named(text), _passwords(text)))
    end = 0
    for span in sorted(found):
        if span[0] >= end:
            yield span
            end = span[1]


def _named(text: str) -> Iterator[re.Match[str]]:
    for found in _SET.finditer(text):
        name = found["variable"] or found["header"] or (found["flag"] or found["query"] or found["key"])
        if _calls_secret(found, name) and _is_written(text, found):
            yield found


def _calls_secret(found: re.Match[str], name: str) -> bool:
    if name.lower().endswith("proxy"):
        return holds_login(found["value"])
    if found["query"] and name.lower() in _SIGNATURES:
        return True
    if found["variable"] or found["header"]:
        return names_secret(name)
    return keys_secret(name.rpartition(".")[2])


def _passwords(text: str) -> Iterator[re.Match[str]]:
    flags = list(_SHORT.finditer(text))
    ends = [found.start() for found in re.finditer(r"[;&|]", text)] if flags else []
    programs = {key: [one.start() for one in form.finditer(text)] for key, form in _PROGRAMS.items() if flags}
    for found in flags:
        flag = found["login"] or f"{found['flag']}{'' if found['gap'] or found['flag'] == '-a' else ' and no gap'}"
        program = _last(programs.get(flag, programs["curl"]), found.start())
        run = flag == "--proxy-user" or program > _last(ends, found.start())
        if run and _is_written(text, found):
            yield found


def _last(places: Sequence[int], before: int) -> int:
    """Return the last of the sorted places before an index, or -1 if there is none."""
    index = bisect.bisect_left(places, before)
    return places[index - 1] if index else -1


def _is_written(text: str, found: re.Match[str]) -> bool:
    value = found["value"].strip("\"'")
    return is_literal(value) and "%" not in value and not text.startswith(_GOES_ON, found.end())


def without_literals(text: str, instead: Callable[[str], str]) -> str:
    """Return the text with each of its `literals` replaced by the result of `instead`."""
    return words_without_literals([text], instead)[0]


def words_without_literals(words: Sequence[str], instead: Callable[[str], str]) -> list[str]:
    """Return the words of a command with each secret in them, or after a flag, replaced by the result of `instead`."""
    text = "\n".join(words)
    starts = list(itertools.accumulate((len(word) + 1 for word in words), initial=0))[:-1]
    pieces: list[list[str]] = [[] for _ in words]
    done = [0] * len(words)
    for begin, end in literals(text):
        index = bisect.bisect_right(starts, begin) - 1
        word, at = words[index], begin - starts[index]
        # A secret at the start of a word is the value of the flag before it and reaches to the word's end.
        last = end - starts[index] if at or len(words) == 1 else len(word)
        if at >= done[index]:
            pieces[index] += [word[done[index] : at], instead(word[at:last])]
            done[index] = last
    return ["".join((*parts, word[to:])) for parts, word, to in zip(pieces, words, done, strict=True)]
