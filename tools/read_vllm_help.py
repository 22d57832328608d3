"""Print the first sentence of the help on each flag of a vLLM release, from its unpacked wheel.

Run by tools/extract_vllm.py, in the environment of read_vllm_parser.py, for schemas/vllm/help.json.
`modelservice explain` shows and searches these sentences, which are vLLM's (Apache-2.0).
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from read_vllm_parser import prepare, serve_parser

_LONGEST = 160


def sentence(text: str) -> str:
    """Return the first sentence of a help text, as plain words."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.replace("%%", "%").split()))
    first = re.split(r"(?<=[.!?:]) (?=[A-Z`\"-])", plain, maxsplit=1)[0].rstrip(".:")
    return first if len(first) <= _LONGEST else first[:_LONGEST].rpartition(" ")[0] + " …"


if __name__ == "__main__":
    release, folder = sys.argv[1:3]
    prepare(release, Path(folder))
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    said = {
        next((one for one in action.option_strings if one.startswith("--")), action.dest): sentence(action.help)
        for action in serve_parser()._actions
        if action.option_strings and action.help and "==SUPPRESS==" not in action.help
    }
    about = f"The first sentence of vLLM {release}'s help on each flag (Apache-2.0). Made by tools/read_vllm_help.py."
    json.dump({"about": about, "flags": dict(sorted(said.items()))}, answer, indent=1, ensure_ascii=False)
    answer.write("\n")
    answer.close()
