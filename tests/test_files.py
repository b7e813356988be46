"""Files that are written whole or not at all; a model that is saved on a full disk is in test_model.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stance.files import replacing, write_atomically


def test_an_interrupt_while_writing_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "m.stance", b"data")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "m.stance", b"data")
    assert (tmp_path / "a" / "b" / "m.stance").read_bytes() == b"data"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    link, file = tmp_path / "m.stance", tmp_path / "store" / "m.stance"
    link.symlink_to(file)
    for data in (b"old", b"new"):
        write_atomically(link, data)
        assert (link.is_symlink(), file.read_bytes()) == (True, data)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are POSIX")
def test_a_pipe_or_device_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, b"data")
        assert (pipe.is_fifo(), os.read(reader, 10)) == (True, b"data")
    finally:
        os.close(reader)


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX")
def test_the_mode_of_the_old_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "m.stance"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX")
def test_a_new_file_has_the_usual_mode_and_other_threads_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = os.umask(0o027)
    try:
        with monkeypatch.context() as m:
            m.delattr(os, "umask")  # it is that of all threads
            write_atomically(tmp_path / "m.stance", b"new")
    finally:
        os.umask(old)
    assert (tmp_path / "m.stance").stat().st_mode & 0o777 == 0o640


def test_what_cannot_take_its_place_is_told_by_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(OSError) as told, replacing(tmp_path):
        pass
    assert (told.value.filename, told.value.filename2) == (str(tmp_path), None)


def test_the_old_file_is_there_until_the_new_one_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    (path := tmp_path / "m.stance").write_bytes(b"old")
    with monkeypatch.context() as m, pytest.raises(PermissionError):
        m.setattr(Path, "replace", denied)
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and [*tmp_path.iterdir()] == [path]
