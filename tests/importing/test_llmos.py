"""ModelServices of LLMOS: the rendered pod is equivalent to the operator's pod, field by field."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from modelservice.check import check, errors
from modelservice.cli import main
from modelservice.errors import InputError
from modelservice.importing.cluster_objects import find_workloads, plain
from modelservice.importing.llmos import find_model_services, operators_objects
from modelservice.importing.part import Part, values_of
from modelservice.importing.rendered_difference import with_differences
from modelservice.quantity import amount
from modelservice.reading.document import read

from tests.chart.rendering import objects, one, pod, server, workload
from tests.importing.from_text import import_llmos, read_objects
from tests.importing.test_launch import flags_of

FOLDER = Path(__file__).parent / "llmos"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
# Fields that the console lacks and the chart sets on its own; see docs/migrating-from-llmos.md.
POD = {"automountServiceAccountToken", "enableServiceLinks", "securityContext", "terminationGracePeriodSeconds"}
CONTAINER = {"command", "args", "env", "resources", "volumeMounts", "ports", "securityContext", "lifecycle"}
PROBES = {"startupProbe", "readinessProbe", "livenessProbe"}
VARIABLES = {
    "HF_HUB_CACHE",
    "MODELSCOPE_CACHE",
    "HF_TOKEN",
    "VLLM_CACHE_ROOT",
    "TRITON_CACHE_DIR",
    "TORCHINDUCTOR_CACHE_DIR",
}
# Kubernetes' defaults for unset fields.
PROBE = {
    "periodSeconds": 10,
    "timeoutSeconds": 1,
    "failureThreshold": 3,
    "successThreshold": 1,
    "initialDelaySeconds": 0,
}
UNSAID: dict[str, Any] = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "preemptionPolicy": "PreemptLowerPriority",
}


def texts(name: str) -> tuple[str, dict[str, Any]]:
    """Return the resource's text, and the operator's pod template."""
    resource, _, template = (FOLDER / f"{name}.yaml").read_text().rpartition("\n---\n")
    return resource, yaml.safe_load(template)


@pytest.fixture
def on_path(newest_helm: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PATH", str(Path(newest_helm).parent), prepend=":")
    return newest_helm


@functools.cache
def imported(name: str) -> Part:
    return import_llmos(texts(name)[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_operator_makes_this_pod(name: str) -> None:
    resource, wanted = texts(name)
    made = operators_objects(find_model_services(read_objects(resource))[0])[0]["spec"]["template"]
    containers = made["spec"]["containers"] + wanted["spec"]["containers"]
    for container in containers:
        container["args"] = sorted(container.get("args", []))  # the operator adds its own in random order
    assert made == wanted


@pytest.mark.parametrize("name", NAMES)
def test_the_pod_is_equivalent_to_the_operators_pod(name: str, on_path: str) -> None:
    values = values_of(imported(name).settings)
    assert errors(check(read("values.yaml", json.dumps(values).encode()))) == []
    rendered = objects(on_path, values, release="imported")
    wanted = texts(name)[1]
    old, new = wanted["spec"]["containers"][0], server(rendered)
    assert flags_of([*new["command"], *new["args"]][2:]) == said_by(
        old["args"], flags_of([*new["command"], *new["args"]][2:])
    )
    assert_variables(old, new)
    assert amounts(new["resources"]) == amounts(old["resources"])
    assert mounts(workload(rendered)["spec"], new) == mounts({"template": wanted, **claims(name)}, old)
    for probe in PROBES:
        assert asked(new[probe]) == asked(old[probe])
    for key in (old.keys() | new.keys()) - CONTAINER - PROBES - {"terminationMessagePolicy", "terminationMessagePath"}:
        assert new.get(key) == old.get(key), key
    assert_pod(wanted["spec"], pod(rendered))
    about = workload(rendered)["spec"]["template"]["metadata"]
    assert kept(about["labels"], "app.kubernetes.io/") == kept(wanted["metadata"]["labels"], "ml.llmos.ai/")
    assert about.get("annotations", {}) == kept(
        wanted["metadata"]["annotations"], "llmos.ai/", "field.cattle.io/description"
    )


def said_by(args: list[str], new: dict[Any, Any]) -> dict[Any, Any]:
    found = flags_of(args)
    found.pop(("--task", ""), None)  # in the flags of the image's release, see test_tasks
    if found.get(("--tensor-parallel-size", "")) == [False, "1"]:
        del found["--tensor-parallel-size", ""]  # the default
    slices = {key: new[key] for key in new if key[0] == "--disable-custom-all-reduce"}
    return found | slices


def assert_variables(old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = ({e["name"]: e.get("value", e.get("valueFrom")) for e in one["env"]} for one in (old, new))
    for name, value in before.items():
        if isinstance(value, dict):
            value.get("fieldRef", {}).pop("apiVersion", None)
        assert after[name] == value
    assert after.keys() - before.keys() <= VARIABLES | {"FLASHINFER_WORKSPACE_BASE"}
    assert new.get("envFrom") == old.get("envFrom")


def amounts(resources: dict[str, Any]) -> dict[str, Any]:
    limits = resources["limits"]
    requests = limits | resources["requests"]
    return {
        part: {k: amount(v) for k, v in found.items()} for part, found in (("limits", limits), ("requests", requests))
    }


def claims(name: str) -> dict[str, Any]:
    spec = find_model_services(read_objects(texts(name)[0]))[0]["spec"]
    return {"volumeClaimTemplates": spec["volumeClaimTemplates"], "replicas": spec["replicas"]}


def mounts(spec: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    """Return the mounts by path, with the mounted volume; a claim template has the name of the first pod's claim."""
    found = {}
    resource = spec["template"]["metadata"]["labels"].get("ml.llmos.ai/model-service-name", "").replace(".", "-")
    volumes = {
        one["name"]: {k: v for k, v in one.items() if k != "name"}
        for one in spec["template"]["spec"].get("volumes", [])
    }
    for template in spec.get("volumeClaimTemplates", []):
        name = template["metadata"]["name"]
        several = spec["replicas"] > 1 or not resource
        own = {"persistentVolumeClaim": {"claimName": f"{name}-modelservice-{resource}-0"}}
        volumes[name] = {"template": name} if several else own
    for mount in container["volumeMounts"]:
        source = volumes[mount["name"]]
        if limit := source.get("emptyDir", {}).get("sizeLimit"):
            source = {"emptyDir": {**source["emptyDir"], "sizeLimit": amount(limit)}}
        found[mount["mountPath"]] = {**source, "readOnly": mount.get("readOnly", False)}
    return found


