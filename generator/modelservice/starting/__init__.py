"""Start a values file from the facts of a model and a GPU, and from a person's answers."""
