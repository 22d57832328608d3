"""Read the keys of vLLM's JSON options from the sources of a release, without importing them.

    python tools/read_vllm_configs.py FOLDER > options.json

FOLDER holds the .py files of the wheel. An option is a flag of `vllm serve` whose field in `EngineArgs` is a
configuration class, or a dictionary. The facts of one release: `--flag` → type; `Class` → whether it refuses unknown
keys; `Class.key` → type, values, range. A type is an annotation of Python with names resolved: `Literal` stands for
the key's `values`, `Any` for what only a run of vLLM can tell.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_SCALARS = ("int", "float", "bool", "str", "None", "Any", "dict", "list")
_SEQUENCES = ("list", "List", "set", "tuple", "Sequence")
_LIMITS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
# Options that `EngineArgs` keeps as dictionaries, and the classes that its create_* methods make of them.
_MADE_LATER = {
    "speculative_config": "SpeculativeConfig",
    "diffusion_config": "DiffusionConfig",
    "watermark_config": "WatermarkConfig",
}
# A validator that runs before pydantic's own, by a text of its body; what others accept is not known.
_FOLDS = (".upper()", '.lower().replace("-", "_")')
_ARGUMENTS, _MULTIMODAL = "vllm.engine.arg_utils", "vllm.config.multimodal"
_CONNECTORS = {
    "KVTransferConfig.kv_connector": "vllm/distributed/kv_transfer/kv_connector/factory.py",
    "ECTransferConfig.ec_connector": "vllm/distributed/ec_transfer/ec_connector/factory.py",
}


class Place(NamedTuple):
    """A name's definition, and the module that it stands in."""

    module: str
    node: ast.stmt


class Type(NamedTuple):
    """A resolved annotation, and the values of its Literals and enums."""

    text: str
    values: tuple[Any, ...] = ()


