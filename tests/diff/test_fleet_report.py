"""The diff of a large fleet as a comment on a pull request."""

from modelservice.diff.common_changes import ServiceChange
from modelservice.diff.comparison import Change, Field
from modelservice.diff.fleet_comparison import FleetDiff
from modelservice.diff.fleet_report import fleet_markdown


def markdown(number: int, length: int) -> str:
    services = []
    for index in range(number):
        change = Change(
            "~", "Deployment x", (Field("spec.replicas", f"{index}", f"{index}{'x' * length}"),), ("no pod",)
        )
        services.append(ServiceChange("~", f"prod/s-{index}", "", change.effects, (change,)))
    return fleet_markdown(FleetDiff(tuple(services), (), number, 0))


def test_a_comment_fits_into_githubs_limit() -> None:
    # GitHub: "Body is too long (maximum is 65536 characters)".
    text = markdown(400, 500)
    assert len(text) < 65_536
    shown = text.count("@@ prod/")
    assert f"\n{400 - shown} fields left out, because the text would be too long: run `modelservice diff`" in text
    assert "left out" not in markdown(40, 500)


def test_services_with_the_same_effects_are_one_row_that_lists_all() -> None:
    (row,) = [line for line in markdown(40, 1).splitlines() if line.startswith("| change")]
    assert row.startswith("| change | 40 services: prod/s-0, prod/s-1, ")
    assert row.endswith("prod/s-38, prod/s-39</details> | no pod |")
