"""Articles from text, Markdown, HTML, JSON, JSON lines, CSV (each also packed), a folder, a URL or standard input."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import re
import sys
import warnings
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, TypeVar

from stance.dates import ambiguous, valid_date
from stance.errors import InputError, MissingExtraError, StanceWarning, first_of, near_miss, number
from stance.markdown import front_matter, has_tags, prose_of, without_tags
from stance.tables import (
    CP1252,
    MISSING,
    PACKED,
    SEP,
    Seen,
    csv_records,
    decode,
    foreign,
    given_paths,
    is_file,
    is_folder,
    marked_encoding,
    not_utf8,
    opened,
    unpacked_name,
)
from stance.text import wrapped

if TYPE_CHECKING:
    from tempfile import SpooledTemporaryFile

SUFFIXES = (".txt", ".md", ".markdown", ".html", ".htm", ".json", ".jsonl", ".ndjson", ".csv", ".tsv")
_ARCHIVES = (".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".7z", ".rar")
_MAIL = (".eml", ".mbox", ".msg", ".mht", ".mhtml")  # whose head and encoded parts are no text
_UNREAD = (  # may hold articles: told one by one
    *_ARCHIVES, *_MAIL, ".zst", ".pdf", ".doc", ".docx", ".odt", ".rtf", ".epub", ".xls", ".xlsx", ".ods", ".parquet", ".xml", ".rss", ".atom"
)  # fmt: skip
_LISTS = ("articles", "data", "results", "items", "docs", "documents", "entries", "hits", "response")  # an answer of an API has its articles there
_TEXT = (  # of Media Cloud, and the last two of a JSON Feed
    "text", "body", "content", "article", "maintext", "full_text", "fulltext", "full text", "story_text", "content_text", "content_html",
)  # fmt: skip
FIELDS = ("id", "title", "date", "source", "speaker", "text")  # of an article, which a column may be named for
_NAMES: dict[str, tuple[str, ...]] = {  # of which neither case nor marks count: `publishedat` is `published_at` and `publishedAt` too
    "id": ("id", "articleid", "article", "url", "uuid", "guid", "storiesid", "uri", "documentidentifier", "documenturl", "goid", "accessionnumber"),
    "date": (
        "date", "published", "publishdate", "datepublished", "datepublish", "publishedat", "pubdate", "publicationdate", "publisheddate",
        "webpublicationdate", "datetime", "datetimepub", "datum",
    ),
    "stamp": ("createdat", "timestamp", "seendate"),  # read where they hold a date, and no other field does
    "title": ("title", "headline", "webtitle"),
    "source": (
        "source", "outlet", "publisher", "domain", "sitename", "sourcedomain", "sourcename", "publication", "newspaper", "medianame",
        "sourcetitle", "sourcecommonname", "publicationname", "publicationtitle", "pubtitle",
    ),
    "speaker": ("speaker",),
}  # fmt: skip
_READ = frozenset(chain.from_iterable(_NAMES.values()))
_EMPTY = "the text is empty"
_RECORDS = "(in pandas: to_json(orient='records'))"
_NAME_IT = "name it with --text-column (several: title+summary)"
_DATA_TABLE = re.compile(r"(?i)<th[\s>]")  # with a cell that heads others, as one that only lays out a page has not
# What `stance` writes, by keys of JSON lines or columns of CSV, and pages.
_OWN = (frozenset(("article", "sentence", "actor", "mentions")), frozenset(("text", "sentence_id", "actor", "start", "end")))
_OWN_PAGE = '<meta name="generator" content="stance">'
_BYTES = re.compile("[\udc80-\udcff]+")  # of a file name or argument, that are no text in the encoding of the system
_URL = re.compile("https?://")
_PAGE = re.compile(r"(?is)\s*(<\?xml[^>]*\?>\s*)?(<!doctype html|<html)")
_XML = re.compile(r"\s*<(\?xml|rss|feed|rdf:RDF)[\s>]")  # how XML begins, and feeds that do not say so
_OBJECT = re.compile(r'(\[\s*)?\{\s*("(?:[^"\\]|\\.)*"\s*:|\}\s*[,\]{])')  # how JSON of objects begins
_CUT = re.compile(r"\[\+\d+ chars\]\s*$")  # how NewsAPI ends a text
_DOWNLOADS = {  # how an article of many in a file begins or ends, by who gives such files
    "LexisNexis": re.compile(r"(?m)^[ \t]*(?:\d+ of \d+ DOCUMENTS|End of Document)[ \t\r]*$"),
    "Factiva": re.compile(r"(?m)^[ \t]*(?:AN[ \t]+)?Document [A-Z]\w*20\d{6}\w{9}[ \t\r]*$"),
}
_HALF = re.compile("[\ud800-\udfff]")  # half a character, as broken JSON escapes leave it: no file could hold it


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it was read. `date` is ISO or ''; all offsets elsewhere refer to `text`.

    `speaker` is whose words all of it is, '' for a report: the name of an actor or of who speaks for it (`stance.actors.speaker_of`).
    `input` is the file or URL it came from; `undated` the place and the value of a date that was not understood. `maybe` is of an article that
    came as a record without a date: those of its fields that may hold one, by name, or `?`. `left` says what is not in the text, each in a
    line: `tables` of a web page, `tags` of a record, `no field 'summary'` of one whose text is `title+summary`.
    """

    id: str
    text: str
    _: KW_ONLY
    title: str = ""
    date: str = ""
    source: str = ""
    input: str = field(default="", compare=False)
    undated: str = field(default="", compare=False)
    maybe: str = field(default="", compare=False)
    left: str = field(default="", compare=False)
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An input that could not be read, and why."""

    name: str
    reason: str
    input: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """Its name, which stands where an article's id would."""
        return self.name


