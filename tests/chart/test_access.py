"""Ingress, HTTPRoute, API keys, TLS, network policy and notes: only /v1 is exposed, and the key is required."""

from typing import Any

import pytest
from modelservice.chart.required_secrets import required_secrets
from modelservice.schema.defaults import coalesce, default_values

from tests.chart.rendering import MODEL, Object, notes, objects, one, pod, server, variables

KEYED: Object = {**MODEL, "apiKeySecret": {"name": "llm-api-keys"}}
INGRESS: Object = {**KEYED, "ingress": {"enabled": True, "hosts": ["a.example.com", "b.example.com"]}}
ROUTE: Object = {**KEYED, "httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}]}}
OTHER_USER: Object = {"podSecurityContext": {"runAsUser": 1234}, "modelVolume": {"mountPath": "/models"}}
# As the Gateway API's definition stores it: its defaults are written out.
PARENT: Object = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}


def kinds(items: list[Object]) -> list[str]:
    return sorted(item["kind"] for item in items)


def test_by_default_only_the_service_is_made(helm: str) -> None:
    names = ["Deployment", "PersistentVolumeClaim", "Pod", "Service", "ServiceAccount"]
    assert kinds(objects(helm, MODEL)) == names


@pytest.mark.parametrize(("root", "path"), [("", "/v1"), ("/qwen3", "/qwen3/v1")])
def test_an_ingress_forwards_only_v1_for_every_host(root: str, path: str, helm: str) -> None:
    items = objects(helm, {**INGRESS, "rootPath": root})
    backend = {"service": {"name": one("Service", items)["metadata"]["name"], "port": {"name": "http"}}}
    paths = {"http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}
    assert one("Ingress", items)["spec"] == {
        "rules": [{"host": "a.example.com", **paths}, {"host": "b.example.com", **paths}]
    }
    assert (f"--root-path={root}" in server(items)["args"]) == bool(root)


def test_an_ingress_for_every_host_has_a_rule_without_one(helm: str) -> None:
    """https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#ingressrule-v1-networking-k8s-io."""
    values = {**INGRESS, "ingress": {"enabled": True, "hosts": ["*", "a.example.com"], "tls": [{"secretName": "cert"}]}}
    spec = one("Ingress", objects(helm, values))["spec"]
    assert [(list(rule), rule.get("host")) for rule in spec["rules"]] == [
        (["http"], None),
        (["host", "http"], "a.example.com"),
    ]
    assert spec["tls"] == [{"secretName": "cert"}]
    assert "  https://<address of the Ingress>/v1\n  https://a.example.com/v1\n" in notes(helm, values)


@pytest.mark.parametrize(
    ("root", "paths"), [("", ["/v1", "/tokenize", "/"]), ("/llm", ["/llm/v1", "/llm/tokenize", "/llm"])]
)
def test_an_ingress_and_a_route_forward_the_given_paths(root: str, paths: list[str], helm: str) -> None:
    more = {"paths": ["/v1", "/tokenize", "/"]}
    values = {**INGRESS, "rootPath": root, "ingress": {**INGRESS["ingress"], **more}}
    items = objects(helm, {**values, "httpRoute": {**ROUTE["httpRoute"], **more}})
    for rule in one("Ingress", items)["spec"]["rules"]:
        assert [path["path"] for path in rule["http"]["paths"]] == paths
    (rule,) = one("HTTPRoute", items)["spec"]["rules"]
    assert [match["path"]["value"] for match in rule["matches"]] == paths
    assert "From outside the cluster, every route:" in notes(helm, values)


@pytest.mark.parametrize(("root", "path"), [("", "/v1"), ("/qwen3", "/qwen3/v1")])
def test_a_route_forwards_only_v1_without_a_timeout(root: str, path: str, helm: str) -> None:
    items = objects(helm, {**ROUTE, "rootPath": root})
    backend = {"group": "", "kind": "Service", "name": "modelservice-qwen2-5", "port": 8000, "weight": 1}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        "timeouts": {"request": "0s"},
        "backendRefs": [backend],
    }
    assert one("HTTPRoute", items)["spec"] == {"parentRefs": [PARENT], "rules": [rule]}
    items = objects(
        helm, {**ROUTE, "httpRoute": {"enabled": True, "parentRefs": [{"name": "a", "group": "", "kind": "Service"}]}}
    )
    assert one("HTTPRoute", items)["spec"]["parentRefs"] == [{"name": "a", "group": "", "kind": "Service"}]


