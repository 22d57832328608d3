"""Folders and files are written completely or not at all."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from modelservice.errors import InputError
from modelservice.writing.files import entries, read_tree, replace_file, write_tree
from modelservice.writing.staging import clear_stages, staging


def test_a_tree_replaces_the_folder(tmp_path: Path) -> None:
    write_tree({"a.txt": "1\n", "b/c.txt": "2\n"}, tmp_path / "out")
    write_tree({"a.txt": "3\n"}, tmp_path / "out")
    assert read_tree(tmp_path / "out") == {"a.txt": b"3\n"}


def test_kept_files_are_added_to_the_tree(tmp_path: Path) -> None:
    write_tree({"mine/notes.txt": "old\n"}, tmp_path / "out")
    write_tree({"a.txt": "1\n"}, tmp_path / "out", keep=["mine/notes.txt"])
    assert read_tree(tmp_path / "out") == {"a.txt": b"1\n", "mine/notes.txt": b"old\n"}


def test_a_failure_leaves_the_folder_unchanged(tmp_path: Path) -> None:
    write_tree({"a.txt": "1\n"}, tmp_path / "out")
    with pytest.raises(InputError, match="Nothing was changed"):
        write_tree({"a.txt": "2\n", "a.txt/b": "a file cannot be a folder"}, tmp_path / "out")
    assert read_tree(tmp_path / "out") == {"a.txt": b"1\n"}
    assert os.listdir(tmp_path) == ["out"]


def test_a_place_without_permission_is_reported_in_one_sentence(
    open_folder: Path, unprivileged: Callable[[str, str, Path], str]
) -> None:
    (open_folder / "closed").mkdir(mode=0o555)
    program = "try: write_tree({'a': '1'}, Path(sys.argv[1]))\nexcept InputError as error: print(error)"
    imports = "from pathlib import Path; from modelservice.writing.files import InputError, write_tree"
    said = unprivileged(imports, program, open_folder / "closed/out")
    assert "cannot be written: Permission denied; choose another folder. Nothing was changed." in said


def test_an_interrupt_leaves_the_old_or_the_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree({"a.txt": "1\n"}, tmp_path / "out")
    rename, calls = Path.rename, []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:  # the old folder is moved away, the new one is not in place yet
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


def test_the_working_directory_and_a_mount_point_are_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with pytest.raises(InputError, match="run the command from outside it"):
        write_tree({"a.txt": "1\n"}, Path())
    with pytest.raises(InputError, match="is a mount point"):
        write_tree({"a.txt": "1\n"}, Path("/proc"))


def test_links_and_empty_folders_are_kept(tmp_path: Path) -> None:
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


def test_leftovers_of_a_dead_run_are_removed_and_files_of_a_running_one_kept(tmp_path: Path) -> None:
    (tmp_path / ".modelservice-new-dead0000/old").mkdir(parents=True)
    (tmp_path / ".modelservice-new-link0000").symlink_to("/nowhere")
    (tmp_path / ".modelservice-newer").mkdir()
    with staging(tmp_path) as living:
        (living / "a.txt").write_text("1\n")
        replace_file(tmp_path / "b.txt", "2\n")
        assert sorted(os.listdir(tmp_path)) == sorted(
            [living.name, ".modelservice-new-link0000", ".modelservice-newer", "b.txt"]
        )
        assert stat.S_IMODE(living.stat().st_mode) == 0o700
    assert not living.exists()


def test_the_folder_of_a_dead_run_is_restored_unless_another_one_exists(tmp_path: Path) -> None:
    for name in ("missing", "mine"):
        stage = tmp_path / f".modelservice-new-{name:0<8}"
        (stage / "new").mkdir(parents=True)
        write_tree({"a.txt": "old\n"}, stage / "old" / name)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.txt").write_text("mine\n")
    clear_stages(tmp_path)
    assert read_tree(tmp_path) == {
        "missing/a.txt": b"old\n",
        "mine/a.txt": b"mine\n",
        ".modelservice-new-mine0000/old/mine/a.txt": b"old\n",
    }


def test_a_staging_folder_of_another_user_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "precious/chart").mkdir(parents=True)
    stage = tmp_path / "place/.modelservice-new-trap0000"
    (stage / "new").mkdir(parents=True)
    (stage / "old").symlink_to(tmp_path / "precious")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    clear_stages(tmp_path / "place")
    assert (tmp_path / "precious/chart").is_dir()
    assert stage.is_dir()


@pytest.mark.parametrize("place", [os.mkfifo, lambda path: os.mknod(path, stat.S_IFSOCK | 0o600)])
def test_a_pipe_or_a_socket_is_not_replaced_by_a_file(place: Callable[[Path], None], tmp_path: Path) -> None:
    place(tmp_path / "a.txt")
    with pytest.raises(InputError, match="is a pipe, a socket or a device"):
        replace_file(tmp_path / "a.txt", "1\n")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_circular_links_and_too_long_names_are_reported(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for folder in (tmp_path / "loop/out", tmp_path / ("x" * 256)):
        with pytest.raises(InputError, match="cannot be written"):
            write_tree({"a.txt": "1\n"}, folder)
