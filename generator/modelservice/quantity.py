"""Parse Kubernetes quantities such as 16Gi, and compare them by amount."""

from __future__ import annotations

import re
from decimal import Decimal

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_UNITS = {
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{unit: Decimal(1000) ** -power for power, unit in enumerate(("m", "u", "n"), 1)},
    "": Decimal(1),
}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?")


def amount(quantity: str | int | float) -> Decimal | None:
    """Return the amount of a quantity such as 16Gi, 500m or 1e3, or None for any other text."""
    found = _QUANTITY.fullmatch(str(quantity))
    if not found:
        return None
    number, unit, exponent = found.groups()
    return Decimal(number) * _UNITS[unit or ""] * Decimal(10) ** int(exponent or 0)


class Quantity(str):
    """A quantity as written; it equals any quantity of the same amount, because the API server stores both alike."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantity) or amount(self) is None:
            return str.__eq__(self, other) is True
        return amount(self) == amount(other)

    # The text's own __ne__ would compare the spellings.
    __ne__ = object.__ne__

    def __hash__(self) -> int:
        found = amount(self)
        return str.__hash__(self) if found is None else hash(found)
