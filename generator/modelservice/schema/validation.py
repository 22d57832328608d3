"""Check values against the plain schema.

The messages for missing keys and for the chart's own keys are here, those for unknown keys in unknown_keys.py, and
those for values in messages.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from modelservice.findings import Action, Edit, Fix, Path, Problem, Refuser, Rule, Severity
from modelservice.redact import shown
from modelservice.schema.defaults import default_values
from modelservice.schema.messages import as_variable, worded
from modelservice.schema.source import Schema
from modelservice.schema.unknown_keys import UnknownKey, unknown_key

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

# A jsonschema ValidationError; its stubs type every attribute as Any.
_Error = Any
_SOURCE = "schemas/modelservice.schema.yaml"
# Rule id, what is wrong, and why it matters.
_RULES: tuple[tuple[str, str, str], ...] = (
    (
        "unknown-key",
        "A key is unknown to the chart.",
        "It is misspelled or in the wrong place. Without this check Helm would ignore it and use the default.",
    ),
    (
        "missing-key",
        "A required key is missing.",
        "The entry is of no use without it: a variable needs a name, for example, and a mount needs a path.",
    ),
    (
        "wrong-type",
        "A value has the wrong type, such as text instead of a number.",
        "A number or a boolean in quotes is text, and the chart's templates treat the text `false` as true.",
    ),
    (
        "not-allowed",
        "A value is not one of the allowed values.",
        "Kubernetes and the chart compare such words exactly, including case: `clusterip` is not ClusterIP.",
    ),
    (
        "bad-format",
        "A text value does not have the required format, such as that of a quantity, a name or a path.",
        "The API server or vLLM would refuse it later. Its message names the object, not the key in the values file.",
    ),
    (
        "out-of-range",
        "A number is too small or too large.",
        "The API server would refuse it, or the service would not work: no model starts within 5 seconds, for example.",
    ),
    (
        "wrong-length",
        "A text value, a list or a map is too short or too long.",
        "Kubernetes limits the length of names: that of a Service to 63 characters, for example.",
    ),
    (
        "duplicate-item",
        "A list contains an item twice.",
        "The second one has no effect. It was probably meant to be another value.",
    ),
)
KUBERNETES_OBJECT = Rule(
    "kubernetes-object",
    Severity.ERROR,
    "The file is a Kubernetes object, not a values file.",
    "https://helm.sh/docs/chart_template_guide/values_files/",
    Refuser.SCHEMA,
    "Helm would find no values in it. The values of a HelmRelease or an Application are inside the object.",
)
# Where objects that install charts keep the values.
_VALUES_OF = {
    "HelmRelease": "spec.values",
    "Application": "spec.source.helm.valuesObject",
    "ApplicationSet": "spec.template.spec.source.helm.valuesObject",
    "HelmChart": "spec.valuesContent",
}
RULES = (
    KUBERNETES_OBJECT,
    *(Rule(rule_id, Severity.ERROR, summary, _SOURCE, Refuser.SCHEMA, why) for rule_id, summary, why in _RULES),
)


# Kinds that `modelservice import` reads, with its subcommand.
_IMPORTS = {**dict.fromkeys(("Deployment", "StatefulSet", "Pod", "List"), "kubernetes"), "ModelService": "llmos"}


_KIND = re.compile(r"^kind: *[\"']?(\w+)", re.MULTILINE)


def kubernetes_object(data: Mapping[str, Any], text: str) -> Problem | None:
    """Return the problem of values that are a whole Kubernetes object (with an apiVersion and a kind), or None.

    `text` is the file's text: the kinds of the objects in it decide whether `modelservice import` can read it.
    """
    kind = data.get("kind")
    if not isinstance(kind, str) or not isinstance(data.get("apiVersion"), str):
        return None
    inside = _VALUES_OF.get(kind)
    hint = f"check only the values in it, which are under {inside}" if inside else "write values: model, args, gpu"
    known = next((one for one in (kind, *_KIND.findall(text)) if one in _IMPORTS), "")
    if known and not inside:
        hint = f"convert it with `modelservice import {_IMPORTS[known]} FILE`"
    message = f"belongs to a Kubernetes object ({shown(kind)}), not to a values file"
    return Problem(Severity.ERROR, ("apiVersion",), message, hint, KUBERNETES_OBJECT.id, True)


def check_schema(
    data: Mapping[str, Any], validator: Draft7Validator, schema: Schema, written: Callable[[Path], str] = lambda _: ""
) -> Iterator[Problem]:
    """Yield each problem of the values according to the schema (draft-07) once.

    `validator` is the result of `validator_of` for the schema, which is expensive: reuse it. `written` returns the
    plain scalar at a path as its file has it.
    """
    seen: set[tuple[Any, ...]] = set()
    for error in validator.iter_errors(data):
        for leaf in _leaves(error):
            for problem in _problems(leaf, data, validator, schema, written):
                if problem[:-1] not in seen:
                    seen.add(problem[:-1])
                    yield problem


def validator_of(schema: Schema) -> Draft7Validator:
    """Return a validator that checks values against a schema as Helm does."""
    from jsonschema import Draft7Validator, validators

    linear: type[Draft7Validator] = validators.extend(Draft7Validator, {"uniqueItems": _unique_items})  # type: ignore[no-untyped-call]
    return linear(_inlined(schema, schema.get("definitions", {})))


def _unique_items(_: Any, wanted: bool, items: Any, __: Any) -> Iterator[_Error]:
    """Find duplicate items in linear time: jsonschema itself compares every pair of maps."""
    from jsonschema import ValidationError

    if wanted and isinstance(items, list) and len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
        yield ValidationError("an item is listed twice")


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Return the schema with references replaced by their definitions: resolving them takes a third of the time."""
    if isinstance(schema, Mapping):
        if str(schema.get("$ref", "")).startswith("#/definitions/"):
            # The keywords next to a reference are descriptions: draft-07 ignores them, and hints use them.
            schema = {**definitions[schema["$ref"].rpartition("/")[2]], **schema}
        return {
            _anchored(key) if "$" in key else key: _anchored(child)
            if key == "pattern" and isinstance(child, str)
            else _inlined(child, definitions)
            for key, child in schema.items()
            if key not in ("$ref", "definitions")
        }
    return [_inlined(item, definitions) for item in schema] if isinstance(schema, list) else schema


