"""The schema check agrees with jsonschema on validity, and explains errors in words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from modelservice.findings import Problem
from modelservice.schema.validation import check_schema, validator_of

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "a": {
            "anyOf": [
                {"type": "integer", "minimum": 3},
                {"type": "object", "required": ["x"], "properties": {"x": {"enum": ["p", 1, None]}}},
            ]
        },
        "b": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": True, "items": {"$ref": "#/definitions/s"}},
        "c": {"type": ["boolean", "null"]},
        "d": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-c]"},
            "patternProperties": {"^a": {"const": 1}},
            "maxProperties": 2,
        },
        "e": {"not": {"required": ["x", "y"]}, "if": {"required": ["x"]}, "then": {"required": ["z"]}},
        "f": {"type": "number", "maximum": 10, "exclusiveMinimum": 0, "multipleOf": 0.5},
    },
    "definitions": {"s": {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[a-z]*$"}},
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 20)
    | st.floats(-5, 20)
    | st.sampled_from(["", "a", "xyz", "long text", "1", "true"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcxyz"), inner, max_size=3),
    max_leaves=8,
)


def problems(values: dict, schema: dict) -> list[Problem]:
    return list(check_schema(values, validator_of(schema), schema))


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from("abcdefg"), JSON, max_size=4))
def test_it_finds_a_problem_where_and_only_where_jsonschema_does(values: dict) -> None:
    assert bool(problems(values, SCHEMA)) != Draft7Validator(SCHEMA).is_valid(values)


def said(values: dict, schema: dict) -> list[tuple]:
    return [(problem.path, problem.rule, problem.message, problem.hint) for problem in problems(values, schema)]


def test_the_closest_alternative_is_explained() -> None:
    assert said({"a": {"x": "q"}}, SCHEMA) == [
        (("a", "x"), "not-allowed", '"q" is not one of p, 1, None', "choose one of them")
    ]


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("2", '"2" is not a whole number', "write 2 without quotes"),
        ("two", '"two" is not a whole number', "write a whole number, such as 4"),
        (2.5, "2.5 is not a whole number", "write a whole number, such as 4"),
        (True, "true is not a whole number", "write a whole number, such as 4"),
        (None, "null is not a whole number", "give a value, or remove the key"),
        ([2], "a list is not a whole number", "write a single value"),
        ("hf_" + "a1" * 17, "a secret (not shown) is not a whole number", "write a whole number, such as 4"),
    ],
)
def test_a_wrong_type_is_described_with_a_hint(value: object, message: str, hint: str) -> None:
    schema = {"properties": {"count": {"type": "integer", "default": 4}}}
    assert said({"count": value}, schema) == [(("count",), "wrong-type", message, hint)]


def test_a_long_value_is_cut() -> None:
    (problem,) = problems({"a": "x" * 1000}, {"properties": {"a": {"type": "integer"}}})
    assert len(problem.message) < 100
