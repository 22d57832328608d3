"""Read Kubernetes objects, and find the workload that runs vLLM."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from modelservice.errors import InputError
from modelservice.importing.defaults_table import STRUCTURES
from modelservice.importing.kubernetes_defaults import without_defaults
from modelservice.importing.object_shapes import require_shape, without_nulls
from modelservice.importing.part import is_named
from modelservice.reading.documents import load_objects, members
from modelservice.reading.syntax_errors import placed

Object = Mapping[str, Any]
LONGEST = 20_000_000
# The kinds that the chart creates, or whose pods it can run.
WORKLOADS = ("Deployment", "StatefulSet", "Pod")
_STARTS = re.compile(r"(^|[\s/;&|(\"'])vllm[\"',]*\s+[\"']?serve\b|vllm\.entrypoints\.")
_NO_SERVER = re.compile(r"router|scheduler|gateway|proxy|exporter|benchmark|controller|operator")
# Labels and annotations that controllers, kubectl, helm and GitOps tools write for themselves.
_OF_TOOLS = re.compile(
    r"^((kubectl|deployment|apps)\.kubernetes\.io/.*|meta\.helm\.sh/.*|helm\.sh/(chart|hook.*|resource-policy)"
    r"|argocd\.argoproj\.io/.*|(helm|kustomize)\.toolkit\.fluxcd\.io/.*|objectset\.rio\.cattle\.io/.*|cattle\.io/.*"
    r"|field\.cattle\.io/(publicEndpoints|ports)|pod-template-hash|controller-revision-hash"
    r"|statefulset\.kubernetes\.io/pod-name|autoscaling\.alpha\.kubernetes\.io/.*|pv\.kubernetes\.io/.*"
    r"|volume\.(beta\.)?kubernetes\.io/.*)$"
)


class Workload(NamedTuple):
    """A workload: metadata, spec without the pod template, metadata and spec of its pods, and the server's container.

    Fields that a cluster adds are removed. `live` is True for an object from a cluster.
    """

    kind: str
    metadata: Object
    spec: Object
    pod_metadata: Object
    pod: Object
    server: Object
    live: bool = False

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.metadata.get("name") or "")

    @property
    def namespace(self) -> str:
        """The object's namespace, or "" if the input does not say it."""
        return str(self.metadata.get("namespace") or "")

    @property
    def label(self) -> str:
        """Kind and name, as messages show them."""
        return f"{self.kind} {self.name}"

    @property
    def replicas(self) -> int:
        """The number of pods, 1 by default."""
        return int(self.spec.get("replicas", 1))


def read_objects(files: Mapping[str, str]) -> list[Object]:
    """Return the Kubernetes objects in files (text by name), Lists included, without what a cluster adds.

    Objects of `helm test` are left out. Raises InputError for a text that is not valid YAML or JSON, and if no file
    contains an object.
    """
    everything = [one for name, text in files.items() for one in _read(name, text)]
    objects = [one for item in everything for one in members(item)]
    found = [one for one in objects if _is_object(one) and not _is_test(one)]
    if everything and not objects:
        raise InputError("the list contains no object: does `kubectl get` ask for the right namespace (-n NAME or -A)?")
    if not found:
        values = any(isinstance(one, Mapping) and "kind" not in one for one in everything)
        rendered = "; for a chart's values, pass the output of `helm template`" if values else ""
        raise InputError(
            f"the input contains no Kubernetes object: pass manifests, or the output of `kubectl get -o yaml`{rendered}"
        )
    return [plain(one) for one in found]


def _read(name: str, text: str) -> list[Any]:
    if len(text) > LONGEST:
        raise InputError(f"{name} is longer than {LONGEST // 1_000_000} megabytes: pass fewer objects")
    try:
        return load_objects(text)
    except yaml.YAMLError as error:
        raise InputError(placed(error, name, text)) from error


def _is_object(item: Any) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("kind"), str) and isinstance(item.get("metadata"), Mapping)


def _is_test(item: Object) -> bool:
    """Return whether only `helm test` runs an object."""
    annotations = item["metadata"].get("annotations")
    return isinstance(annotations, Mapping) and str(annotations.get("helm.sh/hook")).startswith("test")


def plain(item: Object) -> Object:
    """Return an object without its status, Kubernetes' defaults and the metadata that tools write.

    Raises InputError if its fields do not have the types that Kubernetes requires.
    """
    found: dict[str, Any] = without_nulls({key: value for key, value in item.items() if key != "status"})
    require_shape(found)
    if item["kind"] in STRUCTURES and "spec" in found:
        found["spec"] = without_defaults(found["spec"], str(item["kind"]))
    return {**found, "metadata": plain_metadata(found["metadata"])}


def plain_metadata(metadata: Object) -> dict[str, Any]:
    """Return name, namespace, uid and owners, and the labels and annotations that tools did not write."""
    kept = ("name", "namespace", "uid", "ownerReferences")
    found = {key: metadata[key] for key in kept if metadata.get(key)}
    for part in ("labels", "annotations"):
        pairs = {
            str(key): str(value) for key, value in (metadata.get(part) or {}).items() if not _OF_TOOLS.match(str(key))
        }
        found |= {part: pairs} if pairs else {}
    return found


