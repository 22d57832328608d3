"""Print the table of docs/fit.md: the predictions of the memory model next to the measured values.

python -m tests.models.measured
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from modelservice.models.architecture import text_of
from modelservice.models.engine import Engine
from modelservice.models.facts_file import known_facts
from modelservice.models.fit import Verdict, verdict_of
from modelservice.models.gpus import gpu_named
from modelservice.models.memory_plan import GIB, MemoryPlan
from modelservice.models.memory_plan import plan_memory as planned
from modelservice.models.model_facts import ModelFacts
from modelservice.models.model_on_gpu import caches_on_gpu, weights_of
from modelservice.models.overhead import Batch, Start, overhead_of
from modelservice.models.weights import Split

DATA = json.loads((Path(__file__).parent / "measured.json").read_text())


class Row(NamedTuple):
    """A measured start of vLLM and its prediction, in GiB; `weights` is None if the headers are needed."""

    measured: dict[str, Any]
    weights: float | None
    overhead: float
    error: float
    kv: float
    plan: MemoryPlan | None
    verdict: Verdict | None

    @property
    def measured_overhead(self) -> float:
        """The memory that vLLM used in addition to the weights and the cache."""
        gpu = gpu_named(self.measured["gpu"])
        assert gpu
        budget = gpu.memory * self.measured["utilization"] / GIB
        return budget - self.measured["weights_gib"] - self.measured["kv_gib"]


def config_of(model: str) -> Mapping[str, Any]:
    """Return the configuration of a measured model, from the catalogue or from measured.json."""
    config = DATA["configs"][model]
    if isinstance(config, dict):
        return config
    facts = known_facts(config, "", [])
    assert facts
    return facts.config


def rows() -> list[Row]:
    """Return every row."""
    return [_row(measured) for measured in DATA["rows"]]


def _row(row: dict[str, Any]) -> Row:
    config, gpu = config_of(row["model"]), gpu_named(row["gpu"])
    assert gpu
    engine = Engine(
        release=tuple(map(int, row["release"].split("."))),
        length=row["length"],
        tokens=row["tokens"],
        sequences=row["sequences"],
        share=row["utilization"],
        eager=row["eager"],
        split=Split(**row.get("split", {})),
    )
    vision = "vision_config" in config
    start = Start(
        Batch(row["tokens"], row["sequences"]), engine.split, row["length"], eager=row["eager"], vision=vision
    )
    overhead = overhead_of(text_of(config), engine.release, start)
    if vision:  # the encoder's weights are only in the headers, so the measured ones are used
        kv = gpu.memory * row["utilization"] / GIB - row["weights_gib"] - overhead.total / GIB
        return Row(row, None, overhead.total / GIB, overhead.error / GIB, kv, None, None)
    facts = ModelFacts(row["model"], "", "", config)
    plan = planned(facts, engine, gpu)
    weights = weights_of(facts, text_of(config), engine, gpu.capability) / GIB
    verdict = verdict_of(plan, engine)
    return Row(row, weights, overhead.total / GIB, overhead.error / GIB, plan.available / GIB, plan, verdict)


def table(found: list[Row]) -> str:
    """Return the rows as a table in Markdown, with the mean and the worst error of the KV cache."""
    lines = [
        "| model | GPU, release, tokens, sequences | weights | overhead | KV cache | error of the KV cache |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in found:
        one = row.measured
        how = f"{one['gpu']}, {one['release']}, {one['tokens']}, {one['sequences']}{', eager' if one['eager'] else ''}"
        how += "".join(f", {name} {size}" for name, size in one.get("split", {}).items())
        weights = "?" if row.weights is None else f"{row.weights:.2f}"
        lines.append(
            f"| {one['model']} | {how} | {weights} / {one['weights_gib']:.2f} "
            f"| {row.overhead:.2f} ± {row.error:.2f} / {row.measured_overhead:.2f} "
            f"| {row.kv:.2f} / {one['kv_gib']:.2f} | {off(row):+.2%} |"
        )
    errors = [abs(off(row)) for row in found]
    return "\n".join([*lines, "", f"Error of the KV cache: {mean(errors):.2%} on average, {max(errors):.2%} at worst."])


def off(row: Row) -> float:
    """Return the relative error of the predicted KV cache."""
    return float(row.kv / row.measured["kv_gib"] - 1)


def kv_bytes(row: Row) -> int:
    """Return the predicted bytes of a token."""
    return sum(cache.nbytes for cache in caches_on_gpu(text_of(config_of(row.measured["model"])), Engine()))


if __name__ == "__main__":
    print(table(rows()))