def asked(probe: dict[str, Any]) -> dict[str, Any]:
    found = PROBE | probe
    for handler in ("httpGet", "tcpSocket"):
        if found.get(handler, {}).get("port") == 8000:
            found[handler] = {**found[handler], "port": "http"}
    return found


def assert_pod(old: dict[str, Any], new: dict[str, Any]) -> None:
    for key in (
        (old.keys() | new.keys()) - POD - {"containers", "initContainers", "volumes", "serviceAccount", "nodeName"}
    ):
        default = "default" if key == "serviceAccountName" else UNSAID.get(key, False)
        if key == "affinity" and "nodeName" in old:
            (term,) = new[key]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
            assert term == {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [old["nodeName"]]}]}
        else:
            assert (new.get(key) or default) == (old.get(key) or default), key
    assert new["containers"][1:] == old["containers"][1:]
    downloads = [container["name"] for container in new.get("initContainers", [])]
    assert downloads == ["download-model" for _ in old["initContainers"]]


def kept(pairs: dict[str, str], *prefixes: str) -> dict[str, str]:
    return {key: value for key, value in pairs.items() if not key.startswith(prefixes)}


def test_tasks(on_path: str) -> None:
    for name, task in (("embedding", "embed"), ("local-score", "classify")):
        args = server(objects(on_path, values_of(imported(name).settings)))["args"]
        assert {"--runner=pooling", f"--convert={task}"} <= set(args)


LOST = [
    ("chat", "modelVolume.preDownload", "download"),
    ("chat", "gpu.vgpu.enabled", "server.limits.volcano.sh/vgpu-number"),
    ("embedding", "model.task", "arguments.task"),
    ("embedding", "model.source", "server.env.VLLM_USE_MODELSCOPE"),
    ("embedding", "replicas", "workload.replicas"),
]


@pytest.mark.parametrize(("name", "key", "path"), LOST)
def test_a_field_that_is_lost_is_found_by_the_comparison(name: str, key: str, path: str, on_path: str) -> None:
    made = [plain(item) for item in operators_objects(find_model_services(read_objects(texts(name)[0]))[0])]
    settings = {field: value for field, value in imported(name).settings.items() if field != key}
    found = with_differences(Part(settings), find_workloads(made)[0], made).notes
    assert path in [note.written for note in found]