SHOWN = 100  # reasons that are told, and names of each
MANY = 10  # of one reason that are named one by one
HELD = 1 << 20  # bytes of skipped inputs, before the first article, that stay in memory


class Shown:
    """Skipped inputs to name, by reason: of the first SHOWN reasons the first SHOWN names, so that many alike hide no other; `total` were skipped."""

    def __init__(self) -> None:
        self.total = 0
        self._names: dict[str, list[str]] = {}
        self._counts = Counter[str]()

    def keep(self, one: Skipped) -> None:
        """Take it in, or count it alone."""
        self.total += 1
        if one.reason in self._names or len(self._names) < SHOWN:
            names = self._names.setdefault(one.reason, [])
            names += [one.name] * (len(names) < SHOWN)
            self._counts[one.reason] += 1

    def lines(self, *, where: str = "") -> Iterator[str]:
        """`name: reason` of each, in one line those of a reason that more than MANY share; in the end how many are not among them, and `where`
        they are."""
        for reason, names in self._names.items():
            if (n := self._counts[reason]) > MANY:
                yield f"{n} ({_listed_places(names)}{' …' * (n > len(names))}): {reason}"
            else:
                yield from (f"{name}: {reason}" for name in names)
        if more := self.total - sum(map(len, self._names.values())):
            yield f"{more} not named above{where}"


def _listed_places(names: Iterable[str]) -> str:
    """`a.jsonl:1, 2, b.txt`: of further lines of a file the number alone."""
    out, file = list[str](), ""
    for name in names:
        before, colon, line = name.rpartition(":")
        out.append(line if colon and before == file and line.isdigit() else name)
        file = before
    return ", ".join(out)


class NothingReadError(InputError):
    """Not one article could be read. `skipped` are those to name."""

    def __init__(self, skipped: Shown) -> None:
        super().__init__("none of the inputs could be read", "; ".join(skipped.lines()))
        self.skipped = skipped

    def __reduce__(self) -> tuple[type[NothingReadError], tuple[Shown]]:  # type: ignore[override]
        return type(self), (self.skipped,)


def readable(items: Iterator[Article | Skipped]) -> Iterator[Article | Skipped]:
    """The items, read up to the first article. Raises NothingReadError when all are skipped. Of those before it, what is beyond HELD bytes waits on
    disk: they may be very many.
    """
    first = next(items, None)
    if not isinstance(first, Skipped):
        return chain([first] if first else [], items)
    import pickle
    from tempfile import SpooledTemporaryFile

    lost = SpooledTemporaryFile(HELD)  # noqa: SIM115 -- closed by who reads it again
    shown = Shown()
    for item in chain([first], items):
        if not isinstance(item, Skipped):
            return chain(_again(lost, shown.total), [item], items)
        pickle.dump((item.name, item.reason, item.input), lost)
        shown.keep(item)
    lost.close()
    raise NothingReadError(shown)


def _again(lost: SpooledTemporaryFile[bytes], count: int) -> Iterator[Skipped]:
    import pickle

    with lost:
        lost.seek(0)
        for _ in range(count):
            yield Skipped(*pickle.load(lost))  # noqa: S301 -- our own file


Columns = Mapping[str, str]
Item = TypeVar("Item", Article, Skipped, Article | Skipped)
_HIGH = bytes(range(0x80, 0x100))
WHOLE = 8 << 20  # bytes of a table that is read as one piece


def read_articles(
    paths: str | Path | Iterable[str | Path], *, text_column: str = "", columns: Columns | None = None
) -> Iterator[Article]:  # fmt: skip
    """Articles of files, folders, URLs or `-` (standard input), one by one.

    `text_column` is the field that holds the text (`title+summary`: these two, one under the other), `columns` are those of `id`, `title`,
    `date`, `source`, `speaker` and `text` that have another name than the usual ones, as `{"source": "Zeitung"}`. Raises InputError at the first
    that cannot be read; `scan_articles` goes on instead.
    """
    for item in scan_articles(paths, text_column=text_column, columns=columns):
        if isinstance(item, Skipped):
            raise InputError(f"{item.name}: {item.reason}", "stance.articles.scan_articles yields it as Skipped and goes on")
        yield item


