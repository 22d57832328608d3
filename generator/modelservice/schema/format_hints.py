"""Find what to write instead of a text that does not have the required form, or a value of the wrong type."""

from __future__ import annotations

import re
from typing import Any

from modelservice.findings import Action, Edit, Fix
from modelservice.redact import PLACEHOLDER, shown

# A jsonschema ValidationError; its stubs type every attribute as Any.
Error = Any
# A hint, and the edits that it means.
Hint = tuple[str, Fix]
# What people write for a quantity's unit → Kubernetes' own.
_UNITS = {"k": "Ki", "kb": "Ki", "kib": "Ki", "m": "Mi", "mb": "Mi", "mib": "Mi", "g": "Gi", "gb": "Gi", "gib": "Gi"}
_UNITS |= {"t": "Ti", "tb": "Ti", "tib": "Ti", "gi": "Gi", "mi": "Mi", "ki": "Ki", "ti": "Ti", "gig": "Gi"}
_CORES = ("c", "core", "cores", "cpu", "cpus", "vcpu", "vcpus")
_HUB_ID_HINT = "write the id as the model's page on the hub shows it, such as Qwen/Qwen3-8B"


def set_value(error: Error, value: Any) -> Fix:
    """Return the edit that sets the value at the error's path."""
    return (Edit(Action.SET, tuple(error.absolute_path), value),)


def write(error: Error, value: Any) -> Hint:
    """Return the hint to write a value at the error's path."""
    return f"write {value}", set_value(error, value)


def unquoted(error: Error, text: str) -> Hint:
    """Return the hint to write a whole number without quotes."""
    # YAML 1.1 reads 0400 as an octal number.
    base = 8 if re.fullmatch("-?0[0-7]+", text) else 10
    return f"write {text} without quotes", set_value(error, int(text, base)) if len(text) < 20 else ()


def format_hint(text: str, error: Error) -> Hint:
    """Return the hint for a text of the wrong form; `x-form` in the schema names the kind of text that is expected."""
    form = error.schema.get("x-form")
    if shown(text) == shown(PLACEHOLDER):
        return "correct it, or remove the key", ()
    if re.search(r"\$[({\w]", text):
        return _variable_hint(error), ()
    if re.search(r"\$\{?\w|\{\{", text):
        return "write the text itself: variables and templates in a values file are not replaced", ()
    if form == "quantity" and (quantity := _quantity(text)) and re.search(error.validator_value, quantity):
        return write(error, int(quantity) if quantity.isdecimal() and "integer" in error.schema["type"] else quantity)
    if form == "model-id" and ":" in text:
        return _model_id_hint(text, error)
    if form == "image" and (":" in text or "@" in text):
        return f"write the part after the {'@ in image.digest' if '@' in text else 'colon in image.tag'}", ()
    if (
        text.isdecimal()
        and len(text) < 20
        and error.schema.get("minimum", 0) <= int(text) <= error.schema.get("maximum", -1)
    ):
        return unquoted(error, text)
    return _cleaned_hint(text, form, error)


def _model_id_hint(text: str, error: Error) -> Hint:
    """Return the hint for a model's name with a colon: an address, a GGUF file's quantization, or a revision."""
    parts = text.rstrip("/").split("/")
    if text.startswith("http") and len(parts) > 4:
        return write(error, "/".join(parts[3:5]))
    scheme, _, folder = text.rstrip("/:").partition("://")
    name, _, tag = text.rpartition(":")
    address = f"{scheme.lower().replace('gcs', 'gs')}://{folder}"
    meant = [folder] if scheme.lower() in ("hf", "huggingface", "modelscope") else [address]
    meant += [f"{name}:{tag.upper()}"] if tag else [name] if "/" in name else []
    for one in meant:
        if one != text and re.search(error.validator_value, one):
            return write(error, one)
    if "/" in name[1:] and tag and re.search(error.validator_value, name) and not text.startswith("/"):
        return f"write {name}, and set model.revision if {tag} is a branch or a tag", ()
    return _HUB_ID_HINT, ()


def _quantity(text: str) -> str:
    """Return the quantity that is meant by a number with another unit, or "": 16Gi for 16GB, 4 for 4 cores."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)", text)
    unit = found[2].lower() if found else ""
    known = unit in _UNITS or unit in _CORES
    return f"{found[1]}{_UNITS.get(unit, '')}" if found and known else ""


def _variable_hint(error: Error) -> str:
    """Return the hint for $(NAME), which Kubernetes replaces only in the container's command and arguments."""
    instead = {
        "name": "; to use a variable, set command, as in [vllm, serve, $(MODEL)]",
        "servedName": "; to use a variable, write it in args, as in --served-model-name=$(NAME)",
    }
    key = str(error.absolute_path[-1]) if list(error.absolute_path)[:1] == ["model"] else ""
    return f"write the text itself{instead.get(key, '')}"


def _cleaned_hint(text: str, form: str | None, error: Error) -> Hint:
    if form == "model-id" and text.startswith("/"):
        return "correct the path, or mount its folder at another path", ()
    if re.match(r"[A-Za-z]:\\", text):
        return "write a Linux path, such as /models", ()
    text = text.replace("\\", "/")
    several = [one for one in re.split(r"[,\s]+", text) if one]
    names = all(re.search(error.validator_value, one) for one in several)
    if len(several) > 1 and names and error.schema.get("uniqueItems"):
        return f"write [{', '.join(several)}] for {len(several)} names, or {'-'.join(several)} for one", ()
    if form == "host":
        text = re.sub(r"^[a-z]+://|:\d+(?=/|$)|/.*$", "", text.lower())
    if duration := re.fullmatch(r"(\d+)\s*([smh])[a-z]+", text):
        text = duration[1] + duration[2]
    cleaned = re.sub(r"[^A-Za-z0-9._/@+*-]+", "_" if form == "variable" else "-", text.strip()).strip("-")
    for fixed in (
        text,
        cleaned,
        cleaned.lower(),
        cleaned.lower().replace("_", "-"),
        cleaned.capitalize(),
        cleaned.replace("--", "-"),
        f"/{cleaned}",
        text.removeprefix("v"),
        text.partition("://")[2].strip("/"),
    ):
        if (
            fixed.strip("/")
            and fixed != error.instance
            and ".." not in fixed
            and re.search(error.validator_value, fixed)
        ):
            return write(error, fixed)
    examples = [*error.schema.get("examples", []), error.schema.get("default")]
    return f"write one such as {examples[0]}" if examples[0] else "correct it, or remove the key", ()
