"""Find the splices that make one edit in a values file's text and leave every other character unchanged."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from modelservice.findings import Action, Edit, Path, dotted
from modelservice.reading.document import Document
from modelservice.reading.parser import Place
from modelservice.reading.scalars import resolve
from modelservice.writing.dump import flow_text, indented, key_text, scalar_lines
from modelservice.writing.page import BLOCK, FLOW, Page, Splice, UnclearEditError


def splices_of(document: Document, edit: Edit) -> list[Splice]:
    """Return the splices that make the edit. Raises UnclearEditError if it cannot be made safely."""
    return _ACTIONS[edit.action](Page(document), edit.path, edit.value)


def _set(page: Page, path: Path, value: Any) -> list[Splice]:
    place, depth = page.document.nearest(path)
    if depth == len(path):
        return _replaced(page, path, value)
    for part in reversed(path[depth + 1 :]):
        value = {part: value} if isinstance(part, str) else [value]
    above, part = path[:depth], path[depth]
    if isinstance(part, int):
        return _append(page, above, value)
    if page.value(above) is None:
        return _replaced(page, above, {part: value})
    if place.form.style == "{":
        return [_into_flow(page, place, f"{key_text(part)}: {flow_text(value)}")]
    if place.form.style != ":":
        raise UnclearEditError(f"{dotted(above)} is not a map of keys")
    column = page.column(next(iter(place.children.values())).form.key[0])
    return [page.lines_after(page.end(place), page.layout.entry(f"{key_text(part)}:", value), column)]


def _append(page: Page, path: Path, value: Any) -> list[Splice]:
    place, depth = page.document.nearest(path)
    if depth < len(path):
        return _set(page, path, [value])
    if page.value(path) is None:
        return _replaced(page, path, [value])
    if place.form.style == "[":
        return [_into_flow(page, place, flow_text(value))]
    if place.form.style != "-":
        raise UnclearEditError(f"{dotted(path)} is not a list")
    column = page.column(page.dash(place.children[0]))
    return [page.lines_after(page.end(place), page.layout.item(value), column)]


def _into_flow(page: Page, place: Place, text: str) -> Splice:
    if place.children:
        at = max(page.end(child) for child in place.children.values())
        return Splice(at, at, f", {text}")
    start, end = place.form.value
    return Splice(start + 1, start + 1 if page.text[start + 1 : end - 1].strip() else end - 1, text)


def _replaced(page: Page, path: Path, value: Any) -> list[Splice]:
    """Return the splices that replace a value that is written."""
    place, above = page.at(path), page.at(path[:-1])
    start, end = place.form.value[0], page.end(place)
    if above.form.style == "{" or (above.form.style == ":" and path):
        page.colon(place)
    if above.form.style in FLOW or place.form.style in FLOW:
        return [Splice(start, end, _scalar(page, place, flow_text(value), value))]
    lines = page.layout.lines(value) if isinstance(value, dict | list) and value else scalar_lines(value)
    if place.form.style in BLOCK:
        return _instead_of_block(page, place, above, value, lines)
    if place.form.style in ("|", ">") and "#" in page.text[start : page.line_end(start)]:
        raise UnclearEditError(f"there is a comment after {place.form.style} in line {place.value[0]}")
    if len(lines) == 1 and not (isinstance(value, dict | list) and value):
        return [Splice(start, end, _scalar(page, place, lines[0], value))]
    return _block_instead(page, place, above, value, lines)


def _scalar(page: Page, place: Place, text: str, value: Any) -> str:
    """Return a scalar's text in the quotes of the old one; a plain one of the same form stays plain."""
    start, end = place.form.value
    old = page.text[start:end]
    if isinstance(value, str) and place.form.style == "'" and value.isprintable():
        text = "'" + value.replace("'", "''") + "'"
    elif isinstance(value, str) and place.form.style == '"' and value.isprintable():
        text = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    elif resolve(old or " ") == (old, None) and re.sub("[0-9]+", "0", old) == re.sub("[0-9]+", "0", str(value)):
        text = str(value)  # v0.26.0 was text, and so is v0.33.0
    return text if old else f" {text}"


def _block_instead(page: Page, place: Place, above: Place, value: Any, lines: list[str]) -> list[Splice]:
    """Return the splices that replace a scalar by several lines; a comment after it stays on its line."""
    start, end = place.form.value[0], page.end(place)
    if above.form.style == "-":
        column = page.column(page.dash(place)) + 2
        first, below = Splice(start, end, lines[0] if start < end else f" {lines[0]}"), lines[1:]
    elif isinstance(value, str):
        column = page.column(place.form.key[0]) + 2
        first, below = Splice(page.colon(place), end, f" {lines[0]}"), lines[1:]
    else:
        column = page.column(place.form.key[0])
        column += page.layout.dashes if isinstance(value, list) else page.layout.step
        first, below = Splice(page.colon(place), end, ""), lines
    if place.form.style in ("|", ">"):
        return [first._replace(text=first.text + page.newline + page.joined(below, column))]
    return [first, page.lines_after(end, below, column)] if below else [first]


def _instead_of_block(page: Page, place: Place, above: Place, value: Any, lines: list[str]) -> list[Splice]:
    """Return the splices that replace a block map or a block list by another value."""
    start, end = place.form.value[0], page.end(place)
    nested = isinstance(value, dict | list) and bool(value)
    if nested:
        page.require_no_comment(place, start, end)
        column = page.column(start)
        if above.form.style == ":" and isinstance(value, dict) and column == page.column(place.form.key[0]):
            column += page.layout.step
            start = page.line_start(start)
            return [Splice(start, end, page.joined(lines, column))]
        return [Splice(start, end, page.joined(lines, column).lstrip(" "))]
    if above.form.style == ":":
        start = page.colon(place)
        lines = [f" {lines[0]}", *indented(lines[1:], page.column(place.form.key[0]) + 2)]
    else:
        lines = [lines[0], *indented(lines[1:], page.column(page.dash(place)) + 2)]
    page.require_no_comment(place, start, end)
    return [Splice(start, end, page.newline.join(lines))]