def test_state_and_service(on_path: str) -> None:
    stopped = objects(on_path, values_of(imported("embedding").settings))
    assert workload(stopped)["spec"]["replicas"] == 0
    assert one("Service", stopped)["spec"]["type"] == "NodePort"
    assert one("Service", objects(on_path, values_of(imported("chat").settings)))["spec"]["ports"][0]["port"] == 8000


def test_claims_of_several_pods_are_found_by_name(on_path: str) -> None:
    found = workload(objects(on_path, values_of(imported("everything").settings), release="other"))
    assert found["metadata"]["name"] == "modelservice-all"
    assert found["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] == "model-dir"


def test_only_claims_that_would_be_deleted_and_an_unknown_node_port_are_noted(on_path: str) -> None:
    notes = {name: [note.written for note in imported(name).notes] for name in NAMES}
    everything = notes.pop("everything")
    assert everything == ["llmos.ai/on-delete-volumes: model-dir-modelservice-all-0"]
    assert notes.pop("embedding") == ["service.nodePort"]
    assert set(map(tuple, notes.values())) == {()}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: ConfigMap\nmetadata: {}", "no LLMOS ModelService"),
        (
            "{kind: ModelService, apiVersion: ml.llmos.ai/v1, metadata: {name: a}}",
            "a lacks spec.model and a container in spec.template",
        ),
        ("a: 1", "no Kubernetes object"),
        ("{kind: List, apiVersion: v1, items: [], metadata: {resourceVersion: ''}}", "the list contains no object"),
        ("{", "objects.yaml:2:1: a value is missing here"),
    ],
)
def test_unreadable_input_is_reported(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        import_llmos(text)


def test_one_of_several_is_chosen_by_name() -> None:
    both = "\n---\n".join(texts(name)[0] for name in ("chat", "older"))
    with pytest.raises(InputError, match=r"with -o: ModelService models/qwen2\.5, ModelService default/opt"):
        import_llmos(both)
    part = import_llmos(both, "opt")
    assert part.settings["model.name"] == "facebook/opt-125m"
    assert part.notes == ()


def test_a_download_without_a_volume_is_left_out_with_a_note() -> None:
    container = {"name": "server", "image": "vllm/vllm-openai:v0.33.0"}
    spec = {"model": "m/n", "modelRegistry": "huggingface", "template": {"spec": {"containers": [container]}}}
    item = {"apiVersion": "ml.llmos.ai/v1", "kind": "ModelService", "metadata": {"name": "a"}, "spec": spec}
    part = import_llmos(json.dumps(item))
    assert "modelVolume.preDownload" not in part.settings
    assert [note.written for note in part.notes][:1] == ["initContainers"]
    assert not errors(check(read("values.yaml", json.dumps(values_of(part.settings)).encode())))


def test_a_resource_without_ports_listens_on_the_consoles_port(on_path: str) -> None:
    resource = yaml.safe_load(texts("chat")[0])
    with_ports = import_llmos(json.dumps(resource))
    del resource["spec"]["template"]["spec"]["containers"][0]["ports"]
    part = import_llmos(json.dumps(resource))
    assert (part.settings, part.notes) == (with_ports.settings, with_ports.notes)
    assert [remark.written for remark in part.remarks if remark not in with_ports.remarks] == ["ports"]


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> str:
    resource = yaml.safe_load(texts(name)[0])
    change(resource)
    return json.dumps(resource)


def with_snapshot(resource: dict[str, Any]) -> None:
    claim = resource["spec"]["volumeClaimTemplates"][0]["spec"]
    snapshot = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "models"}
    claim |= {"accessModes": ["ReadOnlyMany"], "dataSource": snapshot}


def with_read_only_claim(resource: dict[str, Any]) -> None:
    spec = resource["spec"]["template"]["spec"]
    resource["spec"]["volumeClaimTemplates"] = []
    claim = {"name": "model-dir", "persistentVolumeClaim": {"claimName": "models", "readOnly": True}}
    spec["volumes"] = [*spec.get("volumes", []), claim]


