"""docs/start-faster.md agrees with the facts about vLLM's flags and variables."""

import re
from pathlib import Path

import pytest
from modelservice.schema.fields import load_fields
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import command_line
from modelservice.vllm.releases import releases

PAGE = (Path(__file__).parents[1] / "docs/start-faster.md").read_text()
# A row's switch, and the first release that it names.
ARGUMENTS = re.findall(r"(?m)^\| \w+ \| `(--[a-z-]+)(?:=(\w+))?`[^|]*\| ([0-9.]+)", PAGE)


def takes(release: str, flag: str, value: str) -> bool:
    found = command_line(release).get(flag)
    return found is not None and (not value or value in found.values)


def test_the_page_has_the_loaders() -> None:
    assert {"prefetch", "eager", "fastsafetensors", "instanttensor", "runai_streamer"} <= {
        value for _, value, _ in re.findall(r"`(--[a-z-]+)=(\w+)`()", PAGE)
    }


@pytest.mark.parametrize(("flag", "value", "since"), ARGUMENTS)
def test_a_switch_exists_since_the_release_that_the_page_names(flag: str, value: str, since: str) -> None:
    assert next(release for release in releases() if takes(release, flag, value)) == since
    assert takes(releases()[-1], flag, value)


def test_the_load_strategy_exists_since_the_release_that_the_page_names() -> None:
    flag = "--safetensors-load-strategy"
    first = next(one for one in releases() if takes(one, flag, ""))
    enforced = next(one for one in releases() if takes(one, flag, "") and command_line(one)[flag].enforced)
    assert f"`{flag}` exists since {first}, but accepts any value before {enforced}:" in PAGE


def test_every_variable_and_key_on_the_page_exists() -> None:
    variables = set(re.findall(r"`(VLLM_[A-Z_]+)", PAGE))
    assert variables
    assert variables <= facts("environment")["variables"].keys()
    keys = {field.key for field in load_fields().fields}
    assert set(re.findall(r"`((?:modelVolume|compileCache)\.\w+)", PAGE)) <= keys
