"""Data into YAML that Helm reads back, and files whole or not at all."""
