"""Values files changed in place: fixes of findings, single keys, another vLLM release."""
