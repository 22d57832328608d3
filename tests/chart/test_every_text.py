"""Helm renders every text that the schema accepts unchanged, and it changes nothing else."""

import functools
import json
import subprocess
from typing import Any

import pytest
import yaml
from modelservice.check import check, errors
from modelservice.findings import dotted
from modelservice.reading.document import read
from modelservice.reading.documents import load_objects
from modelservice.reading.scalars import resolve

from tests.chart.rendering import CHART
from tests.every_text import KEY, Place, packed, places, put

TEXTS = [
    *(
        "'",
        '"',
        "a'b",
        'a"b',
        "\\",
        "a\\nb",
        "a\nb",
        "a\n",
        "a\n\n",
        "\ta",
        "a\r\nb",
        " a",
        "a ",
        " ",
        "#a",
        "a #b",
        "a: b",
        "a:",
        ": ",
    ),
    *(
        "{{ .Release.Name }}",
        "{{",
        "}}",
        "{a",
        "[a",
        "- a",
        "-",
        "?",
        "? a",
        "|",
        ">-",
        "%a",
        "@a",
        "`a",
        "*a",
        "&a",
        "!!x",
        "!a",
    ),
    *(
        "$(X)",
        "$$(X)",
        "$X",
        "${X}",
        "---",
        "...",
        "--- a",
        "=",
        "<<",
        "~",
        "null",
        "yes",
        "On",
        "n",
        "True",
        "-.5",
        "+.5",
    ),
    *("+_1", "0o7", "017", "0x1f", "0b1", "1_000", "1e3", "1.0", ".inf", ".nan", "1:30", "2024-01-01", "190:20:30"),
    *("é日本😀", "a\u2028b", "a\u00a0b", "\ufeffa", "\u202ea", "a,b", "a]b", "a}b", "<path:a#b>"),
]
# toYaml writes this key unquoted, and helm refuses it as a merge; a port also opens a port in the policy.
LEFT_OUT = {(KEY, "<<"), ("endpoint", "1:30"), ("endpoint", "190:20:30")}
ROUNDS = 4


def as_json(values: Any) -> str:
    """Return values as JSON that is also valid YAML, which has no surrogates."""
    return json.dumps(values).replace("\\ud83d\\ude00", "😀")


@functools.cache
def rendered(helm: str, values: str) -> str:
    command = [helm, "template", "x", str(CHART), "--namespace", "models", "-f", "-"]
    return subprocess.run(command, input=values, capture_output=True, text=True, check=True).stdout


@functools.cache
def accepted(place: Place) -> list[str]:
    return [text for text in TEXTS if place.takes(text) and (place.path[-1], text) not in LEFT_OUT]


def chosen(start: int) -> dict[str, str]:
    """Return for each token a text that the schema accepts in its place; all keys are different."""
    found: dict[str, str] = {}
    keys: set[str] = set()
    for place in places():
        texts = [text for text in accepted(place) if text not in keys] or [place.token]
        found[place.token] = texts[(place.number + start) % len(texts)]
        if place.path[-1] == KEY or place.path[0] == "gpu":
            keys.add(found[place.token])
    return found


def meant(place: Place, text: str) -> str:
    """Return a text as it is in the manifest: in arguments Kubernetes reads $$ as $."""
    return text.replace("$", "$$") if place.path[0] == "args" else text


def without_checksums(tree: Any) -> Any:
    for item in tree:
        for metadata in (item["metadata"], item.get("spec", {}).get("template", {}).get("metadata", {})):
            metadata.get("annotations", {}).pop("checksum/chat-template", None)
        if item["kind"] == "Job":
            item["metadata"]["name"] = item["metadata"]["name"].rpartition("-")[0]
    return tree


def test_each_place_is_in_the_manifests(helm: str) -> None:
    manifests = "".join(rendered(helm, as_json(values)) for values in packed())
    assert len(places()) > 400
    assert [place.path for place in places() if place.token not in manifests] == []


def annotations(item: Any) -> list[str]:
    """Return the description and the user's own annotation, of an object and of its pods."""
    about = [item["metadata"], item["spec"].get("template", {}).get("metadata", {})]
    found = {key: value for one in about for key, value in one.get("annotations", {}).items()}
    return [found[key] for key in ("field.cattle.io/description", "a") if key in found]


@pytest.mark.parametrize("text", ["\u00a0", "a\u3000", "a\n\n", "a\n\n\n"])
def test_the_last_text_of_a_list_keeps_its_trailing_spaces(text: str, helm: str) -> None:
    env = [{"name": "A", "value": text}, {"name": "VLLM_API_KEY", "value": text}]
    extra = {key: [{"name": key.lower(), "image": "a", "env": env}] for key in ("initContainers", "extraContainers")}
    values = {
        "env": env,
        "description": text,
        "podAnnotations": {"a": text},
        "probes": {"liveness": {"exec": {"command": [text]}}},
        "modelVolume": {"preDownload": "InitContainer"},
        "volumes": [{"name": "a", "csi": {"driver": "a", "volumeAttributes": {"a": text}}}],
        "tolerations": [{"key": "a", "operator": "Exists"}],
        **extra,
    }
    objects = load_objects(rendered(helm, as_json(values)))
    pods = [one["spec"].get("template", one)["spec"] for one in objects if one["kind"] in ("Deployment", "Pod")]
    containers = [one for pod in pods for one in pod.get("initContainers", []) + pod["containers"]]
    ends = [
        one["value"] for container in containers for one in container["env"] if one["name"] in ("A", "VLLM_API_KEY")
    ]
    ends += [one["livenessProbe"]["exec"]["command"][0] for one in containers if "livenessProbe" in one]
    ends += [value for one in objects if "spec" in one for value in annotations(one)]
    ends += [one["csi"]["volumeAttributes"]["a"] for pod in pods for one in pod.get("volumes", []) if "csi" in one]
    assert len(ends) == 13
    assert set(ends) == {text}


@pytest.mark.parametrize("start", range(ROUNDS))
def test_a_text_is_rendered_unchanged(start: int, helm: str) -> None:
    texts = chosen(start * 5)
    expected = {place.token: meant(place, texts[place.token]) for place in places()}
    for values in packed():
        manifests = rendered(helm, as_json(put(values, texts)))
        harmless = without_checksums(load_objects(rendered(helm, as_json(values))))
        assert without_checksums(load_objects(manifests)) == put(harmless, expected)
        for event in yaml.parse(manifests, yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value in TEXTS:
                assert isinstance(resolve(event.value)[0], str), event.value


@pytest.mark.parametrize("character", ["\x80", "\uffff"])
def test_a_character_that_helm_cannot_write_is_refused_with_the_text_around_it(character: str, helm: str) -> None:
    values = as_json({"annotations": {"a": f"a{character}b"}})
    assert [finding.rule for finding in errors(check(read("values.yaml", values.encode())))] == ["control-character"]
    with pytest.raises(subprocess.CalledProcessError):
        rendered(helm, values)


def test_each_place_of_such_a_character_is_named(helm: str) -> None:
    values = {"description": "a\x85", "env": [{"name": "A", "value": "\x85"}], "annotations": {"a.b/c": "\x85"}}
    with pytest.raises(subprocess.CalledProcessError) as error:
        rendered(helm, as_json(values))
    named = [line.split(": has")[0] for line in error.value.stderr.splitlines() if "[control-character]" in line]
    assert named == ['- annotations["a.b/c"]', "- description", "- env[0].value"]
    found = errors(check(read("values.yaml", as_json(values).encode())))
    assert sorted(f"- {dotted(finding.path)}" for finding in found) == named
