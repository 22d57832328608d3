"""Imports of one text, for tests."""

from modelservice.importing import cluster_objects, cluster_to_values
from modelservice.importing.cluster_objects import Object
from modelservice.importing.part import Part


def import_kubernetes(text: str, name: str = "") -> Part:
    return cluster_to_values.import_kubernetes({"objects.yaml": text}, name)


def import_llmos(text: str, name: str = "") -> Part:
    return cluster_to_values.import_llmos({"objects.yaml": text}, name)


def read_objects(text: str) -> list[Object]:
    return cluster_objects.read_objects({"objects.yaml": text})