def _remove(page: Page, path: Path, _: Any = None) -> list[Splice]:
    place, above = page.at(path), page.at(path[:-1])
    others = [child for part, child in above.children.items() if part != path[-1]]
    if above.form.style in FLOW:
        return [_out_of_flow(page, place, others)]
    start = page.dash(place) if above.form.style == "-" else place.form.key[0]
    if not others:
        return _last_one(page, path, start)
    if page.begins_line(start):
        return [_without_lines(page, start, page.end(place))]
    # The first key of an item, or the first item of a list in a list, shares its line with a dash.
    behind = min(others, key=lambda other: other.form.value[0])
    following = page.dash(behind) if above.form.style == "-" else behind.form.key[0]
    between = page.text[page.line_end(page.end(place)) : page.line_start(following)]
    if following < start or between.strip() or not re.fullmatch("[- ]*", page.text[page.line_start(start) : start]):
        raise UnclearEditError(f"{dotted(path)} shares its line with something else")
    return [Splice(start, following, "")]


def _without_lines(page: Page, start: int, end: int) -> Splice:
    """Return the splice that removes whole lines; a file without a final line break stays without one."""
    first, last = page.line_start(start), page.next_line(end)
    if last == len(page.text) == page.line_end(end) and first:
        before = page.text[:first]
        return Splice(len(before) - (2 if before.endswith("\r\n") else 1), last, "")
    return Splice(first, last, "")


def _last_one(page: Page, path: Path, start: int) -> list[Splice]:
    """Return the splices that remove the last entry of a block, and leave an empty map or list."""
    place, above = page.at(path), page.at(path[:-1])
    empty = "[]" if above.form.style == "-" else "{}"
    if len(path) < 2:
        raise UnclearEditError(f"{dotted(path)} is the only key of {page.document.name}")
    if page.at(path[:-2]).form.style == ":" and page.begins_line(start):
        colon = page.colon(above)
        return [Splice(colon, colon, f" {empty}"), _without_lines(page, start, page.end(place))]
    page.require_no_comment(place, start, page.end(place))
    return [Splice(start, page.end(place), empty)]


def _out_of_flow(page: Page, place: Place, others: Sequence[Place]) -> Splice:
    def start_of(one: Place) -> int:
        return min(one.form.key[0], one.form.value[0])

    start, end = start_of(place), max(page.end(place), place.form.key[1])
    behind = [start_of(other) for other in others if start_of(other) > start]
    before = [max(page.end(other), other.form.key[1]) for other in others if start_of(other) < start]
    splice = Splice(start, min(behind), "") if behind else Splice(max(before, default=start), end, "")
    page.require_no_comment(place, splice.start, splice.end)
    return splice


def _replace(page: Page, path: Path, items: list[Any]) -> list[Splice]:
    place, above = page.at(path), page.at(path[:-1])
    if above.form.style == "[":
        return [Splice(place.form.value[0], page.end(place), ", ".join(map(flow_text, items)))]
    first, *rest = items
    lines = [line for item in rest for line in page.layout.item(item)]
    column = page.column(page.dash(place))
    return [*_replaced(page, path, first), page.lines_after(page.end(place), lines, column)]


def _move(page: Page, path: Path, target: Path) -> list[Splice]:
    """Return the splices that move or rename a key, with new maps around it if it moves deeper."""
    place, above = page.at(path), page.at(path[:-1])
    page.colon(place)
    if path[:-1] == target[:-1]:
        return [Splice(*place.form.key, key_text(str(target[-1])))]
    start, end = place.form.key[0], page.end(place)
    parts = [key_text(str(part)) for part in target]
    above_target, depth = page.document.nearest(target)
    if depth == len(path) - 1 and target[:depth] == path[:-1] and above.form.style == ":" and page.begins_line(start):
        # None of the target's maps below the key's own map exists: they are written around the key.
        return [_around(page, start, end, parts[depth:], page.column(start), place)]
    if above.form.style == ":" and above_target.form.style == ":" and page.begins_line(start):
        column = page.column(next(iter(above_target.children.values())).form.key[0])
        around = _around(page, start, end, parts[depth:], column, place)
        at = page.line_end(page.end(above_target))
        return [Splice(at, at, page.newline + around.text)]
    page.require_no_comment(place, start, end)
    return _set(page, target, page.value(path))


def _around(page: Page, start: int, end: int, parts: Sequence[str], column: int, place: Place) -> Splice:
    """Return the splice that writes a key's lines at a column, with its new name and new keys above it."""
    first, last = page.line_start(start), page.line_end(end)
    step, old = page.layout.step, page.column(start)
    deep = column + step * (len(parts) - 1)
    head = indented([f"{part}:" for part in parts[:-1]], 0)
    lines = re.split("\r\n|\r|\n", parts[-1] + page.text[place.form.key[1] : last])
    moved = [lines[0], *(line[min(old, len(line) - len(line.lstrip(" "))) :] for line in lines[1:])]
    texts = [" " * (column + step * depth) + line for depth, line in enumerate(head)] + indented(moved, deep)
    return Splice(first, last, page.newline.join(texts))


_ACTIONS: dict[Action, Callable[[Page, Path, Any], list[Splice]]] = {
    Action.SET: _set,
    Action.REMOVE: _remove,
    Action.MOVE: _move,
    Action.REPLACE: _replace,
    Action.APPEND: _append,
}