def scan_articles(
    paths: str | Path | Iterable[str | Path], *, text_column: str = "", columns: Columns | None = None, date: str = "", speaker: str = "",
    seen: Seen = lambda _: None,
) -> Iterator[Article | Skipped]:  # fmt: skip
    """As `read_articles`, but an input that cannot be read is yielded as `Skipped` and the rest go on.

    A file that is given again, in whatever spelling, is read once. `date` and `speaker` are those of articles that tell none; `seen` is told how
    many bytes were read, as they are read. What is doubtful is said by a StanceWarning, once for all inputs.
    """
    if columns is not None and not (isinstance(columns, Mapping) and all(isinstance(v, str) for v in columns.values())):
        raise InputError(f"columns is given as {columns!r:.60}, not as a dict of names", 'write columns={"source": "newspaper"}')
    names = {k: v.lower() for k, v in {**(columns or {}), **({"text": text_column} if text_column else {})}.items()}
    if unknown := [k for k in names if k not in FIELDS]:
        raise InputError(f"articles have no {unknown[0]}", f"a column can be given for {', '.join(FIELDS)}")
    files, stems = _Hashes(), dict[str, Path]()
    doubts = _Doubts(names, told=bool(date))
    for p in map(input_name, given_paths(paths, "articles", "texts of a table go to stance.classify(frame['text'])")):
        for name in _files(p, doubts.other):
            if name != "-" and is_file(name) and not files.add(str(Path(name).resolve())):
                doubts.twice += 1
                continue
            item: Article | Skipped | None = None
            for item in _source(name, _own_stem(name, p, stems), names, seen):
                if isinstance(item, Article):
                    doubts.see(item, name)
                    item = replace(item, date=item.date or date, speaker=item.speaker or speaker) if date or speaker else item
                yield whole(replace(item, input=name))
            if item is None:
                doubts.count("none", name)
    for note in doubts.notes():
        _warn(whole_text(note))


_SAID = {  # of each kind of doubt; `[of several|of one]`
    "none": "no article in {inputs} (first: {first}): an empty list, or a header without rows",
    "again": "{n} {of} [have|has] the text of an earlier one and [count|counts] again (first: {first}); give each once",
    "taken": "{articles} [have|has] the id of an earlier one (first: {first}); both count, and results cannot tell them apart: "
    "give each its own, or leave out the older text",
    "wrapped": "{n} {of} [look|looks] hard-wrapped (first: {first}); line ends within their paragraphs are read as blanks",
    "cut": "{n} {of} [end|ends] in `[+N chars]` (first: {first}): the news API cut them off there; get the pages themselves to have them whole",
    "tables": "{n} {of} [are web pages|is a web page] with tables, which are left out (first: {first}); write out as text what of them is to be read",
    "tags": "{n} {of} [hold|holds] tags of HTML (first: {first}), which are left out; offsets count in what remains",
    "undated": "{n} {of}: date not understood (first: {first}); write YYYY-MM-DD",
}
_LACKS = "{n} {of} [have|has] {doubt} (first: {first}), and [are|is] read without it; look at the name, as --text-column gives it"  # `no field 'x'`


class _Doubts:
    """What is doubtful of the articles of a scan: how many of them, and the first."""

    def __init__(self, columns: Columns, *, told: bool) -> None:
        """`columns`: what fields are called; `told`: whether a date is given for articles without one."""
        self.told = told
        self.lacking = {k: v for k, v in columns.items() if k in ("title", "date", "source", "speaker")}  # that no article has told yet
        self.articles = self.records = self.dateless = self.twice = 0
        self.found: dict[str, tuple[int, str]] = {}  # how many, and the first
        self.texts, self.ids = _Hashes(), _Hashes()
        self.maybe, self.other = Counter[str](), Counter[str]()

    def see(self, x: Article, name: str) -> None:
        """Count an article of the file `name`, as it was read there."""
        self.articles += 1
        if self.lacking:
            self.lacking = {k: v for k, v in self.lacking.items() if not (getattr(x, k) or k == "date" and x.undated)}
        self.records += bool(x.maybe or x.undated or x.date)
        self.dateless += bool(x.maybe)
        self.maybe.update(x.maybe.split(", ") if x.maybe not in ("", "?") else ())
        new_id, new_text = self.ids.add(x.id), self.texts.add(x.text)
        place = f"{x.id!r} of {x.input or name}"
        if not new_text:
            self.count("again", f"{x.id!r} of {name}")
        elif not new_id:
            self.count("taken", place)
        if wrapped(x.text):
            self.count("wrapped", place)
        if _CUT.search(x.text[-40:]):
            self.count("cut", place)
        for what in x.left.splitlines():
            self.count(what, place)
        if x.undated:
            self.count("undated", x.undated)

    def count(self, doubt: str, place: str) -> None:
        """Count one that is so, at this place: a key of _SAID, or what an article lacks."""
        n, first = self.found.get(doubt, (0, place))
        self.found[doubt] = n + 1, first

    def notes(self) -> Iterator[str]:
        """What to say in the end."""
        of = f"of {number(self.articles, 'article')}"
        for what, column in self.lacking.items() if self.articles else ():
            yield f"none {of} tells a {what} in {column!r}; look at the names of its fields"
        if self.twice:
            yield f"{number(self.twice, 'file')} given more than once, and read once"
        for doubt in [x for x in dict.fromkeys((*_SAID, *self.found)) if x in self.found]:
            n, first = self.found[doubt]
            said = re.sub(r"\[([^|\]]+)\|([^\]]+)\]", r"\2" if n == 1 else r"\1", _SAID.get(doubt, _LACKS))
            yield said.format(n=n, of=of, first=first, doubt=doubt, inputs=number(n, "input"), articles=number(n, "article"))
        if self.other:
            yield f"files of other types left out: {_listed(self.other)}; convert to text what is to be read"
        if (bare := self.articles - self.records) > MANY and self.records and not self.told:
            told = f"{bare} {of} are of files that tell no date, and so in no month of a report"
            yield f"{told}; write it above a text, as `date: 2018-03-04` between two lines `---`, or give one for all (--date)"
        if 2 * self.dateless > self.records and not self.told:
            fields = f"; fields that may hold one: {', '.join(k for k, _ in self.maybe.most_common(5))}" if self.maybe else ""
            have = "has" if self.dateless == 1 else "have"
            told = f"{self.dateless} {of} {have} no date{fields}; without one whoever ever held an office speaks for it"
            yield f"{told}: {'call the field' if self.maybe else 'write it in a field'} date, or give one for all (--date, scan_articles(date=))"


