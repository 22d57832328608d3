"""`podSpec` and `serverContainer`: every field of Kubernetes is passed on unchanged, or has another key."""

import json
from typing import Any

import pytest
import yaml
from modelservice.check import check, errors
from modelservice.findings import Finding
from modelservice.reading.document import read
from modelservice.schema.fields import load_fields
from modelservice.schema.kubernetes import kubernetes_releases

from tests.chart.rendering import EXAMPLES, MODEL, Object, objects, one, pod, server, strictly, text

NEWEST = list(kubernetes_releases().values())[-1]
SOURCE = load_fields().source["properties"]
FIELDS = {"podSpec": "PodSpec", "serverContainer": "Container"}
# A valid value for every field.
TAKEN: dict[str, Object] = {
    "podSpec": {
        "dnsConfig": {"nameservers": ["10.0.0.10"], "searches": ["a.example"], "options": [{"name": "edns0"}]},
        "dnsPolicy": "None",
        "hostAliases": [{"ip": "10.0.0.7", "hostnames": ["hub.example"]}],
        "hostIPC": True,
        "hostNetwork": False,
        "hostPID": True,
        "hostUsers": False,
        "hostname": "llm",
        "hostnameOverride": "llm.example",
        "os": {"name": "linux"},
        "overhead": {"cpu": "250m"},
        "preemptionPolicy": "Never",
        "priority": 1000000000,
        "readinessGates": [{"conditionType": "example.com/warm"}],
        "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}],
        "resources": {"limits": {"memory": "64Gi"}},
        "schedulingGates": [{"name": "example.com/quota"}],
        "schedulingGroup": {"podGroupName": "llm"},
        "setHostnameAsFQDN": False,
        "shareProcessNamespace": True,
        "subdomain": "models",
    },
    "serverContainer": {
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        "stdin": True,
        "stdinOnce": True,
        "terminationMessagePath": "/dev/message",
        "tty": True,
        "volumeDevices": [{"name": "disk", "devicePath": "/dev/xvda"}],
        "workingDir": "/srv",
    },
}
WRONG = [{"podSpec": {"hostIPC": "yes"}}, {"podSpec": {"dnsPolicy": "clusterFirst"}}, {"podSpec": {"hostIPC": ""}}]
WRONG += [{"podSpec": {"resourceClaims": [{"name": "gpu"}]}}, {"serverContainer": {"workingDir": 1}}]


def found_in(values: Object) -> list[Finding]:
    return errors(check(read("values.yaml", json.dumps({**MODEL, **values}).encode())))


@pytest.mark.parametrize("key", FIELDS)
def test_every_field_of_kubernetes_is_accepted_or_refused_with_another_key(key: str) -> None:
    known = NEWEST[f"io.k8s.api.core.v1.{FIELDS[key]}"]["properties"].keys()
    assert TAKEN[key].keys() == SOURCE[key]["properties"].keys()
    assert known == TAKEN[key].keys() | SOURCE[key]["x-instead"].keys()


@pytest.mark.parametrize(
    ("key", "field"), [(key, field) for key in FIELDS for field in SOURCE[key]["x-instead"]], ids=str
)
def test_another_field_is_refused_with_the_key_to_use(key: str, field: str) -> None:
    (finding,) = found_in({key: {field: "x"}})
    pointer = SOURCE[key]["x-instead"][field]
    assert finding.rule == "unknown-key"
    assert finding.hint in (pointer, f"use {pointer}", f"move it to {pointer}", f"use {pointer}: [x]")
    if " " not in pointer:
        place: Any = {"properties": SOURCE}
        for part in pointer.split("."):
            place = place["properties"][part]


def test_all_fields_are_in_the_manifest_unchanged(helm: str) -> None:
    assert found_in(TAKEN) == []
    found = objects(helm, {**MODEL, **TAKEN})
    plain = objects(helm, MODEL)
    assert pod(found).items() >= TAKEN["podSpec"].items()
    assert server(found).items() >= TAKEN["serverContainer"].items()
    assert pod(found).keys() - pod(plain).keys() == TAKEN["podSpec"].keys()
    assert server(found).keys() - server(plain).keys() == TAKEN["serverContainer"].keys()
    for item in found:
        strictly(item, list(kubernetes_releases())[-1])


@pytest.mark.parametrize("values", WRONG, ids=json.dumps)
def test_a_value_of_another_type_is_refused(values: Object) -> None:
    assert [finding.rule for finding in found_in(values)] != []


def test_empty_settings_change_nothing(helm: str) -> None:
    for example in EXAMPLES:
        values = yaml.safe_load(example.read_text())
        if not values.keys() & FIELDS.keys():
            empty = {**values, "podSpec": {}, "serverContainer": {}}
            assert text(helm, json.dumps(empty)) == text(helm, json.dumps(values)), example.name


def test_the_download_job_has_the_servers_dns_settings(helm: str) -> None:
    shared = {"modelVolume": {"preDownload": "Job", "accessModes": ["ReadWriteMany"]}}
    spec = one("Job", objects(helm, {**MODEL, **shared, "podSpec": TAKEN["podSpec"]}))["spec"]["template"]["spec"]
    names = {"dnsConfig", "dnsPolicy", "hostAliases"}
    assert spec.keys() & TAKEN["podSpec"].keys() == names
    assert {key: spec[key] for key in names} == {key: TAKEN["podSpec"][key] for key in names}


def test_the_server_gets_every_claim_of_the_pod(helm: str) -> None:
    # Without a container that names it, a claim gives its device to no container.
    claims = [{"name": name, "resourceClaimTemplateName": "one"} for name in ("gpu", "nic")]
    found = objects(helm, {**MODEL, "gpu": {"count": 0}, "podSpec": {"resourceClaims": claims}})
    assert server(found)["resources"]["claims"] == [{"name": "gpu"}, {"name": "nic"}]
    assert "nvidia.com/gpu" not in server(found)["resources"]["limits"]
