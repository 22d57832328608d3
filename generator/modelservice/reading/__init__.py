"""Read YAML into data and positions, as Helm does."""
