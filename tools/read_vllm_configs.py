"""Read the keys of vLLM's JSON options from the sources of a release, without importing them.

    python tools/read_vllm_configs.py FOLDER > options.json

FOLDER contains the .py files of the wheel. An option is a flag of `vllm serve` whose field in `EngineArgs` is a
configuration class or a dictionary. The facts of one release: `--flag` → type; `Class` → whether it refuses unknown
keys; `Class.key` → type, values, range. A type is a Python annotation with resolved names: `Literal` stands for the
key's `values`, `Any` for a type that is only known at run time.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vllm_classes import (
    assigned,
    fields,
    is_configuration,
    is_enum,
    is_hidden,
    is_open,
    is_required,
    limits_of,
    members,
    registered,
    validators,
)
from vllm_sources import Place, Sources

_SCALARS = ("int", "float", "bool", "str", "None", "Any", "dict", "list")
_SEQUENCES = ("list", "List", "set", "tuple", "Sequence")
# Options that `EngineArgs` stores as dictionaries, and the classes that its create_* methods convert them to.
_MADE_LATER = {
    "speculative_config": "SpeculativeConfig",
    "diffusion_config": "DiffusionConfig",
    "watermark_config": "WatermarkConfig",
}
# Validators that run before pydantic's own, identified by a text in their body; others may accept anything.
_FOLDS = (".upper()", '.lower().replace("-", "_")')
_ARGUMENTS, _MULTIMODAL = "vllm.engine.arg_utils", "vllm.config.multimodal"
_CONNECTORS = {
    "KVTransferConfig.kv_connector": "vllm/distributed/kv_transfer/kv_connector/factory.py",
    "ECTransferConfig.ec_connector": "vllm/distributed/ec_transfer/ec_connector/factory.py",
}


class Type(NamedTuple):
    """A resolved annotation, and the values of its Literals and enums."""

    text: str
    values: tuple[Any, ...] = ()


class Reader:
    """The facts of one release."""

    def __init__(self, folder: Path) -> None:
        self.sources = Sources(folder)
        self.folder = folder
        self.facts: dict[str, dict[str, Any]] = {}

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the facts of every option, and of the classes in their types."""
        arguments = self.sources.names(_ARGUMENTS)["EngineArgs"]
        assert isinstance(arguments, ast.ClassDef)  # noqa: S101  a release without it is not vLLM
        source = (self.folder / "vllm" / "engine" / "arg_utils.py").read_text(encoding="utf-8").replace("'", '"')
        for name, field in fields(arguments):
            flag = "--" + name.replace("_", "-")
            found = self._option(name, field.annotation)
            if f'"{flag}"' in source and _is_object(found.text, self.facts):
                self.facts[flag] = _fact(found)
        self._adapters()
        if 'k.replace("-", "_")' in source:
            self.facts["--speculative-config"]["dashes"] = True
        for key, factory in _CONNECTORS.items():
            if key in self.facts and (self.folder / factory).is_file():
                self.facts[key]["values"] = sorted(registered(self.folder / factory))
        return self._reachable()

    def choices(self) -> dict[str, dict[str, Any]]:
        """Return the values of other flags: those in registries, and those that a configuration enforces."""
        arguments = self.sources.names(_ARGUMENTS)["EngineArgs"]
        found: dict[str, dict[str, Any]] = {}
        if modes := self.sources.names("vllm.tokenizers.registry").get("_VLLM_TOKENIZERS"):
            names = [ast.literal_eval(key) for key in modes.value.keys]  # type: ignore[attr-defined]
            found["--tokenizer-mode"] = {"values": names}
        for name, field in fields(arguments):  # type: ignore[arg-type]
            fact = self._of_default(field.value)
            texts = all(isinstance(value, str) for value in fact.get("values", ()))
            if texts and ("enforced" in fact or "fold" in fact) and not _is_object(fact["type"], self.facts):
                kept = {key: fact[key] for key in ("values", "fold", "enforced") if key in fact}
                found["--" + name.replace("_", "-")] = kept
        return found

    def _of_default(self, default: ast.expr | None) -> dict[str, Any]:
        """Return the fact of the configuration's key that a default of `EngineArgs` refers to."""
        if isinstance(default, ast.Attribute):
            owner, key = ast.unparse(default.value), default.attr
        elif isinstance(default, ast.Call) and ast.unparse(default.func) == "get_field":
            owner, key = ast.unparse(default.args[0]), ast.literal_eval(default.args[1])
        else:
            return {}
        place = self.sources.find(_ARGUMENTS, owner)
        if place is None or not isinstance(place.node, ast.ClassDef):
            return {}
        field = dict(fields(place.node)).get(key)
        return self._field(place, key, field, validators(place.node)) if field else {}

    def _adapters(self) -> None:
        """Add the keys of --lora-modules, a flag of the server: its parser refuses others."""
        for path in sorted(self.folder.glob("vllm/entrypoints/**/*.py")):
            tree = ast.parse(text) if "class LoRAModulePath" in (text := path.read_text(encoding="utf-8")) else None
            for node in tree.body if tree else ():
                if isinstance(node, ast.ClassDef) and node.name == "LoRAModulePath":
                    self.facts["--lora-modules"] = {"type": "LoRAModulePath"}
                    self.facts["LoRAModulePath"] = {"closed": True}
                    for key, field in fields(node):
                        required = {} if field.value else {"required": True}
                        self.facts[f"LoRAModulePath.{key}"] = {"type": "Any", **required}

    def _option(self, name: str, annotation: ast.expr) -> Type:
        """Return an option's type: the class that its JSON is converted to, if there is one."""
        if name in _MADE_LATER:
            return self._class(_ARGUMENTS, _MADE_LATER[name])
        if name == "limit_mm_per_prompt" and "BaseDummyOptions" in self.sources.names(_MULTIMODAL):
            return self._limits()
        found = self._type(_ARGUMENTS, annotation)
        # The parser converts the text to the class, even if the field allows other types.
        parts = [node.id for node in _alternatives(annotation) if isinstance(node, ast.Name)]
        classes = [part for part in parts if part in self.facts]
        return Type(classes[0]) if classes else found

    def _limits(self) -> Type:
        """Return the type of --limit-mm-per-prompt; a validator converts its values to a class for each modality."""
        for kind, key in {"Base": "*", "Video": "video", "Image": "image", "Audio": "audio"}.items():
            self._class(_MULTIMODAL, f"{kind}DummyOptions")
            limits = self.facts[f"{kind}DummyOptions.count"]["range"]
            self.facts[f"LimitPerPrompt.{key}"] = {"type": f"StrictInt | {kind}DummyOptions", "range": limits}
        self.facts["LimitPerPrompt"] = {}
        return Type("LimitPerPrompt")

    def _reachable(self) -> dict[str, dict[str, Any]]:
        """Return the facts without the classes that no option uses."""
        wanted, seen = [name for name in self.facts if name.startswith("--")], set[str]()
        while wanted:
            name = wanted.pop()
            seen.add(name)
            names = re.findall(r"\w+", self.facts[name].get("type", ""))
            keys = [key for key in self.facts if key.startswith(f"{name}.")]
            wanted += [one for one in (*names, *keys) if one in self.facts and one not in seen]
        return {name: self.facts[name] for name in sorted(seen)}

    def _class(self, module: str, name: str) -> Type:
        """Return the type of a configuration class, and add its facts."""
        place = self.sources.find(module, name)
        if place is None or not isinstance(place.node, ast.ClassDef):
            return Type("Any")
        if is_enum(place.node):
            return Type("Literal", tuple(members(place.node)))
        if not is_configuration(place.node):
            return Type("Any")
        if name not in self.facts:
            self.facts[name] = {}
            self._note(place, name)
        return Type(name)

    def _note(self, place: Place, name: str) -> None:
        node = place.node
        assert isinstance(node, ast.ClassDef)  # noqa: S101  as _class has seen
        if self._is_closed(place):
            self.facts[name]["closed"] = True
        before = validators(node)
        for base in node.bases:
            above = self.sources.find(place.module, base.id) if isinstance(base, ast.Name) else None
            if above and isinstance(above.node, ast.ClassDef) and is_configuration(above.node):
                self._fields(Place(above.module, above.node), name, before)
        self._fields(place, name, before)

    def _fields(self, place: Place, name: str, before: Mapping[str, str]) -> None:
        for key, field in fields(place.node):  # type: ignore[arg-type]
            if not is_hidden(field):
                fact = self._field(place, key, field, before)
                if f"{key}?" in before and "None" not in fact["type"]:
                    fact["type"] += " | None"
                self.facts[f"{name}.{key}"] = fact

    def _field(self, place: Place, key: str, field: ast.AnnAssign, before: Mapping[str, str]) -> dict[str, Any]:
        fact = _fact(self._type(place.module, field.annotation))
        validator = before.get(key, before.get("*", ""))
        if is_required(field.value):
            fact["required"] = True
        if limits := limits_of(field):
            fact["range"] = limits
        values = [one for one in fact.get("values", ()) if not isinstance(one, str)]
        enums = list(self._enums_of(place, field))
        names = [name for node in enums for name, _ in assigned(node)]
        if validator and any(fold in validator for fold in _FOLDS) and fact.get("values", names):
            auto = ["auto"] if '"auto"' in validator and names else []
            fact["values"] = [*auto, *names, *values] if names else fact["values"]
            fact["fold"] = True
            if any(map(is_open, enums)):
                fact["type"] = fact["type"].replace("Literal", "str")
            if 'replace("-", "_")' in validator:
                fact["dashes"] = True
        elif '.split(",")' in validator:
            fact["type"] += " | str"
        elif validator and "(**value)" not in validator:
            return {"type": "Any"}
        if fact.get("values") and (f"{key}!" in before or not re.search(r"\bstr\b", fact["type"])):
            fact["enforced"] = True
        return fact

    def _enums_of(self, place: Place, field: ast.AnnAssign) -> Iterator[ast.ClassDef]:
        """Yield the enums of a field whose validator accepts the names of their members in any case."""
        for node in ast.walk(field.annotation):
            found = self.sources.find(place.module, node.id) if isinstance(node, ast.Name) else None
            if found and isinstance(found.node, ast.ClassDef) and is_enum(found.node):
                yield found.node

    def _is_closed(self, place: Place) -> bool:
        """Return whether a class, or its decorator, forbids unknown keys."""
        assert isinstance(place.node, ast.ClassDef)  # noqa: S101
        for decorator in place.node.decorator_list:
            if stated := re.search(r"extra='(\w+)'", ast.unparse(decorator)):
                return stated.group(1) == "forbid"
            name = decorator.func if isinstance(decorator, ast.Call) else decorator
            found = self.sources.find(place.module, name.id) if isinstance(name, ast.Name) else None
            if found and isinstance(found.node, ast.FunctionDef) and "extra='forbid'" in ast.unparse(found.node):
                return True
        return False

    def _type(self, module: str, node: ast.expr) -> Type:
        """Return an annotation with its names resolved."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                return self._type(module, ast.parse(node.value, mode="eval").body)
            return Type("None" if node.value is None else "Any")
        if isinstance(node, ast.BinOp):
            return self._union(module, [node.left, node.right])
        if isinstance(node, ast.Subscript):
            return self._subscript(module, node)
        if isinstance(node, ast.Name):
            return self._named(module, node.id)
        return Type("Any")

    def _union(self, module: str, nodes: list[ast.expr]) -> Type:
        types = [self._type(module, node) for node in nodes]
        parts = list(dict.fromkeys(part for one in types for part in one.text.split(" | ")))
        if "Any" in parts:
            return Type("Any")
        if any(_top(part) == "dict" for part in parts):  # it takes whatever the classes take
            parts = [part for part in parts if part not in self.facts]
        return Type(" | ".join(parts), tuple(value for one in types for value in one.values))

    def _subscript(self, module: str, node: ast.Subscript) -> Type:
        name = ast.unparse(node.value).rpartition(".")[2]
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Literal":
            return Type("Literal", tuple(self._literals(module, inner)))
        if name in ("Union", "Optional"):
            return self._union(module, [*inner, *([ast.Constant(None)] if name == "Optional" else [])])
        if name == "Annotated":
            return self._type(module, inner[0])
        if name in _SEQUENCES:
            items = {self._type(module, one) for one in inner if ast.unparse(one) != "..."}
            item = items.pop() if len(items) == 1 else Type("Any")
            return Type(f"list[{item.text}]", item.values)
        if name in ("dict", "Dict", "Mapping"):
            key, value = (self._type(module, one) for one in inner)
            whole = key.text in ("str", "int", "Literal") and not (key.values and value.values)
            return Type(f"dict[{value.text}]", value.values) if whole and not key.values else Type("dict")
        return Type("Any")

    def _literals(self, module: str, nodes: list[ast.expr]) -> Iterator[Any]:
        for node in nodes:
            if isinstance(node, ast.Constant):
                yield node.value
            elif isinstance(node, ast.Name | ast.Subscript):
                yield from self._type(module, node).values

    def _named(self, module: str, name: str) -> Type:
        if name in _SCALARS:
            return Type(name)
        if name in ("Dict", "Mapping"):
            return Type("dict")
        if name == "List":
            return Type("list")
        if name == "Path":
            return Type("str")
        place = self.sources.find(module, name)
        if place is None:
            return Type("Any")
        if isinstance(place.node, ast.ClassDef):
            return self._class(module, name)
        if isinstance(place.node, ast.Assign | ast.AnnAssign) and place.node.value is not None:
            return self._type(place.module, place.node.value)
        return Type("Any")


def _alternatives(annotation: ast.expr) -> Iterator[ast.expr]:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        yield from _alternatives(ast.parse(annotation.value, mode="eval").body)
    elif isinstance(annotation, ast.BinOp):
        yield from _alternatives(annotation.left)
        yield from _alternatives(annotation.right)
    elif isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).endswith(("Optional", "Union")):
        yield from annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    else:
        yield annotation


def _top(text: str) -> str:
    return text.partition("[")[0]


def _fact(found: Type) -> dict[str, Any]:
    values = list(dict.fromkeys(value for value in found.values if value is not None))
    text = found.text + (" | None" if None in found.values and "None" not in found.text else "")
    return {"type": text, **({"values": values} if values else {})}


def _is_object(text: str, classes: Mapping[str, Any]) -> bool:
    return any(part in classes or _top(part) == "dict" for part in text.split(" | "))


if __name__ == "__main__":
    json.dump(Reader(Path(sys.argv[1])).read(), sys.stdout, indent=1)
