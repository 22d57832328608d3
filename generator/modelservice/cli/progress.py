"""Show on a terminal how many services are done, and print findings meanwhile."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from modelservice.findings import Finding

_Item = TypeVar("_Item")
# Fewer finish before a bar is of use.
_MANY = 10
_SHOWN = "modelservice.progress"
_SAID = "modelservice.findings"


@contextlib.contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows how many services are done, if there are many and standard error is a terminal."""
    about = click.get_current_context().meta
    with contextlib.ExitStack() as stack:

        def show(done: int, of: int) -> None:
            if _SHOWN not in about and of >= _MANY and sys.stderr.isatty():
                about[_SHOWN] = stack.enter_context(click.progressbar(length=of, file=sys.stderr))
                stack.callback(about.pop, _SHOWN)
            if bar := about.get(_SHOWN):
                bar.update(done - bar.pos)

        yield show


def watched(items: Iterable[_Item], length: int) -> Iterator[_Item]:
    """Yield the items, and show how many of them are done."""
    with progress() as show:
        show(0, length)
        for number, item in enumerate(items, 1):
            yield item
            show(number, length)


def say_findings(findings: Iterable[Finding], sources: Mapping[str, str]) -> None:
    """Print findings to standard error, each once for a command: services share the findings of their layers."""
    from modelservice.report import report

    said = click.get_current_context().meta.setdefault(_SAID, set())
    new = [one for one in findings if one._replace(fix=()) not in said]
    said.update(one._replace(fix=()) for one in new)
    say(report(new, "text", sources=sources, files=1, color=False))


def say(text: str) -> None:
    """Print text to standard error, over the progress bar: a finding must start its line to be a link."""
    click.echo(f"\r\x1b[K{text}" if text and click.get_current_context().meta.get(_SHOWN) else text, nl=False, err=True)
