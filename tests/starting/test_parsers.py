"""A model gets the parsers of vLLM's recipe for it, if the release has them."""

import pytest
from modelservice.starting.parsers import parsers_of
from modelservice.vllm.releases import newest_release


def names(model: str, release: str) -> dict[str, str]:
    return {key: name for key, (name, _) in parsers_of(model, release).items()}


# https://github.com/vllm-project/recipes; kimi_k3 was added in vLLM 0.27.1, and gpt-oss has no reasoning parser there.
@pytest.mark.parametrize(
    ("model", "release", "expected"),
    [
        ("Qwen/Qwen3-32B", "0.10.0", {"model.toolCallParser": "hermes", "model.reasoningParser": "qwen3"}),
        ("moonshotai/Kimi-K3", "0.26.0", {}),
        ("openai/gpt-oss-120b", newest_release(), {"model.toolCallParser": "openai"}),
        ("acme/own", newest_release(), {}),
    ],
)
def test_parsers_are_those_of_the_recipe(model: str, release: str, expected: dict[str, str]) -> None:
    assert names(model, release) == expected


def test_a_release_that_has_the_parser_gets_it() -> None:
    assert names("moonshotai/Kimi-K3", newest_release())["model.toolCallParser"] == "kimi_k3"
