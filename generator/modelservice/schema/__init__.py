"""Read the schema source, check values against it, and export it."""
