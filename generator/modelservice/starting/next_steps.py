"""Name the commands that follow a new values file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from modelservice.models.gpus import PRODUCT, Gpu, product_of
from modelservice.models.node_gpu import gpu_of
from modelservice.service import name_from


def next_steps(file: Path, values: Mapping[str, Any], gpu: Gpu | None = None) -> Iterator[str]:
    """Yield the commands for a values file with these complete values; `gpu` is the GPU that was asked for."""
    path, folder = quote(str(file)), str(file.with_suffix(""))
    needs_gpu = bool(values["gpu"]["count"])
    if needs_gpu:
        yield f"modelservice fit {path}" + ("" if gpu_of(values) else " --gpu NAME")
    if needs_gpu and gpu and gpu.capability and not gpu.is_slice and not _chooses_nodes(values):
        product = product_of(gpu)
        setting = quote(f'nodeSelector["{PRODUCT}"]={product or "LABEL"}')
        where = "" if product else f", with a LABEL of `kubectl get nodes -L {PRODUCT}`"
        yield f"if nodes have other GPUs too: modelservice set {path} {setting}{where}"
    chart = quote(folder if Path(folder).is_absolute() else f"./{folder}")
    yield f"modelservice render {path} -o {chart} && helm install {name_from(str(file))} {chart} --namespace NAMESPACE"


def _chooses_nodes(values: Mapping[str, Any]) -> bool:
    return bool(values["nodeSelector"] or values["nodeName"] or (values["affinity"] or {}).get("nodeAffinity"))
