"""Write data as YAML that Helm reads back as it was meant."""

from __future__ import annotations

import re
from typing import Any

import yaml

from modelservice.reading.scalars import resolve

# What some reader of YAML takes for a number, a date or a boolean; Helm alone knows more numbers than PyYAML thinks.
_RETYPED = re.compile(
    r"[-+]?\.?[0-9_][0-9_.,:eExXoObBa-fA-F+-]*|y|n|yes|no|on|off|true|false|null|~|=|<<|[-+]?\.(inf|nan)",
    re.IGNORECASE,
)
# What a block cannot hold as it is: PyYAML ends one that ends with an empty line by `...`, which ends the whole
# document, and the line breaks of Unicode fold.
_ODD_BREAKS = re.compile(r"\n\n\Z|\A\s*\n|[\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Lists stand indented below their key, as Helm charts have them.
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text and not _ODD_BREAKS.search(text):
        style = "|"
    elif not text or _ODD_BREAKS.search(text) or _RETYPED.fullmatch(text) or resolve(text) != (text, None):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)
_Dumper.add_multi_representer(str, _string)


def dump(value: Any, width: int = 110) -> str:
    """Return block style YAML; keys keep their order, and empty lists and maps are written `[]` and `{}`."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=width)
