"""Change values files in place: fix findings, set single keys, upgrade to another vLLM release."""
