"""A planted secret is found and never printed: in every place, with every mistake around it, in every style."""

import base64
import itertools
import json
import os
import random
import re
import string
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from modelservice.check import check_service
from modelservice.cli import main
from modelservice.command_secrets import literals
from modelservice.helm import words
from modelservice.reading.document import read
from modelservice.redact import hidden
from modelservice.report import lines, report
from modelservice.secret_forms import (
    has_secret_object,
    is_literal,
    keys_secret,
    looks_like_secret,
    may_hold_secret,
    names_secret,
)

STYLES = ("text", "json", "github", "sarif")
MODEL = "model: {name: Qwen/Qwen3-8B}\n"
# Not a real secret: random letters and digits, always the same.
_CHANCE = random.Random(7)
_LETTERS = "".join(_CHANCE.choices(string.ascii_letters + string.digits, k=60))
_HEX = "".join(_CHANCE.choices("0123456789abcdef", k=40))
_UUID = f"{_HEX[:8]}-{_HEX[8:12]}-{_HEX[12:16]}-{_HEX[16:20]}-{_HEX[20:32]}"
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
    "slack webhook": f"https://hooks.slack.com/services/T{_HEX[:8].upper()}/B{_HEX[8:16].upper()}/{_LETTERS[:24]}",
    "discord webhook": f"https://discord.com/api/webhooks/123456789012345678/{_LETTERS}{_LETTERS[:8]}",
    "teams webhook": f"https://example.webhook.office.com/webhookb2/{_UUID}@{_UUID}/IncomingWebhook/{_HEX[:32]}/{_UUID}",
    "flow webhook": f"https://prod-1.westeurope.logic.azure.com:443/workflows/{_HEX[:32]}/triggers/manual/paths/invoke"
    f"?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={_LETTERS[:43]}",
    "chat webhook": f"https://chat.googleapis.com/v1/spaces/AAAA/messages?key=x&token={_LETTERS[:43]}",
    "telegram": f"https://api.telegram.org/bot123456789:{_LETTERS[:35]}",
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
    "url of a token": f"http://{_HEX[:30]}@git.example.com/a/b",
    "url in capitals": f"HTTPS://ann:{_LETTERS[:20]}@example.com",
    "glued": f"Bearer hf_{_LETTERS[:34]}",
    "assigned": f"token=hf_{_LETTERS[:34]}",
    "behind a letter": f"xhf_{_LETTERS[:34]}",
    "base64": base64.b64encode(f"hf_{_LETTERS[:34]}".encode()).decode(),
}
# Places of a secret with a known form. § is the value, as YAML.
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
NAMES = (
    *("PGPASSWORD", "DB_PASSWD", "MYSQL_PWD", "APIKEY", "OPENAI_KEY", "ACCESS_KEY", "CREDENTIALS", "HF_TOKEN"),
    *("API_KEY_1", "GITHUB_PAT", "HFTOKEN", "API_KEYS", "AWS_ACCESS_KEY_ID", "X-API-Key", "Authorization", "DB_PW"),
    *("clientSecret", "hfToken", "azurestorageaccountkey", "LITELLM_MASTER_KEY", "RABBITMQ_DEFAULT_PASS", "PGPASS"),
    *("ANTHROPIC_KEY", "AUTH_TOKEN", "SECRET_KEY", "DJANGO_SECRET_KEY", "PASSWORD1", "sessionToken", "REDISCLI_AUTH"),
)
NO_NAMES = (
    *("MAX_TOKENS", "VLLM_MAX_TOKENS_PER_STEP", "TOKENIZERS_PARALLELISM", "tokenizer", "EOS_TOKEN", "HF_TOKEN_PATH"),
    *("PASSWORD_FILE", "tokenSecret", "secretName", "existingSecret", "secretKeyRef", "PUBLIC_KEY", "SORT_KEY", "PWD"),
    *("--max-num-batched-token", "--long-prefill-token-threshold", "IMAGE_PULL_SECRET", "BYPASS", "HF_TOKEN_SECRET"),
)
# Places where any value is a secret, because of its name.
NAMED = [
    *(f"env: [{{name: {name}, value: §}}]" for name in NAMES[:10]),
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
    "extraContainers: [{name: a, image: b:1, args: [-password, §]}]",
    "volumes: [{name: a, flexVolume: {driver: a/b, options: {password: §}}}]",
    "extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {password: §}}]",
]
# The same inside a text, quoted as its place requires.
WRITTEN = [
    *("curl -H 'PRIVATE-TOKEN: §' http://a", "curl -H 'X-Api-Key: §' http://a", "curl -u ann:§ http://a"),
    *("curl --user ann:§ http://a", "mysql -uroot -p§ db", "sshpass -p § ssh a", "redis-cli -a § ping"),
    *("docker login -u ann -p § a", "wget --proxy-user=ann:§ a", "a -password § b", "https_proxy=ann:§@proxy:3128 a"),
    *("curl 'http://a/b?api_key=§'", "curl 'http://a/b?x=1&sig=§'", "curl -fsu ann:§ http://a"),
    *("curl -sH 'Authorization: Bearer §' http://a", "curl --oauth2-bearer § http://a"),
]
SHELLS = [
    "initContainers: [{name: a, image: b:1, command: [sh, -c, ¶]}]",
    "lifecycle: {preStop: {exec: {command: [sh, -c, ¶]}}}",
    "probes: {startup: {exec: {command: [sh, -c, ¶]}}}",
]
SNIPPETS = [
    *('proxy_set_header Authorization "Bearer §";', "proxy_set_header X-Api-Key §;", "Authorization: Basic §||A:b"),
    *('more_set_headers "Authorization: Bearer §";', 'http-request set-header Authorization "Bearer §"'),
]
CONFIG = "extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a.txt: ¶}}]"
FILES = ("user: ann\npassword: §\n", '{"user": "ann", "apiKey": "§"}', "export DB_PASSWORD=§\n", "[db]\npassword = §\n")
LOGINS = [
    'image: {registry: "ann:§@registry.example.com"}',
    'extraContainers: [{name: a, image: "ann:§@registry.example.com/a:1"}]',
    'env: [{name: HTTPS_PROXY, value: "ann:§@proxy:3128"}]',
    'probes: {startup: {httpGet: {port: http, path: "/health?api_key=§"}}}',
    'extraContainers: [{name: a, image: b:1, command: [curl, -H, "PRIVATE-TOKEN: §", http://a]}]',
    'extraContainers: [{name: a, image: b:1, command: [curl, -u, "ann:§", http://a]}]',
    'extraContainers: [{name: a, image: b:1, command: [mysql, -uroot, "-p§", db]}]',
    'extraContainers: [{name: a, image: b:1, args: ["--proxy-user=ann:§"]}]',
    'extraObjects: ["apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a}\\ndata: {password: §}\\n"]',
    *(CONFIG.replace("¶", json.dumps(text, ensure_ascii=False)) for text in FILES),
    "extraObjects: [{apiVersion: a/v1, kind: B, metadata: {name: a}, spec: {login: [{adminPassword: §}]}}]",
    'extraObjects: ["apiVersion: a/v1\\nkind: B\\nmetadata: {name: a}\\nspec: {password: §}\\n"]',
    *(place.replace("¶", json.dumps(text, ensure_ascii=False)) for place in SHELLS for text in WRITTEN),
    *(f"ingress: {{annotations: {{a/snippet: {json.dumps(text, ensure_ascii=False)}}}}}" for text in SNIPPETS),
    "extraObjects: [{apiVersion: a/v1, kind: B, metadata: {name: a}, spec: {Authorization: Bearer §}}]",
]
# Places for the name of a Secret, or for nothing: their text is neither checked nor quoted.
NOT_QUOTED = [
    *("imagePullSecrets: §", "imagePullSecrets: [§]", "imagePullSecrets: [{name: § !}]", "tls: {key: §}", "tls: §"),
    *(
        "apiKeySecret: {key: §}",
        "tls: {secretName: § !}",
        "huggingFace: {tokenSecret: [§]}",
        "apiKeySecret: [§]",
        "args: [-O.api_key=§]",
    ),
    *("args: [-O.api_key, §]", "volumes: [{name: a, secret: {secretName: § !}}]"),
    *("env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: § !}}}]", "tls:\n  secretName: a\n  key: §"),
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
    """Return all parts of a secret that would reveal some of it."""
    if secret.startswith("https://"):
        secret = re.split("[/=:]", secret)[-1]
    private = max(secret.replace("redis://:", "").replace("HTTPS://ann:", "").split("@")[0].split(), key=len)
    start = 0 if len(private) < 20 else 8
    return [private[at : at + 8] for at in range(start, len(private) - 7)]


def assert_hidden(text: str, secret: str) -> None:
    for said in said_of(text):
        leaked = [part for part in parts(secret) if part in said]
        assert not leaked, f"{text[:300]}\n{said[:600]}"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_secrets_of_known_forms_are_never_shown(mistake: str) -> None:
    for place, secret in zip(PLACES, itertools.cycle(FORMS.values()), strict=False):
        assert_hidden(f"{MODEL}{place.replace('§', MISTAKES[mistake].replace('§', secret))}\n", secret)


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_secret_is_shown_next_to_any_mistake(form: str) -> None:
    places = itertools.cycle(("env: [{name: A, value: §}]", "args: [§]", "description: §"))
    for mistake, place in zip(MISTAKES.values(), places, strict=False):
        assert_hidden(f"{MODEL}{place.replace('§', mistake.replace('§', FORMS[form]))}\n", FORMS[form])


@pytest.mark.parametrize("place", NAMED)
def test_values_under_secret_names_are_never_shown(place: str) -> None:
    for mistake in MISTAKES.values():
        assert_hidden(f"{MODEL}{place.replace('§', mistake.replace('§', 'correct-horse-9'))}\n", "correct-horse-9")


@pytest.mark.parametrize("place", NOT_QUOTED)
def test_text_in_place_of_a_secrets_name_is_not_shown(place: str) -> None:
    assert_hidden(f"{MODEL}{place.replace('§', 'correct-horse-9')}\n", "correct-horse-9")


def test_a_directive_is_not_shown() -> None:
    assert_hidden(f"%YAML 3.0 correct-horse-9\n---\n{MODEL}", "correct-horse-9")


SECRET_RULES = {"secret-literal", "argument-secret"}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_in_a_text(form: str) -> None:
    text = f'{MODEL}description: "{FORMS[form]}"\nargs: ["--served-model-name={FORMS[form]}"]\n'
    found = check_service([read("values.yaml", text.encode())]).findings
    assert {finding.path for finding in found if finding.rule in SECRET_RULES} == {("description",), ("args", 0)}


@pytest.mark.parametrize("place", NAMED)
def test_values_under_secret_names_are_found_unless_they_are_references(place: str) -> None:
    for value, wrong in (("correct-horse-9", True), ("$(NAME)", False), ("/run/secrets/token", False), ("true", False)):
        text = f"{MODEL}{place.replace('§', json.dumps(value))}\n"
        found = {finding.rule for finding in check_service([read("values.yaml", text.encode())]).findings}
        if "--hf-token" in place:
            assert "argument-owned" in found
        else:
            assert bool(found & SECRET_RULES) == wrong, text


@pytest.mark.parametrize("place", LOGINS)
def test_a_secret_after_a_header_a_user_or_a_short_flag_is_found_and_not_shown(place: str) -> None:
    text = f"{MODEL}{place.replace('§', 'correct-horse-9')}\n"
    assert {finding.rule for finding in check_service([read("values.yaml", text.encode())]).findings} & SECRET_RULES
    assert_hidden(text, "correct-horse-9")


def test_a_secret_in_a_failing_template_is_found() -> None:
    secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: {{ fail "correct-horse" }}\n'
    text = f"{MODEL}extraObjects: [{json.dumps(secret)}]\n"
    assert "secret-object" in {finding.rule for finding in check_service([read("a.yaml", text.encode())]).findings}


@pytest.mark.parametrize("name", NAMES)
def test_lines_with_secret_names_are_not_quoted(name: str) -> None:
    assert names_secret(name)
    assert keys_secret(name)
    assert may_hold_secret(name)


@pytest.mark.parametrize("name", NO_NAMES)
def test_other_names_are_not_secret_names(name: str) -> None:
    assert not names_secret(name)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("export HF_TOKEN=hunter2 && vllm serve", "hunter2"),
        ("vllm serve --api-key swordfish --port 80", "swordfish"),
        ('{"a": 1, "token": "hunter2"}', '"hunter2"'),
        ("login(token='hunter2')", "'hunter2'"),
        ("https://example.com/?api_key=hunter2&x=1", "hunter2"),
        ("Server=db;Password=hunter2;", "hunter2"),
        ("--hf-overrides.auth_token=hunter2", "hunter2"),
        ("--api-key=$(KEY) --x", ""),
        ("HF_TOKEN=$(cat /x) y", ""),
        ("HF_TOKEN=`cat /x`", ""),
        ('PASSWORD="$X"', ""),
        ("API_KEY=os.getenv('X')", ""),
        ("token=os.environ['x']", ""),
        ("curl -H 'Authorization: Bearer hunter2-x' a", "hunter2-x"),
        ('curl -H "Authorization: Bearer $TOKEN" -u "$USER:$PASS" a', ""),
        ("curl -H 'Accept: a/b' -u ann: a", ""),
        ("sudo -u app mkdir -p data; docker run -p web:80 --user app:app a; ps -a all; mysql -p db", ""),
        ("HTTPS_PROXY=http://proxy:3128 a --proxy proxy:3128 -t token", ""),
        ("curl -fsSLH 'Authorization: Bearer abc' a", "abc"),
        ('proxy_set_header Authorization "Bearer abc123";', "abc123"),
        ('proxy_set_header Authorization "Bearer $token"; proxy_set_header X-Api-Key $remote_user;', ""),
        ('proxy_set_header Authorization ""; tar -czfH a b; # Authorization: Bearer token', ""),
        ("--max-tokens 5 --token-file /x --hf-token --y", ""),
        ('{"pad_token":"<pad>","eos_token":"x"}', ""),
    ],
)
def test_commands_that_contain_a_secret_are_distinguished_from_those_that_read_one(text: str, found: str) -> None:
    assert [text[begin:end] for begin, end in literals(text)] == ([found] if found else [])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("git clone https://ghp_short@github.com/a", "git clone (not shown)github.com/a"),
        ("git clone https://TOKEN@github.com/a", "git clone (not shown)@github.com/a"),
        ("ann:hunter2@proxy:3128", "(not shown)@proxy:3128"),
        ("https_proxy=ann:hunter2@proxy:3128 a", "https_proxy=(not shown) a"),
        *((text, text) for text in ("git@github.com:a/b", "ssh://git@github.com/a", "https://git@github.com/a")),
        *((text, text) for text in ("https://$TOKEN@github.com/a", "https://${TOKEN}@github.com/a", "mailto:a@b.c")),
        ("https://a.example.com/@scope/x?email=a@b.c", "https://a.example.com/@scope/x?email=a@b.c"),
    ],
)
def test_users_and_logins_in_addresses_are_hidden_unless_they_are_references(text: str, shown: str) -> None:
    assert hidden(text) == shown


