"""A diff shows that secrets differ, but never their values; everything else stays readable."""

import json

import pytest
import yaml
from modelservice.diff.comparison import as_text, compare

OLD, NEW = "hunter2-swordfish", "open-sesame-xyzzy"
TOKENS = ("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", "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")


def container(**fields: object) -> dict[str, object]:
    spec = {"template": {"spec": {"containers": [{"name": "server", **fields}]}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}


def config(text: str, key: str = "a.txt") -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {key: text}}


def secret(name: str = "a", **fields: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields}


def custom(**spec: object) -> dict[str, object]:
    return {"apiVersion": "example.com/v1", "kind": "Model", "metadata": {"name": "a"}, "spec": spec}


def said_of(item: object, old: str, new: str) -> str:
    before, after = (json.dumps(item, ensure_ascii=False).replace("§", json.dumps(text)[1:-1]) for text in (old, new))
    return as_text(compare(before, after))


# Objects with a secret, and the text that the diff shows in its place.
CALLED = {
    "data of a Secret": (secret(data={"pin": "§"}), "data.pin"),
    "text of a Secret": (secret(stringData={"pin": "§", "user": "ann"}), "stringData.pin"),
    "a List of Secrets": (
        {"apiVersion": "v1", "kind": "List", "items": [secret("b", data={"pin": "1"}), secret(data={"pin": "§"})]},
        "~ Secret a",
    ),
    "a SecretList": ({"apiVersion": "v1", "kind": "SecretList", "items": [secret(data={"pin": "§"})]}, "data.pin"),
    "a Secret in an object": (custom(generate=secret(stringData={"pin": "§"})), "spec.generate.stringData.pin"),
    "a Secret in a text": (config(yaml.safe_dump(secret(stringData={"pin": "§"}), allow_unicode=True)), "data.a.txt"),
    "key of a ConfigMap": (config("§", "DB_PASSWORD"), "data.DB_PASSWORD"),
    ".env": (config("MODEL=a\nexport API_KEY=§\nPORT=80"), "MODEL=a"),
    ".ini": (config("[db]\nuser = ann\npassword = § § §\n"), "user = ann"),
    "JSON": (config('{\n  "user": "ann",\n  "apiKey": "§"\n}'), '"user": "ann"'),
    "JSON on a line": (config('{"user": "ann", "token": "§", "x": 1}'), '{"user": "ann", "token": '),
    "YAML": (config("user: ann\npassword: §\nport: 80\n"), "user: ann"),
    "a block of YAML": (config("user: ann\npassword: |\n  §\n\n  more\nport: 80\n"), "port: 80"),
    "a list of JSON": (config('"passwords": [\n  "§"\n],\n"port": 80'), '"port": 80'),
    ".netrc": (config("machine example.com login ann password §"), "login ann password"),
    ".npmrc": (config("//registry.npmjs.org/:_authToken=§"), "//registry.npmjs.org/:_authToken="),
    "a flag in a script": (config("#!/bin/sh\nvllm serve a --api-key § --port 80\n"), "vllm serve a --api-key "),
    "variable": (container(env=[{"name": "PGPASSWORD", "value": "§"}]), "env[PGPASSWORD].value"),
    "variable of a sort": (container(env=[{"name": "GITHUB_PAT", "value": "§"}]), "env[GITHUB_PAT].value"),
    "flag": (container(args=["--seed=1", "--api-key=§"]), "--api-key="),
    "flag of two words": (container(args=["--api-key", "§"]), "args"),
    "JSON in an argument": (container(args=['--x={"token":"§"}']), "--x="),
    "shell": (container(command=["sh", "-c", "export DB_PASSWORD=§ && run"]), "export DB_PASSWORD="),
    "annotation": (
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "annotations": {"b/api-key": "§"}}},
        "metadata.annotations.b/api-key",
    ),
    "applied before": (
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "a",
                "annotations": {"last-applied": json.dumps(secret(data={"pin": "§"}), ensure_ascii=False)},
            },
        },
        "last-applied",
    ),
    "header": (
        container(startupProbe={"httpGet": {"httpHeaders": [{"name": "Authorization", "value": "Basic §"}]}}),
        "httpHeaders[Authorization].value",
    ),
    "CSI attribute": (custom(csi={"volumeAttributes": {"password": "§"}}), "volumeAttributes.password"),
    "field": (custom(clientSecret="§"), "spec.clientSecret"),
    "binary data": (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "binaryData": {"a": "§"}},
        "binaryData.a",
    ),
    "URL": (custom(url="redis://:§@cache:6379"), "cache:6379"),
    "properties": (config("db.user=ann\ndb.pass=§\n"), "db.user=ann"),
    "XML": (config("<db><user>ann</user><password>§</password></db>"), "<user>ann</user><password>"),
    "login of Docker": (config('{"auths": {"registry.example.com": {"auth": "§"}}}'), "registry.example.com"),
    "login of npm": (config("//registry.npmjs.org/:_auth=§"), "//registry.npmjs.org/:_auth="),
    "connection string": (config("Server=db;Pwd=§;Timeout=5"), "Server=db;Pwd="),
    "signed URL": (config("https://example.com/a?sv=1&sig=§"), "https://example.com/a?sv=1&sig="),
    "image": (container(image="ann:§@registry.example.com/a:1"), "@registry.example.com/a:1"),
    "proxy": (container(env=[{"name": "HTTPS_PROXY", "value": "ann:§@proxy:3128"}]), "@proxy:3128"),
    "glued flag": (container(args=["-uroot", "-p§"]), "-p"),
    "glued flag in a script": (container(command=["sh", "-c", "mysql -uroot -p§ db"]), "mysql -uroot -p"),
    "flag of one dash": (container(args=["-password", "§"]), "args"),
    "header of curl": (container(command=["curl", "-H", "PRIVATE-TOKEN: §"]), "PRIVATE-TOKEN: "),
    "user of curl": (container(command=["sh", "-c", "curl -u ann:§ http://a"]), "curl -u ann:"),
    "short field": (custom(pwd="§"), "spec.pwd"),
    "field with a value below": (custom(adminPassword={"value": "§"}), "spec.adminPassword.value"),
    "field with a list": (custom(passwords=["§"]), "spec.passwords"),
    "field called secret": (custom(secret="§"), "spec.secret"),
    "short flag": (container(args=["-u", "ann", "-p", "§"]), "args"),
    "short flag in a script": (container(command=["sh", "-c", "login -p § && run"]), "&& run"),
    "parameter": (custom(parameters=[{"key": "password", "value": "§"}]), "spec.parameters[password].value"),
}