class Sources:
    """The modules of a release, each parsed when something in it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._modules: dict[str, dict[str, ast.stmt]] = {}

    def names(self, module: str) -> dict[str, ast.stmt]:
        """Return what a module defines or imports by name."""
        if module not in self._modules:
            base = self.folder.joinpath(*module.split("."))
            files = [path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()]
            tree = ast.parse(files[0].read_text(encoding="utf-8")) if files else ast.Module([], [])
            self._modules[module] = dict(_defined(tree.body))
        return self._modules[module]

    def find(self, module: str, name: str) -> Place | None:
        """Return where a name that a module uses is defined, None outside vLLM."""
        node = self.names(module).get(name)
        if not isinstance(node, ast.ImportFrom):
            return Place(module, node) if node else None
        origin = _origin(module, node, (self.folder / Path(*module.split(".")) / "__init__.py").is_file())
        wanted = next((one.name for one in node.names if (one.asname or one.name) == name), name)
        return self.find(origin, wanted) if origin.startswith("vllm") and (origin, wanted) != (module, name) else None


def _defined(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        if isinstance(node, ast.ImportFrom):
            yield from ((one.asname or one.name, node) for one in node.names)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node
        elif isinstance(node, ast.If):
            # What runs, such as `= Any`, comes last and replaces what only type checkers see.
            yield from _defined(node.body)
            yield from _defined(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _defined(node.body)


def _origin(module: str, node: ast.ImportFrom, package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + (1 if package else 0)]
    return ".".join([*base, *([node.module] if node.module else [])])


class Reader:
    """The facts of one release."""

    def __init__(self, folder: Path) -> None:
        self.sources = Sources(folder)
        self.folder = folder
        self.facts: dict[str, dict[str, Any]] = {}

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the facts of every option, and of the classes that they name."""
        arguments = self.sources.names(_ARGUMENTS)["EngineArgs"]
        assert isinstance(arguments, ast.ClassDef)  # noqa: S101  a release without it is not vLLM
        source = (self.folder / "vllm" / "engine" / "arg_utils.py").read_text(encoding="utf-8").replace("'", '"')
        for name, field in _fields(arguments):
            flag = "--" + name.replace("_", "-")
            found = self._option(name, field.annotation)
            if f'"{flag}"' in source and _is_object(found.text, self.facts):
                self.facts[flag] = _fact(found)
        self._adapters()
        if 'k.replace("-", "_")' in source:
            self.facts["--speculative-config"]["dashes"] = True
        for key, factory in _CONNECTORS.items():
            if key in self.facts and (self.folder / factory).is_file():
                self.facts[key]["values"] = sorted(_registered(self.folder / factory))
        return self._reachable()

    def choices(self) -> dict[str, dict[str, Any]]:
        """Return the values of other flags: those of registries, and those of which a configuration takes no other."""
        arguments = self.sources.names(_ARGUMENTS)["EngineArgs"]
        found: dict[str, dict[str, Any]] = {}
        if modes := self.sources.names("vllm.tokenizers.registry").get("_VLLM_TOKENIZERS"):
            names = [ast.literal_eval(key) for key in modes.value.keys]  # type: ignore[attr-defined]
            found["--tokenizer-mode"] = {"values": names}
        for name, field in _fields(arguments):  # type: ignore[arg-type]
            fact = self._of_default(field.value)
            texts = all(isinstance(value, str) for value in fact.get("values", ()))
            if texts and fact.get("enforced") and not _is_object(fact["type"], self.facts):
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
        field = dict(_fields(place.node)).get(key)
        validators = _validators(place.node)
        return self._field(place, key, field, validators) if field else {}

    def _adapters(self) -> None:
        """Note the keys of --lora-modules, a flag of the server: its parser refuses other ones."""
        for path in sorted(self.folder.glob("vllm/entrypoints/**/*.py")):
            tree = ast.parse(text) if "class LoRAModulePath" in (text := path.read_text(encoding="utf-8")) else None
            for node in tree.body if tree else ():
                if isinstance(node, ast.ClassDef) and node.name == "LoRAModulePath":
                    self.facts["--lora-modules"] = {"type": "LoRAModulePath"}
                    self.facts["LoRAModulePath"] = {"closed": True}
                    for key, field in _fields(node):
                        required = {} if field.value else {"required": True}
                        self.facts[f"LoRAModulePath.{key}"] = {"type": "Any", **required}

    def _option(self, name: str, annotation: ast.expr) -> Type:
        """Return an option's type: the class that its JSON becomes, where there is one."""
        if name in _MADE_LATER:
            return self._class(_ARGUMENTS, _MADE_LATER[name])
        if name == "limit_mm_per_prompt" and "BaseDummyOptions" in self.sources.names(_MULTIMODAL):
            return self._limits()
        found = self._type(_ARGUMENTS, annotation)
        # The parser makes the class of the text, whatever else the field may hold.
        parts = [node.id for node in _alternatives(annotation) if isinstance(node, ast.Name)]
        classes = [part for part in parts if part in self.facts]
        return Type(classes[0]) if classes else found

    def _limits(self) -> Type:
        """Return the type of --limit-mm-per-prompt, of whose values a validator makes a class for each modality."""
        for kind, key in {"Base": "*", "Video": "video", "Image": "image", "Audio": "audio"}.items():
            self._class(_MULTIMODAL, f"{kind}DummyOptions")
            limits = self.facts[f"{kind}DummyOptions.count"]["range"]
            self.facts[f"LimitPerPrompt.{key}"] = {"type": f"StrictInt | {kind}DummyOptions", "range": limits}
        self.facts["LimitPerPrompt"] = {}
        return Type("LimitPerPrompt")

    def _reachable(self) -> dict[str, dict[str, Any]]:
        """Return the facts without the classes that no option holds."""
        wanted, seen = [name for name in self.facts if name.startswith("--")], set[str]()
        while wanted:
            name = wanted.pop()
            seen.add(name)
            names = re.findall(r"\w+", self.facts[name].get("type", ""))
            keys = [key for key in self.facts if key.startswith(f"{name}.")]
            wanted += [one for one in (*names, *keys) if one in self.facts and one not in seen]
        return {name: self.facts[name] for name in sorted(seen)}

    def _class(self, module: str, name: str) -> Type:
        """Return the type of a configuration class, and note what is known of it."""
        place = self.sources.find(module, name)
        if place is None or not isinstance(place.node, ast.ClassDef):
            return Type("Any")
        if _is_enum(place.node):
            return Type("Literal", tuple(_members(place.node)))
        if not _is_configuration(place.node):
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
        before = _validators(node)
        for base in node.bases:
            above = self.sources.find(place.module, base.id) if isinstance(base, ast.Name) else None
            if above and isinstance(above.node, ast.ClassDef) and _is_configuration(above.node):
                self._fields(Place(above.module, above.node), name, before)
        self._fields(place, name, before)

    def _fields(self, place: Place, name: str, before: Mapping[str, str]) -> None:
        for key, field in _fields(place.node):  # type: ignore[arg-type]
            if not _is_hidden(field):
                fact = self._field(place, key, field, before)
                if f"{key}?" in before and "None" not in fact["type"]:
                    fact["type"] += " | None"
                self.facts[f"{name}.{key}"] = fact

    def _field(self, place: Place, key: str, field: ast.AnnAssign, validators: Mapping[str, str]) -> dict[str, Any]:
        fact = _fact(self._type(place.module, field.annotation))
        validator = validators.get(key, validators.get("*", ""))
        if _is_required(field.value):
            fact["required"] = True
        if limits := _limits_of(field):
            fact["range"] = limits
        values = [one for one in fact.get("values", ()) if not isinstance(one, str)]
        names = self._names_of(place, field)
        if validator and any(fold in validator for fold in _FOLDS) and fact.get("values", names):
            auto = ["auto"] if '"auto"' in validator and names else []
            fact["values"] = [*auto, *names, *values] if names else fact["values"]
            fact["fold"] = True
            if 'replace("-", "_")' in validator:
                fact["dashes"] = True
        elif '.split(",")' in validator:
            fact["type"] += " | str"
        elif validator and "(**value)" not in validator:
            return {"type": "Any"}
        if fact.get("values") and (f"{key}!" in validators or not re.search(r"\bstr\b", fact["type"])):
            fact["enforced"] = True
        return fact

    def _names_of(self, place: Place, field: ast.AnnAssign) -> list[str]:
        """Return the names of the enum that a field has: a validator takes them, in any case."""
        names: list[str] = []
        for node in ast.walk(field.annotation):
            found = self.sources.find(place.module, node.id) if isinstance(node, ast.Name) else None
            if found and isinstance(found.node, ast.ClassDef) and _is_enum(found.node):
                names += [name for name, _ in _assigned(found.node)]
        return names

    def _is_closed(self, place: Place) -> bool:
        """Say whether a class forbids unknown keys: itself, or because its decorator does."""
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


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, ast.AnnAssign]]:
    for item in node.body:
        if not isinstance(item, ast.AnnAssign) or "ClassVar" in ast.unparse(item.annotation):
            continue
        if isinstance(item.target, ast.Name):
            yield item.target.id, item


