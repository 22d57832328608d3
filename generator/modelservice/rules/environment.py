"""Rules on environment variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.findings import Action, Edit, Fix, Path, Refuser, Severity, dotted
from modelservice.redact import PLACEHOLDER
from modelservice.rules.containers import containers
from modelservice.rules.given_arguments import adding_argument
from modelservice.rules.gpu import resource_fields
from modelservice.rules.image import is_own_image, release_of
from modelservice.rules.model import model_mount, under
from modelservice.rules.rule import Said, Settings, Values, asking, listed, put, removal, rule, sound
from modelservice.rules.security import non_root, own_home
from modelservice.rules.storage import COMPILE_VARIABLES, compile_cache_of, model_volume, read_only, user_cache

_CHART = "the chart's templates/_env.tpl"
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_DEVICES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")


def set_by_chart(values: Values) -> dict[str, str]:
    """Return the variables that the chart sets → why `env` must not set them."""
    scope = values.at("model.source") == "modelscope"
    found = {"VLLM_USE_MODELSCOPE": "model.source sets it"} if scope else {}
    found |= {"HF_ENDPOINT": "huggingFace.endpoint sets it"} if values.at("huggingFace.endpoint") else {}
    if values.at("huggingFace.tokenSecret.name"):
        found |= dict.fromkeys(_TOKENS, "huggingFace.tokenSecret sets it")
    if values.at("apiKeySecret.name"):
        keys = values.at("apiKeySecret.keys")
        names = ["VLLM_API_KEY", *(f"API_KEY_{number + 1}" for number in range(len(keys) if len(keys) > 1 else 0))]
        found |= dict.fromkeys(names, "apiKeySecret sets it")
    if compile_cache_of(values):
        found |= dict.fromkeys(COMPILE_VARIABLES, "compileCache sets it")
    if values.at("caBundle.configMap") or values.at("caBundle.secret"):
        found |= dict.fromkeys(_CA_VARIABLES, "caBundle sets it")
    if read_only(values):
        found |= dict.fromkeys(
            ("HF_HUB_OFFLINE", "VLLM_NO_USAGE_STATS"), "the chart sets it for a read-only model volume"
        )
    if own_home(values):
        reason = "a user other than root" if non_root(values) else "a read-only file system"
        found |= dict.fromkeys(("HOME", "USER"), f"{reason} needs the chart's value")
    return found


@rule(
    "env-set-by-chart",
    "A variable is set in `env` although the chart sets it.",
    why=(
        "The container would have the variable twice. Helm 4 cannot apply such a list. With Helm 3 the chart's "
        "value is lost, and models, for example, are written outside the model volume."
    ),
    source=_CHART,
    refused_by=Refuser.CHART,
)
def env_set_by_chart(values: Values) -> Iterator[Said]:
    """Find a variable that the chart sets itself."""
    ours = set_by_chart(values)
    for index, variable in values.items("env"):
        if instead := ours.get(variable["name"]):
            message = f"{variable['name']} is set by the chart"
            yield Said(("env", index, "name"), message, f"remove it: {instead}", fix=_without(index))


def _without(index: int) -> Fix:
    return (Edit(Action.REMOVE, ("env", index)),)


@rule(
    "env-has-field",
    "A variable is set in `env` although the chart has a field for it.",
    why=(
        "The chart does not adapt to variables in `env`. With VLLM_USE_MODELSCOPE in `env`, for example, models "
        "are stored outside the model volume and downloaded again after every restart."
    ),
    source=_CHART,
    severity=Severity.WARNING,
)
def env_has_field(values: Values) -> Iterator[Said]:
    """Find a variable for which the chart has a field."""
    ours = set_by_chart(values)
    for index, variable in values.items("env"):
        settings = _fields(variable, values.at("model.source"))
        if settings and variable["name"] not in ours and PLACEHOLDER not in variable.get("value", ""):
            message = f"the chart has a field for {variable['name']}"
            fields = () if _is_vague(variable) else put(settings)
            fix = (*_without(index), *fields) if fields else ()
            yield Said(("env", index, "name"), message, f"remove it and set {listed(settings)}", fix=fix)


def _fields(variable: Mapping[str, Any], source: str) -> Settings:
    """Return the fields to set in place of a variable."""
    name, value = variable["name"], variable.get("value")
    if name == "VLLM_USE_MODELSCOPE":
        return {"model.source": "modelscope"}
    if name == "HF_ENDPOINT" and source == "huggingface":
        return {"huggingFace.endpoint": value or None}
    if name == "VLLM_API_KEY" and "secretKeyRef" in variable.get("valueFrom", {}):
        secret = variable["valueFrom"]["secretKeyRef"]
        if secret.get("optional"):  # no field sets this
            return {}
        keys = {"apiKeySecret.keys": [secret["key"]]} if secret["key"] != "api-key" else {}
        return {"apiKeySecret.name": secret["name"], **keys}
    if name in _TOKENS and source == "huggingface":
        secret = variable.get("valueFrom", {}).get("secretKeyRef", {"name": "its Secret", "key": "token"})
        key = {"huggingFace.tokenSecret.key": secret["key"]} if secret["key"] != "token" else {}
        optional = {"huggingFace.tokenSecret.optional": True} if secret.get("optional") else {}
        return {"huggingFace.tokenSecret.name": secret["name"], **key, **optional}
    return {}


def _is_vague(variable: Mapping[str, Any]) -> bool:
    """Return whether a variable is a token outside a Secret, or turns off what its field would turn on."""
    if variable["name"] == "VLLM_USE_MODELSCOPE":
        return bool(variable.get("value", "").lower() != "true")
    return variable["name"] in _TOKENS and "secretKeyRef" not in variable.get("valueFrom", {})


@rule(
    "env-twice",
    "A variable is set twice in one container.",
    why=(
        "Helm 4 applies objects server-side, and the API server refuses a list with two entries of one name. With "
        "Helm 3 the last entry wins without a message."
    ),
    source="helm 4",
    refused_by=Refuser.CHART,
)
def env_twice(values: Values) -> Iterator[Said]:
    """Find a variable that is listed twice in one container."""
    for path, variables in env_lists(values):
        seen: dict[str, int] = {}
        for index, variable in sound(variables):
            name = variable["name"]
            if name in seen:
                message = f"{name} is already set by {dotted(path)}[{seen[name]}]"
                yield Said((*path, index, "name"), message, "keep one of them")
            seen.setdefault(name, index)


def env_lists(values: Values) -> Iterator[tuple[Path, Any]]:
    """Yield every container's variables, the server's first."""
    yield ("env",), values.at("env")
    for path, item in containers(values):
        yield (*path, "env"), item.get("env")


@rule(
    "env-unknown",
    "vLLM does not know a variable whose name starts with `VLLM_`.",
    why="vLLM ignores the variable and only prints a warning when it starts. The setting has no effect.",
    source="vllm.envs",
    severity=Severity.WARNING,
)
def env_unknown(values: Values) -> Iterator[Said]:
    """Find a misspelled or unknown variable of vLLM."""
    for index, variable in values.items("env"):
        if not variable["name"].startswith("VLLM_"):
            continue
        from modelservice.vllm.variables import unknown_variable

        near = unknown_variable(variable["name"])
        if near is not None:
            message = f"vLLM does not read {variable['name']}"
            yield asking(("env", index, "name"), message, near, "check the name in vLLM's documentation")


@rule(
    "env-not-in-release",
    "The image's vLLM release does not have a variable that other releases have.",
    why="vLLM ignores the variable and only prints a warning when it starts. The setting has no effect.",
    source="vllm.envs (schemas/vllm/environment.json)",
    severity=Severity.WARNING,
)
def env_not_in_release(values: Values) -> Iterator[Said]:
    """Find a variable of vLLM that was added after the image's release or removed before it."""
    names = [(index, one["name"]) for index, one in values.items("env") if one["name"].startswith("VLLM_")]
    if not names or not is_own_image(values):
        return
    from modelservice.vllm.releases import Exactness
    from modelservice.vllm.variables import variable_change

    release = release_of(values)
    if release.exactness is Exactness.KNOWN:
        for index, name in names:
            if change := variable_change(name, release.name):
                message = f"{name} {change}; this is {release.label}"
                hint, fix = _instead(values, index, release.name)
                yield Said(("env", index, "name"), message, hint, fix=fix)


