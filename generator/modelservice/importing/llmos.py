"""Turn an LLMOS ModelService into the StatefulSet and the Service that its operator creates.

Source: constructModelStatefulSet and constructModelSvc of the operator, August 2025
(https://github.com/llmos-ai/llmos-operator, pkg/controller/master/modelservice/common.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelservice.errors import InputError
from modelservice.importing.cluster_objects import Object, of_kind
from modelservice.importing.container import Note
from modelservice.importing.named_objects import is_named, several_objects

_LOCAL = "/root/.cache/huggingface/hub/models/"
_LABEL = "ml.llmos.ai/model-service-name"
_TYPE = {"ml.llmos.ai/type": "model-service"}
STOPPED = "llmos.ai/resource-stopped"
DELETED_CLAIMS = "llmos.ai/on-delete-volumes"
# What the console writes. The operator reads the first port, and a Service needs one.
_PORT = {"name": "http", "containerPort": 8000}
_ABOUT_MODEL = ("tags", "pipelineTag", "libraryName", "accelerators", "enableGUI")
_PROBES: Mapping[str, Mapping[str, int]] = {
    "startupProbe": {"initialDelaySeconds": 60, "failureThreshold": 30, "periodSeconds": 10, "timeoutSeconds": 3},
    "readinessProbe": {"periodSeconds": 10, "timeoutSeconds": 2, "failureThreshold": 3, "successThreshold": 1},
    "livenessProbe": {"periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 3},
}


def find_model_service(objects: Sequence[Object], name: str = "") -> Object:
    """Return the only ModelService, or the only one with this name. Raises InputError if there is none, or several."""
    found = [
        one for one in of_kind(objects, "ModelService") if str(one.get("apiVersion", "")).startswith("ml.llmos.ai/")
    ]
    names = ", ".join(str(one["metadata"].get("name")) for one in found)
    chosen = [one for one in found if not name or is_named(one, name)]
    if not found:
        raise InputError(
            "the input contains no LLMOS ModelService: pass the output of `kubectl get modelservices -o yaml`"
        )
    if not chosen:
        raise InputError(f"no ModelService is named {name}; found: {names}")
    if len(chosen) > 1:
        raise several_objects("there are several ModelServices", chosen)
    return chosen[0]


def operators_objects(resource: Object) -> list[dict[str, Any]]:
    """Return the StatefulSet and the Service that the operator creates.

    Raises InputError for a resource without a name, a model or a container.
    """
    spec, metadata = resource.get("spec") or {}, resource["metadata"]
    template = (spec.get("template") or {}).get("spec") or {}
    if not (template.get("containers") and spec.get("model") and metadata.get("name")):
        raise InputError(
            f"ModelService {metadata.get('name', '')} needs metadata.name, spec.model and a container in spec.template"
        )
    selector = {**((spec.get("selector") or {}).get("matchLabels") or {}), **_TYPE, _LABEL: metadata["name"]}
    name = f"modelservice-{metadata['name']}".replace(".", "-")
    container = _container(template["containers"][0], spec)
    pod = {
        **template,
        "containers": [container, *template["containers"][1:]],
        "initContainers": _download(spec, template),
    }
    annotations = metadata.get("annotations") or {}
    kept = {key: value for key, value in annotations.items() if "kubectl" not in key and "notebook" not in key}
    about = {"metadata": {"labels": {**selector, **(metadata.get("labels") or {})}, "annotations": kept}}
    owned = {key: metadata[key] for key in ("namespace", "uid") if key in metadata}
    stateful_set = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": name,
            "labels": {**_TYPE, _LABEL: metadata["name"], "ml.llmos.ai/serve-engine": "vllm"},
            **owned,
        },
        "spec": {
            "replicas": 0 if STOPPED in annotations else spec.get("replicas", 1),
            "selector": {"matchLabels": selector},
            "template": {**about, "spec": pod},
            "updateStrategy": spec.get("updateStrategy") or {},
            "volumeClaimTemplates": spec.get("volumeClaimTemplates") or [],
        },
    }
    return [stateful_set, _service(name, selector, container, spec, owned)]


def _service(name: str, selector: Object, container: Object, spec: Object, owned: Object) -> dict[str, Any]:
    ports = [
        {"name": port.get("name"), "port": port["containerPort"], "targetPort": port.get("name")}
        for port in container.get("ports", ())
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": dict(selector), **owned},
        "spec": {"selector": dict(selector), "type": spec.get("serviceType") or "ClusterIP", "ports": ports},
    }


def _container(container: Object, spec: Object) -> dict[str, Any]:
    ports = container.get("ports") or [_PORT]
    env = list(container.get("env") or ())
    if spec.get("modelRegistry") == "modelscope":
        env.append({"name": "VLLM_USE_MODELSCOPE", "value": "True"})
    probes = {
        name: {"httpGet": {"path": "/health", "port": ports[0]["containerPort"]}, **fields}
        for name, fields in _PROBES.items()
        if not container.get(name)
    }
    return {**container, "args": _arguments(container, spec), "env": env, "ports": ports, **probes}


def _arguments(container: Object, spec: Object) -> list[str]:
    """Return the form's arguments; the fields for model, served name and GPU split override them."""
    model = spec["model"] if spec.get("modelRegistry") != "local" else f"{_LOCAL}{spec['model']}"
    slices = ((container.get("resources") or {}).get("limits") or {}).get("volcano.sh/vgpu-number", 0)
    own = {"--model": model, "--served-model-name": spec.get("servedModelName")}
    own |= {"--tensor-parallel-size": str(slices)} if int(slices) > 0 else {}
    given = {flag: f"{flag}={value}" for flag, value in own.items() if value}
    found = [
        given.get(str(word).partition("=")[0], str(word)) if "=" in str(word) else str(word)
        for word in container.get("args") or ()
    ]
    return [*found, *(word for word in given.values() if word not in found)]


def _download(spec: Object, template: Object) -> list[dict[str, Any]]:
    """Return the init container that downloads the model; the operator replaces the form's with it."""
    registry = spec.get("modelRegistry")
    if registry not in ("huggingface", "modelscope"):
        return []
    server = template["containers"][0]
    return [
        {
            "name": "download-models",
            "image": server.get("image"),
            "command": ["huggingface-cli" if registry == "huggingface" else "modelscope"],
            "args": ["download", spec["model"]],
            "volumeMounts": server.get("volumeMounts", []),
            "env": [*(server.get("env") or ()), {"name": "HF_HUB_ENABLE_HF_TRANSFER", "value": "1"}],
        }
    ]


def notes_of(resource: Object) -> Iterator[Note]:
    """Yield notes on parts of a ModelService that its objects do not show and that need a decision."""
    spec, annotations = resource.get("spec") or {}, resource["metadata"].get("annotations") or {}
    if claims := annotations.get(DELETED_CLAIMS):
        reason = "deleting the ModelService deletes these claims and their models: remove the annotation first"
        yield Note(f"{DELETED_CLAIMS}: {claims}", reason)
    if (spec.get("template") or {}).get("spec", {}).get("initContainers"):
        yield Note("initContainers", "the operator replaces them with its own download, so they never ran")


def remarks_of(resource: Object) -> Iterator[Note]:
    """Yield remarks on missing ports, and on fields that have no effect on the pods."""
    spec = resource.get("spec") or {}
    if not spec["template"]["spec"]["containers"][0].get("ports"):
        yield Note(
            "ports", "the container has none, so LLMOS did not start the service; here the server listens on 8000"
        )
    for key in _ABOUT_MODEL:
        if spec.get(key):
            yield Note(f"spec.{key}", "the console shows it; the pods do not use it")
