"""Turn a container's environment variables into fields, Secrets and `env`."""

from __future__ import annotations

from collections.abc import Mapping

from modelservice.importing.container import Note
from modelservice.importing.flags_to_fields import API_KEY, HUB_TOKEN
from modelservice.importing.part import SECRETS, Part, Secret, joined, reference
from modelservice.redact import without_secrets
from modelservice.secret_forms import names_secret

HUB_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN", "HF_API_TOKEN")
_DEVICES = "the device plugin assigns GPUs to the pod"
_LEFT_OUT = {"CUDA_VISIBLE_DEVICES": _DEVICES, "NVIDIA_VISIBLE_DEVICES": _DEVICES}
_YES = ("true", "1", "yes", "on")


def is_yes(value: str | None) -> bool:
    """Return whether the hub's library reads a variable as true."""
    return str(value).lower() in _YES


def fields_of_variables(variables: Mapping[str, str | None]) -> Part:
    """Return the fields of variables; a value that the line does not contain is None, or names another variable."""
    return joined(field_of_variable(name, value) for name, value in variables.items())


def field_of_variable(name: str, value: str | None) -> Part:
    """Return the fields of one variable."""
    if name in HUB_TOKENS:
        return HUB_TOKEN
    if name == "VLLM_API_KEY":
        return API_KEY
    if name in _LEFT_OUT:
        return Part(notes=(Note(name, _LEFT_OUT[name]),))
    if name == "HF_ENDPOINT" and value:
        return Part({"huggingFace.endpoint": value.rstrip("/")})
    if name == "VLLM_USE_MODELSCOPE":
        return Part({"model.source": "modelscope"} if is_yes(value) else {})
    entry = {"name": name, "value": value}
    if names_secret(name) or without_secrets({"env": [entry]}).secrets:
        return _from_secret(name)
    if value is None or value.startswith("$"):
        return Part(notes=(Note(name, "its value comes from the shell; add it to env"),))
    return Part({"env": [entry]})


def _from_secret(name: str) -> Part:
    return Part({"env": [reference(name)]}, secrets=(Secret(SECRETS, name, f"${name}"),))
