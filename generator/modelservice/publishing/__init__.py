"""Packages, and the repositories that they go to."""
