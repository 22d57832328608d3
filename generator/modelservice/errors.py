"""What can stop a command, one class per exit code.

    ModelServiceError
    ├── InputError   1  the input is wrong, or a generated file is stale
    ├── CompareError 2  what is to be compared is not there, or wrong
    └── ToolError    3  a tool, registry or server failed

Click itself ends with 2 for wrong usage; `diff`, whose 1 is an answer, ends with 2 for trouble, as diff(1) does.
Each message is a whole sentence for the user, with what to do next; the command line prints it and nothing else.
"""

import re

# A message quotes names of files and other programs' words: none of them moves the cursor, colours a terminal, or
# turns the direction of writing.
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

# What anyone gave may be of any length; behind it a message says what to do, so the middle is left out.
_LONGEST = 2000


def shortened(text: str) -> str:
    """Return the text with the middle of each of its lines that is longer than 2,000 characters left out."""
    half = _LONGEST // 2
    lines = (line if len(line) <= _LONGEST else f"{line[:half]}…{line[-half:]}" for line in text.split("\n"))
    return "\n".join(lines)


class ModelServiceError(Exception):
    """A failure with a message for the user; `exit_code` is the process's."""

    exit_code = 1

    def __str__(self) -> str:
        """Return the message, shortened, without control characters; lines and tabs stay."""
        return shortened(_CONTROL.sub("", super().__str__()))


class InputError(ModelServiceError):
    """The input cannot be used: a missing file, a folder that is not ours, a stale generated file."""


class CompareError(ModelServiceError):
    """Two states cannot be compared, so nobody takes the failure for a difference."""

    exit_code = 2


class ToolError(ModelServiceError):
    """Something outside this program failed: helm is missing, a registry refused."""

    exit_code = 3
