"""A planted secret is found, and appears in no output: every place, with every mistake around it, in every style."""

import base64
import itertools
import random
import string
from collections.abc import Iterator

import pytest
from modelservice.check import check_service
from modelservice.reading.document import read
from modelservice.report import lines, report

STYLES = ("text", "json", "github", "sarif")
MODEL = "model: {name: Qwen/Qwen3-8B}\n"
# Nobody's: letters and digits by chance, always the same ones.
_CHANCE = random.Random(7)
_LETTERS = "".join(_CHANCE.choices(string.ascii_letters + string.digits, k=60))
_HEX = "".join(_CHANCE.choices("0123456789abcdef", k=40))
FORMS = {
    "hugging face": f"hf_{_LETTERS[:34]}",
    "organization": f"api_org_{_LETTERS[:34]}",
    "openai": f"sk-proj-{_LETTERS[:40]}",
    "short": f"sk-{_LETTERS[:24]}",
    "aws": f"AKIA{_HEX[:16].upper()}",
    "github": f"ghp_{_LETTERS[:36]}",
    "github, fine-grained": f"github_pat_{_LETTERS[:50]}",
    "gitlab": f"glpat-{_LETTERS[:20]}",
    "slack": f"xoxb-{_HEX[:30]}",
    "google": f"AIza{_LETTERS[:35]}",
    "nvidia": f"nvapi-{_LETTERS[:50]}",
    "jwt": f"eyJ{_LETTERS[:20]}.eyJ{_LETTERS[20:40]}.{_LETTERS[40:]}",
    "bearer": f"Bearer {_LETTERS[:30]}",
    "pem": f"-----BEGIN RSA PRIVATE KEY----- {_LETTERS}",
    "npm": f"npm_{_LETTERS[:36]}",
    "docker": f"dckr_pat_{_LETTERS[:27]}",
    "vault": f"hvs.{_LETTERS[:30]}",
    "groq": f"gsk_{_LETTERS[:52]}",
    "replicate": f"r8_{_LETTERS[:37]}",
    "pypi": f"pypi-AgEIcHlwaS5vcmc{_LETTERS[:40]}",
    "modelscope": f"ms-{_HEX[:8]}-{_HEX[8:12]}-{_HEX[12:16]}-{_HEX[16:20]}-{_HEX[20:32]}",
    "url": f"redis://:{_LETTERS[:20]}@cache:6379",
    "url in capitals": f"HTTPS://ann:{_LETTERS[:20]}@example.com",
    "glued": f"Bearer hf_{_LETTERS[:34]}",
    "assigned": f"token=hf_{_LETTERS[:34]}",
    "behind a letter": f"xhf_{_LETTERS[:34]}",
    "base64": base64.b64encode(f"hf_{_LETTERS[:34]}".encode()).decode(),
}
# Where a secret of a form stands. § is the value, as YAML.
PLACES = [
    "description: §",
    "labels: {a: §}",
    "podAnnotations: {example.com/a: §}",
    "nodeSelector: {a: §}",
    "image: {tag: §}",
    "rootPath: §",
    "nothing: §",
    "huggingFace: §",
    "huggingFace: {tokenSecret: §}",
    "huggingFace: {tokenSecret: {name: §}}",
    "huggingFace: {tokenSecret: {key: §}}",
    "huggingFace: {endpoint: §}",
    "apiKeySecret: §",
    "apiKeySecret: {name: §, keys: [a]}",
    "apiKeySecret: {name: a, keys: [§]}",
    "imagePullSecrets: §",
    "imagePullSecrets: [§]",
    "imagePullSecrets: [{name: §}]",
    "tls: {secretName: §}",
    "ingress: {enabled: true, hosts: [§], tls: [{secretName: §, hosts: [a.example.com]}]}",
    "env: [{name: A, value: §}]",
    "env: [{value: §, name: A}]",
    "env: [{name: A, valueFrom: {secretKeyRef: {name: §, key: a}}}]",
    "env: §",
    "args: [§]",
    "args: [--seed, §]",
    "args: §",
    "command: [sh, -c, §]",
    "probes: {startup: {httpGet: {port: http, path: /health, httpHeaders: [{name: A, value: §}]}}}",
    "volumes: [{name: a, csi: {driver: b, volumeAttributes: {a: §}}}]",
    "volumes: [{name: §, secret: {secretName: §}}]",
    "extraContainers: [{name: a, image: b:1, env: [{name: A, value: §}], args: [§], command: [§]}]",
    "initContainers: [{name: a, image: §, command: [sh, -c, §]}]",
    "extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {a: §}}, data: {a: §}}]",
    "extraObjects: [§]",
    "ignoredRules: [§]",
]
# Where any value is a secret, because of what it is called.
NAMED = [
    *(
        f"env: [{{name: {name}, value: §}}]"
        for name in (
            "PGPASSWORD DB_PASSWD MYSQL_PWD APIKEY OPENAI_KEY ACCESS_KEY CREDENTIALS HF_TOKEN API_KEY_1 GITHUB_PAT"
        ).split()
    ),
    "env: [{value: §, name: PGPASSWORD}]",
    "extraContainers: [{name: a, image: b:1, env: [{name: OAUTH2_PROXY_CLIENT_SECRET, value: §}]}]",
    "extraContainers: [{name: a, image: b:1, args: [--cookie-secret, §]}]",
    "extraContainers: [{name: a, image: b:1, command: [proxy, --api-key, §]}]",
    "initContainers: [{name: a, image: b:1, env: [{name: AWS_SECRET_ACCESS_KEY, value: §}]}]",
    "args: [--hf-token, §]",
    "probes: {startup: {httpGet: {port: http, path: /health, httpHeaders: [{name: Authorization, value: §}]}}}",
    "probes: {startup: {httpGet: {port: http, path: /health, httpHeaders: [{name: X-API-Key, value: §}]}}}",
    "volumes: [{name: a, csi: {driver: b, volumeAttributes: {password: §}}}]",
    "podAnnotations: {example.com/api-key: §}",
]
# The value as YAML with a mistake around it.
MISTAKES = {
    "none": '"§"',
    "a list": '["§"]',
    "a map": '{a: "§"}',
    "a key": '{"§": 1}',
    "a key too many": '"§", typo: 1',
    "twice": '{a: "§", a: "§"}',
    "an open quote": '"§',
    "an open bracket": '["§"',
    "a colon": "§: §",
    "no value": "@§",
    "a tag": "!§",
    "an anchor": "&§",
    "an alias": "*§",
    "too long": f'"§ {"y" * 70_000}"',
    "several lines": r'"first\n§\nlast"',
    "in words": '"see § here"',
}


