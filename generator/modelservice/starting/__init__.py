"""Begin a values file: what a model and a GPU suggest, and what a person answers."""