def find_workloads(objects: Sequence[Object], name: str = "", *, every: bool = False) -> list[Workload]:
    """Return the workloads that run vLLM, or those with this name, which may begin with `namespace/`.

    Those that start vLLM in their command win over those with only its image, unless `every` is set. Raises InputError
    if no workload matches, or if the chart cannot run its kind.
    """
    ranked = [(item, *_server(item)) for item in objects if _containers(item)]
    # An owner without containers, such as an InferenceService, does not count: what it makes is the workload.
    makers = [one[0] for one in ranked]
    found = [one for one in ranked if not is_made(one[0], makers) and (one[2] or name)]
    if name:
        found = [one for one in found if is_named(one[0]["metadata"], name)]
    best = [one for one in found if every or one[2] == max(rank for _, _, rank in found)]
    usable = [one for one in best if one[0]["kind"] in WORKLOADS]
    if usable:
        return [_workload(item, server) for item, server, _ in usable]
    if best and all(one[0]["kind"] == "ModelService" for one in best):
        raise InputError(f"{_listed(one[0] for one in best)} belongs to LLMOS: use `modelservice import llmos`")
    if best:
        raise InputError(
            f"{_listed(one[0] for one in best)} cannot be imported: only Deployments, StatefulSets and Pods can"
        )
    there = _listed(one[0] for one in ranked) or _listed(objects)
    what = f"no workload is named {name}" if name else "no Deployment, StatefulSet or Pod runs vLLM"
    raise InputError(f"{what}; found: {there}")


def _listed(objects: Iterable[Object]) -> str:
    return ", ".join(dict.fromkeys(f"{one['kind']} {one['metadata'].get('name', '')}" for one in objects))


def _pod_of(item: Object) -> tuple[Object, Object]:
    """Return the metadata and the spec of an object's pods."""
    spec = item.get("spec")
    spec = spec if isinstance(spec, Mapping) else {}
    if item["kind"] == "Pod":
        return item["metadata"], spec
    template = spec.get("template")
    template = template if isinstance(template, Mapping) else {}
    inner = template.get("spec")
    return template.get("metadata") or {}, inner if isinstance(inner, Mapping) else {}


def _containers(item: Object) -> list[Object]:
    containers = _pod_of(item)[1].get("containers")
    return [one for one in containers if isinstance(one, Mapping)] if isinstance(containers, list) else []


def _server(item: Object) -> tuple[Object, int]:
    """Return the most likely server container and its rank: 2 starts vLLM, 1 has a vLLM image or --model, 0 neither."""
    containers = _containers(item)
    ranks = [_rank(container) for container in containers]
    return containers[ranks.index(max(ranks))], max(ranks)


def _rank(container: Object) -> int:
    lists = [container.get(key) for key in ("command", "args")]
    words = [str(word) for words in lists if isinstance(words, list) for word in words]
    if _STARTS.search(" ".join(words)):
        return 2
    image = str(container.get("image")).lower()
    is_image = "vllm" in image and not _NO_SERVER.search(image)
    return int(is_image or any(word.partition("=")[0] == "--model" for word in words))


def is_made(item: Object, objects: Sequence[Object]) -> bool:
    """Return whether one of the objects creates this one, directly or through a ReplicaSet that is not among them."""
    names = {(one["kind"], one["metadata"].get("name")) for one in objects}
    for owner in item["metadata"].get("ownerReferences") or ():
        kind, name = owner.get("kind"), str(owner.get("name"))
        if (kind, name) in names or (kind == "ReplicaSet" and ("Deployment", name.rpartition("-")[0]) in names):
            return True
    return False


def _workload(item: Object, server: Object) -> Workload:
    metadata, pod = _pod_of(item)
    live = bool(item["metadata"].get("uid"))
    spec = {key: value for key, value in item["spec"].items() if key != "template"} if item["kind"] != "Pod" else {}
    pod = _without_admission(pod) if item["kind"] == "Pod" and live else pod
    server = next(one for one in pod["containers"] if one.get("name") == server.get("name"))
    return Workload(item["kind"], item["metadata"], spec, plain_metadata(metadata), pod, server, live)


def _without_admission(pod: Object) -> Object:
    """Return a running pod's spec without what the scheduler and admission controllers add.

    See https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/ (DefaultTolerationSeconds,
    Priority, ServiceAccount).
    """
    tolerated = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    found = {key: value for key, value in pod.items() if key not in ("nodeName", "priority")}
    found["tolerations"] = [
        one
        for one in pod.get("tolerations", ())
        if one.get("key") not in tolerated or one.get("tolerationSeconds") != 300
    ]
    found["volumes"] = [
        volume for volume in pod.get("volumes", ()) if not volume["name"].startswith("kube-api-access-")
    ]
    for part in ("containers", "initContainers"):
        found[part] = [_without_token(container) for container in pod.get(part, ())]
    return {key: value for key, value in found.items() if value != []}


def _without_token(container: Object) -> Object:
    mounts = [one for one in container.get("volumeMounts", ()) if not one["name"].startswith("kube-api-access-")]
    return {key: value for key, value in container.items() if key != "volumeMounts"} | (
        {"volumeMounts": mounts} if mounts else {}
    )


def is_far(item: Object, workload: Workload) -> bool:
    """Return whether an object is in another namespace than a workload, where only a monitor can belong to it."""
    namespaces = {item["metadata"].get("namespace"), workload.metadata.get("namespace")} - {None}
    return len(namespaces) > 1 and item["kind"] not in ("ServiceMonitor", "PodMonitor", "Namespace")


def of_kind(objects: Iterable[Object], *kinds: str) -> Iterator[Object]:
    """Yield the objects of these kinds."""
    yield from (one for one in objects if one["kind"] in kinds)


def selects(selector: Any, labels: Any) -> bool:
    """Return whether a selector, as a map or with `matchLabels`, selects an object with these labels."""
    if not isinstance(selector, Mapping) or not isinstance(labels, Mapping):
        return False
    wanted = selector.get("matchLabels", selector)
    return bool(wanted) and isinstance(wanted, Mapping) and all(labels.get(key) == wanted[key] for key in wanted)
