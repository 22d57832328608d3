"""Make values files of what people run already: docker lines, compose files, vLLM command lines."""