def test_one_key_is_a_variable_and_not_an_argument(helm: str) -> None:
    items = objects(helm, KEYED)
    assert variables(items)["VLLM_API_KEY"] == {"secretKeyRef": {"name": "llm-api-keys", "key": "api-key"}}
    assert "--api-key" not in server(items)["args"]


def test_several_keys_are_arguments_that_refer_to_variables(helm: str) -> None:
    values = {**MODEL, "apiKeySecret": {"name": "llm-api-keys", "keys": ["search", "ads"]}}
    items = objects(helm, values)
    arguments = server(items)["args"]
    at = arguments.index("--api-key")
    assert arguments[at : at + 3] == ["--api-key", "$(API_KEY_1)", "$(API_KEY_2)"]
    found = [variables(items)[name]["secretKeyRef"]["key"] for name in ("VLLM_API_KEY", "API_KEY_1", "API_KEY_2")]
    assert found == ["search", "search", "ads"]


def test_server_probes_service_and_helm_test_use_tls(helm: str) -> None:
    items = objects(helm, {**MODEL, "tls": {"secretName": "llm-pod-tls"}})
    container = server(items)
    assert "--ssl-certfile=/etc/modelservice/tls/tls.crt" in container["args"]
    assert "--ssl-keyfile=/etc/modelservice/tls/tls.key" in container["args"]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[name]["httpGet"] == {"path": "/health", "port": "http", "scheme": "HTTPS"}
    assert {"name": "modelservice-tls", "secret": {"secretName": "llm-pod-tls"}} in pod(items)["volumes"]
    assert one("Service", items)["spec"]["ports"][0]["appProtocol"] == "https"
    test = one("Pod", items)["spec"]["containers"][0]["env"]
    assert {"name": "BASE_URL", "value": "https://modelservice-qwen2-5:8000"} in test


def egress(values: Object, helm: str) -> list[Any]:
    policy = one("NetworkPolicy", objects(helm, {**MODEL, "networkPolicy": {"enabled": True}, **values}))
    return list(policy["spec"]["egress"])


DNS = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}


@pytest.mark.parametrize(
    ("values", "port"),
    [
        ({}, 443),
        ({"huggingFace": {"endpoint": "https://hf-mirror.com"}}, 443),
        ({"huggingFace": {"endpoint": "http://mirror"}}, 80),
        ({"huggingFace": {"endpoint": "http://mirror:8080/hub"}}, 8080),
    ],
)
def test_a_policy_allows_egress_to_dns_and_the_hub(values: Object, port: int, helm: str) -> None:
    assert egress(values, helm) == [DNS, {"ports": [{"port": port, "protocol": "TCP"}]}]


@pytest.mark.parametrize(
    ("name", "address", "port"),
    [
        ("HTTPS_PROXY", "http://proxy.corp.example:3128", 3128),
        ("https_proxy", "http://user:pw@proxy:3128/", 3128),
        ("HTTP_PROXY", "proxy:8080", 8080),
        ("ALL_PROXY", "socks5h://proxy", 1080),
        ("ALL_PROXY", "http://[fd00::1]:3128", 3128),
        ("http_proxy", "http://[fd00::1]", 80),
        ("HF_ENDPOINT", "http://mirror:8081/hub?a=b:1", 8081),
        ("AWS_ENDPOINT_URL", "https://minio.storage.svc:9000", 9000),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4317", 4317),
    ],
)
def test_a_policy_allows_egress_to_the_addresses_in_variables(name: str, address: str, port: int, helm: str) -> None:
    open_ports = [{"ports": [{"port": one, "protocol": "TCP"}]} for one in sorted({443, port}, key=str)]
    assert egress({"env": [{"name": name, "value": address}]}, helm) == [DNS, *open_ports]
    local = {"modelVolume": {"existingClaim": "models", "readOnly": True}, "env": [{"name": name, "value": address}]}
    assert egress(local, helm) == [DNS, {"ports": [{"port": port, "protocol": "TCP"}]}]