def said_of(text: str) -> Iterator[str]:
    checked = check_service([read("values.yaml", text.encode())])
    sources = {"values.yaml": text}
    for style in STYLES:
        yield report(checked.findings, style, sources=sources, files=1)
    yield "\n".join(lines(checked.findings))


def parts(secret: str) -> list[str]:
    """Return all of a secret's parts that would give something of it away."""
    private = max(secret.replace("redis://:", "").replace("HTTPS://ann:", "").split("@")[0].split(), key=len)
    start = 0 if len(private) < 20 else 8
    return [private[at : at + 8] for at in range(start, len(private) - 7)]


def assert_hidden(text: str, secret: str) -> None:
    for said in said_of(text):
        leaked = [part for part in parts(secret) if part in said]
        assert not leaked, f"{text[:300]}\n{said[:600]}"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_secret_of_a_known_form_is_never_shown(mistake: str) -> None:
    for place, secret in zip(PLACES, itertools.cycle(FORMS.values()), strict=False):
        assert_hidden(f"{MODEL}{place.replace('§', MISTAKES[mistake].replace('§', secret))}\n", secret)


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_secret_is_shown_with_any_mistake(form: str) -> None:
    places = itertools.cycle(("env: [{name: A, value: §}]", "args: [§]", "description: §"))
    for mistake, place in zip(MISTAKES.values(), places, strict=False):
        assert_hidden(f"{MODEL}{place.replace('§', mistake.replace('§', FORMS[form]))}\n", FORMS[form])


@pytest.mark.parametrize("place", NAMED)
def test_what_a_name_calls_a_secret_is_never_shown(place: str) -> None:
    for mistake in MISTAKES.values():
        assert_hidden(f"{MODEL}{place.replace('§', mistake.replace('§', 'correct-horse-9'))}\n", "correct-horse-9")
