"""Read files from a Git revision, and list the files that differ from one."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

from modelservice.errors import InputError
from modelservice.gitops.git_paths import repository_of


class Commit(NamedTuple):
    """A commit of a repository: the repository's root, and the commit's hash."""

    top: Path
    name: str


def commit_of(side: str, revision: str, path: str = ".") -> Commit:
    """Return the commit of a revision in the repository that a path is in.

    Raises InputError if the revision does not exist; `side` is what the user wrote, for the message.
    """
    repository = repository_of(path)
    if not repository and not _git("rev-parse", "--git-dir"):
        raise InputError(f"{side}: there is no Git repository here: run the command inside of one")
    root = str(repository or ".")
    top = root if root != "." else _git("rev-parse", "--show-toplevel").decode().removesuffix("\n")
    commit = _git("-C", root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    if ".." in revision:
        both = " ".join(re.split(r"\.{2,3}", revision))
        raise InputError(f"{revision} is a range: name one revision; `modelservice diff {both} FOLDER` compares two")
    if not top or not commit:
        shallow = _git("-C", root, "rev-parse", "--is-shallow-repository").strip() == b"true"
        way = "fetch it: this clone is shallow (git fetch --unshallow; in CI: fetch-depth or GIT_DEPTH 0)"
        raise InputError(
            f"{side}: Git has no revision {revision} here: check its name, or {way if shallow else 'fetch it'}"
        )
    return Commit(Path(top), commit)


def copy_of(file: str, commit: Commit, stage: Path) -> Path | None:
    """Copy a file or folder of the commit into `stage` and return the copy, or None if the commit does not have it.

    A path outside the repository has no revisions and is returned unchanged. Raises InputError for a symbolic link.
    """
    path = os.path.relpath(Path.cwd() / file, commit.top)
    if path.startswith("../"):
        return Path(file)
    words = ("--literal-pathspecs", "-C", str(commit.top), "archive", "--format=tar", commit.name, "--", path)
    archive = _git(*words)
    if not archive:
        return None
    linked = InputError(f"{file} is, or contains, a symbolic link: name the file that it points to")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(stage, filter="data")
    except tarfile.FilterError as error:
        raise linked from error
    copy = stage / path
    if copy.is_symlink() and not copy.exists():
        raise linked
    return copy if copy.exists() else None


def changed_files(revision: str, path: str) -> set[Path]:
    """Return the files that differ from the common ancestor of HEAD and a revision, with new files not ignored by Git.

    Only files of the repository that the path is in are returned. Raises InputError if the revision does not exist.
    """
    top, commit = commit_of("--changed-since", revision, path)
    place = ("-C", str(top))
    # A clone without history has no common commit.
    base = _git(*place, "merge-base", commit, "HEAD").decode().strip() or commit
    listed = _git(*place, "diff", "--name-only", "--no-renames", "-z", base, "--")
    listed += _git(*place, "ls-files", "--others", "--exclude-standard", "-z")
    return {top / os.fsdecode(name) for name in listed.split(b"\0") if name}


def _git(*words: str) -> bytes:
    """Return the output of Git, or b"" if it fails."""
    try:
        answer = subprocess.run(["git", *words], capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError as error:
        raise InputError("reading a revision needs git, which is not on PATH: install it") from error
    return answer.stdout if answer.returncode == 0 else b""
