"""The Service: its port, the settings of its type, and the objects that use them."""

import pytest

from tests.chart.rendering import MODEL, Object, notes, objects, one, server, strictly

OUTSIDE: Object = {
    "nodePort": 30862,
    "loadBalancerClass": "service.k8s.aws/nlb",
    "loadBalancerSourceRanges": ["10.0.0.0/8"],
    "externalTrafficPolicy": "Local",
    "ipFamilyPolicy": "PreferDualStack",
    "ipFamilies": ["IPv6", "IPv4"],
}
OFF: Object = {key: [] if isinstance(value, list) else "" for key, value in OUTSIDE.items()}


def test_empty_settings_are_left_out(helm: str) -> None:
    assert objects(helm, {**MODEL, "service": {**OFF, "labels": {}, "annotations": {}}}) == objects(helm, MODEL)


@pytest.mark.parametrize("key", list(OUTSIDE))
def test_load_balancer_settings_are_on_the_service(key: str, helm: str) -> None:
    items = objects(helm, {**MODEL, "service": {"type": "LoadBalancer", key: OUTSIDE[key]}})
    plain = one("Service", objects(helm, {**MODEL, "service": {"type": "LoadBalancer"}}))["spec"]
    spec = one("Service", items)["spec"]
    strictly(one("Service", items), "1.30")
    if key == "nodePort":
        assert spec["ports"] == [{**plain["ports"][0], "nodePort": 30862}]
    else:
        assert spec == {**plain, key: OUTSIDE[key]}


def test_the_services_labels_and_annotations_are_only_on_the_service(helm: str) -> None:
    given = {"labels": {"gateway": "internal"}, "annotations": {"example.com/scheme": "internal"}}
    found, plain = objects(helm, {**MODEL, "service": given}), objects(helm, MODEL)
    metadata = one("Service", found)["metadata"]
    assert metadata["annotations"] == given["annotations"]
    assert metadata["labels"] == {**one("Service", plain)["metadata"]["labels"], "gateway": "internal"}
    rest = [[item for item in items if item["kind"] != "Service"] for items in (found, plain)]
    assert rest[0] == rest[1]


def test_all_clients_use_the_services_port_and_the_server_keeps_its_own(helm: str) -> None:
    route = {"enabled": True, "parentRefs": [{"name": "public"}]}
    values: Object = {**MODEL, "httpRoute": route, "networkPolicy": {"enabled": True}, "service": {"port": 80}}
    items = objects(helm, values)
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    assert one("Service", items)["spec"]["ports"] == ports
    assert one("HTTPRoute", items)["spec"]["rules"][0]["backendRefs"][0]["port"] == 80
    test = one("Pod", items)["spec"]["containers"][0]["env"]
    assert {"name": "BASE_URL", "value": "http://modelservice-qwen2-5:80"} in test
    assert "http://modelservice-qwen2-5.models.svc.cluster.local:80/v1" in notes(helm, values)
    assert "service/modelservice-qwen2-5 8000:80" in notes(helm, values)
    assert server(items) == server(objects(helm, MODEL))
    assert one("NetworkPolicy", items)["spec"]["ingress"][0]["ports"] == [{"port": 8000, "protocol": "TCP"}]


def test_the_container_port_changes_server_probes_and_policy_but_not_clients(helm: str) -> None:
    policy = {"networkPolicy": {"enabled": True}}
    items = objects(helm, {**MODEL, **policy, "containerPort": 8080})
    plain = objects(helm, {**MODEL, **policy})
    assert server(items)["args"] == ["--port=8080", *server(plain)["args"][1:]]
    assert server(items)["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]
    assert server(items)["livenessProbe"] == server(plain)["livenessProbe"]  # by the port's name
    assert one("NetworkPolicy", items)["spec"]["ingress"][0]["ports"] == [{"port": 8080, "protocol": "TCP"}]
    for kind in ("Service", "Pod"):
        assert one(kind, items) == one(kind, plain)