@pytest.mark.parametrize(
    "args",
    [
        ["--otlp-traces-endpoint=http://otel:14317"],
        ["--otlp_traces_endpoint", "otel:14317"],
        ["--seed=1", "--otlp-traces-endpoint", "grpc://otel.monitoring:14317"],
    ],
)
def test_a_policy_allows_egress_to_the_collector_in_an_argument(args: list[str], helm: str) -> None:
    assert egress({"args": args}, helm) == [
        DNS,
        {"ports": [{"port": 14317, "protocol": "TCP"}]},
        {"ports": [{"port": 443, "protocol": "TCP"}]},
    ]


def test_a_policy_skips_addresses_that_are_unknown(helm: str) -> None:
    by_reference = {"name": "HTTPS_PROXY", "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "url"}}}
    assert egress({"env": [by_reference, {"name": "HTTP_PROXY", "value": "http://$(P):1"}]}, helm) == egress({}, helm)


def test_a_policy_of_a_service_without_downloads_allows_egress_only_to_dns(helm: str) -> None:
    assert egress({"modelVolume": {"existingClaim": "models", "readOnly": True}}, helm) == [DNS]


def test_a_policy_allows_ingress_from_its_namespace_or_the_given_peers_and_the_test(helm: str) -> None:
    policy = one("NetworkPolicy", objects(helm, {**MODEL, "networkPolicy": {"enabled": True}}))["spec"]
    labels = {"app.kubernetes.io/name": "modelservice", "app.kubernetes.io/instance": "qwen2.5"}
    assert policy["podSelector"] == {"matchLabels": labels}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"from": [{"podSelector": {}}], "ports": [{"port": 8000, "protocol": "TCP"}]}]
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "apps"}}}
    items = objects(helm, {**MODEL, "networkPolicy": {"enabled": True, "from": [peer]}})
    tester = {"podSelector": {"matchLabels": one("Pod", items)["metadata"]["labels"]}}
    assert one("NetworkPolicy", items)["spec"]["ingress"][0]["from"] == [peer, tester]


def test_the_notes_say_the_addresses(helm: str) -> None:
    said = notes(helm, {**INGRESS, "rootPath": "/llm", "tls": {"secretName": "pod"}})
    assert "From outside the cluster, only /v1:\n\n  http://a.example.com/llm/v1\n" in said
    assert "https://modelservice-qwen2-5.models.svc.cluster.local:8000/v1" in said
    assert """go-template='{{index .data "api-key" | base64decode}}'""" in said


def test_the_notes_use_https_for_hosts_with_a_certificate_and_name_its_secret(helm: str) -> None:
    tls = [{"secretName": "cert", "hosts": ["b.example.com"]}]
    said = notes(helm, {**INGRESS, "ingress": {**INGRESS["ingress"], "tls": tls}})
    assert "  http://a.example.com/v1\n  https://b.example.com/v1\n" in said
    assert "which you or cert-manager create:\n\n  cert\n" in said


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({"service": {"type": "NodePort", "nodePort": 30080}}, "http://<any node>:30080/v1\n"),
        ({"service": {"type": "NodePort"}}, "jsonpath='{.spec.ports[0].nodePort}'"),
        ({"service": {"type": "LoadBalancer", "port": 80}}, "jsonpath='{.status.loadBalancer.ingress[0]}'"),
        ({"httpRoute": ROUTE["httpRoute"]}, "https://<address of the gateway>/v1"),
        ({"model": {"name": "BAAI/bge-m3", "task": "embedding"}}, "main route: /v1/embeddings."),
    ],
)
def test_the_notes_say_how_each_kind_of_service_is_reached(values: Object, address: str, helm: str) -> None:
    assert address in notes(helm, {**KEYED, **values})


