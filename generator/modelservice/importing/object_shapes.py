"""Check the types of the fields that the import reads in Kubernetes objects.

The API server refuses the same mistakes, so importing code can rely on the types.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelservice.errors import InputError
from modelservice.findings import dotted

if TYPE_CHECKING:
    from jsonschema import Draft7Validator, ValidationError

Shape = Mapping[str, Any]
_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_SCALAR = {"type": ["string", "number", "boolean"]}
_PORT = {"type": ["string", "integer"]}
_MAP = {"type": "object"}
_PAIRS = {"type": "object", "additionalProperties": _SCALAR}


def _map(required: tuple[str, ...] = (), /, **properties: Shape) -> Shape:
    return {"type": "object", "required": list(required), "properties": properties}


def _list(items: Shape, least: int = 0) -> Shape:
    return {"type": "array", "items": items, "minItems": least}


_AMOUNTS = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
_SELECTOR = _map(matchLabels=_PAIRS)
_METADATA = _map(name=_TEXT, namespace=_TEXT, uid=_TEXT, labels=_PAIRS, annotations=_PAIRS, ownerReferences=_list(_MAP))
_KEY = _map(("name", "key"), name=_TEXT, key=_TEXT)
_VARIABLE = _map(
    ("name",), name=_TEXT, value=_SCALAR, valueFrom=_map(secretKeyRef=_KEY, configMapKeyRef=_KEY, fieldRef=_MAP)
)
_HANDLER = _map(("port",), port=_PORT)
_PROBE = _map(
    httpGet=_HANDLER,
    tcpSocket=_HANDLER,
    exec=_MAP,
    **dict.fromkeys(("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold"), _WHOLE),
)
_RESOURCES = _map(requests=_AMOUNTS, limits=_AMOUNTS, claims=_list(_MAP))
_CONTAINER = _map(
    ("name",),
    name=_TEXT,
    image=_TEXT,
    imagePullPolicy=_TEXT,
    command=_list(_SCALAR),
    args=_list(_SCALAR),
    env=_list(_VARIABLE),
    envFrom=_list(_map(prefix=_TEXT, configMapRef=_map(name=_TEXT), secretRef=_MAP)),
    ports=_list(_map(("containerPort",), name=_TEXT, containerPort=_WHOLE)),
    resources=_RESOURCES,
    volumeMounts=_list(_map(("name", "mountPath"), name=_TEXT, mountPath=_TEXT, subPath=_TEXT)),
    securityContext=_map(capabilities=_map(add=_list(_TEXT), drop=_list(_TEXT))),
    lifecycle=_map(preStop=_MAP, postStart=_MAP),
    startupProbe=_PROBE,
    readinessProbe=_PROBE,
    livenessProbe=_PROBE,
)
_VOLUME = {
    **_map(
        ("name",),
        name=_TEXT,
        persistentVolumeClaim=_map(("claimName",), claimName=_TEXT),
        emptyDir=_map(medium=_TEXT, sizeLimit={"type": ["string", "number"]}),
    ),
    "additionalProperties": _MAP,
}
_NODES = _map(
    requiredDuringSchedulingIgnoredDuringExecution=_map(nodeSelectorTerms=_list(_map(matchFields=_list(_MAP))))
)
_POD = _map(
    ("containers",),
    containers=_list(_CONTAINER, 1),
    initContainers=_list(_CONTAINER),
    volumes=_list(_VOLUME),
    affinity=_map(nodeAffinity=_NODES),
    tolerations=_list(_MAP),
    topologySpreadConstraints=_list(_map(labelSelector=_SELECTOR)),
    terminationGracePeriodSeconds=_WHOLE,
    **dict.fromkeys(("nodeSelector", "securityContext"), _MAP),
    **dict.fromkeys(
        ("nodeName", "runtimeClassName", "serviceAccountName", "schedulerName", "priorityClassName"), _TEXT
    ),
)
_CLAIM = _map(accessModes=_list(_TEXT), resources=_map(requests=_AMOUNTS), storageClassName=_TEXT, dataSource=_MAP)
_CLAIMS = _list(_map(("metadata", "spec"), metadata=_map(("name",), name=_TEXT), spec=_CLAIM))
_STRATEGY = _map(type=_TEXT, rollingUpdate=_MAP)
_WORKLOAD = _map(
    ("template",),
    replicas=_WHOLE,
    revisionHistoryLimit=_WHOLE,
    template=_map(("spec",), metadata=_METADATA, spec=_POD),
    strategy=_STRATEGY,
    updateStrategy=_STRATEGY,
    persistentVolumeClaimRetentionPolicy=_MAP,
    volumeClaimTemplates=_CLAIMS,
)
_HELM = _map(helm=_map(valuesObject=_MAP, values=_TEXT))
_BACKEND = _map(service=_map(name=_TEXT))
_PATH = _map(path=_TEXT, pathType=_TEXT, backend=_BACKEND)
_ROUTE = _map(
    matches=_list(_map(path=_map(type=_TEXT, value=_TEXT))),
    backendRefs=_list(_map(name=_TEXT)),
    timeouts=_map(request=_TEXT),
)
_SPECS: Mapping[str, Shape] = {
    "Deployment": _WORKLOAD,
    "StatefulSet": _WORKLOAD,
    "Pod": _POD,
    "PersistentVolumeClaim": _CLAIM,
    "Service": _map(
        selector=_PAIRS,
        type=_TEXT,
        clusterIP=_TEXT,
        ports=_list(_map(("port",), port=_WHOLE, targetPort=_PORT, nodePort=_WHOLE)),
    ),
    "HorizontalPodAutoscaler": _map(
        scaleTargetRef=_MAP, minReplicas=_WHOLE, maxReplicas=_WHOLE, metrics=_list(_MAP), behavior=_MAP
    ),
    "ScaledObject": _map(
        scaleTargetRef=_MAP,
        minReplicaCount=_WHOLE,
        maxReplicaCount=_WHOLE,
        triggers=_list(_MAP),
        advanced=_map(horizontalPodAutoscalerConfig=_map(behavior=_MAP)),
    ),
    "Ingress": _map(
        ingressClassName=_TEXT, tls=_list(_MAP), rules=_list(_map(host=_TEXT, http=_map(paths=_list(_PATH))))
    ),
    "HTTPRoute": _map(parentRefs=_list(_MAP), hostnames=_list(_TEXT), rules=_list(_ROUTE)),
    "ServiceMonitor": _map(selector=_SELECTOR, endpoints=_list(_MAP)),
    "PodMonitor": _map(selector=_SELECTOR, podMetricsEndpoints=_list(_MAP)),
    "PodDisruptionBudget": _map(selector=_SELECTOR),
    "HelmRelease": _map(values=_MAP, valuesFrom=_list(_MAP)),
    "Application": _map(source=_HELM, sources=_list(_HELM)),
    "ModelService": _map(
        model=_TEXT,
        modelRegistry=_TEXT,
        servedModelName=_TEXT,
        replicas=_WHOLE,
        serviceType=_TEXT,
        selector=_SELECTOR,
        updateStrategy=_STRATEGY,
        volumeClaimTemplates=_CLAIMS,
        template=_map(("spec",), spec=_POD),
    ),
}


def require_shape(item: Mapping[str, Any]) -> None:
    """Raise InputError with the path of the first field that does not have the type that Kubernetes requires."""
    error = next(_validator(str(item["kind"])).iter_errors(item), None)
    if error is None:
        return
    name = item["metadata"].get("name") if isinstance(item.get("metadata"), Mapping) else ""
    place = dotted(tuple(error.absolute_path)) or "the object"
    raise InputError(f"{item['kind']} {name or ''}: {place}: {_wrong(error)}")


def _wrong(error: ValidationError) -> str:
    if error.validator == "type":
        types: Any = error.validator_value
        return f"must be of type {types if isinstance(types, str) else ' or '.join(types)}"
    return "must not be empty" if error.validator == "minItems" else error.message


@functools.cache
def _validator(kind: str) -> Draft7Validator:
    from jsonschema import Draft7Validator

    return Draft7Validator(
        _map(
            ("metadata",), metadata=_METADATA, spec=_SPECS.get(kind, _MAP), data=_MAP if kind != "ConfigMap" else _PAIRS
        )
    )


def without_nulls(tree: Any) -> Any:
    """Return a tree without the nulls in its maps; a null means the same as a missing key."""
    if isinstance(tree, Mapping):
        return {str(key): without_nulls(value) for key, value in tree.items() if value is not None}
    return [without_nulls(item) for item in tree] if isinstance(tree, list) else tree
