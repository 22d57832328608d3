"""Read files from a Git revision, and list the files that differ from one."""

from __future__ import annotations

import io
import os
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

    As in Git, `A...B` is the common ancestor of two revisions, and `A...` that of A and HEAD. Raises InputError if a
    revision does not exist; `side` is what the user wrote, for the message.
    """
    repository = repository_of(path)
    if not repository and not _git("rev-parse", "--git-dir"):
        raise InputError(f"{side}: there is no Git repository here: run the command inside of one")
    root = str(repository or ".")
    top = root if root != "." else _git("rev-parse", "--show-toplevel").decode().removesuffix("\n")
    words = ["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
    what = f"revision {revision}"
    if "..." in revision:
        both = [name or "HEAD" for name in revision.split("...", 1)]
        words, what = ["merge-base", *both], f"common commit of {' and '.join(both)}"
    elif ".." in revision:
        both = [name or "HEAD" for name in revision.split("..", 1)]
        compare = f"`modelservice diff {' '.join(both)} FOLDER` compares two"
        raise InputError(f"{revision} is a range: name one revision; {compare}")
    commit = _git("-C", root, *words).decode().strip()
    if not top or not commit:
        shallow = _git("-C", root, "rev-parse", "--is-shallow-repository").strip() == b"true"
        way = "fetch it: this clone is shallow (git fetch --unshallow; in CI: fetch-depth or GIT_DEPTH 0)"
        raise InputError(f"{side}: Git has no {what} here: check its name, or {way if shallow else 'fetch it'}")
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


def renamed_files(old: Path, new: Path) -> dict[str, str]:
    """Return the files of a folder that another one has in a similar form under another name: new path → old path.

    Git decides which files are similar; without it, none are. The folders need not be in a repository.
    """
    options = ("--no-index", "-M", "-l0", "--diff-filter=R", "--name-status", "-z")
    try:
        # It exits with 1 if the folders differ.
        listed = _git("diff", *options, str(old), str(new), fine=(0, 1))
    except InputError:
        return {}
    words = [os.fsdecode(word) for word in listed.split(b"\0")]
    # Each file is a status with its similarity, the old path and the new path.
    pairs = zip(words[1::3], words[2::3], strict=False)
    return {os.path.relpath(after, new): os.path.relpath(before, old) for before, after in pairs}


def _git(*words: str, fine: tuple[int, ...] = (0,)) -> bytes:
    """Return the output of Git, or b"" if it fails."""
    try:
        answer = subprocess.run(["git", *words], capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError as error:
        raise InputError("reading a revision needs git, which is not on PATH: install it") from error
    return answer.stdout if answer.returncode in fine else b""