@pytest.mark.parametrize("place", CALLED)
def test_values_under_secret_names_differ_and_are_not_shown(place: str) -> None:
    item, shows = CALLED[place]
    said = said_of(item, OLD, NEW)
    assert shows in said, said
    assert "(not shown, " in said
    assert not any(part in said for part in ("hunter2", "swordfish", "sesame", "xyzzy")), said
    assert said_of(item, OLD, OLD) == ""


@pytest.mark.parametrize(
    "item",
    [
        config("notes: §"),
        config("see\n§\nthere"),
        container(env=[{"name": "X", "value": "§"}]),
        container(args=["§"]),
        container(command=["sh", "-c", "echo §"]),
        custom(anything=["§"]),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "annotations": {"b": "§"}}},
    ],
)
def test_secrets_of_known_forms_differ_and_are_not_shown_anywhere(item: dict[str, object]) -> None:
    said = said_of(item, *TOKENS)
    assert "(not shown, 1)" in said
    assert "hf_" not in said


@pytest.mark.parametrize(
    ("item", "shows"),
    [
        (container(env=[{"name": "MAX_TOKENS", "value": "§"}]), OLD),
        (container(env=[{"name": "HF_TOKEN_PATH", "value": "/run/§"}]), f"/run/{OLD}"),
        (container(env=[{"name": "API_KEY", "value": "$(§)"}]), f"$({OLD})"),
        (container(args=["--max-num-batched-tokens=§"]), OLD),
        (container(env=[{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "§", "key": "token"}}}]), OLD),
        (custom(secretName="§", tokenSecret={"name": "§"}), OLD),
        (custom(data=[{"secretKey": "§"}]), OLD),
        (config("{{ bos_token }} §"), OLD),
        (secret(type="§"), OLD),
        (container(args=["-port", "§"]), OLD),
        (container(image=f"registry.example.com/§:v1@sha256:{'0' * 64}"), OLD),
        (custom(adminPassword={"secretName": "§"}), OLD),
        (custom(secret={"secretName": "§"}), OLD),
        (container(args=["mkdir", "-p", "§"]), OLD),
        (container(command=["sh", "-c", "mkdir -p §; docker run -p 80:80 x"]), OLD),
        (config("owner: ann@example.com\nteam: §"), OLD),
    ],
)
def test_values_that_are_not_secrets_are_shown(item: dict[str, object], shows: str) -> None:
    assert shows in said_of(item, OLD, NEW)
