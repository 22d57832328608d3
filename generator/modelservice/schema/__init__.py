"""The source of all fields: reading it, checking values by it, exporting it."""