def _anchored(pattern: str) -> str:
    """Return a pattern as Helm reads it: Python's $ also matches before a final line break."""
    return pattern if pattern.startswith("$") else re.sub(r"(?<!\\)\$", r"\\Z", pattern)


def _leaves(error: _Error) -> Iterator[_Error]:
    """Yield the errors of the alternative that fits best: the one with the deepest error."""
    if error.validator not in ("anyOf", "oneOf") or not error.context:
        yield error
        return
    branches: dict[Any, list[_Error]] = {}
    for inner in error.context:
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    best = max(branches.values(), key=lambda errors: (max(len(e.absolute_path) for e in errors), -len(errors)))
    for inner in best:
        yield from _leaves(inner)


def _problems(
    error: _Error,
    data: Mapping[str, Any],
    validator: Draft7Validator,
    schema: Mapping[str, Any],
    written: Callable[[Path], str],
) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    if error.validator in ("additionalProperties", "required") and (variable := as_variable(error)):
        hint, fix = variable
        yield Problem(Severity.ERROR, path, "is not a map with name and value", hint, "missing-key", False, fix)
    elif error.validator == "not" and error.validator_value == {}:
        remove = (Edit(Action.REMOVE, path),)
        yield Problem(Severity.ERROR, path, "is set by the chart", "remove it", "not-allowed", True, remove)
    elif error.validator == "additionalProperties":
        for key in _extras(error):
            unknown = UnknownKey((*path, key), error.instance, error.schema, data, schema, validator)
            rule, (message, hint, fix) = unknown_key(unknown)
            yield Problem(Severity.ERROR, (*path, key), message, hint, rule, True, fix)
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance and key not in _defaults_of(path):
                hint, fix = _added((*path, key), error.schema.get("properties", {}).get(key, {}))
                yield Problem(Severity.ERROR, path, f"{key} is missing", hint, "missing-key", False, fix)
    else:
        rule, (message, hint, fix) = worded(error, written(path))
        if "propertyNames" in error.relative_schema_path:
            named = (*path, str(error.instance))
            yield Problem(Severity.ERROR, named, message, hint, rule, True, _renamed(named, fix))
        else:
            yield Problem(Severity.ERROR, path, message, hint, rule, False, fix)


def _defaults_of(path: Path) -> Mapping[str, Any]:
    """Return the defaults that Helm merges into the map at a path."""
    place: Any = default_values()
    for part in path:
        place = place.get(part) if isinstance(place, dict) else None
    return place if isinstance(place, dict) else {}


def _renamed(key: Path, fix: Fix) -> Fix:
    """Return the edits that rename a key, for a `fix` that treats its name as a value."""
    return tuple(Edit(Action.MOVE, key, (*key[:-1], edit.value)) for edit in fix if edit.action is Action.SET)


def _added(path: Path, wanted: Mapping[str, Any]) -> tuple[str, Fix]:
    """Return the hint and the fix that add a key, with a value if the schema has one."""
    known = wanted.get("enum", [wanted.get("minimum")])[0] if wanted.get("type") in ("string", "integer") else None
    return (f"add {path[-1]}: {known}", (Edit(Action.SET, path, known),)) if known else (f"add {path[-1]}", ())


def _extras(error: _Error) -> list[str]:
    known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
    return [key for key in error.instance if key not in known and not any(re.search(p, key) for p in patterns)]
