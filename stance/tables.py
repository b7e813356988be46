"""Files to text, and CSV to records: packed or not, in whatever encoding, from standard input too."""

from __future__ import annotations

import codecs
import csv
import errno
import gzip
import io
import os
import re
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from stance.errors import InputError

PACKED = (".gz", ".bz2", ".xz")  # after any other suffix
SEP = re.compile(r'"?sep=([,;|\t])"?\r?\n', re.I)  # a first line for Excel, before the header
MISSING = frozenset(("NA", "N/A", "<NA>", "#N/A", "#NV", "NAN", "NULL"))  # what R, pandas, spreadsheets and databases write for an empty cell
Seen = Callable[[int], object]  # told the number of bytes whenever some were read


def given_paths(given: Any, what: str, hint: str) -> Iterator[str | Path]:
    """The paths given, or the one. Raises InputError for what are none, such as a data frame (for which `hint` says what to do) or bytes."""
    if hasattr(given, "columns"):
        raise InputError(f"{what} are given as {type(given).__name__}, not as the path of a file", hint)
    several = isinstance(given, Iterable) and not isinstance(given, (str, Path, bytes)) and not hasattr(given, "read")
    for x in given if several else [given]:
        if not isinstance(x, (str, Path)):
            raise InputError(f"{what} are given as {type(x).__name__} ({x!r:.60}), not as the path of a file", "give a str or a pathlib.Path")
        yield x


# --------------------------------------------------------------------------- bytes


def is_file(path: str | Path) -> bool:
    """Whether there is such a file; False, not an error, for what no path can be, such as a text that is too long for one."""
    return os.path.isfile(path)  # noqa: PTH113 -- Path.is_file raises there


def is_folder(path: str | Path) -> bool:
    """The same for a folder."""
    return os.path.isdir(path)  # noqa: PTH112 -- as above


_TEXT = "give the path of a file; texts themselves go to stance.classify"


def unpacked_name(path: Path) -> Path:
    """`a.csv` of `a.csv.gz`."""
    return path.with_suffix("") if path.suffix.lower() in PACKED else path


class _Counted(io.FileIO):
    """A file, read from its beginning to its end, that tells `seen` of every byte."""

    def __init__(self, path: Path, seen: Seen) -> None:
        super().__init__(path)
        self.seen = seen

    def readinto(self, buffer: Any) -> int:
        n = super().readinto(buffer) or 0
        self.seen(n)
        return n

    def readall(self) -> bytes:
        data = super().readall()
        self.seen(len(data))
        return data


class _Unpacked(io.RawIOBase):
    """What all streams of a packed file hold, one after another, with zeros between and behind them.

    Anything else there is damage: BZ2File and LZMAFile take it for the end of the file, and streams behind it would be lost.
    """

    def __init__(self, f: BinaryIO, new: Callable[[], Any]) -> None:
        self.f, self.new, self.stream = f, new, new()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data:
            more = self.stream.unused_data.lstrip(b"\0") if self.stream.eof else b""
            if self.stream.eof or self.stream.needs_input:
                while not more and (read := self.f.read(1 << 15)):
                    more = read.lstrip(b"\0") if self.stream.eof else read
                if not more and self.stream.eof:
                    return 0
                if not more:
                    raise EOFError("its last stream has no end")
            self.stream = self.new() if self.stream.eof else self.stream
            data = self.stream.decompress(more, len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(path: Path, *, seen: Seen = lambda _: None) -> Iterator[io.BufferedReader]:
    """A file's bytes, unpacked as its suffix says. Raises InputError when they cannot be read, then or later."""
    broken: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error)
    suffix = path.suffix.lower()
    if "\0" in str(path):
        raise InputError(f"{path}: a path holds no character NUL", _TEXT)
    try:
        with io.BufferedReader(_Counted(path, seen), 1 << 15) as f:
            unpacked: Any = f
            if suffix == ".gz":
                unpacked = gzip.GzipFile(fileobj=f)
            elif suffix == ".bz2":
                import bz2

                unpacked = io.BufferedReader(_Unpacked(f, bz2.BZ2Decompressor))
            elif suffix == ".xz":
                import lzma

                unpacked = io.BufferedReader(_Unpacked(f, lzma.LZMADecompressor))
                broken = (*broken, lzma.LZMAError)
            yield cast(io.BufferedReader, unpacked)  # in what they have in common
    except broken as e:
        if isinstance(e, OSError) and e.errno:
            raise InputError(f"{path}: cannot be read: {e.strerror or e}", _TEXT if e.errno == errno.ENAMETOOLONG else "check the path") from e
        kept = "; of JSON lines, what stands before was read" if unpacked_name(path).suffix.lower() in (".jsonl", ".ndjson") else ""
        raise InputError(f"{path}: damaged or cut off: {e}", f"get the file again{kept}") from e
    except ImportError as e:  # of a Python that was built without
        raise InputError(f"{path}: this Python cannot unpack {suffix}: {e}", "unpack the file first") from e