class _Hashes:
    """A set of texts, ids or names as hashes of 8 bytes, in a table that is never more than three quarters full."""

    def __init__(self) -> None:
        self.table = array("Q", bytes(8 << 10))
        self.held = 0

    def add(self, text: str) -> bool:
        """Add a text; False when it was there."""
        value = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) or 1  # 0 is a free place
        if 4 * self.held >= 3 * len(self.table):
            old, self.table = self.table, array("Q", bytes(16 * len(self.table)))
            for x in filter(None, old):
                self.table[self._place(x)] = x
        at = self._place(value)
        new = not self.table[at]
        self.table[at] = value
        self.held += new
        return new

    def _place(self, value: int) -> int:
        at = value % len(self.table)
        while self.table[at] not in (0, value):
            at = (at + 1) % len(self.table)
        return at


def whole(item: Item) -> Item:
    """The item with U+FFFD for every half character, which no file could hold: of file names that are no UTF-8, and of broken escapes."""
    values = {f.name: getattr(item, f.name) for f in fields(item)}
    broken: dict[str, Any] = {k: whole_text(v) for k, v in values.items() if not v.isascii() and _HALF.search(v)}
    return replace(item, **broken) if broken else item


def whole_text(text: str) -> str:
    """The same for a text."""
    return _HALF.sub("\ufffd", text)


def as_text(given: str) -> str:
    """A file name or argument, read as texts are (UTF-8, else cp1252) where it was not in the encoding of the system."""
    return _BYTES.sub(lambda m: m[0].encode("utf-8", "surrogateescape").decode("utf-8", CP1252), given)


def input_bytes(paths: Iterable[str | Path]) -> int | None:
    """How many bytes `scan_articles` will read; None when standard input or a URL is among them."""
    names = [str(p) for p in paths]
    if any(map(_no_path, names)):
        return None
    files = {Path(f).resolve() for n in names for f in _files(n) if is_file(f)}
    return sum(f.stat().st_size for f in files if _kind(f) not in _UNREAD)


def _no_path(name: str) -> bool:
    """Whether an input is standard input (`-`) or a URL."""
    return name == "-" or _URL.match(name) is not None


def input_name(path: str | Path) -> str:
    """What is given, in one spelling: `news` for `./news/`. What stands before it stays: a path may begin anywhere. A file `-` is `./-`."""
    name = str(path)
    if not name or _no_path(name):
        return name
    return "./-" if str(Path(name)) == "-" else str(Path(name))


def holds_one(name: str) -> bool:
    """Whether an input of this name holds one article, by its suffix."""
    return _kind(Path(name)) in (".txt", ".md", ".markdown", ".html", ".htm")


def _files(name: str, other: Counter[str] | None = None) -> list[str]:
    """The files of a folder in order, those that may hold articles but are not read too; anything else (and a folder without articles) is its own.

    `other` counts what is left out, by suffix.
    """
    if not name or _no_path(name) or not is_folder(name):
        return [name]
    inside = (f for f in Path(name).rglob("*") if not any(part.startswith(".") for part in f.relative_to(name).parts))
    files = sorted(f for f in inside if f.is_file())
    if not any(_kind(f) in SUFFIXES for f in files):
        return [name]
    told = (*SUFFIXES, *_UNREAD)
    if other is not None:
        other.update(f.suffix.lower() or "no suffix" for f in files if _kind(f) not in told)
    return [str(f) for f in files if _kind(f) in told]


def _listed(suffixes: Counter[str]) -> str:
    return ", ".join(f"{suffix} ({n})" for suffix, n in suffixes.most_common())


def _kind(path: Path) -> str:
    """The suffix that tells the format: `.jsonl` of `a.jsonl.gz` too."""
    return unpacked_name(path).suffix.lower()


def _own_stem(name: str, given: str, taken: dict[str, Path]) -> str:
    """What the ids of a file's articles are made of: its name, after that of its folder inside the folder that was given.

    Where an earlier file has it `taken`, with its suffix if that is in the same folder, else with as many folders before it as tell them apart.
    """
    if "\0" in name:  # no path, and refused when it is opened
        return ""
    path = unpacked_name(Path(name))
    inside = name != given and path.is_relative_to(given)
    stem = path.relative_to(given).with_suffix("").as_posix() if inside else path.stem
    file = Path(name).parent.resolve() / Path(name).name
    parts = unpacked_name(file).with_suffix("").parts
    for x in map(as_text, chain([stem], ("/".join(parts[-n:]) for n in range(stem.count("/") + 2, len(parts))))):
        if _kind(file) in _UNREAD or taken.setdefault(x, file) == file:  # of the former comes no article
            return x
        full = x + as_text(file.name.removeprefix(path.stem))
        if taken[x].parent == file.parent and taken.setdefault(full, file) == file:
            return full
    return as_text(file.as_posix())


