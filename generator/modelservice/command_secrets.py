"""Find the secrets that commands, flags, URLs and JSON write out: what a name together with a value calls one."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from modelservice.secret_forms import holds_login, is_literal, keys_secret, names_secret

_VALUE = r"(?P<value>\"[^\"\n]{1,4000}\"|'[^'\n]{1,4000}'|[^\s\"'`;&|,$(){}\[\]-][^\s\"'`;&|,$(){}\[\]]*)"
# A variable of a shell that is set, a header of curl's, a flag with its value, a part of a query or of a connection
# string, a key in JSON or in code with quoted text.
_SET = re.compile(
    r"(?<![\w.$-])(?:(?P<variable>[A-Z_][A-Z0-9_]{1,80}|(?:https?|all|ftp)_proxy)="
    r"|(?:-H|--(?:proxy-)?header)(?:=|\s{0,20})[\"']?(?P<header>[A-Za-z][\w-]{1,80}):\s{0,20}"
    r"(?:(?i:bearer|basic|token)\s{1,20})?(?!(?i:bearer|basic|token)\s)"
    r"|(?P<flag>--?[A-Za-z][\w.-]{1,80})(?:=|\s{1,20})"
    r"|(?<=[?&;])(?P<query>[A-Za-z][\w-]{1,80})="
    r"|(?P<quote>[\"']?)(?P<key>[A-Za-z][\w-]{1,80})(?P=quote)\s{0,20}[:=]\s{0,20}(?=[\"']))" + _VALUE
)
# Flags that take a password or user:password, and the programs that read them so, by the flag and what parts the two.
_SHORT = re.compile(
    r"(?<![\w.$-])(?:(?P<flag>-[pa])(?P<gap>[\s=]{0,20})"
    r"|(?P<login>-[uU]|--(?:proxy-)?user)(?:=|\s{0,20})[\"']?[^\s:\"'$/]{1,100}:(?!//))" + _VALUE
)
_PROGRAMS = {
    "-p": re.compile(r"\b(?:sshpass|mongo[a-z]*|login)\b"),
    "-p and no gap": re.compile(r"mysql|mariadb|sshpass|\b(?:mongo[a-z]*|login)\b|(?<!\S)-u[A-Za-z]"),
    "-a": re.compile(r"\bredis-cli\b"),
    "curl": re.compile(r"\bcurl\b"),
}
# What a signed URL has in its query.
_SIGNATURES = ("sig", "signature", "x-amz-signature", "x-goog-signature")
# Behind a value, what makes it a part of code or of another text.
_GOES_ON = tuple("$`([{")


def literals(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a command, a flag, a URL or JSON writes out what is called a secret: from, to, in order."""
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
    """Return the last of the places, in order, that lies before one, -1 where none does."""
    index = bisect.bisect_left(places, before)
    return places[index - 1] if index else -1


def _is_written(text: str, found: re.Match[str]) -> bool:
    value = found["value"].strip("\"'")
    return is_literal(value) and "%" not in value and not text.startswith(_GOES_ON, found.end())


def without_literals(text: str, instead: Callable[[str], str]) -> str:
    """Return the text with something else in the place of each of its `literals`, made of it."""
    return words_without_literals([text], instead)[0]


def words_without_literals(words: Sequence[str], instead: Callable[[str], str]) -> list[str]:
    """Return the words of a command with something else instead of what they, or flags before them, write out."""
    text = "\n".join(words)
    starts = list(itertools.accumulate((len(word) + 1 for word in words), initial=0))[:-1]
    pieces: list[list[str]] = [[] for _ in words]
    done = [0] * len(words)
    for begin, end in literals(text):
        index = bisect.bisect_right(starts, begin) - 1
        word, at = words[index], begin - starts[index]
        # What begins with a word is the value of the flag before, to the end.
        last = end - starts[index] if at or len(words) == 1 else len(word)
        if at >= done[index]:
            pieces[index] += [word[done[index] : at], instead(word[at:last])]
            done[index] = last
    return ["".join((*parts, word[to:])) for parts, word, to in zip(pieces, words, done, strict=True)]
