"""Import values files from docker lines, compose files, vLLM command lines, Kubernetes objects and LLMOS."""
