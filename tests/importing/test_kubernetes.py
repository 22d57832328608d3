"""Manifests of other projects: the rendered pod is equivalent, every difference is listed, and no secret is printed."""

import copy
import functools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from modelservice.check import check, errors
from modelservice.cli import main
from modelservice.errors import InputError
from modelservice.importing.cluster_objects import find_workloads
from modelservice.importing.part import Part, values_of
from modelservice.importing.rendered_difference import MEANT, with_differences
from modelservice.reading.document import read
from modelservice.writing.dump import dump

from tests.importing.filled_by_kubernetes import filled
from tests.importing.from_text import import_kubernetes, read_objects

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "kubernetes"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
# The notes that are expected; everything else in the stream is imported, or differs on purpose.
NOTED = {
    "keda": ["NetworkPolicy gemma", "autoscaling.cooldownPeriod", "httpRoute.rules./.filters"],
    "openshift": ["registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.1", "Route granite"],
    "production-stack": [
        "Service port 55555",
        "Service port 9999",
        "Service vllm-router-service",
        "Deployment vllm-deployment-router",
        "service.headless",
    ],
    "statefulset": ["Service vllm-headless"],
}


@pytest.fixture(autouse=True)
def on_path(newest_helm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(newest_helm).parent), prepend=":")


def text(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text()


@functools.cache
def imported(name: str) -> Part:
    return import_kubernetes(text(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_becomes_values_that_render_and_every_difference_is_listed(name: str) -> None:
    part = imported(name)
    values = dump(values_of(part.settings))
    assert errors(check(read("values.yaml", values.encode()))) == []
    assert [note.written for note in part.notes] == NOTED.get(name, [])
    said = values + repr(part)
    assert "hunter2" not in said
    assert "aHVudGVy" not in said


@pytest.mark.parametrize("name", NAMES)
def test_what_a_cluster_adds_changes_nothing(name: str) -> None:
    stored = [filled(item) for item in yaml.safe_load_all(text(name))]
    again = import_kubernetes(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": stored}))
    before = imported(name)
    assert values_of(again.settings) == values_of(before.settings)
    assert [note.written for note in again.notes] == [note.written for note in before.notes]


EXPECTED: dict[str, dict[str, Any]] = {
    "vllm-docs-gpu": {"modelVolume.existingClaim": "mistral-7b", "service.port": 80, "sharedMemory.sizeLimit": "2Gi"},
    "vllm-docs-cpu": {
        "gpu.count": 0,
        "huggingFace.tokenSecret.name": "hf-token-secret",
        "serviceAccount.create": False,
    },
    "vllm-docs-rocm": {"gpu.resourceName": "amd.com/gpu", "podSpec": {"hostIPC": True, "hostNetwork": True}},
    "production-stack": {"apiKeySecret.keys": ["vllmApiKey"], "modelVolume.mountPath": "/data", "startupSeconds": 600},
    "gke-gemma": {"model.name": "google/gemma-3-1b-it", "modelVolume.enabled": False},
    "gke-bucket": {"model.source": "local", "modelVolume.readOnly": True, "autoscaling.maxReplicas": 5},
    "eks-ingress": {"modelVolume.accessModes": ["ReadWriteMany"], "ingress.hosts": ["llm.example.com"], "gpu.count": 4},
    "openshift": {"startupSeconds": 720, "strategy": {"type": "Recreate"}, "huggingFace.tokenSecret.name": "hf-token"},
    "llm-d": {"containerPort": 8200, "replicas": 8, "serviceMonitor.enabled": True},
    "statefulset": {"modelVolume.existingClaim": "cache-vllm-0", "modelVolume.subPath": "vllm", "nodeName": "tower"},
    "init-sync": {"gpu.count": 8, "model.name": "/models/gpt-oss-120b", "model.servedName": "gpt-oss"},
    "envfrom": {"model.name": "Qwen/Qwen3-8B", "service.nodePort": 30862},
    "pod": {"args": ["--enforce-eager"], "resources.limits": {"cpu": "4", "memory": "16Gi"}},
    "keda": {"autoscaling.kind": "ScaledObject", "httpRoute.paths": ["/"], "serviceMonitor.scrapeTimeout": "10s"},
    "config-file": {"service.port": 8080, "imagePullSecrets": [{"name": "registry"}]},
}


@pytest.mark.parametrize("name", NAMES)
def test_imported_values_are_as_expected(name: str) -> None:
    settings = imported(name).settings
    assert {key: settings.get(key) for key in EXPECTED[name]} == EXPECTED[name]


LOST = [
    ("eks-ingress", "tolerations", "pod.tolerations"),
    ("eks-ingress", "modelVolume.existingClaim", "server.mounts./models.persistentVolumeClaim.claimName"),
    ("eks-ingress", "env", "server.env.HF_HOME"),
    ("eks-ingress", "startupSeconds", "server.startupProbe.failureThreshold"),
    ("eks-ingress", "service.port", "service.port"),
    ("eks-ingress", "nodeSelector", "pod.nodeSelector"),
    ("eks-ingress", "apiKeySecret.name", "apiKey"),
    ("eks-ingress", "model.toolCallParser", "arguments.--tool-call-parser"),
    ("eks-ingress", "topologySpreadConstraints", "pod.topologySpreadConstraints"),
    ("eks-ingress", "ingress.annotations", "ingress.annotations.alb.ingress.kubernetes.io/scheme"),
    ("eks-ingress", "ingress.tls", "ingress.tls"),
    ("eks-ingress", "podDisruptionBudget.minAvailable", "podDisruptionBudget.minAvailable"),
    ("gke-bucket", "autoscaling.kind", "autoscaling"),
    ("gke-bucket", "autoscaling.maxReplicas", "autoscaling.maxReplicas"),
    ("gke-bucket", "autoscaling.metrics", "autoscaling.metrics"),
    ("keda", "autoscaling.triggers", "autoscaling.triggers"),
    ("keda", "httpRoute.hostnames", "httpRoute.hostnames"),
    ("keda", "httpRoute.paths", "httpRoute.rules./"),
    ("keda", "serviceMonitor.interval", "serviceMonitor.endpoints[0].interval"),
    ("keda", "serviceMonitor.labels", "serviceMonitor.labels.release"),
    ("llm-d", "serviceMonitor.enabled", "serviceMonitor"),
    ("statefulset", "service.annotations", "service.annotations.metallb.universe.tf/loadBalancerIPs"),
    ("keda", "args", "arguments.--limit-mm-per-prompt"),
    ("llm-d", "replicas", "workload.replicas"),
    ("llm-d", "initContainers", "initContainers.routing-proxy"),
    ("statefulset", "huggingFace.endpoint", "server.env.HF_ENDPOINT"),
    ("statefulset", "nodeName", "pod.affinity"),
    ("vllm-docs-gpu", "resources.limits", "server.limits.cpu"),
    ("vllm-docs-gpu", "huggingFace.tokenSecret.name", "server.env.HF_TOKEN"),
    ("vllm-docs-rocm", "securityContext", "server.securityContext.runAsGroup"),
]


@pytest.mark.parametrize(("name", "key", "path"), LOST)
def test_a_field_that_is_lost_is_found_by_the_comparison(name: str, key: str, path: str) -> None:
    objects = read_objects(text(name))
    settings = {field: value for field, value in imported(name).settings.items() if field != key}
    found = with_differences(Part(settings), find_workloads(objects)[0], objects).notes
    assert path in [note.written for note in found]


def test_equal_quantities_are_no_difference() -> None:
    """The API server stores 0.5 as 500m: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/."""
    limits = {"cpu": 0.5, "memory": "1024Mi", "ephemeral-storage": "1Gi"}
    item = changed(resources={"limits": limits}, volumeMounts=[{"name": "a", "mountPath": "/a"}])
    item["spec"]["template"]["spec"]["volumes"] = [{"name": "a", "emptyDir": {"sizeLimit": "1024Mi"}}]
    objects = read_objects(dump(item))
    others = {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "2Gi"}
    volumes = [{"name": "a", "emptyDir": {"sizeLimit": "1Gi"}}]
    settings = {**import_kubernetes(dump(item)).settings, "resources.limits": others, "volumes": volumes}
    found = with_differences(Part(settings), find_workloads(objects)[0], objects).notes
    assert [note.written for note in found] == ["server.limits.ephemeral-storage"]


REFUSED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: a}}
    spec:
      containers:
        - name: vllm
          image: vllm/vllm-openai:v0.10.0
          args: [m/n]
          env: [{name: VLLM_API_KEY, valueFrom: {secretKeyRef: {name: k, key: key}}}]
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{port: 80, targetPort: 8000}, {name: side, port: 9000}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a, labels: {router: public}}
spec:
  rules:
    - host: a.example.com
      http:
        paths:
          - {path: /v1/, pathType: ImplementationSpecific, backend: {service: {name: a, port: {number: 80}}}}
          - {path: /x, pathType: Exact, backend: {service: {name: a, port: {number: 80}}}}
          - {path: /side, pathType: Prefix, backend: {service: {name: a, port: {name: side}}}}
    - host: b.example.com
      http: {paths: [{path: /*, pathType: ImplementationSpecific, backend: {service: {name: a, port: {number: 80}}}}]}
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: a, annotations: {owner: search}}
spec: {scaleTargetRef: {kind: Deployment, name: a}, maxReplicas: 6, targetCPUUtilizationPercentage: 50}
"""


HOSTLESS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  template:
    metadata: {labels: {app: a}}
    spec:
      containers: [{name: vllm, image: "vllm/vllm-openai:v0.33.0", args: [m/n]}]
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{port: 80, targetPort: 8000}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a, annotations: {alb.ingress.kubernetes.io/scheme: internal}}
spec:
  ingressClassName: alb
  tls: [{secretName: cert}]
  rules:
    - http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec:
  parentRefs: [{name: public}]
  rules: [{matches: [{path: {value: /v1}}], backendRefs: [{name: a, port: 80}]}]
"""


def test_routes_for_every_host_name_are_imported_and_valid() -> None:
    part = import_kubernetes(HOSTLESS)
    assert (part.settings["ingress.hosts"], part.settings["ingress.tls"]) == (["*"], [{"secretName": "cert"}])
    assert "httpRoute.hostnames" not in part.settings
    assert part.notes == ()
    assert errors(check(read("values.yaml", dump(values_of(part.settings)).encode()))) == []


def test_results_that_the_chart_refuses_are_compared_too() -> None:
    notes = [note.written for note in import_kubernetes(REFUSED).notes]
    assert notes == [
        "Service port 9000",
        "ingress.rules.a.example.com/x.pathType",
        "ingress.rules.a.example.com/side",
        "ingress.rules.a.example.com/",
        "ingress.rules.b.example.com/v1",
        "ingress.rules.b.example.com/x",
        "ingress.labels.router",
        "autoscaling.annotations.owner",
        "the chart refuses the result [api-key-bypass]",
    ]


def test_a_yaml_mistake_is_reported_in_its_file(tmp_path: Path) -> None:
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    files[0].write_text(text("pod"))
    files[1].write_text("kind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n")
    answer = CliRunner().invoke(main, ["import", "kubernetes", *map(str, files)])
    assert answer.stderr.startswith(f"error: {files[1]}:3:10: ")
    assert "helm template" in answer.stderr


def test_without_helm_the_values_are_the_same_but_strict_refuses_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ["import", "kubernetes", str(FOLDER / "pod.yaml")]
    compared = CliRunner().invoke(main, words)
    monkeypatch.setenv("PATH", str(tmp_path))
    answer, strict = (CliRunner().invoke(main, [*words, *more]) for more in ((), ("--strict",)))
    assert (answer.exit_code, answer.stdout) == (0, compared.stdout)
    assert "note: the values were not compared with the original: helm is not on PATH" in answer.stderr
    assert (strict.exit_code, strict.stdout) == (1, "")
    assert "error: --strict: the values were not compared with the original: helm is not on PATH" in strict.stderr


def test_reasons_are_documented() -> None:
    page = (ROOT / "docs/import.md").read_text()
    assert [one.reason for one in MEANT if one.reason not in page] == []


def test_strict_counts_losses_but_not_intended_differences() -> None:
    run = CliRunner().invoke
    assert run(main, ["import", "kubernetes", str(FOLDER / "pod.yaml"), "--strict"]).exit_code == 0
    answer = run(main, ["import", "kubernetes", str(FOLDER / "keda.yaml"), "--strict"])
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "differs: " in answer.stderr


def in_namespaces(*namespaces: str) -> str:
    """Return the same Deployment and Service in namespaces, each with another port and model."""
    items = []
    for number, namespace in enumerate(namespaces):
        item = changed(args=[f"m/{namespace}"])
        item["metadata"] = {"name": "a", "namespace": namespace}
        item["spec"]["template"]["metadata"] = {"labels": {"app": "a"}}
        ports = [{"port": 8001 + number, "targetPort": 8000}]
        service = {"kind": "Service", "metadata": item["metadata"], "spec": {"selector": {"app": "a"}, "ports": ports}}
        items += [item, service]
    return yaml.safe_dump_all(items)


def test_several_services_become_files_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(in_namespaces("x", "y"))
    words = ["import", "kubernetes", "-f", str(tmp_path / "all.yaml")]
    several = CliRunner().invoke(main, words)
    said = "choose one with --object, or import all into a folder with -o: Deployment x/a, Deployment y/a"
    assert (several.exit_code, said in several.stderr) == (1, True), several.stderr
    answer = CliRunner().invoke(main, [*words, "-o", f"{tmp_path}/out/"])
    assert answer.exit_code == 0, answer.output
    files = (tmp_path / "out").rglob("*.yaml")
    found = {f"{path.parent.name}/{path.name}": yaml.safe_load(path.read_text()) for path in files}
    assert {name: (one["model"]["name"], one["service"]["port"]) for name, one in found.items()} == {
        "x/a.yaml": ("m/x", 8001),
        "y/a.yaml": ("m/y", 8002),
    }
    assert "note: " not in answer.stderr
    again = CliRunner().invoke(main, [*words, "-o", f"{tmp_path}/out"])
    assert (again.exit_code, "x/a.yaml already exists" in again.stderr) == (1, True)


def test_an_object_in_another_namespace_belongs_to_no_workload() -> None:
    part = import_kubernetes(in_namespaces("x", "y"), "y/a")
    assert part.settings["service.port"] == 8002
    assert [note.written for note in part.notes] == ["Deployment x/a", "Service x/a"]


def test_several_files_are_one_stream(tmp_path: Path) -> None:
    first, _, rest = text("vllm-docs-gpu").partition("\n---\n")
    (tmp_path / "a.yaml").write_text(rest)
    (tmp_path / "b.yaml").write_text(first)
    answer = CliRunner().invoke(main, ["import", "kubernetes", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")])
    assert "existingClaim: mistral-7b" in answer.stdout


DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a"},
    "spec": {
        "template": {"spec": {"containers": [{"name": "c", "image": "vllm/vllm-openai:v0.33.0", "args": ["m/n"]}]}}
    },
}


def changed(**fields: Any) -> dict[str, Any]:
    """Return a Deployment whose container has other fields."""
    found = copy.deepcopy(DEPLOYMENT)
    found["spec"]["template"]["spec"]["containers"][0] |= fields
    return found


def container_of(**fields: Any) -> Part:
    return import_kubernetes(dump(changed(**fields)))


def test_gpus_that_the_original_does_not_use_are_not_used() -> None:
    limits = {"limits": {"nvidia.com/gpu": 4}}
    assert container_of(resources=limits).settings["args"] == ["--tensor-parallel-size=1"]


def test_a_split_computed_from_the_gpus_becomes_their_number() -> None:
    script = "vllm serve m/n --tensor-parallel-size $(nvidia-smi -L | wc -l)"
    part = container_of(command=["sh", "-c"], args=[script], resources={"limits": {"nvidia.com/gpu": 4}})
    assert (part.settings["gpu.count"], part.settings.get("args", []), part.notes) == (4, [], ())


def test_a_path_after_the_images_command_is_the_model() -> None:
    claim = {"name": "m", "persistentVolumeClaim": {"claimName": "m", "readOnly": True}}
    item = changed(args=["/models/x"], volumeMounts=[{"name": "m", "mountPath": "/models"}])
    item["spec"]["template"]["spec"]["volumes"] = [claim]
    part = import_kubernetes(dump(item))
    assert (part.settings["model.name"], part.settings["modelVolume.readOnly"], part.notes) == ("/models/x", True, ())


def test_a_custom_command_is_kept_with_a_note() -> None:
    part = container_of(command=["/scripts/start.sh"], args=[])
    assert part.settings["command"] == ["/scripts/start.sh"]
    assert [note.written for note in part.notes] == ["/scripts/start.sh", "arguments.command"]


def test_values_that_only_the_shell_knows_are_in_no_field() -> None:
    script = "vllm serve m/n --served-model-name $(hostname) | tee /log"
    part = container_of(command=["sh", "-c"], args=[script])
    assert "model.servedName" not in part.settings
    assert {"$hostname", "| tee"} <= {note.written for note in part.notes}


def test_a_script_before_vllm_is_kept() -> None:
    part = container_of(command=["sh", "-c"], args=["pip install x && vllm serve m/n --seed 1"])
    assert part.settings["command"] == ["sh", "-c", 'pip install x && exec vllm serve m/n "$@"', "sh"]
    assert (part.settings["args"], part.notes) == (["--seed=1"], ())


def test_commands_after_vllm_in_a_script_are_noted() -> None:
    part = container_of(command=["sh", "-c"], args=["vllm serve m/n --seed 1 2>&1 | tee /tmp/log || exit 1"])
    assert (part.settings["args"], [note.written for note in part.notes]) == (["--seed=1"], ["| tee", "|| exit"])


def test_a_removed_secret_is_noted_once() -> None:
    item = copy.deepcopy(DEPLOYMENT)
    item["metadata"]["annotations"] = {"note": "token hf_hunter2hunter2hunter2hunter2hunter2"}
    assert [note.written for note in import_kubernetes(dump(item)).notes] == ["workload.annotations.note"]


@pytest.mark.parametrize("before", ["", "pip install x && "])
@pytest.mark.parametrize(("model", "length"), [("$MODEL", "$LENGTH"), ("${MODEL:-other/model}", "${LENGTH:-1}")])
def test_variables_in_a_script_are_resolved(before: str, model: str, length: str) -> None:
    variables = [{"name": "MODEL", "value": "m/n"}, {"name": "LENGTH", "value": "4096"}, {"name": "SEED", "value": ""}]
    script = f"{before}vllm serve {model} --max-model-len {length} --seed ${{SEED:-3}}"
    part = container_of(command=["sh", "-c"], args=[script], env=variables)
    assert part.settings["model.name"] == "m/n"
    assert part.settings["args"] == ["--max-model-len=$(LENGTH)", "--seed=3"]
    command = ["sh", "-c", f'{before}exec vllm serve m/n "$@"', "sh"]
    assert part.settings.get("command") == (command if before else None)


def test_a_model_named_by_a_variable_is_kept_as_a_variable() -> None:
    source = {"name": "MODEL", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "model"}}}
    part = container_of(command=["vllm", "serve", "$(MODEL)"], args=[], env=[source])
    assert part.settings["command"] == ["vllm", "serve", "$(MODEL)"]
    assert [note.written for note in part.notes] == ["$(MODEL)"]


def test_pods_of_a_deployment_in_the_stream_are_skipped() -> None:
    owner = {"kind": "ReplicaSet", "name": "a-5d9f"}
    about = {"name": "a-5d9f-x", "ownerReferences": [owner]}
    pod = {"kind": "Pod", "metadata": about, "spec": DEPLOYMENT["spec"]["template"]["spec"]}
    part = import_kubernetes(yaml.safe_dump_all([pod, DEPLOYMENT]))
    assert part.notes == ()


def test_the_deployment_that_an_operators_resource_makes_is_imported() -> None:
    owner = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "name": "a"}
    service = {"kind": "InferenceService", "metadata": {"name": "a"}, "spec": {"predictor": {"model": {}}}}
    item = DEPLOYMENT | {"metadata": {"name": "a-predictor", "ownerReferences": [owner]}}
    part = import_kubernetes(yaml.safe_dump_all([service, item]))
    assert part.settings["model.name"] == "m/n"
    assert [note.written for note in part.notes] == ["InferenceService a"]


def test_an_autoscaler_made_by_keda_is_not_imported() -> None:
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "a"}
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "maxReplicas": 3}
    scaler = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "k", "ownerReferences": [owner]}, "spec": spec}
    part = import_kubernetes(yaml.safe_dump_all([DEPLOYMENT, scaler]))
    assert "autoscaling.kind" not in part.settings
    assert [(note.written, note.reason) for note in part.notes] == [
        ("HorizontalPodAutoscaler k", "ScaledObject a makes it: import that object too")
    ]


def test_a_config_map_value_that_becomes_a_field_is_noted() -> None:
    assert "$MODEL" in [remark.written for remark in imported("envfrom").remarks]
    assert imported("envfrom").settings["args"][0] == "--max-model-len=$(MAX_MODEL_LEN)"


def test_rules_that_select_pods_by_the_charts_labels_are_noted() -> None:
    labels = {"app.kubernetes.io/name": "a"}
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": labels}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    item = copy.deepcopy(DEPLOYMENT)
    item["spec"]["template"] |= {"metadata": {"labels": labels}}
    item["spec"]["template"]["spec"]["affinity"] = affinity
    assert [note.written for note in import_kubernetes(dump(item)).notes] == ["affinity.podAntiAffinity"]


def test_conflicting_rights_are_not_both_written() -> None:
    assert container_of(securityContext={"privileged": True}).settings["securityContext"] == {
        "privileged": True,
        "allowPrivilegeEscalation": "",
    }


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        ([{**DEPLOYMENT, "kind": "DaemonSet"}], "DaemonSet a cannot be imported: only Deployments"),
        ([{**DEPLOYMENT, "kind": "ModelService"}], "ModelService a belongs to LLMOS: use `modelservice import llmos`"),
        ([DEPLOYMENT, {**DEPLOYMENT, "metadata": {"name": "b"}}], "Deployment a, Deployment b"),
        ([changed(image="nginx", args=[])], "no Deployment, StatefulSet or Pod runs vLLM; found: Deployment a"),
        ([{"kind": "Service", "metadata": {"name": "x"}}], "found: Service x"),
    ],
)
def test_input_that_makes_no_service_is_refused(objects: list[Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        import_kubernetes(yaml.safe_dump_all(objects))


VALUES = {"model": {"name": "m/n"}, "gpu": {"count": 2}}
RELEASE = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "x"}}
APPLICATION = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "x"}}


@pytest.mark.parametrize(
    "item",
    [
        {**RELEASE, "spec": {"values": VALUES}},
        {**APPLICATION, "spec": {"source": {"helm": {"valuesObject": VALUES}}}},
        {**APPLICATION, "spec": {"sources": [{"path": "charts/qwen", "helm": {"values": dump(VALUES)}}]}},
        {
            "apiVersion": "helm.cattle.io/v1",
            "kind": "HelmChart",
            "metadata": {"name": "x"},
            "spec": {"chart": "oci://registry.example.com/charts/modelservice", "valuesContent": dump(VALUES)},
        },
    ],
)
def test_the_values_of_a_gitops_object_are_used_unchanged(item: dict[str, Any]) -> None:
    assert values_of(import_kubernetes(dump(item)).settings) == VALUES


def test_values_of_another_chart_are_refused_unless_its_workload_is_in_the_stream() -> None:
    other = {**RELEASE, "spec": {"values": {"controllers": {}}}}
    part = import_kubernetes(yaml.safe_dump_all([other, DEPLOYMENT]))
    assert [note.written for note in part.notes] == ["HelmRelease x"]
    with pytest.raises(InputError, match="helm template"):
        import_kubernetes(dump(other))


SECRETS: list[dict[str, Any]] = [
    {"env": [{"name": "HF_TOKEN", "value": "hf_hunter2hunter2hunter2hunter2hunter2"}]},
    {"env": [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]},
    {"env": [{"name": "URL", "value": "https://user:hunter2hunter2@$(HOST)/x"}]},
    {"args": ["m/n", "--api-key", "hunter2hunter2"]},
    {"command": ["sh", "-c"], "args": ["export DB_PASSWORD=hunter2hunter2; ./a && vllm serve m/n"]},
    {
        "readinessProbe": {
            "httpGet": {"port": 8000, "httpHeaders": [{"name": "Authorization", "value": "Bearer hunter2hunter2"}]}
        }
    },
    {"lifecycle": {"preStop": {"exec": {"command": ["curl", "--password", "hunter2hunter2"]}}}},
]


@pytest.mark.parametrize("fields", SECRETS)
def test_no_secret_of_a_container_is_written_or_printed(fields: dict[str, Any]) -> None:
    answer = CliRunner().invoke(main, ["import", "kubernetes", "-"], input=dump(changed(**fields)))
    assert answer.exit_code in (0, 1), answer.output
    assert "hunter2" not in answer.output
    sidecar = changed()
    sidecar["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "x/y:1", **fields})
    assert "hunter2" not in CliRunner().invoke(main, ["import", "kubernetes", "-"], input=dump(sidecar)).output


def test_no_secret_of_gitops_values_is_written_or_printed() -> None:
    values = {
        "model": {"name": "m/n"},
        "env": [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}],
        "args": ["--api-key=hunter2"],
        "command": ["sh", "-c", 'export PIN_PASSWORD="hunter2"; exec vllm serve m/n "$@"', "sh"],
        "extraContainers": [
            {
                "name": "a",
                "image": "b:1",
                "args": ["--password", "hunter2"],
                "env": [{"name": "A_TOKEN", "value": "hunter2"}],
            },
            {"name": "c", "image": "curl:1", "command": ["curl", "-u", "ann:hunter2", "http://a"]},
        ],
        "extraObjects": [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"pin": "hunter2"}},
            "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData: {pin: hunter2}\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a.env: PASSWORD=hunter2}\n",
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "d"}, "stringData": {"pin": "<path:a#b>"}},
        ],
    }
    item = {**RELEASE, "spec": {"values": values}}
    answer = CliRunner().invoke(main, ["import", "kubernetes", "-"], input=dump(item))
    assert "hunter2" not in answer.output
    assert "(not shown)" not in answer.stdout
    found = yaml.safe_load(answer.stdout)
    assert [one["metadata"]["name"] for one in found["extraObjects"]] == ["d"]
    # Kubernetes replaces $(NAME) with the Secret's value if the container has a variable of that name.
    for container in (found, *found["extraContainers"]):
        names = {one["name"] for one in container.get("env", ()) if "valueFrom" in one}
        words = " ".join([*container.get("command", ()), *container.get("args", ())])
        assert set(re.findall(r"\$\((\w+)\)", words)) <= names
    assert 'export PIN_PASSWORD="$(LLM_SECRET_' in found["command"][2]
    assert "note: command[2]: a secret in plain text became a reference: create the Secret llm-secrets" in answer.stderr
    assert "<the value of DB_PASSWORD>" in answer.stderr
    strict = CliRunner().invoke(main, ["import", "kubernetes", "-", "--strict"], input=dump(item))
    assert (strict.exit_code, strict.stdout) == (1, "")