def _instead(values: Values, index: int, release: str) -> tuple[str, Fix]:
    """Return the hint and edits for a variable that a release does not read: remove it, or set a flag instead."""
    from modelservice.vllm.variables import argument_instead

    variable = values.at("env")[index]
    value = variable.get("value", "")
    argument, note = argument_instead(variable["name"], value, release)
    if argument and value and PLACEHOLDER not in value:
        return f"remove it and add {argument} to args", (*_without(index), *adding_argument(values, argument))
    return f"remove it{f': {note}' if note else ''}", _without(index)


@rule(
    "cache-elsewhere",
    "A variable in `env` puts the hub's cache outside every volume.",
    why="The model is stored in the container, and is downloaded again after every restart.",
    source="https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables",
    severity=Severity.WARNING,
)
def cache_elsewhere(values: Values) -> Iterator[Said]:
    """Find the hub's cache outside all volumes, which leaves the model volume unused."""
    folder = user_cache(values)
    if folder in ("", "unknown") or values.at("model.source") == "local" or values.at("modelVolume.enabled") is False:
        return
    mounts = [mount["mountPath"] for _, mount in values.items("volumeMounts")]
    mounts += [model_mount(values)] if model_volume(values) else []
    if not any(under(folder, mount) for mount in mounts):
        names = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "MODELSCOPE_CACHE")
        index = next(index for index, item in values.items("env") if item["name"] in names)
        hint = "remove it, or set modelVolume.mountPath to that folder or one above it"
        yield Said(("env", index, "value"), f"{folder}, where models are stored, is not in a volume", hint)


@rule(
    "device-variable",
    "A variable selects GPUs, which the device plugin has already assigned.",
    why=(
        "The container gets the GPUs that Kubernetes assigned, numbered from 0. Another choice leaves some of them "
        "idle, hides all of them, or shows GPUs of other pods."
    ),
    source="vllm-project/vllm#41848, #20939; NVIDIA/k8s-device-plugin",
    severity=Severity.WARNING,
)
def device_variable(values: Values) -> Iterator[Said]:
    """Find a variable that selects devices with a GPU resource; without one, the runtime class reads the variable."""
    if not values.at("gpu.count") or not resource_fields(values):
        return
    for index, variable in values.items("env"):
        if variable["name"] in _DEVICES:
            message = f"{variable['name']} selects from GPUs that Kubernetes has already assigned"
            yield removal(("env", index), message, on_key=False)


RULES = (device_variable, env_set_by_chart, env_has_field, env_twice, env_unknown, env_not_in_release, cache_elsewhere)
