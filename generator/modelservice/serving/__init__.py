"""Reaching a running service."""
