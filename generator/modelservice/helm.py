"""Find helm on PATH, run it, and return its output."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.errors import InputError, ToolError
from modelservice.redact import hidden

OLDEST = (3, 18, 0)
# A registry that does not answer keeps helm waiting; a chart renders in less than a second.
_SECONDS = 300


class Helm(NamedTuple):
    """The path and version of a helm that is new enough."""

    path: str
    version: tuple[int, ...]


def find_helm() -> Helm:
    """Return the helm on PATH. Raises ToolError if it is missing or too old."""
    helm = shutil.which("helm")
    if helm is None:
        raise ToolError("helm is not on PATH: install Helm 3.18 or later, see https://helm.sh/docs/intro/install/")
    version = _version(helm)
    if version < OLDEST:
        said = ".".join(map(str, version)) or "unknown"
        raise ToolError(f"the version of {helm} is {said}: install Helm 3.18 or later")
    return Helm(helm, version)


# The parts of helm's errors that may quote a secret: the whole text of a failing template, a Secret's too; a failing
# action that contains text and names none of the chart's templates; and a value of the wrong type.
_QUOTED = re.compile(
    r"((?:cannot parse template|tpl function execution for) )\"(?:[^\"\\]|\\.)*\""
    r"|( at )<(?![^>\n]*modelservice\.)[^>\n]*[\"`][^\n]*?>(?=: |$)"
    r"|(cannot unmarshal !!\w+ )`[^`]*`"
)
# The template that renders `extraObjects`; after its name, helm's errors state the position and the reason.
_EXTRA = "templates/extra-objects.yaml"
_OWN_WORDS = re.compile(r"templates/extra-objects\.yaml:\d+:\d+\): (.*)", re.DOTALL)
_PLACE = re.compile(r"templates/extra-objects\.yaml: |gotpl:\d+(?::\d+)?: |error calling \w+: ")


@functools.cache
def _version(helm: str) -> tuple[int, ...]:
    answer = _run(helm, ["version", "--short"], {})
    if answer.returncode:
        raise ToolError(f"{helm} cannot run: {words(answer)}; install Helm 3.18 or later")
    found = re.search(r"v(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(map(int, found.groups())) if found else ()


def run_helm(arguments: Sequence[str], variables: Mapping[str, str] | None = None) -> str:
    """Run helm and return its standard output.

    Raises InputError if a text in `extraObjects` fails, and ToolError with helm's own message for any other failure.
    """
    answer = try_helm(arguments, variables)
    if answer.returncode == 0:
        return answer.stdout
    said = words(answer)
    if _EXTRA in said:
        raise InputError(f"extraObjects: helm cannot render a text in it: {_reason(said)}; correct the text")
    raise ToolError(f"helm {arguments[0]} failed:\n{said}")


def _reason(said: str) -> str:
    """Return why a user's template fails: the text that it passes to `fail`, or the last part of helm's message."""
    said = said[said.index(_EXTRA) :].partition("\n\nUse --debug")[0]
    own = _OWN_WORDS.match(said)
    reason = own[1] if own else _PLACE.split(said)[-1]
    reason = " ".join(reason.replace("\ufffd", "").split())
    return reason or "it calls fail or required with a message that is empty or not UTF-8"


def words(answer: subprocess.CompletedProcess[str]) -> str:
    """Return all output of helm: `lint` writes its reasons to standard output, other commands to standard error."""
    said = "\n".join(text.strip() for text in (answer.stdout, answer.stderr) if text.strip())
    if answer.returncode < 0:
        said = f"{said}\nit was stopped by signal {-answer.returncode}".strip()
    return hidden(_QUOTED.sub(r"\1\2\3(not shown)", said))


def archive_in(folder: Path) -> Path:
    """Return the archive that helm wrote into a folder. Raises ToolError if there is none, even if helm succeeded."""
    for archive in folder.glob("*.tgz"):
        return archive
    raise ToolError(f"{find_helm().path} wrote no archive: is it helm? Install Helm 3.18 or later")


def try_helm(arguments: Sequence[str], variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm, and return its result even if it fails."""
    return _run(find_helm().path, arguments, variables or {})


def _run(helm: str, arguments: Sequence[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    command = [helm, *arguments]
    try:
        return subprocess.run(
            command,
            capture_output=True,
            # Helm writes UTF-8 whatever the locale says.
            encoding="utf-8",
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(
            f"helm {arguments[0]} did not finish within {_SECONDS} seconds: check that its servers can be reached"
        ) from error
    except OSError as error:
        raise ToolError(f"{helm} cannot run: {error.strerror}; install Helm 3.18 or later") from error
