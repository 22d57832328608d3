"""Make values files of what people run already: docker lines, vLLM command lines, Kubernetes objects, LLMOS."""
