"""Articles from text, HTML, JSON, JSON lines, CSV, a folder, a URL or standard input."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.actors import valid_date
from stance.dataset import decode, read_bytes
from stance.errors import InputError, MissingExtraError, near_miss

SUFFIXES = (".txt", ".md", ".html", ".htm", ".json", ".jsonl", ".ndjson", ".csv", ".tsv")
_TEXT = ("text", "body", "content", "article", "maintext", "full_text")
_ID = ("id", "article_id", "article", "url", "uuid")
_DATE = ("date", "published", "publish_date", "date_published", "published_at", "pubdate")
_TITLE = ("title", "headline")
_SOURCE = ("source", "outlet", "publisher", "domain", "sitename", "source_domain")


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it was read. `date` is ISO or ''; all offsets elsewhere refer to `text`."""

    id: str
    text: str
    title: str = ""
    date: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An input that could not be read, and why."""

    name: str
    reason: str


def read_articles(paths: str | Path | Iterable[str | Path], *, text_column: str = "") -> Iterator[Article]:
    """Articles of files, folders, URLs or `-` (standard input), one by one.

    Raises InputError at the first that cannot be read; `scan_articles` goes on instead.
    """
    for item in scan_articles(paths, text_column=text_column):
        if isinstance(item, Skipped):
            raise InputError(f"{item.name}: {item.reason}")
        yield item


def scan_articles(paths: str | Path | Iterable[str | Path], *, text_column: str = "") -> Iterator[Article | Skipped]:
    """As `read_articles`, but an input that cannot be read is yielded as `Skipped` and the rest go on."""
    for p in [paths] if isinstance(paths, (str, Path)) else paths:
        yield from _source(str(p), text_column)


def _source(name: str, text_column: str) -> Iterator[Article | Skipped]:
    try:
        if name == "-":
            yield from _content("-", sys.stdin.buffer.read(), _guess_suffix, text_column)
        elif re.match(r"https?://", name):
            yield _url(name)
        elif Path(name).is_dir():
            yield from _folder(Path(name), text_column)
        elif Path(name).suffix.lower() in (".jsonl", ".ndjson"):
            yield from _jsonl(Path(name), text_column)
        else:
            path = Path(name)
            yield from _content(name, read_bytes(path), lambda _: path.suffix.lower(), text_column)
    except InputError as e:
        yield Skipped(name, str(e).removeprefix(f"{name}: "))


def _folder(path: Path, text_column: str) -> Iterator[Article | Skipped]:
    files = sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file() and not f.name.startswith("."))
    if not files:
        raise InputError(f"{path}: no articles in this folder", f"looked for {', '.join(SUFFIXES)}")
    for f in files:
        yield from _source(str(f), text_column)


def _guess_suffix(text: str) -> str:
    head = text.lstrip()[:2000]
    if re.match(r"[\[{]\s*[\[{\]}\"]", head):
        return ".json" if head.startswith("[") or not re.search(r"\}\s*\n\s*\{", text[:200_000]) else ".jsonl"
    return ".html" if re.match(r"(?i)<!doctype html|<html", head) else ".txt"


def _content(name: str, raw: bytes, suffix_of: Any, text_column: str) -> Iterator[Article | Skipped]:
    text, note = decode(raw, name)
    if note:
        print(f"warning: {note}", file=sys.stderr)
    suffix = suffix_of(text)
    stem = "stdin" if name == "-" else Path(name).stem
    if suffix in (".html", ".htm"):
        yield html_article(text, stem, name)
    elif suffix == ".json":
        yield from _json(name, text, text_column)
    elif suffix == ".jsonl":
        for n, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield _json_line(f"{name}:{n}", line, text_column, stem, n)
    elif suffix in (".csv", ".tsv"):
        yield from _csv(name, text, text_column)
    else:
        yield Article(stem, text)


def _json(name: str, text: str, text_column: str) -> Iterator[Article | Skipped]:
    try:
        data = json.loads(text)
    except ValueError as e:
        raise InputError(f"{name}: not valid JSON: {e}", "give one object, or a list of objects") from e
    for n, record in enumerate(data if isinstance(data, list) else [data], 1):
        yield _record(
            f"{name}#{n}" if isinstance(data, list) else name,
            record,
            text_column,
            f"{Path(name).stem}-{n}" if isinstance(data, list) else Path(name).stem,
        )


def _jsonl(path: Path, text_column: str) -> Iterator[Article | Skipped]:
    """Line by line, so that an archive of any size takes little memory."""
    try:
        with path.open("rb") as f:
            empty = True
            for n, raw in enumerate(f, 1):
                if not raw.strip():
                    continue
                empty = False
                try:
                    line, _ = decode(raw, f"{path}:{n}")
                except InputError as e:
                    yield Skipped(f"{path}:{n}", e.message)
                    continue
                yield _json_line(f"{path}:{n}", line, text_column, path.stem, n)
            if empty:
                raise InputError(f"{path}: the file is empty", "give one JSON object a line")
    except OSError as e:
        raise InputError(f"{path}: cannot be read: {e.strerror or e}", "check the path") from e


def _json_line(place: str, line: str, text_column: str, stem: str, n: int) -> Article | Skipped:
    try:
        return _record(place, json.loads(line), text_column, f"{stem}-{n}")
    except ValueError as e:
        return Skipped(place, f"not valid JSON: {e}")


def _record(place: str, record: Any, text_column: str, default_id: str) -> Article | Skipped:
    if not isinstance(record, dict):
        return Skipped(place, f"a JSON object is needed, not {type(record).__name__}")
    fields = {str(k).lower(): v for k, v in record.items()}
    key = text_column.lower() or next((k for k in _TEXT if isinstance(fields.get(k), str)), "")
    text = fields.get(key)
    if not isinstance(text, str):
        return Skipped(place, f"no text; looked for {text_column or ', '.join(_TEXT)}, seen: {', '.join(fields) or 'nothing'}")
    if not text.strip():
        return Skipped(place, "the text is empty")

    def first(names: tuple[str, ...]) -> str:
        return next((str(fields[k]) for k in names if k != key and fields.get(k) not in (None, "")), "")

    return Article(first(_ID) or default_id, text, first(_TITLE), valid_date(first(_DATE)), first(_SOURCE))


def _csv(name: str, text: str, text_column: str) -> Iterator[Article | Skipped]:
    csv.field_size_limit(1 << 30)
    first = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    header = [c.strip().lower() for c in reader.fieldnames or []]
    wanted = (text_column.lower(),) if text_column else _TEXT
    if not set(wanted) & set(header):
        raise InputError(
            f"{name}: no column {' or '.join(wanted)}; seen: {', '.join(header) or 'nothing'}",
            next((m for w in wanted if (m := near_miss(w, header))), "name it with --text-column"),
        )
    for n, row in enumerate(reader, 2):
        yield _record(
            f"{name}:{n}", {(k or "").strip(): v or "" for k, v in row.items() if isinstance(v, str)}, text_column, f"{Path(name).stem}-{n}"
        )


def html_article(page: str, name: str, place: str) -> Article:
    """The article body of a web page, by trafilatura (Barbaresi 2021).

    Raises MissingExtraError without it, InputError when the page holds no article.
    """
    try:
        import trafilatura
    except ImportError as e:
        raise MissingExtraError("reading HTML", "trafilatura", "html") from e
    found = trafilatura.bare_extraction(page, with_metadata=True, include_comments=False, include_tables=False)
    data = found if isinstance(found, dict) else found.as_dict() if found is not None else {}
    text = str(data.get("text") or "")
    if not text.strip():
        raise InputError(f"{place}: no article text found in the page", "save the article as .txt")
    return Article(name, text, str(data.get("title") or ""), valid_date(str(data.get("date") or "")), str(data.get("sitename") or ""))


def _url(url: str) -> Article:
    from urllib.error import URLError
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(url, headers={"User-Agent": "stance (+news research)"}), timeout=30) as r:  # noqa: S310 -- http(s) only, checked by the caller
            raw = r.read(20_000_000)
    except (URLError, OSError, ValueError) as e:
        raise InputError(f"{url}: cannot be fetched: {e}", "check the address, or save the page and give the file") from e
    return html_article(decode(raw, url)[0], url, url)
