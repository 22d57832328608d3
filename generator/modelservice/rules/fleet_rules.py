"""Declare the rules on fleet.yaml, which gitops/fleet_check.py checks."""

from __future__ import annotations

from modelservice.findings import Refuser, Rule, Severity

_SOURCE = "schemas/fleet.schema.json"
RULES = (
    Rule(
        "fleet-layer",
        Severity.ERROR,
        "A layer of the fleet does not exist, or applies to no service.",
        _SOURCE,
        Refuser.NOBODY,
        "The services are installed without the settings of the layer.",
        True,
    ),
    Rule(
        "fleet-environment",
        Severity.ERROR,
        "An environment of the fleet has no folder, or shares it with another.",
        _SOURCE,
        Refuser.NOBODY,
        "Its services are not found, or each of them would run twice.",
        True,
    ),
    Rule(
        "fleet-credentials",
        Severity.ERROR,
        "An address in fleet.yaml contains a user, a password or a token.",
        _SOURCE,
        Refuser.NOBODY,
        "Everyone who can read the repository can use them.",
        True,
    ),
    Rule(
        "fleet-release",
        Severity.ERROR,
        "Two services of the fleet have the same release, or create the same object, in one namespace of a cluster.",
        _SOURCE,
        Refuser.NOBODY,
        "One of them would replace the other in the cluster, or Helm refuses the second one.",
        True,
    ),
    Rule(
        "fleet-route",
        Severity.ERROR,
        "Two services of the fleet serve the same host and path in one cluster.",
        "https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec",
        Refuser.NOBODY,
        "One of them gets no requests, or the controller refuses its Ingress.",
        True,
    ),
    Rule(
        "fleet-stray",
        Severity.WARNING,
        "A file in the fleet's folder is neither a service nor a layer.",
        _SOURCE,
        Refuser.NOBODY,
        "No command reads it. It may be in the wrong folder, or a layer that fleet.yaml does not name.",
        True,
    ),
)
