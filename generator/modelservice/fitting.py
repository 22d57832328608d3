"""Compute whether the models of checked services fit, from the model's facts, the GPU and the arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from modelservice.check import CheckedService, check_service
from modelservice.errors import InputError, ModelServiceError, ToolError
from modelservice.gitops.members import Member
from modelservice.models.engine import Engine, engine_of
from modelservice.models.facts_file import facts_path, quantised_checkpoints, write_facts
from modelservice.models.facts_source import WantedModel, model_facts, wanted_model
from modelservice.models.fit_report import Answer, answer_for
from modelservice.models.gpus import Gpu
from modelservice.models.hub import Told
from modelservice.models.model_facts import ModelFacts
from modelservice.models.node_gpu import why_unknown
from modelservice.reading.values_files import load
from modelservice.reading.values_in_objects import values_in_objects
from modelservice.rules import ABOUT_SIZE, model_limits, model_split
from modelservice.rules.image import is_vllms, release_in
from modelservice.rules.rule import Values
from modelservice.schema.defaults import default_values
from modelservice.schema.source import plain_schema
from modelservice.service import Service, make_service, name_from
from modelservice.vllm.flags import Line, command_line


class Fitted(NamedTuple):
    """The answer for a values file or, without one, the `trouble` that prevented it; and the exit code."""

    values: str
    answer: Answer | None
    trouble: str = ""
    exit_code: int = 0


def answer_of(
    service: Service,
    files: Sequence[str],
    gpu: Gpu,
    told: Told = lambda done, of: None,
    *,
    refresh: bool = False,
    **given: Path,
) -> Answer:
    """Return the answer for the service that these files define; `given` is as in `model_facts`.

    Raises ToolError if the facts cannot be found or the model is not understood, and InputError if vLLM refuses the
    service regardless of memory.
    """
    engine, wanted = _engine(service), wanted_model(service.values)
    facts = model_facts(wanted, files, told, refresh=refresh, **given)
    if wrong := list(_refused(service, facts, gpu)):
        raise InputError("; ".join(wrong))
    facts = facts._replace(draft=_draft(engine, wanted, files, told))
    pinned = service.values["model"]["revision"]  # other checkpoints do not have this revision
    others = [] if pinned else quantised_checkpoints(wanted.name, files)
    return answer_for(facts, engine, gpu, others)


def save(facts: ModelFacts, values: str) -> list[Path]:
    """Write the facts of a model and of its draft model next to a values file; return the paths."""
    each = [one for one in (facts, facts.draft) if one]
    paths = [facts_path(one.model, values) for one in each]
    for one, path in zip(each, paths, strict=True):
        write_facts(one, path)
    return paths


def fit_all(
    services: Iterable[Member], gpu: Callable[[Service], Gpu | None], ignore: Collection[str], *, refresh: bool = False
) -> Iterator[Fitted]:
    """Yield for each service, and for each set of values inside a Kubernetes object, whether its model fits.

    `gpu` returns the GPU, or None if it is unknown. A service without an answer does not stop the rest.
    """
    for one in services:
        files = one.files
        own = load(one.values)
        for document in values_in_objects(own, plain_schema()["properties"]) or [own]:
            checked = check_service([*one.layers, document], (*ignore, *ABOUT_SIZE))
            yield _fitted(one.values, files, checked, gpu, refresh=refresh)


def _fitted(
    values: str, files: Sequence[str], checked: CheckedService, gpu: Callable[[Service], Gpu | None], *, refresh: bool
) -> Fitted:
    try:
        if checked.errors:
            raise InputError("its values have errors: run `modelservice validate`")
        service = make_service(name_from(values), "0.1.0", checked.document.data, default_values())
        if not (chosen := gpu(service)):
            if not service.values["gpu"]["count"]:
                return Fitted(values, None, "it requests no GPU")
            raise ToolError(why_unknown(service.values))
        answer = answer_of(service, files, chosen, refresh=refresh)
        if refresh:
            save(answer.facts, values)
    except ModelServiceError as error:
        return Fitted(values, None, str(error), error.exit_code)
    return Fitted(values, answer, exit_code=0 if answer.fits else 1)


def _refused(service: Service, facts: ModelFacts, gpu: Gpu) -> Iterator[str]:
    """Yield what the rules on a model's limits find for a GPU, with facts that `validate` may not have."""
    on_gpu = {"nodeSelector": {"nvidia.com/gpu.product": gpu.name}, "affinity": {}}
    values = Values({**service.values, **on_gpu}, service.given, default_values(), {}, frozenset(), facts)
    for checked in (*model_limits.RULES, *model_split.RULES):
        yield from (f"{said.message}: {said.hint}" for said in checked.function(values))


def _draft(engine: Engine, wanted: WantedModel, files: Sequence[str], told: Told) -> ModelFacts | None:
    """Return the draft model's facts, or None if there is no such model or no facts; the answer reports the latter."""
    if not engine.draft or not engine.draft.is_another_model:
        return None
    name = engine.draft.model
    source = "local" if name.startswith(("/", ".")) else wanted.source if wanted.source != "local" else "huggingface"
    try:
        return model_facts(wanted._replace(name=name, revision="", source=source), files, told)
    except ModelServiceError:
        return None


def _engine(service: Service) -> Engine:
    image: Any = service.values["image"]
    release = release_in(image, service.values["vllmVersion"])
    engine = engine_of(
        service.values["args"],
        Line(release.name, release.label, command_line(release.name)),
        service.values["gpu"]["count"],
        service.values["model"]["task"],
    )
    return engine if release.asked and is_vllms(image) else engine._replace(release=())
