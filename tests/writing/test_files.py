"""Folders and files appear whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from modelservice.errors import InputError
from modelservice.writing.files import entries, read_tree, replace_file, write_tree


def test_a_tree_takes_the_place_of_the_folder(tmp_path: Path) -> None:
    write_tree({"a.txt": "1\n", "b/c.txt": "2\n"}, tmp_path / "out")
    write_tree({"a.txt": "3\n"}, tmp_path / "out")
    assert read_tree(tmp_path / "out") == {"a.txt": b"3\n"}


def test_kept_files_stay_beside_the_tree(tmp_path: Path) -> None:
    write_tree({"mine/notes.txt": "old\n"}, tmp_path / "out")
    write_tree({"a.txt": "1\n"}, tmp_path / "out", keep=["mine/notes.txt"])
    assert read_tree(tmp_path / "out") == {"a.txt": b"1\n", "mine/notes.txt": b"old\n"}


def test_a_failure_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    write_tree({"a.txt": "1\n"}, tmp_path / "out")
    with pytest.raises(InputError, match="Nothing was changed"):
        write_tree({"a.txt": "2\n", "a.txt/b": "a file cannot be a folder"}, tmp_path / "out")
    assert read_tree(tmp_path / "out") == {"a.txt": b"1\n"}
    assert os.listdir(tmp_path) == ["out"]


def test_a_place_that_is_closed_is_told_in_one_sentence(
    open_folder: Path, unprivileged: Callable[[str, str, Path], str]
) -> None:
    (open_folder / "closed").mkdir(mode=0o555)
    program = "try: write_tree({'a': '1'}, Path(sys.argv[1]))\nexcept InputError as error: print(error)"
    imports = "from pathlib import Path; from modelservice.writing.files import InputError, write_tree"
    said = unprivileged(imports, program, open_folder / "closed/out")
    assert "cannot be written: Permission denied; choose another folder. Nothing was changed." in said


def test_an_interrupt_leaves_the_old_folder_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree({"a.txt": "1\n"}, tmp_path / "out")
    rename, calls = Path.rename, []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:  # the old folder is away, the new one is not there yet
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_tree({"a.txt": "2\n"}, tmp_path / "out")
    assert read_tree(tmp_path / "out") == {"a.txt": b"1\n"}
    assert os.listdir(tmp_path) == ["out"]


def test_one_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    replace_file(tmp_path / "docs/a.md", "1\n")
    replace_file(tmp_path / "docs/a.md", "2\n")
    assert read_tree(tmp_path) == {"docs/a.md": b"2\n"}


def test_a_folder_that_one_stands_in_or_that_is_mounted_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with pytest.raises(InputError, match="name it from outside of it"):
        write_tree({"a.txt": "1\n"}, Path())
    with pytest.raises(InputError, match="where a file system is mounted"):
        write_tree({"a.txt": "1\n"}, Path("/proc"))


def test_links_and_empty_folders_are_kept_as_they_are(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "empty/inside").mkdir(parents=True)
    (out / "away").symlink_to("/nowhere")
    (out / "home").symlink_to("/root")
    found = ["away", "empty/inside", "home"]
    assert entries(out) == found
    write_tree({"a.txt": "1\n"}, out, keep=found)
    assert entries(out) == ["a.txt", *found]
    assert (out / "home").readlink() == Path("/root")


def test_a_pipe_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out/pipe")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        write_tree({"a.txt": "1\n"}, tmp_path / "out", keep=entries(tmp_path / "out"))
    assert entries(tmp_path / "out") == ["pipe"]
