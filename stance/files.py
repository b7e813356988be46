"""Files that are written whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` beside `path` and move it into place; on failure nothing of it is left.

    A link stays a link, to the new file; a pipe or device is written to as it is.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        with written(path) as f:
            f.write(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new, written(new, path) as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())


class _Written(io.FileIO):
    def __init__(self, path: Path, told: Path) -> None:
        super().__init__(path, "w")
        self.told = told

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as e:
            e.filename = str(self.told)
            raise


def written(path: Path, told: Path | None = None) -> io.BufferedWriter:
    """A file to write to; the OSError of a full disk, which names no file, names `told` (default: `path`)."""
    return io.BufferedWriter(_Written(path, told or path))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that is nobody else's (NAME.xxxxxxxx.tmp), and takes its place at the end; on failure nothing of it is left.

    A link stays a link, to the new file.
    """
    import tempfile

    path = path.resolve() if path.is_symlink() else path
    handle, name = tempfile.mkstemp(".tmp", f"{path.name}.", path.parent)
    try:
        os.close(handle)
        yield Path(name)
        _keep_mode(path, name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _keep_mode(path: Path, name: str) -> None:
    """Give the temporary file the mode of the file it replaces, else the usual one."""
    if path.exists():
        mode = path.stat().st_mode & 0o777
    else:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    Path(name).chmod(mode)
