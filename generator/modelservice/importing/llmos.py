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
from modelservice.importing.part import is_named

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


def find_model_services(objects: Sequence[Object], name: str = "") -> list[Object]:
    """Return the ModelServices, or those with this name, which may begin with `namespace/`.

    Raises InputError if there is none.
    """
    found = [
        one for one in of_kind(objects, "ModelService") if str(one.get("apiVersion", "")).startswith("ml.llmos.ai/")
    ]
    chosen = [one for one in found if is_named(one["metadata"], name)]
    if not found:
        raise InputError(
            "the input contains no LLMOS ModelService: pass the output of `kubectl get modelservices -o yaml`"
        )
    if not chosen:
        raise InputError(f"no ModelService is named {name}; found: {', '.join(map(_path, found))}")
    return chosen


def _path(item: Object) -> str:
    metadata = item["metadata"]
    return "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))


def operators_objects(resource: Object) -> list[dict[str, Any]]:
    """Return the StatefulSet and the Service that the operator creates.

    Raises InputError for a resource without a name, a model or a container.
    """
    spec, metadata = resource.get("spec") or {}, resource["metadata"]
    template = (spec.get("template") or {}).get("spec") or {}
    needed = {
        "metadata.name": metadata.get("name"),
        "spec.model": spec.get("model"),
        "a container in spec.template.spec.containers": template.get("containers"),
    }
    if missing := [what for what, found in needed.items() if not found]:
        raise InputError(f"ModelService {metadata.get('name', '')} lacks {' and '.join(missing)}".replace("  ", " "))
    selector = {**((spec.get("selector") or {}).get("matchLabels") or {}), **_TYPE, _LABEL: metadata["name"]}
    name = service_name(resource)
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


def service_name(resource: Object) -> str:
    """Return the name of a ModelService's StatefulSet and Service."""
    return f"modelservice-{resource['metadata']['name']}".replace(".", "-")


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


def notes_of(resource: Object, services: Sequence[Object]) -> Iterator[Note]:
    """Yield notes on parts of a ModelService that its objects do not show and that need a decision.

    `services` are its Services in the input.
    """
    spec, annotations = resource.get("spec") or {}, resource["metadata"].get("annotations") or {}
    if claims := annotations.get(DELETED_CLAIMS):
        reason = "deleting the ModelService deletes these claims and their models: remove the annotation first"
        yield Note(f"{DELETED_CLAIMS}: {claims}", reason)
    if spec.get("serviceType") == "NodePort" and not services:
        reason = (
            "the node port that clients use is not in the ModelService, and the new Service gets another one: import "
            f"service/{service_name(resource)} too, with `kubectl get modelservices.ml.llmos.ai/"
            f"{resource['metadata']['name']} service/{service_name(resource)} -o yaml`"
        )
        yield Note("service.nodePort", reason)
    if (spec.get("template") or {}).get("spec", {}).get("initContainers"):
        yield Note("initContainers", "the operator replaces them with its own download, so they never ran")


def is_operators(item: Object, resource: Object | None = None) -> bool:
    """Return whether the operator made an object, for a ModelService or for any."""
    owners = [one for one in item["metadata"].get("ownerReferences") or () if one.get("kind") == "ModelService"]
    return any(not resource or one.get("name") == resource["metadata"].get("name") for one in owners)


def stopped_replicas(resource: Object) -> int | None:
    """Return how many replicas a stopped service has when it runs, or None for a service that is not stopped."""
    is_stopped = STOPPED in (resource["metadata"].get("annotations") or {})
    return int(resource["spec"].get("replicas", 1)) if is_stopped else None


def remarks_of(resource: Object) -> Iterator[Note]:
    """Yield remarks on missing ports, on a stopped service, and on fields that have no effect on the pods."""
    spec = resource.get("spec") or {}
    if not spec["template"]["spec"]["containers"][0].get("ports"):
        yield Note(
            "ports", "the container has none, so LLMOS did not start the service; here the server listens on 8000"
        )
    if stopped := stopped_replicas(resource):
        yield Note("replicas: 0", f"the service is stopped; when it runs, it has {stopped}")
    for key in _ABOUT_MODEL:
        if spec.get(key):
            yield Note(f"spec.{key}", "the console shows it; the pods do not use it")
