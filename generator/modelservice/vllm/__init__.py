"""vLLM's command line, environment and routes: facts, and checks of `args`."""