@pytest.mark.parametrize("change", [with_snapshot, with_read_only_claim])
def test_nothing_is_downloaded_to_a_read_only_volume(change: Callable[[dict[str, Any]], None], on_path: str) -> None:
    part = import_llmos(changed("chat", change))
    assert part.notes == ()
    values = values_of(part.settings)
    assert "preDownload" not in values["modelVolume"]
    assert not errors(check(read("values.yaml", json.dumps(values).encode())))
    assert "initContainers" not in pod(objects(on_path, values))
    reasons = {written: remark.reason for remark in part.remarks for written in remark.written.split(", ")}
    assert reasons["download"].startswith("it cannot write to the read-only volume")
    assert "read-only volume" in reasons["server.env.HOME"]


# As the API server stores it.
SERVICE = """
apiVersion: v1
kind: Service
metadata:
  name: modelservice-bge-m3
  namespace: models
  uid: 6d0c1f0e-0000-4000-8000-000000000009
  ownerReferences: [{apiVersion: ml.llmos.ai/v1, kind: ModelService, name: bge-m3, uid: x}]
spec:
  type: NodePort
  clusterIP: 10.43.0.9
  selector: {ml.llmos.ai/model-service-name: bge-m3, ml.llmos.ai/type: model-service}
  ports: [{name: http, port: 8000, targetPort: http, nodePort: 31234, protocol: TCP}]
"""


def test_the_node_port_comes_from_the_operators_service(on_path: str) -> None:
    part = import_llmos(texts("embedding")[0] + "\n---\n" + SERVICE)
    assert part.notes == ()
    (ports,) = one("Service", objects(on_path, values_of(part.settings)))["spec"]["ports"]
    assert ports["nodePort"] == 31234
    reasons = {remark.written: remark.reason for remark in part.remarks}
    assert "delete ModelService bge-m3, which owns the old Service" in reasons["nodePort 31234"]
    elsewhere = SERVICE.replace("namespace: models", "namespace: other")
    assert [note.written for note in import_llmos(texts("embedding")[0] + "\n---\n" + elsewhere).notes] == [
        "service.nodePort"
    ]


def test_a_name_with_its_namespace_chooses_one_of_two() -> None:
    def moved(resource: dict[str, Any]) -> None:
        resource["metadata"]["namespace"] = "other"
        resource["spec"]["model"] = "a/b"

    both = texts("chat")[0] + "\n---\n" + changed("chat", moved)
    with pytest.raises(InputError, match=r"with --object.*: ModelService models/qwen2\.5, ModelService other/qwen2\.5"):
        import_llmos(both, "qwen2.5")
    assert import_llmos(both, "other/qwen2.5").settings["model.name"] == "a/b"
    with pytest.raises(InputError, match=r"named x/qwen2\.5; found: models/qwen2\.5, other/qwen2\.5"):
        import_llmos(both, "x/qwen2.5")


def test_each_missing_field_is_named_alone() -> None:
    with pytest.raises(InputError, match=r"^ModelService qwen2\.5 lacks spec\.model$"):
        import_llmos(changed("chat", lambda resource: resource["spec"].pop("model")))


def test_the_header_names_release_namespace_and_replicas(tmp_path: Path) -> None:
    def stopped(resource: dict[str, Any]) -> None:
        resource["metadata"]["annotations"]["llmos.ai/resource-stopped"] = "true"
        resource["spec"]["replicas"] = 2

    (tmp_path / "a.yaml").write_text(changed("chat", stopped))
    answer = CliRunner().invoke(main, ["import", "llmos", str(tmp_path / "a.yaml")])
    assert answer.stdout.splitlines()[:3] == [
        "# Imported from ModelService models/qwen2.5.",
        "# Replicas before it was stopped: 2",
        "# Install it with: helm install qwen2.5 CHART -n models -f FILE",
    ]
    assert "differs: replicas: 0: the service is stopped; when it runs, it has 2" in answer.stderr


def test_several_services_become_files_in_a_folder(tmp_path: Path, on_path: str) -> None:
    file = tmp_path / "all.yaml"
    file.write_text("\n---\n".join(texts(name)[0] for name in NAMES))
    answer = CliRunner().invoke(main, ["import", "llmos", str(file), "-o", f"{tmp_path}/out/"])
    assert answer.exit_code == 0, answer.output
    written = sorted((tmp_path / "out").glob("*/*.yaml"), key=lambda path: path.name)
    assert [path.name for path in written] == ["all.yaml", "bge-m3.yaml", "opt.yaml", "qwen2.5.yaml", "rerank.yaml"]
    # The size of a claim that exists has no effect.
    assert "claim-settings-unused" not in answer.stderr
    valid = CliRunner().invoke(main, ["validate", *map(str, written)])
    assert valid.exit_code == 0, valid.output
