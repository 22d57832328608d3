"""Mistakes in argument lists, corrected by our hints: python -m tests.vllm.mistakes > tests/vllm/mended.txt.

Then tests/vllm/judge_lines.py writes vLLM's verdict on each line.
"""

import itertools
import shlex
from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.vllm.arguments import check_arguments
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import command_line
from modelservice.vllm.releases import Release, newest_release, release_for

from tests.test_hints import applied

RELEASE = newest_release()
# Values for flags without a default, by their type.
VALUES = {"int": "1", "float": "0.5", "human-int": "8k", "human-int-or-auto": "auto"}
# Values that removed flags need to have an effect, and arguments that their replacements need.
GIVEN = {
    "--guided-decoding-backend": ["--guided-decoding-backend=xgrammar"],
    "--guided-decoding-disable-additional-properties": ["--guided-decoding-backend=guidance"],
    "--guided-decoding-disable-any-whitespace": ["--guided-decoding-backend=guidance"],
    "--log-config-file": [],
}
# Flags that have an effect only together with others.
BESIDE = ("--data-parallel-multi-port-external-lb",)
WRITTEN = [
    ["--max-num-batched-token=8192"],
    ["--max-model=8192", "--max-num-seq", "64"],
    ["--dtype=fp16"],
    ["--dtype", "bf16"],
    ["--dtype='half'"],
    ["--max-lora-rank=20"],
    ["--quantization=AWQ"],
    ["--quantization=int8"],
    ["--load-format=bitsandbytes"],
    ["--load-format=safetensor"],
    ["--kv-cache-dtype=fp8_e4m"],
    ["--attention-backend=FLASHATTN"],
    ["--attention-backend=B12X_MLA_SPARSE"],
    ["--guided-decoding-backend=xgrammar"],
    ["--structured-outputs-config.backend=xgrammer"],
    ["--gpu-memory-utilization=90%"],
    ["--gpu-memory-utilization=1.01"],
    ["--gpu-memory-utilization=0,9"],
    ["--tensor-parallel-size=0"],
    ["--long-prefill-token-threshold=-5"],
    ["--dbo-prefill-token-threshold=abc"],
    ["--max-num-seqs=1,024"],
    ["--max-num-seqs=4k"],
    ["--max-model-len=8Gi"],
    ["--max-model-len=32KB"],
    ["--enforce-eager=false"],
    ["--enforce-eager", "true"],
    ["--enable-prefix-caching", "False"],
    ["--trust-remote-code", "--seed=1", "--trust-remote-code"],
    ["--limit-mm-per-prompt=image=4"],
    ["--limit-mm-per-prompt", "{'image': 4}"],
    ["--allowed-origins=*"],
    ["--dtype half"],
    ["--dtype=half --seed=1"],
    ["--quantization bitsandbytes"],
    ["max-model-len=4096"],
    ["--num-scheduler-step=10"],
    ["--enable-lora", "--lora-modules", "a=/a", "--lora-modules", "b=/b"],
    ["--enable-lora", "--lora-modules=a=/a", "--lora-modules=b=/b"],
    ["--lora-modules", "a=/a"],
    ["--enable-log-outputs"],
    ["--enable-eplb", "--tensor-parallel-size=2"],
    ["--numa-bind-nodes", "0"],
    ["--max-cudagraph-capture-size=4", "--cudagraph-capture-sizes", "1", "2"],
    ["--compilation-config.level=3"],
    ['--compilation-config={"level":3}'],
    ["--kv-cache-memory-bytes=8Gi"],
    ["--task=embed"],
    ["--task", "generate"],
    ["-O4"],
]


def mistakes() -> Iterator[list[str]]:
    """Yield argument lists with a mistake: written by hand, removed flags, and flags with a missing letter."""
    yield from WRITTEN
    for name in facts("history")["replacements"]:
        if name in GIVEN:
            yield [name, *GIVEN[name]]
        else:
            yield from ([name], [f"{name}=1"])
    for name, flag in sorted(command_line(RELEASE).items()):
        if name.startswith("--") and name not in BESIDE:
            middle = len(name) // 2
            some = flag.values[0] if flag.values else flag.default
            value = some if isinstance(some, str | int | float) else VALUES.get(flag.type)
            if flag.type == "switch" or value is not None:
                end = "" if flag.type == "switch" else f"={value}"
                yield [f"{name[:middle]}{name[middle + 1 :]}{end}"]


def fixed(args: list[str]) -> list[str] | None:
    """Return the arguments with the edits of all findings, or None if a finding has none or nothing changes."""
    found = check_arguments(args, _release(), own_image=True)
    edits = [edit for one in found for edit in one.fix if edit.path[0] == "args"]
    if not edits or any(one.severity is Severity.ERROR and not one.fix for one in found):
        return None
    words: list[str] = applied({"args": args}, tuple(edits))["args"]
    again = check_arguments(words, _release(), own_image=True)
    return None if any(one.severity is Severity.ERROR for one in again) else words


def _release() -> Release:
    return release_for(f"v{RELEASE}", "")


def main() -> None:
    made = (fixed(args) for args in mistakes())
    kept = (words for words in made if words)
    print(
        f"# What the hints of tests/vllm/mistakes.py make of mistakes, with the verdict of vLLM {RELEASE}'s own parser."
    )
    for words, _ in itertools.groupby(sorted(map(shlex.join, kept))):
        print(f"?\t{words}")


if __name__ == "__main__":
    main()
