"""Write data as YAML that Helm reads back, and write files whole or not at all."""