def _source(name: str, stem: str, columns: Columns, seen: Seen) -> Iterator[Article | Skipped]:
    path = Path(name)
    kind = _kind(path)
    try:
        if not name:
            raise InputError("an empty path", "is a variable of the shell unset?")
        if name == "-":
            yield from _stdin(sys.stdin.buffer, columns)
        elif _URL.match(name):
            yield _url(name)
        elif is_folder(name):
            others = _listed(Counter(f.suffix.lower() or "no suffix" for f in path.rglob("*") if f.is_file()))
            found = f"no articles in this folder{f', only {others}' if others else ''}"
            raise InputError(f"{path}: {found}", f"looked for {', '.join(SUFFIXES)}; unpack archives")
        elif kind in _ARCHIVES and is_file(path):
            raise InputError(f"{name}: an archive is not read", "unpack it")
        elif kind in _MAIL and is_file(path):
            raise InputError(f"{name}: mail is not read", "convert it to text (.txt), JSON lines or CSV with text, title, date and source")
        elif kind in (".jsonl", ".ndjson"):
            yield from _jsonl(path, stem, columns, seen)
        elif kind in (".csv", ".tsv") and (path.suffix.lower() in PACKED or is_file(path) and path.stat().st_size > WHOLE):
            yield from _large_csv(path, stem, columns, seen)
        else:
            with opened(path, seen=seen) as f:
                raw = f.read(8) if foreign(f.peek(8)) else f.read()
            yield from _content(name, stem, raw, columns)
    except (InputError, MissingExtraError) as e:
        yield Skipped(name, str(e).removeprefix(f"{name}: "))
    except RecursionError:
        yield Skipped(name, "an object of hundreds of others in one another in a field; give plain text there")


def _stdin(stream: BinaryIO, columns: Columns) -> Iterator[Article | Skipped]:
    """JSON lines as they come; anything else once all of it is here."""
    first, second = stream.readline(), stream.readline()
    if second.strip() and isinstance(_parsed(first), dict):
        yield from _lines("-", "stdin", chain((first, second), stream), columns)
    else:
        yield from _content("-", "stdin", first + second + stream.read(), columns)