def test_the_notes_and_the_readme_of_a_chart_list_the_secrets_that_the_pods_need(helm: str) -> None:
    by_reference: Object = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "sensors", "key": "a"}}}
    optional: Object = {
        "name": "B",
        "valueFrom": {"secretKeyRef": {"name": "not-needed", "key": "a", "optional": True}},
    }
    projected: Object = {"projected": {"sources": [{"secret": {"name": "bundle"}}]}}
    bucket: Object = {"driver": "csi.example.com", "nodePublishSecretRef": {"name": "bucket"}}
    share: Object = {"secretName": "share", "shareName": "models"}
    values: Object = {
        **MODEL,
        "huggingFace": {"tokenSecret": {"name": "hf"}},
        "apiKeySecret": {"name": "keys", "keys": ["search", "ads"]},
        "tls": {"secretName": "pod-tls"},
        "caBundle": {"secret": "authority"},
        "modelVolume": {"volume": {"csi": bucket}},
        "imagePullSecrets": [{"name": "pull"}],
        "env": [by_reference, optional],
        "extraContainers": [{"name": "side", "image": "x:1", "envFrom": [{"secretRef": {"name": "all-of-it"}}]}],
        "volumes": [
            {"name": "mine", "secret": {"secretName": "files"}},
            {"name": "more", **projected},
            {"name": "azure", "azureFile": share},
        ],
    }
    keys = {"hf": ["token"], "keys": ["search", "ads"], "sensors": ["a"]}
    names = ("all-of-it", "authority", "bucket", "bundle", "files", "hf", "keys", "pod-tls", "pull", "sensors", "share")
    expected = {name: keys.get(name, []) for name in names}
    listed = notes(helm, values).partition("exist in namespace models:\n\n")[2].partition("\n\n")[0].splitlines()
    says = {name: ", with the keys " if len(keys) > 1 else ", with the key " for name, keys in expected.items()}
    assert listed == [f"  {name}{says[name] if keys else ''}{', '.join(keys)}" for name, keys in expected.items()]
    assert required_secrets(coalesce(default_values(), values)) == expected


def test_a_chart_without_secrets_lists_none(helm: str) -> None:
    assert "Secrets" not in notes(helm, MODEL)
    assert required_secrets({**default_values(), **MODEL}) == {}


def test_the_pods_of_helm_test_and_downloads_have_the_users_labels_and_no_selector_matches_them(helm: str) -> None:
    mesh = {"sidecar.istio.io/inject": "false"}
    values: Object = {
        **MODEL,
        "modelVolume": {"accessModes": ["ReadWriteMany"], "preDownload": "Job"},
        "podLabels": mesh,
        "podAnnotations": mesh,
    }
    items = objects(helm, values)
    tester, download = one("Pod", items)["metadata"], one("Job", items)["spec"]["template"]["metadata"]
    for metadata in (tester, download):
        assert mesh.items() <= metadata["labels"].items()
        assert mesh.items() <= metadata["annotations"].items()
        assert not one("Service", items)["spec"]["selector"].items() <= metadata["labels"].items()
    assert tester["annotations"]["helm.sh/hook"] == "test"


@pytest.mark.parametrize(
    ("chosen", "user"),
    [({}, 2000), (OTHER_USER, 1234), ({**OTHER_USER, "securityContext": {"runAsUser": ""}}, None)],
)
def test_the_pod_of_helm_test_has_only_the_rights_that_it_needs(chosen: Object, user: int | None, helm: str) -> None:
    context = one("Pod", objects(helm, {**MODEL, **chosen}))["spec"]["containers"][0]["securityContext"]
    assert context.pop("runAsUser", None) == user
    expected = {"capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
    assert context == expected
