"""Turn a model service's values file into a checked Helm chart."""

__version__ = "0.1.0"