# --------------------------------------------------------------------------- text


def read_text(path: Path) -> tuple[str, str]:
    """(text, warning) of a file, unpacked as its suffix says, or of standard input (`-`): BOM, else strict UTF-8, else cp1252 with a warning.

    Raises InputError for a missing, damaged, empty or binary file, and for a few lines that are no UTF-8 among others that are.
    """
    return decode(_bytes(path), str(path))


def _bytes(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    with opened(path) as f:
        return f.read()


def _as_cp1252(e: UnicodeError) -> tuple[str, int]:
    assert isinstance(e, UnicodeDecodeError)
    return e.object[e.start : e.end].decode("cp1252", errors="replace"), e.end


_FOREIGN = {
    b"%PDF": "a PDF", b"{\\rtf": "RTF", b"\xd0\xcf\x11\xe0": "an old Office file (.doc, .xls)",
    b"PK\x03\x04": "a zip, as .xlsx, .docx, .odt and .epub are", b"\x1f\x8b": "gzip data (name it .gz)",
    b"\x28\xb5\x2f\xfd": "Zstandard data", b"7z\xbc\xaf": "a 7z archive", b"PAR1\x15": "Parquet",
}  # fmt: skip


def foreign(raw: bytes) -> str:
    """What bytes are that begin as no text does; '' of others."""
    return next((what for begin, what in _FOREIGN.items() if raw.startswith(begin)), "")


_BYTE_ORDER_MARKS = (  # that of UTF-16 begins one of UTF-32
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def marked_encoding(raw: bytes) -> str:
    """The encoding that a byte-order mark at the beginning tells; '' without one."""
    return next((encoding for mark, encoding in _BYTE_ORDER_MARKS if raw.startswith(mark)), "")


CP1252 = "stance.cp1252"  # what to do with bytes that are no UTF-8, for `errors=`
codecs.register_error(CP1252, _as_cp1252)


def decode(raw: bytes, name: str, *, mixed: bool = False) -> tuple[str, str]:
    """As `read_text`, for bytes already read; with `mixed`, as in articles, bytes that are no UTF-8 are read as cp1252 beside others that are."""
    if not raw.removeprefix(b"\xef\xbb\xbf").strip():
        raise InputError(f"{name}: the file is empty", "give a file with text")
    if encoding := marked_encoding(raw):
        try:
            return raw.decode(encoding), ""
        except UnicodeDecodeError as e:
            raise InputError(f"{name}: not valid {encoding} after its byte-order mark", "save it as UTF-8") from e
    if what := foreign(raw) or "a binary file" * (b"\x00" in raw[:65536]):
        if name.endswith(".stance"):
            raise InputError(f"{name}: this is a model, not text", "the model is named before the data (evaluate, export), or with --model")
        todo = "unpack it first, or convert it to text (.txt), JSON lines or CSV" if mixed else "save it as CSV (UTF-8)"
        raise InputError(f"{name}: this is {what}, not text", todo)
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError as e:
        if mixed:
            return raw.decode("utf-8", errors=CP1252), not_utf8(name, raw.count(b"\n", 0, e.start) + 1, raw[e.start])
        encoding, note = _encoding_of(raw.split(b"\n"), name)
        return raw.decode(encoding, errors="replace"), note


def not_utf8(name: str, line: int, byte: int) -> str:
    """What to say of the first byte that is none."""
    return f"{name}:{line}: not UTF-8 (byte 0x{byte:02x}); read as cp1252"


def _encoding_of(lines: Iterable[bytes], name: str) -> tuple[str, str]:
    """(encoding, warning): UTF-8 if all lines are, else cp1252 with a warning.

    Raises InputError, with the bad lines, when more lines hold characters of UTF-8 than bytes that are none: as cp1252 those would be garbled.
    """
    good, bad = 0, list[tuple[int, int]]()
    for n, line in enumerate(lines, 1):
        if not line.isascii():
            try:
                line.decode("utf-8")
                good += 1
            except UnicodeDecodeError as e:
                bad.append((n, line[e.start]))
    if not bad:
        return "utf-8", ""
    if good <= len(bad):
        return "cp1252", not_utf8(name, *bad[0])
    told = "\n".join(f"{name}:{n}: not UTF-8 (byte 0x{byte:02x})" for n, byte in bad[:100])
    told += f"\n… and {len(bad) - 100} more" if len(bad) > 100 else ""
    raise InputError(f"{told}, while {good} other lines with accents or the like are", "save these lines as UTF-8 too")


# --------------------------------------------------------------------------- CSV


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record of a CSV, that begins in `line`; `fault` says how it has lost cells or swallowed others."""

    line: int
    cells: list[str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Csv:
    """A CSV file: its first record, the names of its `columns` as they are matched (lower case, without blanks around), and the records below."""

    file: str
    header: Record
    columns: list[str]
    records: list[Record]
    delimiter: str
    note: str = ""
    mark: str = ""  # a byte-order mark for what is written as UTF-8, unless it was read as plain UTF-8: else Excel takes it for cp1252
    end: str = "\n"  # of a line

    @property
    def place(self) -> str:
        """`file:line` of the header."""
        return f"{self.file}:{self.header.line}"

    def lacks(self, *columns: str) -> str:
        """What to say of columns that it does not have."""
        return f"{self.place}: no column {', '.join(map(repr, columns))}; seen: {', '.join(self.columns) or 'nothing'}"

    @property
    def first_line(self) -> str:
        """`sep=;` where that stands before the header."""
        return f"sep={self.delimiter}" if self.header.line > 1 else ""

    def cells(self, record: Record) -> dict[str, str]:
        """A record's cells by column, as they were before `spreadsheet_cell`."""
        return dict(zip(self.columns, map(plain_cell, record.cells), strict=False))


def read_csv(path: Path) -> Csv:
    """A CSV as of `read_text`; records without a filled cell are left out. Raises as that does."""
    raw = _bytes(path)
    text, note = decode(raw, str(path))
    if re.match(r'\s*(\[\s*)?\{\s*"', text):
        todo = "save it as CSV (in pandas: to_csv); a file of an annotation tool: `stance import --from TOOL`"
        raise InputError(f"{path}: this is JSON, not a table", todo)
    delimiter, records = csv_records(io.StringIO(text, newline=""), strict=True)
    header = next(records)
    columns = [composed(plain_cell(c)).strip().lower() for c in header.cells]
    rows = [r for r in records if any(c.strip() for c in r.cells)]
    marked = note or marked_encoding(raw)
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    return Csv(str(path), header, columns, rows, delimiter, note, "\ufeff" if marked else "", end)


def csv_records(text: TextIO, *, strict: bool = False) -> tuple[str, Iterator[Record]]:
    """(delimiter, records) of a CSV, the header first, then all that are not empty lines.

    The delimiter is what a first line `sep=;` says, else of `,`, `;` and tab that which the header has most of. A record has a fault when a
    quotation mark is never closed, or only in a later row, and when it has more cells than the header; with `strict` also when a quotation mark
    is lost that closes before its cell ends, and when it has fewer cells.
    """
    first = text.readline()
    if sep := SEP.match(first):
        return sep[1], _records(text, sep[1], 2, strict)
    mark = max(",;\t", key=first.count)
    return mark, _records(chain([first], text), mark, 1, strict)


def _records(text: Iterable[str], mark: str, line: int, strict: bool) -> Iterator[Record]:
    raw: list[str] = []  # the lines of the record that is being read

    def lines() -> Iterator[str]:
        for x in text:
            raw.append(x)
            yield x

    width = -1  # of the header, once that is read
    for cells in csv_rows(lines(), delimiter=mark):
        if cells or width < 0:
            width = len(cells) if width < 0 else width
            yield Record(line, cells, _lost_quote(raw, cells, mark, line, strict) or _odd_width(len(cells), width, strict))
        line += len(raw)
        raw.clear()
    if width < 0:
        yield Record(line, [])


def _lost_quote(raw: Sequence[str], cells: Sequence[str], mark: str, line: int, strict: bool) -> str:
    """What is to say of the quotation marks of a record, which begins in `line` and has the lines `raw`; '' where all are closed."""
    if (len(raw) > 1 or cells and cells[-1].endswith("\n")) and (sum(x.count('"') for x in raw) % 2 or _by_the_rules(raw, mark) != 1):
        many = f"lines {line} to {line + len(raw) - 1} became one cell"
        return f"a quotation mark that opens here is never closed, or only in a later row: {many}; close it"
    if strict and '"' in raw[0] and not _by_the_rules(raw, mark):
        return 'a quotation mark closes before its cell ends, and is lost; double ("") those of a text, and put it in quotation marks'
    return ""


def _odd_width(cells: int, header: int, strict: bool) -> str:
    if cells > header:
        return f"{cells} cells, the header has {header}; put quotes round a cell that holds the delimiter, or name every column in the header"
    few = f"row has {cells} cells, the header {header}; a quotation mark may be left open, or cells at its end are missing"
    return few if strict and cells < header else ""


def _by_the_rules(lines: Sequence[str], mark: str) -> int:
    """How many records they hold; 0 where a quotation mark has no other end, or its other end is in the middle of a cell."""
    try:
        return len(list(csv_rows(lines, delimiter=mark, strict=True)))
    except csv.Error:
        return 0


def csv_rows(lines: Iterable[str], *, delimiter: str = ",", strict: bool = False) -> Any:
    """A `csv.reader`, for cells of any length (Python's own limit, which is one for all readers, is 131,072 characters)."""
    csv.field_size_limit(1 << 30)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def csv_line(cells: Sequence[object], *, delimiter: str = ",") -> str:
    """One record, without its line end."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n").writerow(cells)  # only characters of the line end are quoted
    return buffer.getvalue()[:-2]


def safe_line(cells: Iterable[object]) -> str:
    """A record of labelled CSV, without its line end: safe to open in a spreadsheet, and `Csv.cells` gives its cells back as they were."""
    return csv_line([spreadsheet_cell(str(c)) for c in cells])


def composed(text: str) -> str:
    """The text with every accent in one character with its letter (NFC): some systems write `é` as two."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_FORMULA = re.compile(r"'*[=+\-@\t\r]")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def spreadsheet_cell(text: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would run as a formula (OWASP, CSV injection); `plain_cell` undoes it.

    A plain number (`-1`) is none.
    """
    return f"'{text}" if _FORMULA.match(text) and not PLAIN_NUMBER.fullmatch(text) else text


def plain_cell(text: str) -> str:
    """The cell as it was before `spreadsheet_cell`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
