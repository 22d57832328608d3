"""Destinations of `modelservice publish`: invalid ones are refused before anything is written or sent."""

from pathlib import Path

import pytest

from tests.repositories import done, modelservice, small_archive

URL = "https://charts.example.com/a"
SECRET = "open-sesame"


def refused(helm: str, folder: Path, to: str, url: str) -> str:
    """Publish, and return the error message."""
    answer = modelservice(helm, "publish", small_archive(helm, folder), "--to", to, "--url", url)
    assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (1, "", 1), answer.stdout + answer.stderr
    return answer.stderr


@pytest.mark.parametrize(
    "to",
    ["", " ", "file://", "file://dist", "file://a/b", "file:dist", "file:///%00", "ftp://x/y", "https://x.example/y"],
)
def test_an_invalid_folder_is_refused(to: str, tmp_path: Path, helm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert "--to is not a place to publish to: use oci://host/path, a folder, or file:///folder" in refused(
        helm, tmp_path, to, URL
    )
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "to",
    ["oci://", "oci:x", "oci:///charts", "oci://host/", "oci://host/a?b", "oci://host/Charts", "oci://host/a//b"],
)
def test_an_invalid_registry_path_is_refused(to: str, tmp_path: Path, helm: str) -> None:
    assert "--to is not a place in a registry: write oci://host/path" in refused(helm, tmp_path, to, "")


@pytest.mark.parametrize(
    "url",
    [
        "foo",
        "-x",
        "ftp://x",
        "oci://x/y",
        "https:///a",
        "https://x/a b",
        "https://x/?a=b",
        "https://x/#a",
        "https://x:y/",
    ],
)
def test_an_invalid_folder_url_is_refused(url: str, tmp_path: Path, helm: str) -> None:
    assert "--url is not the address of a folder: write http(s)://host/path" in refused(
        helm, tmp_path, str(tmp_path / "s"), url
    )
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("scheme", ["file://", "file://localhost"])
def test_an_escaped_path_is_decoded(scheme: str, tmp_path: Path, helm: str) -> None:
    to = f"{scheme}{tmp_path}/f%20d"
    done(modelservice(helm, "publish", small_archive(helm, tmp_path), "--to", to, "--url", URL))
    assert (tmp_path / "f d/index.yaml").is_file()


@pytest.mark.parametrize(
    ("to", "url"),
    [
        (f"oci://me:{SECRET}@host/charts", ""),
        (f"oci://me:{SECRET}/x@host/charts", ""),
        (f"me:{SECRET}@host/charts", ""),
        (f"file://me:{SECRET}@localhost/charts", URL),
        ("site", f"https://me:{SECRET}@host/charts"),
        ("site", f"https://me:1/{SECRET}@host/charts"),
        ("site", f"https://{SECRET}@host/charts"),
    ],
)
def test_credentials_are_refused_and_not_repeated(to: str, url: str, tmp_path: Path, helm: str) -> None:
    said = refused(helm, tmp_path, to, url)
    assert "contains a user, a password, a token or an @: remove it" in said
    assert SECRET not in said
