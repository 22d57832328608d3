"""Read the settings that are given to `init` as KEY=VALUE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelservice.editing.fixing import Files
from modelservice.editing.setting import parsed, with_settings
from modelservice.errors import InputError
from modelservice.findings import dotted
from modelservice.importing.part import values_of
from modelservice.reading.document import read
from modelservice.schema.fields import load_fields, value_at
from modelservice.starting.interview import depending_on_others
from modelservice.writing.dump import dump

_FILE = "the values"


def with_given(settings: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """Return settings by dotted key with those of KEY=VALUE texts, which `modelservice set` reads too.

    Raises InputError for a wrong text, but not for a value that is wrong only together with values that may follow.
    """
    given = [parsed(text) for text in texts]
    if not given:
        return dict(settings)
    if nothing := next((one for one in given if one.text is None), None):
        raise InputError(f"{dotted(nothing.path)}: there is nothing to remove; write KEY=VALUE")
    document = read(_FILE, (dump(values_of(settings)) or "{}\n").encode())
    checked = with_settings(Files({_FILE: document}, ((_FILE,),)), _FILE, given)
    if wrong := [one for one in checked.refused if one.rule not in depending_on_others()]:
        raise InputError("\n".join(f"{dotted(one.path)}: {one.message}; {one.hint}" for one in wrong))
    fields, data = load_fields().fields, checked.document.data
    return {**settings, **{field.key: value for field in fields if (value := value_at(data, field)) is not None}}
