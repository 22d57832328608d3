"""The errors that stop a command, one class per exit code.

    ModelServiceError
    ├── InputError   1  the input is wrong, or a generated file is stale
    ├── CompareError 2  a side of the comparison is missing or wrong
    └── ToolError    3  a tool, registry or server failed

Click itself exits with 2 for wrong usage. `diff` exits with 1 if there are differences and with 2 for trouble, as
diff(1) does. Each message is a sentence for the user that says what to do next; the command line prints only this
message.
"""

import re

# Messages quote file names and other programs' output. These must not move the cursor, colour the terminal or change
# the direction of the text.
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

# Quoted input may have any length. The hint is at the end of the message, so the middle is left out.
_LONGEST = 2000


def shortened(text: str) -> str:
    """Return the text without the middle of each line that is longer than 2,000 characters."""
    half = _LONGEST // 2
    lines = (line if len(line) <= _LONGEST else f"{line[:half]}…{line[-half:]}" for line in text.split("\n"))
    return "\n".join(lines)


class ModelServiceError(Exception):
    """A failure with a message for the user; the process exits with `exit_code`."""

    exit_code = 1

    def __str__(self) -> str:
        """Return the message, shortened, without control characters; lines and tabs stay."""
        return shortened(_CONTROL.sub("", super().__str__()))


class InputError(ModelServiceError):
    """The input cannot be used: a missing file, a folder that is not ours, a stale generated file."""


class CompareError(ModelServiceError):
    """Two states cannot be compared. The exit code distinguishes the failure from a difference."""

    exit_code = 2


class ToolError(ModelServiceError):
    """Something outside this program failed: helm is missing, a registry refused."""

    exit_code = 3
