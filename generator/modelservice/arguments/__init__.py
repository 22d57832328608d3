"""The `args` of a values file and a vLLM release in, problems out."""

from modelservice.arguments.check import check_arguments
from modelservice.arguments.rules import RULES

__all__ = ["RULES", "check_arguments"]
