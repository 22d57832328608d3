"""Argo CD's objects, and folders of services."""
