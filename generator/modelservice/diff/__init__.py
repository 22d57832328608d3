"""What a change of values does to the objects in a cluster."""
