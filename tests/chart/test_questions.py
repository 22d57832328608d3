"""questions.yaml is a form that Rancher's dashboard shows as intended.

Types and conditions as in github.com/rancher/dashboard, shell/components/Questions.
"""

import itertools
import re

import jsonschema
import yaml
from modelservice.importing.part import values_of
from modelservice.schema.source import plain_schema

from tests.chart.rendering import CHART

QUESTIONS = yaml.safe_load((CHART / "questions.yaml").read_text())["questions"]
KNOWN = {"string", "boolean", "int", "float", "enum", "secret", "pvc", "storageclass", "array[string]", "map[string]"}
# The tabs of the console's form.
TABS = ["General", "Resources", "Volumes", "Node Scheduling", "Health Check", "Labels & Annotations"]


def test_the_tabs_equal_the_consoles() -> None:
    assert [tab for tab, _ in itertools.groupby(QUESTIONS, key=lambda one: one["group"])] == TABS


def test_rancher_knows_every_type_and_labels_are_unique_in_a_tab() -> None:
    assert {one["type"] for one in QUESTIONS} <= KNOWN
    labels = [(one["group"], one["label"]) for one in QUESTIONS]
    assert len(set(labels)) == len(labels)


def test_secrets_claims_and_storage_classes_are_selected_from_the_cluster() -> None:
    kinds = {one["variable"]: one["type"] for one in QUESTIONS}
    for name, kind in kinds.items():
        last = name.rsplit(".", 1)[-1]
        expected = {"existingClaim": "pvc", "storageClassName": "storageclass"}.get(last)
        expected = "secret" if re.search(r"Secret\.name$", name) else expected
        assert kind == (expected or kind), name
    assert {"secret", "pvc", "storageclass"} <= set(kinds.values())


def test_every_default_can_be_selected_and_equals_the_charts() -> None:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    for one in QUESTIONS:
        default = defaults
        for key in one["variable"].split("."):
            default = default[key]
        assert one.get("default") == default, one["variable"]
        if one["type"] == "enum":
            # Enum.vue shows an option, or its label if the options are a map.
            options = one["options"]
            assert all(options.values() if isinstance(options, dict) else options), one["variable"]
            chosen = default if one.get("multiple") else [default]
            assert set(chosen) <= set(one["options"]), one["variable"]


def test_every_option_is_valid_by_the_schema() -> None:
    validator = jsonschema.Draft7Validator(plain_schema())
    for one in QUESTIONS:
        for option in one.get("options", []):
            values = values_of({one["variable"]: [option] if one.get("multiple") else option})
            assert not list(validator.iter_errors(values)), (one["variable"], option)


def test_conditions_name_other_questions_as_rancher_reads_them() -> None:
    names = {one["variable"] for one in QUESTIONS}
    conditions = {one["variable"]: one["show_if"] for one in QUESTIONS if "show_if" in one}
    for name, condition in conditions.items():
        assert "!" not in condition  # its dashboard reads the ! as a part of the key
        asked = {part.partition("=")[0] for part in re.split(r"&&|\|\|", condition)}
        assert asked <= names - {name}, name
    assert conditions["modelVolume.size"] == "modelVolume.existingClaim="
    assert conditions["service.nodePort"] == "service.type=NodePort||service.type=LoadBalancer"
    assert conditions["huggingFace.endpoint"] == "model.source=huggingface"
