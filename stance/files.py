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
    with replacing(path) as new, written(new, told=path) as f:
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


def written(path: Path, *, told: Path | None = None) -> io.BufferedWriter:
    """A file to write to; the OSError of a full disk, which names no file, names `told` (default: `path`)."""
    return io.BufferedWriter(_Written(path, told or path))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that is nobody else's (NAME.xxxxxxxx.tmp), and takes its place at the end; on failure nothing of it is left.

    A link stays a link, to the new file.
    """
    path = path.resolve() if path.is_symlink() else path
    mode = path.stat().st_mode & 0o777 if path.exists() else None
    new = path.with_name(f"{path.name}.{os.urandom(4).hex()}.tmp")
    # a new file has the usual mode at once: the umask can only be read by setting it, and other threads would write by it meanwhile
    handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666 if mode is None else 0o600)
    try:
        os.close(handle)
        yield new
        if mode is not None:
            new.chmod(mode)
        try:
            new.replace(path)
        except OSError as e:  # another program has it open, on Windows: it would name the temporary file
            e.filename, e.filename2 = str(path), None
            raise
    except BaseException:
        new.unlink(missing_ok=True)
        raise
