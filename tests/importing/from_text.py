"""Imports of one text, for tests."""

from modelservice.importing import cluster_objects, cluster_to_values
from modelservice.importing.cluster_objects import Object
from modelservice.importing.part import Part, only


def import_kubernetes(text: str, name: str = "") -> Part:
    return only(cluster_to_values.kubernetes_origins({"objects.yaml": text}, name)).part()


def import_llmos(text: str, name: str = "") -> Part:
    return only(cluster_to_values.llmos_origins({"objects.yaml": text}, name)).part()


def read_objects(text: str) -> list[Object]:
    return cluster_objects.read_objects({"objects.yaml": text})