@pytest.mark.parametrize(
    "url",
    [
        *("https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/5", "https://jenkins-2@git.example.com/a"),
        *(
            "https://0123456789abcdef0123456789abcdef@errors.example.com/5",
            "https://${TOKEN_OF_2026_FOR_THE_HUB}@a.b/c",
        ),
    ],
)
def test_the_public_user_of_an_address_is_not_found(url: str) -> None:
    assert looks_like_secret(url) is None


COMMANDS = {
    "validate": [],
    "template": [],
    "render": ["-o", "chart"],
    "package": ["-d", "dist"],
    "argocd": ["--chart-repo", "https://a.b/c"],
    "access": [],
    "diff": ["good.yaml"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_a_secret(
    command: str, tmp_path: Path, newest_helm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(newest_helm).parent}:{os.environ['PATH']}")
    Path("good.yaml").write_text(MODEL)
    for place, secret in zip(PLACES[::6], FORMS.values(), strict=False):
        Path("bad.yaml").write_text(f"{MODEL}{place.replace('§', json.dumps(secret))}\n")
        answer = CliRunner().invoke(main, [command, "bad.yaml", *COMMANDS[command]], catch_exceptions=False)
        assert answer.exit_code in (1, 2), answer.output
        assert not any(part in answer.output for part in parts(secret)), answer.output


@pytest.mark.parametrize(
    "said",
    [
        'Error: cannot parse template "stringData: {pin: hunter2 \\"x\\"}": template: a:1: unexpected "}"',
        'Error: at <"hunter2">: wrong type for value',
        'Error: template: a:1:2: executing "a" at <print `hunter2` .x>: error calling print',
        "Error: unmarshal errors: line 3: cannot unmarshal !!str `hunter2` into map[string]string",
    ],
)
def test_helm_messages_are_shown_without_quoted_texts(said: str) -> None:
    shown = words(subprocess.CompletedProcess([], 1, "", said))
    assert "hunter2" not in shown
    assert "(not shown)" in shown


def test_helm_messages_about_the_charts_own_templates_are_kept() -> None:
    said = 'Error: executing "a" at <include "modelservice.validate" .>: error calling include'
    assert words(subprocess.CompletedProcess([], 1, "", said)) == said


UNITS = [
    " -p1",
    "a:",
    "a:b@",
    "curl -u a:b ",
    "-",
    "_",
    "https://a1-",
    "-aH a ",
    "Authorization: Bearer a ",
    "set_header ",
    " ",
    "A=",
    "PASSWORD=x(",
    "hf_a",
    "sk-a-",
    "http://a:",
    "eyJ",
    '"a":',
    "<path:",
    "\\n",
]


@pytest.mark.parametrize("unit", UNITS)
def test_a_megabyte_is_searched_in_seconds(unit: str) -> None:
    text = (unit * (1_000_000 // len(unit) + 1))[:1_000_000]
    for function in (looks_like_secret, may_hold_secret, has_secret_object, is_literal, names_secret):
        start = time.process_time()
        function(text)
        assert time.process_time() - start < 3, function
    start = time.process_time()
    assert len(list(literals(text))) < len(text)
    assert hidden(text)
    assert time.process_time() - start < 3


ARGUMENTS = [
    ["validate", "§"],
    ["explain", "§"],
    ["diff", "§", "values.yaml"],
    ["upgrade", "values.yaml", "--to", "§"],
    ["validate", "values.yaml", "--ignore", "§"],
    ["access", "values.yaml", "-n", "§"],
    ["package", "values.yaml", "--name", "§"],
    ["fit", "values.yaml", "--facts", "§"],
    ["init", "§", "-y"],
    ["argocd", "values.yaml", "--chart-repo", "https://a.b/c", "--server", "§"],
]


@pytest.mark.parametrize("words", ARGUMENTS)
def test_no_command_repeats_a_secret_of_its_command_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("values.yaml").write_text(MODEL)
    url = "https://ann:correct-horse-9@git.example.com/a"
    answer = CliRunner().invoke(main, [word.replace("§", url) for word in words])
    assert "correct-horse" not in answer.output, answer.output