def _parsed(text: bytes | str) -> Any:
    """What it holds as JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _suffix(name: str, text: str, columns: Columns) -> str:
    """The suffix that tells the format of a content: that of its file, if it is one of ours (but a `.txt` may be anything), else one that fits."""
    kind = _kind(Path(name))
    if kind in SUFFIXES and kind != ".txt":
        return kind
    head = text.lstrip()[:2000]
    if _OBJECT.match(head) or head[0] in "[{" and _parsed(text) is not None:  # `[VIDEO] Moscow …` and `[] …` are texts
        return ".json" if head.startswith("[") or not re.search(r"\}\s*\n\s*\{", text[:200_000]) else ".jsonl"
    if _PAGE.match(head):
        return ".html"
    if _about(front_matter(text)[0], columns):
        return ".md"
    prose = kind == ".txt" and ", " in head.partition("\n")[0]  # a headline `Body, mind` is no header
    return ".csv" if not prose and _is_table(text, columns) else ".txt"


def _about(told: dict[str, str], columns: Columns) -> dict[str, str]:
    """What front matter tells of the article: `---` may also stand around lines such as `MR. PRICE: Good morning.`"""
    known = {x for what in ("title", "date", "source", "speaker") for x in _NAMES[what]}
    return {k: v for k, v in told.items() if _plain(k) in known or k in columns.values()}


def _is_table(text: str, columns: Columns) -> bool:
    """Whether the first line has several cells, one of them a name of the text, and the next row as many."""
    if SEP.match(text):
        return True
    try:
        header, row = islice((r.cells for r in csv_records(io.StringIO(text, newline=""))[1] if r.cells), 2)
    except (ValueError, csv.Error):  # fewer rows, or no CSV
        return False
    cells = {c.strip().lower() for c in header}
    return len(header) == len(row) > 1 and bool(cells.intersection(_text_keys(columns, cells) or _TEXT)) and all(len(c) <= 40 for c in header)


def _content(name: str, stem: str, raw: bytes, columns: Columns) -> Iterator[Article | Skipped]:
    text, note = decode(raw, name, mixed=True)
    _warn(note)
    if not text.strip():  # nothing but a byte-order mark
        raise InputError(f"{name}: the file is empty", "give a file with text")
    suffix = _suffix(name, text, columns)
    several = suffix in (".json", ".jsonl", ".ndjson", ".csv", ".tsv")
    if several and holds_one(name):
        raise InputError(f"{name}: this is {'a table' if suffix == '.csv' else 'JSON'}, not the text of an article", f"give it the suffix {suffix}")
    lines = text.split("\n")  # a JSON text may hold other line ends
    if suffix == ".jsonl" or suffix == ".json" and any(map(str.strip, lines[1:])) and isinstance(_parsed(lines[0]), dict):
        for n, line in enumerate(lines, 1):
            if line.strip():
                yield _json_line(f"{name}:{n}", line, columns, stem, n)
    elif suffix == ".json":
        yield from _json(name, stem, text, columns)
    elif several:
        yield from _csv(name, stem, io.StringIO(text, newline=""), columns)
    else:
        yield _one(name, stem, text, suffix, columns)


def _one(name: str, stem: str, text: str, suffix: str, columns: Columns) -> Article | Skipped:
    """The article of a page, of Markdown (or a `.txt` with its front matter) or of plain text."""
    if suffix in (".html", ".htm"):
        return html_article(text, stem, name)
    if suffix in (".md", ".markdown"):
        told, body = front_matter(text)
        about = _about(told, columns)
        about["text"] = body if _kind(Path(name)) == ".txt" else prose_of(body)
        item = _record(name, about, {k: v for k, v in columns.items() if k != "text"}, stem)
        return replace(item, maybe="") if isinstance(item, Article) else item
    if _kind(Path(name)) == ".xml" or _XML.match(text):
        raise InputError(f"{name}: this is XML, not text", "convert it to text (.txt), JSON lines or CSV")
    if whose := next((who for who, mark in _DOWNLOADS.items() if len(mark.findall(text)) > 1), ""):
        tool = {"LexisNexis": "LexisNexisTools", "Factiva": "tm.plugin.factiva"}[whose]
        todo = f"make one file of each, or a CSV with columns text, title, date and source (in R: {tool})"
        raise InputError(f"{name}: several articles in one file, as {whose} gives them", todo)
    return Article(stem, text)


def _json(name: str, stem: str, text: str, columns: Columns) -> Iterator[Article | Skipped]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise InputError(f"{name}: not valid JSON: {e}", "give one object, or a list of objects") from e
    data = _listed_articles(data, columns)
    if not isinstance(data, list):
        yield _record(name, data, columns, stem)
        return
    for n, record in enumerate(data, 1):
        yield _record(f"{name}#{n}", record, columns, f"{stem}-{n}")


def _listed_articles(data: Any, columns: Columns) -> Any:
    """The articles of an answer such as `{"status": "ok", "articles": [{…}]}` or `{"response": {"docs": [{…}]}}`: the one list of objects of an
    object without a text, or of an object in it; else `data`.
    """
    if not isinstance(data, dict):
        return data
    found = _lower(data)
    if any(isinstance(found.get(k), str) for k in _text_keys(columns, found) or _TEXT):
        return data
    inside = [_listed_articles(found[k], columns) for k in _LISTS if k in found]
    lists = [v for v in inside if isinstance(v, list) and all(isinstance(x, dict) for x in v)]
    full = [v for v in lists if v] or lists
    return full[0] if len(full) == 1 else data


def _jsonl(path: Path, stem: str, columns: Columns, seen: Seen) -> Iterator[Article | Skipped]:
    """Line by line, so that an archive of any size takes little memory."""
    with opened(path, seen=seen) as f:
        lines: Iterable[bytes] = f
        if (encoding := marked_encoding(f.peek(4))) not in ("", "utf-8-sig"):
            lines = (line.encode() for line in io.TextIOWrapper(f, encoding, errors="replace", newline="\n"))
        yield from _lines(str(path), stem, lines, columns)


def _lines(name: str, stem: str, lines: Iterable[bytes], columns: Columns) -> Iterator[Article | Skipped]:
    empty, told = True, ""
    for n, raw in enumerate(lines, 1):
        if not raw.removeprefix(codecs.BOM_UTF8).strip():
            continue
        empty = False
        try:
            line, note = decode(raw, f"{name}:{n}", mixed=True)
        except InputError as e:
            yield Skipped(f"{name}:{n}", e.message.removeprefix(f"{name}:{n}: "))
            continue
        _warn("" if told else note.replace(f"{name}:{n}:1:", f"{name}:{n}:"))
        told = told or note
        yield _json_line(f"{name}:{n}", line, columns, stem, n)
    if empty:
        raise InputError(f"{name}: the file is empty", "give one JSON object a line")


def _json_line(place: str, line: str, columns: Columns, stem: str, n: int) -> Article | Skipped:
    try:
        return _record(place, json.loads(line.rstrip()), columns, f"{stem}-{n}")
    except (ValueError, RecursionError) as e:  # the latter: thousands of brackets in one another
        return Skipped(place, f"not valid JSON: {e}")


def _record(place: str, record: Any, columns: Columns, default_id: str) -> Article | Skipped:
    if not isinstance(record, dict):
        return Skipped(place, f"a JSON object is needed, not {type(record).__name__} {_RECORDS}")
    if hit := "_id" in record and isinstance(record.get("_source"), dict):  # of Elasticsearch
        record = {**record["_source"], **record}
    found = _lower(record)
    _check_own(found, columns)
    if spelt := _spelt_twice(record, found, columns):
        return Skipped(place, f"the fields {spelt} have one name, as case does not count; rename or delete all but one")
    keys = _text_keys(columns, found)
    texts = {k: x for k in keys or _TEXT if isinstance(x := _field(found, k), str)}
    if not texts:
        return Skipped(place, _no_text(found, columns))
    first = next((k for k in texts if texts[k].strip()), next(iter(texts)))
    text = "\n\n".join(filter(str.strip, texts.values())) if keys else texts[first]
    tags = has_tags(text)
    text = without_tags(text) if tags else text
    if not text.strip():
        return Skipped(place, _EMPTY)

    key = "" if len(keys) > 1 else first
    own = (key, "" if key in found else key.partition(".")[0], "_source" if hit else "")  # nothing but the text, unless one names it
    plain = {_plain(k): k for k in reversed(found) if k not in own}

    def told(what: str) -> Iterator[str]:
        fields = [columns[what]] if what in columns else [plain[n] for n in _NAMES[what] if n in plain]
        return filter(None, (_told(_field(found, k)) for k in fields))

    stamps = () if "date" in columns else told("stamp")
    date = next(filter(None, map(valid_date, chain(told("date"), stamps))), "")
    given = "" if date else next(filter(str.strip, told("date")), "")
    undated = f"{place} {given[:40]!r}{', either number may be the month' if ambiguous(given) else ''}" if given else ""
    maybe = "" if date or given else ", ".join(k for k, v in found.items() if k not in own and _may_date(k, v)) or "?"
    title, source, speaker = (next(told(what), "") for what in ("title", "source", "speaker"))
    title = " ".join(without_tags(title).split()) if has_tags(title) else title
    left = "\n".join(["tags"] * tags + [f"no field {k!r}" for k in keys if k not in texts])
    return Article(
        next(told("id"), default_id), text, title=title, date=date, source=source, input=place, undated=undated, maybe=maybe, left=left,
        speaker=speaker.strip(),
    )  # fmt: skip


def _lower(record: Mapping[Any, Any]) -> dict[str, Any]:
    """A record by the lower-case names of its fields."""
    return {str(k).lower(): v for k, v in record.items()}


def _field(record: Mapping[str, Any], name: str) -> Any:
    """A field of a record; of `content.rendered` that in the object `content`. None where there is none."""
    outer, dot, inner = name.partition(".")
    if dot and name not in record and isinstance(record.get(outer), dict):
        return _field(_lower(record[outer]), inner)
    return record.get(name)


def _no_text(record: Mapping[str, Any], columns: Columns) -> str:
    """Why a record has none, and what to do."""
    fields = _text_keys(columns, record) or _TEXT
    if any(k in record and (record[k] is None or record[k] != record[k]) for k in fields):  # null, NaN
        return _EMPTY
    inside = [k for k, v in record.items() if isinstance(v, (list, dict))]
    nested = next((k for k in fields if k in inside), inside[0] if len(inside) == len(record) > 0 else "")
    kind = "a list" if isinstance(record.get(nested), list) else "an object"
    todo = f": {nested!r} holds {kind}; give one object an article, its text a string {_RECORDS}" if nested else ""
    names = [f"{k}.{x}" for k, v in record.items() for x in (v if isinstance(v, dict) and v else [""])]
    seen = first_of([x.removesuffix(".") for x in names], 30) or "nothing"
    return f"no text{todo}; looked for {columns.get('text') or ', '.join(_TEXT)}, seen: {seen}; {_NAME_IT}"


def _twice(names: Sequence[str], columns: Columns) -> str:
    """The first of some lower-case names that stands more than once and is read; '' without any."""
    read = {*columns.values(), *(_text_keys(columns, names) or _TEXT)}
    return next((c for c in names if (c in read or _plain(c) in _READ) and names.count(c) > 1), "")


def _spelt_twice(record: Mapping[Any, Any], found: Mapping[str, Any], columns: Columns) -> str:
    """The fields of a record that have one name in lower case (as in `found`), hold other values and are read; '' without any."""
    if len(found) == len(record):
        return ""
    differ = [k for k, v in ((str(k).lower(), v) for k, v in record.items()) if repr(v) != repr(found[k])]
    twice = _twice([*differ, *found], columns)
    return " and ".join(repr(k) for k in record if str(k).lower() == twice) if twice else ""


def _text_keys(columns: Columns, names: Collection[str]) -> list[str]:
    """The fields whose texts, one under the other, are that of the article: of `title+summary` two; none where nothing is told."""
    told = columns.get("text", "")
    if not told:  # a column without a name, as pandas and R write one, is none that is told
        return []
    return [told] if told in names else [k.strip() for k in told.split("+")]


def _check_own(names: Iterable[str], columns: Columns) -> None:
    """Raises InputError where the names of keys or columns are those of results or labels, unless that of the text is given."""
    if "text" not in columns and any(own.issubset(names) for own in _OWN):
        raise InputError(
            "rows of a sentence and an actor, as `stance` writes them, are no articles",
            "keep results and labels apart from the articles; `stance predict` labels such a table; --text-column text reads each row as an article",
        )


@lru_cache(maxsize=1000)
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _may_date(name: str, value: Any) -> bool:
    """Whether a field looks as if it told when the article came out."""
    if re.search(r"dat(e|um)|time|publi(sh|ca)|day$|year", name):
        return bool(_told(value).strip())
    return isinstance(value, str) and 8 <= len(value) <= 40 and valid_date(value) != "" and not (value.isdigit() and len(value) > 8)  # an id


def _told(value: Any, deep: int = 9) -> str:
    """A value of JSON as text, `deep` lists and objects at most in one another: of a list all; of an object its `name`, which may be nothing, or
    its `title`, or the first text in it (`{"id": null, "name": "Gazette"}`, `{"rendered": "Fjord"}`, `{"$date": "2018-03-04"}`); of null and NaN
    nothing.
    """
    if isinstance(value, list):
        return ", ".join(filter(None, (_told(x, deep - 1) for x in value))) if deep else ""
    if isinstance(value, dict):
        inside = [value["name"]] if "name" in value else [x for x in (value.get("title"), *value.values()) if isinstance(x, (str, dict))]
        return next(filter(None, (_told(x, deep - 1) for x in inside)), "") if deep else ""
    return "" if value is None or value != value else str(value)


def _warn(note: str) -> None:
    if note:
        warnings.warn(note, StanceWarning, stacklevel=2)


def _large_csv(path: Path, stem: str, columns: Columns, seen: Seen) -> Iterator[Article | Skipped]:
    """A table row by row: read once for its encoding, once for its rows, and never held whole."""
    with opened(path) as f:
        head = f.read(65536)
        encoding, errors = marked_encoding(head), "replace"
        if encoding in ("", "utf-8-sig"):
            decode(head.rstrip(_HIGH) or head, str(path), mixed=True)  # says what is empty or binary; a character may be cut in two
            _warn(_not_utf8(f, head, str(path)))
            encoding, errors = "utf-8-sig", CP1252
    with opened(path, seen=seen) as f:
        yield from _csv(str(path), stem, io.TextIOWrapper(f, encoding, errors, newline=""), columns)


def _not_utf8(rest: BinaryIO, head: bytes, name: str) -> str:
    """What to say of the first byte that is none; '' without any."""
    line = 1
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chain([head], iter(lambda: rest.read(1 << 20), b""), [b""]):
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as e:
            return not_utf8(name, line + e.object.count(b"\n", 0, e.start), e.object[e.start])
        line += chunk.count(b"\n")
    return ""


def _csv(name: str, stem: str, text: TextIO, columns: Columns) -> Iterator[Article | Skipped]:
    """Row by row. A row with more cells than the header, or with a quote that is not closed, has lost text: it is skipped."""
    _, records = csv_records(text)
    header = [c.strip().lower() for c in next(records).cells]
    _check_own(header, columns)
    texts = _text_keys(columns, header)
    wanted = texts or _TEXT
    if not set(wanted) & set(header):
        others = header if texts else [c for c in header if _plain(c) not in _READ]
        near = next(filter(None, (near_miss(w, others) for w in wanted)), "")
        raise InputError(f"{name}: no column {' or '.join(wanted)}; seen: {', '.join(header) or 'nothing'}", f"{near} {_NAME_IT}".strip())
    named = [*texts, *(c for what, c in columns.items() if what != "text")]
    if lacking := [c for c in named if c not in header]:
        raise InputError(f"{name}: no column {', '.join(lacking)}; seen: {', '.join(header)}", near_miss(lacking[0], header) or "name one of these")
    if twice := _twice(header, columns):
        raise InputError(f"{name}: column {twice!r} stands {header.count(twice)} times in the header", "rename or delete all but one")
    for n, r in enumerate(records, 2):
        if not any(c.strip() for c in r.cells):  # as spreadsheets leave them
            continue
        if r.fault:
            yield Skipped(f"{name}:{r.line}", r.fault)
        else:
            told = {k: x for k, x in zip(header, r.cells, strict=False) if x.strip().upper() not in MISSING}
            yield _record(f"{name}:{r.line}", {**dict.fromkeys(header, ""), **told}, columns, f"{stem}-{n}")


# --------------------------------------------------------------------------- web pages


def html_article(page: str, name: str, place: str) -> Article:
    """The article body of a web page, by trafilatura (Barbaresi 2021).

    Raises MissingExtraError without it, InputError when the page holds no article, or is one of ours.
    """
    if _OWN_PAGE in page:
        raise InputError(f"{place}: a page that `stance` wrote is no article", "keep results apart from the articles")
    try:
        import trafilatura
    except ImportError as e:
        raise MissingExtraError("reading HTML", "trafilatura", "html") from e
    found = trafilatura.bare_extraction(page, with_metadata=True, include_comments=False, include_tables=False)
    data = found if isinstance(found, dict) else found.as_dict() if found is not None else {}
    text = str(data.get("text") or "")
    if not text.strip():
        raise InputError(f"{place}: no article text found in the page", "save the article as .txt")
    left = "tables" if _DATA_TABLE.search(page) else ""
    date = valid_date(str(data.get("date") or ""))
    return Article(name, text, title=str(data.get("title") or ""), date=date, source=str(data.get("sitename") or ""), left=left)


def _url(url: str) -> Article:
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(url, headers={"User-Agent": "stance (+news research)"}), timeout=30) as r:  # noqa: S310 -- http(s) only, checked by the caller
            raw = _utf8(r.read(20_000_000), r.headers.get_content_charset(""))
    except (URLError, HTTPException, OSError, ValueError) as e:
        raise InputError(f"{url}: cannot be fetched: {e}", "check the address, or save the page and give the file") from e
    page, note = decode(raw, url, mixed=True)
    _warn(note)
    return html_article(page, url, url)


def _utf8(raw: bytes, charset: str) -> bytes:
    """A page's bytes, as UTF-8 when they are of the charset that its server tells, and neither UTF-8 nor with a byte-order mark."""
    try:
        if b"\x00" not in raw:
            raw.decode()
            return raw
    except UnicodeDecodeError:
        pass
    if not charset or marked_encoding(raw):
        return raw
    try:
        latin = codecs.lookup(charset).name == "iso8859-1"  # on the web that is cp1252
        return (raw.decode(errors=CP1252) if latin else raw.decode(charset)).encode()
    except (LookupError, UnicodeError):  # no such charset, or not in it: as without
        return raw