def _is_hidden(field: ast.AnnAssign) -> bool:
    return isinstance(field.value, ast.Call) and any(
        one.arg == "init" and isinstance(one.value, ast.Constant) and one.value.value is False
        for one in field.value.keywords
    )


def _is_required(default: ast.expr | None) -> bool:
    """Say whether a field has no default."""
    if not isinstance(default, ast.Call) or not ast.unparse(default.func).endswith("Field"):
        return default is None
    return not default.args and not {"default", "default_factory"} & {word.arg for word in default.keywords}


def _limits_of(field: ast.AnnAssign) -> str:
    calls = [node for node in ast.walk(field) if isinstance(node, ast.Call)]
    words = [word for call in calls for word in call.keywords if word.arg in _LIMITS]
    numbers = [word for word in words if isinstance(word.value, ast.Constant | ast.UnaryOp)]
    return " and ".join(f"{_LIMITS[str(word.arg)]} {ast.literal_eval(word.value):g}" for word in numbers)


def _validators(node: ast.ClassDef) -> dict[str, str]:
    """Return the keys whose values a validator may change before pydantic checks them, with its text.

    `key?` stands for a validator that only lets null pass, `key!` for one that refuses what is not in a list, `*` for
    every key.
    """
    found: dict[str, str] = {}
    for method in (item for item in node.body if isinstance(item, ast.FunctionDef)):
        for decorator in method.decorator_list:
            text = ast.unparse(decorator)
            if not isinstance(decorator, ast.Call) or not re.match("(field|model)_validator", text):
                continue
            body = ast.unparse(method).replace("'", '"')
            names = [str(one.value) for one in decorator.args if isinstance(one, ast.Constant)] or ["*"]
            if not re.search("'(before|wrap|plain)'", text):
                refuses = re.search(" not in |not is_known", body) and "raise ValueError" in body
                found |= {f"{name}!": body for name in names if refuses}
                continue
            if text.startswith("model") and not re.search(r"\] = |\.pop\(|\.update\(", body):
                continue  # it refuses, and changes nothing
            found |= {f"{name}?" if "skip_none" in method.name else name: body for name in names}
    return found


def _is_enum(node: ast.ClassDef) -> bool:
    return any("Enum" in ast.unparse(base) for base in node.bases)


def _is_configuration(node: ast.ClassDef) -> bool:
    return any("dataclass" in text or "config" in text for text in map(ast.unparse, node.decorator_list))


def _assigned(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            yield item.targets[0].id, item.value


def _members(node: ast.ClassDef) -> Iterator[Any]:
    for _, value in _assigned(node):
        if isinstance(value, ast.Constant) and isinstance(value.value, str | int):
            yield value.value


def _registered(factory: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(factory.read_text(encoding="utf-8"))):
        called = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Factory.register_connector")
        if called and isinstance(node.args[0], ast.Constant):  # type: ignore[attr-defined]
            yield str(node.args[0].value)  # type: ignore[attr-defined]


if __name__ == "__main__":
    json.dump(Reader(Path(sys.argv[1])).read(), sys.stdout, indent=1)
