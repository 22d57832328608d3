"""The memory model against measured starts of vLLM."""

from pathlib import Path
from typing import Any

import pytest
from modelservice.models.architecture import text_of
from modelservice.models.fit import Verdict
from modelservice.models.memory_plan import GIB
from modelservice.models.tensor_shapes import tensors_of
from modelservice.models.weights import Loading, Split, weights_per_gpu

from tests.models.measured import DATA, Row, config_of, kv_bytes, off, rows, table

ROWS = rows()
DOCUMENT = Path(__file__).parents[2] / "docs/fit.md"


def named(row: Row) -> str:
    return "-".join(str(row.measured[key]) for key in ("model", "release", "tokens", "eager")) + str(
        row.measured.get("split", "")
    )


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_overhead_is_within_its_stated_error(row: Row) -> None:
    assert abs(row.overhead - row.measured_overhead) <= min(0.3, row.error)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_the_kv_cache_is_within_four_thousandths(row: Row) -> None:
    assert abs(off(row)) < 0.004


@pytest.mark.parametrize("row", [row for row in ROWS if row.weights], ids=named)
def test_weights_equal_the_measured_ones(row: Row) -> None:
    assert row.weights == pytest.approx(row.measured["weights_gib"], rel=0.002)


@pytest.mark.parametrize(("model", "split", "loading", "gib"), DATA["weights"])
def test_weights_of_other_types(model: str, split: dict[str, int], loading: dict[str, Any], gib: float) -> None:
    text = text_of(config_of(model))
    found = weights_per_gpu(tensors_of(text), text, Split(**split), Loading(**loading))
    assert found / GIB == pytest.approx(gib, rel=0.002)


@pytest.mark.parametrize("row", [row for row in ROWS if row.measured["gpu"] == "H200"], ids=named)
def test_tokens_equal_those_in_vllms_log(row: Row) -> None:
    assert row.plan
    assert row.plan.tokens == pytest.approx(row.measured["kv_tokens"], rel=0.002)


def test_bytes_of_a_token() -> None:
    measured = {row.measured["model"]: kv_bytes(row) for row in ROWS if row.measured["gpu"] == "H200"}
    assert measured == {"Qwen3-8B": 147_456, "Llama-3.1-8B": 131_072}


def test_every_measured_start_gets_the_verdict_fits() -> None:
    assert {row.verdict for row in ROWS} - {None} == {Verdict.FITS}


def test_the_document_has_the_table() -> None:
    assert table(ROWS) in DOCUMENT.read_text()
