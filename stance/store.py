"""Results that outlive the process: a SQLite database that an interrupted run goes on with, and Parquet files.

Every batch of a run is one transaction, so a killed process loses at most the batches it had not finished. A run goes
on only with the same model, lexicon, settings, version and articles; anything else is refused and named.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import time
import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, groupby, islice, repeat
from pathlib import Path
from typing import Any

from stance import __version__
from stance.articles import Article, Shown, Skipped, holds_one, input_name, whole, whole_text
from stance.classification import Judgement, Result
from stance.errors import InputError, MissingExtraError, ModelError, StanceWarning
from stance.files import replacing, written
from stance.lexicon import Lexicon
from stance.model import Model

APPLICATION = 0x5354414E  # "STAN", as PRAGMA application_id
VERSION = 1  # of the tables, as PRAGMA user_version
LOCKED = 60  # seconds to wait for another process that writes

_TABLES = """
CREATE TABLE run(id INTEGER PRIMARY KEY, started TEXT NOT NULL, finished TEXT, version TEXT NOT NULL, model TEXT NOT NULL,
  model_name TEXT NOT NULL, lexicon TEXT NOT NULL, settings TEXT NOT NULL, manifest TEXT NOT NULL);
CREATE TABLE article(id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES run(id), position INTEGER NOT NULL, key TEXT NOT NULL,
  input TEXT NOT NULL, title TEXT NOT NULL, date TEXT NOT NULL, source TEXT NOT NULL, sha256 TEXT NOT NULL, skipped TEXT,
  UNIQUE(run_id, position));
CREATE TABLE sentence(id INTEGER PRIMARY KEY, article_id INTEGER NOT NULL REFERENCES article(id), number INTEGER NOT NULL,
  paragraph INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE judgement(id INTEGER PRIMARY KEY, sentence_id INTEGER NOT NULL REFERENCES sentence(id), actor TEXT NOT NULL,
  mentions TEXT NOT NULL, target TEXT NOT NULL);
"""
_INDEXES = (
    ("judgement", "actor"), ("judgement", "sentence_id"), ("sentence", "article_id"), ("article", "key"), ("article", "date"), ("article", "source")
)  # fmt: skip
_OWN = ("id", "sentence_id", "actor", "mentions", "target")  # columns of `judgement` beside those of the heads
_FLAT = {
    "run": "article.run_id", "article_id": "article.id", "sentence_id": "sentence.id", "article": "article.key",
    "title": "article.title", "date": "article.date", "source": "article.source", "input": "article.input",
    "paragraph": "sentence.paragraph", "number": "sentence.number", "sentence": "sentence.text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """What decides the rows of a run, beside its articles."""

    version: str
    model: str
    lexicon: str
    settings: str
    model_name: str
    manifest: str
    heads: tuple[str, ...]


Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A result as rows of the database without ids: of the article, and of every sentence with its judgements."""

    article: Row
    sentences: tuple[tuple[Row, tuple[Row, ...]], ...]


Judge = Callable[[Iterable[Article | Skipped], Callable[[Result], Rows]], Iterable[list[Rows]]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a database holds of run `number`: articles in all, those it held before, those whose text an earlier run holds too, and those skipped
    (some with their reasons: `Shown`); whether it holds any judgement. After an update: how many articles had changed, how many the
    input has no more, and the first of these.
    """

    number: int
    articles: int
    before: int
    again: int
    skipped: int
    shown: Shown
    judged: bool
    changed: int = 0
    gone: int = 0
    lost: str = ""


def describe_run(model: Model, lexicon: Lexicon, settings: dict[str, Any]) -> Run:
    """The run of a model with a lexicon and settings (anything JSON holds). Raises ModelError for a head that is no possible column."""
    heads = tuple(h.head.name for h in model.heads)
    taken = [c.lower() for c in (*_OWN, *_FLAT)]
    for head in heads:
        for column in _columns(head):
            if column.lower() in taken:
                raise ModelError(f"head {head!r} cannot be kept in a database: the column {column!r} is taken", "write .jsonl or .csv")
            taken.append(column.lower())
    name = model.path.name if model.path else "model"
    manifest = json.dumps({**model.manifest, "heads": model.described_heads}, ensure_ascii=False)
    fixed = whole_text(json.dumps(settings, ensure_ascii=False, sort_keys=True))
    return Run(__version__, model.fingerprint, lexicon.digest, fixed, name, manifest, heads)


def known_inputs(path: Path, inputs: Sequence[str]) -> list[str]:
    """The inputs as the last run of the database at `path` that read them spells them: `news.jsonl` for `/data/news.jsonl`, if that is here."""
    known: dict[Path, str] = {}
    if path.is_file():
        with suppress(sqlite3.Error, ValueError), closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            for (settings,) in db.execute("SELECT settings FROM run ORDER BY id"):
                known |= {_place(name): name for name in json.loads(settings).get("inputs", ()) if name != "-"}
    return [name if name in ("", "-") else known.get(_place(name), name) for name in map(input_name, inputs)]


def _place(name: str) -> Path:
    """Where it is; a link is a file of its own, for it may lead elsewhere tomorrow."""
    return Path(name).parent.resolve() / Path(name).name


def record(
    path: Path, items: Iterable[Article | Skipped], judge: Judge, run: Run, *, restart: bool = False, append: bool = False,
    update: bool = False,
) -> Recorded:  # fmt: skip
    """Write the results of a run into the database at `path`, going on where the same run stopped.

    `judge(items, finish)` gives `finish(result)` for every item in order, in batches (`classification.classify_archive`). The articles
    already there are compared with `items` and not judged again. Where something could not be read before, what its input holds there now is judged
    and takes the place of the skipped row: as more batches where only skipped rows follow, else all of it in one transaction. Where it holds nothing
    there (an archive that lacked its end alone, a line taken out), the skipped row goes. What still cannot be read stays skipped, with its last
    reason; so does an article on which classification failed: the same model would fail again.

    With `restart` a new database is written beside the old one and takes its place when it is complete; with `append` another run, or the
    articles by which the input has grown, come on top; those in the midst of it too, in one transaction. `update` does what `append` does,
    and articles that have changed are judged anew and take the place of the old ones (`_update`).
    Raises InputError, and changes nothing, when the file is no such database, or holds another run or other articles; and when another process
    writes to it.
    """
    path = path.resolve() if path.is_symlink() else path
    beside = written_beside(path) if restart and path.exists() else path
    if beside != path:
        _quiet(path)
        _drop_other(beside, run)
    with closing(_open(beside)) as db, _named(beside):
        try:
            done = _record(db, beside, map(whole, items), judge, run, append or update, update)
        except BaseException:
            db.execute("PRAGMA busy_timeout=0")  # another may be writing to it, for long
            raise
        finally:
            with suppress(sqlite3.Error):  # a reader is at it: then it stays as it is, which is as good
                db.execute("PRAGMA journal_mode=DELETE")  # one file, that can be copied, and read where nothing can be written
    if beside != path:
        _quiet(path)
        _quiet(beside)  # who reads it, or writes the same, would keep the last batches in a log of its own
        beside.replace(path)
    return done


def written_beside(path: Path) -> Path:
    """Where the new database is, until it takes the place of the old one."""
    path = path.resolve() if path.is_symlink() else path
    return path.with_name(path.name + ".part")


def _record(db: sqlite3.Connection, path: Path, items: Iterator[Article | Skipped], judge: Judge, run: Run, append: bool, update: bool) -> Recorded:
    number, finished = _find_run(db, path, run, append, update)
    to = _Writing(db, path, number, run.heads, judge)
    known = _update(to, items) if update else _pass_known(to, items, append, finished)
    if known.more is not None:
        db.execute("UPDATE run SET finished = NULL WHERE id = ?", (number,))
        opened, position = path.stat(), len(known.order)
        for batch in to.judged(chain([known.more], items)):
            with _transaction(db):
                to.add(position, batch)
            position += len(batch)
            if not path.exists() or not os.path.samestat(path.stat(), opened):  # SQLite writes on, into what nobody can open
                raise InputError(f"{path}: removed or replaced while the results were written to it", "run the command again")
    if known.more is not None or known.added or known.touched or not finished:
        _finish(db, number)
    if db.execute("SELECT settings FROM run WHERE id = ?", (number,)).fetchone() != (run.settings,):  # it holds further inputs now
        db.execute("UPDATE run SET settings = ? WHERE id = ?", (run.settings, number))
    return replace(_summary(db, number, known.before), changed=known.changed, gone=known.gone, lost=known.lost)


def _summary(db: sqlite3.Connection, number: int, before: int) -> Recorded:
    (articles, skipped) = db.execute("SELECT count(*), count(skipped) FROM article WHERE run_id = ?", (number,)).fetchone()
    shown = Shown()
    for row in db.execute("SELECT key, skipped FROM article WHERE run_id = ? AND skipped IS NOT NULL ORDER BY position", (number,)):
        shown.keep(Skipped(*row))
    judged = db.execute("SELECT EXISTS (SELECT 1 FROM sentence JOIN article ON article.id = article_id WHERE run_id = ?)", (number,)).fetchone()[0]
    twice = "SELECT count(*) FROM article WHERE run_id = ? AND skipped IS NULL AND sha256 IN (SELECT sha256 FROM article WHERE run_id < ?)"
    (again,) = db.execute(twice, (number, number)).fetchone()
    return Recorded(number, articles, before, again, skipped, shown, bool(judged))


# --------------------------------------------------------------------------- opening and replacing


def _open(path: Path) -> sqlite3.Connection:
    """The database, made if there is none. Raises InputError for any other file."""
    with _named(path):
        db = sqlite3.connect(path, timeout=LOCKED, isolation_level=None)
        try:
            _check_ours(db, path)
            db.execute("PRAGMA foreign_keys=ON")
            _waiting(db, "PRAGMA journal_mode=WAL")  # readers do not hold up the run
            db.execute("PRAGMA synchronous=FULL")  # a committed batch outlives a power cut too
            with _transaction(db):
                if not _tables(db):
                    _script(db, _TABLES)
                    db.execute(f"PRAGMA application_id={APPLICATION}")
                    db.execute(f"PRAGMA user_version={VERSION}")
        except BaseException:
            db.close()
            raise
        return db


def _tables(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _check_ours(db: sqlite3.Connection, path: Path) -> None:
    if not _tables(db):
        return
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise InputError(f"{path}: a database that stance did not write", "choose another name for the results")
    check_version(db, path)


def check_version(db: sqlite3.Connection, path: Path) -> None:
    """Raises InputError for a database of a later version of stance."""
    if (found := db.execute("PRAGMA user_version").fetchone()[0]) > VERSION:
        raise InputError(f"{path}: tables of version {found}, newer than this version knows ({VERSION})", "upgrade: pip install -U stance")


def _quiet(path: Path) -> None:
    """Make sure that the old database is ours, nobody is at it, and nothing of it is left in a log beside it."""
    with _named(path), closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as db:
        _check_ours(db, path)
        try:
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute("BEGIN EXCLUSIVE")
            db.execute("ROLLBACK")
        except sqlite3.OperationalError as e:
            raise InputError(f"{path}: in use by another program; it is not replaced", "close that program and run the command again") from e


def _drop_other(path: Path, run: Run) -> None:
    """Remove what another restart left behind; the same one goes on with it."""
    if not path.exists():
        return
    with closing(_open(path)) as db:
        mine = any(not _differences(run, row) for row in _runs(db))
    if not mine:
        _quiet(path)
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)


UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)  # what SQLite says where it cannot make its log beside the database
DAMAGED = "restore a copy, or delete it and classify anew"


def sqlite_code(e: sqlite3.Error) -> int:
    """What SQLite calls its error; 0 of one that is Python's, as of a text that is no UTF-8."""
    return getattr(e, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, with the file's name."""
    try:
        yield
    except sqlite3.IntegrityError as e:
        raise InputError(f"{path}: another process is writing to it", "let one of them finish, then run the command again") from e
    except sqlite3.Error as e:
        if sqlite_code(e) == sqlite3.SQLITE_NOTADB:
            raise InputError(f"{path}: is no results database and is left as it was", "choose another name for the results") from e
        if sqlite_code(e) == sqlite3.SQLITE_CORRUPT:
            raise InputError(f"{path}: damaged or cut off: {e}", DAMAGED) from e
        if sqlite_code(e) == sqlite3.SQLITE_BUSY:
            raise InputError(f"{path}: in use by another program: {e}", "what was committed is safe; let that finish, then run it again") from e
        if sqlite_code(e) in UNWRITABLE:
            raise InputError(f"{path}: it or its folder cannot be written to: {e}", "make both writable, or name another file") from e
        raise InputError(f"{path}: {e}", "what was committed is safe; mend this and run the same command again") from e


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    _waiting(db, "BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled it back already
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _script(db: sqlite3.Connection, statements: str, *values: Any) -> None:
    """Statements one by one (`executescript` would commit the transaction); those with a `?` take the values."""
    for statement in statements.split(";\n")[:-1]:
        db.execute(statement, values if "?" in statement else ())


def _waiting(db: sqlite3.Connection, statement: str) -> None:
    """Execute what needs a lock, and wait for another's in short turns: Control-C is not heard within one, and SQLite has none for a new journal."""
    deadline = time.monotonic() + LOCKED
    db.execute("PRAGMA busy_timeout=200")
    try:
        while True:
            try:
                db.execute(statement)
                return
            except sqlite3.OperationalError as e:
                if sqlite_code(e) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
    finally:
        db.execute(f"PRAGMA busy_timeout={LOCKED * 1000}")


# --------------------------------------------------------------------------- which run


def _runs(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT version, model, lexicon, settings, model_name, id, finished FROM run ORDER BY id DESC").fetchall()


def _find_run(db: sqlite3.Connection, path: Path, run: Run, append: bool, update: bool = False) -> tuple[int, str]:
    """Id of the run, and when it was finished ('' if it was not). A new one if there is none, or with `append` if none is the same but for further
    inputs, which no other run holds.

    A new one of an input that another run holds is warned of, and with `update` refused: it would hold all judgements of that input again.
    """
    with _transaction(db):  # the look too: of two that begin at once, the second finds the run of the first
        runs = _runs(db)
        same = (row for row in runs if not _differences(run, row))
        grown = (row for row in runs if append and _grown(run, row, runs))
        if found := next(chain(same, grown), None):
            return int(found[5]), found[6] or ""
        if runs and not append:
            state = "complete" if runs[0][6] else "unfinished"
            raise InputError(
                f"{path}: holds {'another run' if len(runs) == 1 else f'{len(runs)} other runs'}; the last one is {state}, and differs:\n  "
                + "\n  ".join(_differences(run, runs[0])),
                "give the same again to go on with it; --append adds further inputs, or a further run; --restart begins anew",
            )
        if alike := next((row for row in runs if _inputs(row[3]) & _inputs(run.settings)), None):
            differ = _differences(run, alike)
            if update:
                raise InputError(
                    f"{path}: run {alike[5]} holds articles of the same input, and differs:\n  " + "\n  ".join(differ),
                    "give the same again to update it; --append adds a further run, which judges all articles anew; --restart begins anew",
                )
            told = f"run {alike[5]} holds articles of the same input, and differs in {', '.join(x.partition(':')[0] for x in differ)}"
            warnings.warn(f"{path}: {told}: a further run judges all of them anew", StanceWarning, stacklevel=2)
        _head_columns(db, path, run.heads)
        new = db.execute(
            "INSERT INTO run(started, version, model, model_name, lexicon, settings, manifest) VALUES (?,?,?,?,?,?,?)",
            (_now(), run.version, run.model, run.model_name, run.lexicon, run.settings, run.manifest),
        )
    return int(new.lastrowid or 0), ""


def _grown(run: Run, row: Sequence[Any], runs: Sequence[Sequence[Any]]) -> bool:
    """Whether all that differs from a run of the database is that there are further inputs now, which no other one of `runs` holds."""
    there, here = {*json.loads(row[3]).get("inputs", ())}, _inputs(run.settings)
    more = here - there
    alike = [d.partition(":")[0] for d in _differences(run, row)] == ["inputs"]
    return alike and bool(there) and there < here and not any(more & _inputs(r[3]) for r in runs)


def _differences(run: Run, row: Sequence[Any]) -> list[str]:
    """What differs from a run of the database, as `name: there, now here`."""
    version, model, lexicon, settings, name = row[:5]
    pairs = [("stance", version, run.version), ("lexicon", lexicon, run.lexicon)]
    pairs.append(("model", f"{name} {model}", f"{run.model_name} {run.model}") if model != run.model else ("", "", ""))
    there, here = json.loads(settings), json.loads(run.settings)
    pairs += [(k, json.dumps(there.get(k), ensure_ascii=False), json.dumps(here.get(k), ensure_ascii=False)) for k in sorted({*there, *here})]
    return [f"{what}: {a} there, {b} now" for what, a, b in pairs if a != b]


def _inputs(settings: str) -> set[str]:
    """The inputs in the settings of a run, but for standard input, which is never the same."""
    return {*json.loads(settings).get("inputs", ())} - {"-"}


@dataclass(slots=True)
class _Known:
    """What a run of `held` articles holds of the input: `order` has the ids of the articles from its start on, 0 for one that is judged anew;
    `dropped` are those of rows that go; `reasons` are new ones of skipped rows, with their ids; `more` is the first item after these.

    Of an update: `touched` rows were changed or dropped, among them those of `changed` articles; `gone` ones, the first of them `lost`, the input has
    no more; they come first in `order`.
    """

    held: int
    order: array[int] = field(default_factory=lambda: array("q"))
    dropped: list[int] = field(default_factory=list)
    reasons: list[tuple[str, int]] = field(default_factory=list)
    more: Article | Skipped | None = None
    touched: int = 0
    changed: int = 0
    gone: int = 0
    lost: str = ""

    def keep(self, item: Article | Skipped, row_id: int, skipped: str | None) -> None:
        """The row of an item stays, with the reason for which that is skipped now."""
        self.order.append(row_id)
        if isinstance(item, Skipped) and item.reason != skipped:
            self.reasons.append((item.reason, row_id))

    @property
    def added(self) -> int:
        """Number of items that are judged into the midst."""
        return self.order.count(0)

    @property
    def before(self) -> int:
        """Number of articles that stay."""
        return len(self.order) - self.added


def _pass_known(to: _Writing, items: Iterator[Article | Skipped], append: bool, finished: str) -> _Known:
    """Take the articles that the run holds already from `items`; those that were skipped and can be read now, and with `append` those that are new
    between others, are judged and put in their places.

    Raises InputError when one differs; then nothing is changed.
    """
    known = _Known(to.held())
    unjudged = _unjudged(to, items, known, append, finished)
    first = next(unjudged, None)
    if first is not None or known.reasons or known.dropped:
        with _transaction(to.db):
            if to.held() != known.held:
                raise sqlite3.IntegrityError("it has added articles")
            to.add_last(known.held, chain([first], unjudged) if first is not None else iter(()))
            _settle(to.db, to.number, known)
    return known


def _unjudged(to: _Writing, items: Iterator[Article | Skipped], known: _Known, append: bool, finished: str) -> Iterator[Article | Skipped]:
    """The items that stand where the run holds skipped ones which could not be read, or that are new between others; `known` is told of all.

    Rows and items are walked side by side. Between two rows that were read, the items there take the place of the skipped rows there; what is still
    skipped keeps its row. After the last row that was read, the input is read on from the first item that has no row.
    """
    signed = chain(((item, _signature(item)) for item in items), repeat((None, ())))
    item, now = next(signed)
    waiting, rows = _Waiting(), (to.number, known.held)
    names: set[int] = set()  # hashes: there may be millions
    for *cells, skipped, row_id in to.db.execute(f"SELECT {_SIGNATURE}, skipped, id {_HELD_ROWS} ORDER BY position", rows):
        row = tuple(cells)
        if now != row and not row[-1]:
            waiting.add(row, row_id, skipped)
            continue
        while item is not None and now != row:
            if met := waiting.take(now):
                known.keep(item, *met)
            else:
                names = names or {hash(x) for x in to.db.execute(f"SELECT key, input {_HELD_ROWS}", rows)}
                new = hash(now[:2]) not in names
                if not new or not append and not waiting.is_of(item):
                    passed = to.db.execute(_BEHIND, (*rows, row_id, *now)).fetchone()
                    raise _changed(to.path, len(known.order), item, row, waiting.rows, new=new, passed=bool(passed))
                known.order.append(0)
                yield item
            item, now = next(signed)
        if item is None:
            raise _fewer(to.path, len(known.order), row)
        known.keep(item, row_id, skipped)
        item, now = next(signed)
        if row[-1]:
            known.dropped += waiting.drop()
    while item is not None and (met := waiting.take(now)):
        known.keep(item, *met)
        item, now = next(signed)
    if item is not None and finished and not append and not (waiting.rows and waiting.is_of(item)):
        raise _more(to.path, len(known.order), item, finished)
    known.dropped += waiting.drop()
    known.more = item


class _Waiting:
    """Skipped rows, since the last that was read, whose items were not met yet: ids and reasons by row; `inputs` are theirs."""

    def __init__(self) -> None:
        self.rows: dict[Row, list[tuple[int, str]]] = {}
        self.inputs: set[str] = set()

    def add(self, row: Row, row_id: int, reason: str) -> None:
        self.rows.setdefault(row, []).append((row_id, reason))
        self.inputs.add(row[1])

    def take(self, row: Row) -> tuple[int, str] | None:
        """Id and reason of a row that is like this one, and waits no more; an input that is given twice and cannot be read has two that are alike."""
        if row not in self.rows:
            return None
        first, *others = self.rows.pop(row)
        if others:
            self.rows[row] = others
        return first

    def is_of(self, item: Article | Skipped) -> bool:
        """Whether the item comes from an input of these rows, or from a file of a folder among them."""
        return not self.inputs.isdisjoint([item.input, *map(str, Path(item.input).parents)])

    def drop(self) -> list[int]:
        """Forget all rows; their ids."""
        ids = [i for i, _ in chain.from_iterable(self.rows.values())]
        self.rows, self.inputs = {}, set()
        return ids


_HELD_ROWS = "FROM article WHERE run_id = ? AND position < ?"  # not those that are added meanwhile
_SIGNATURE = "key, input, title, date, source, sha256"  # as `_signature`
_BEHIND = f"SELECT 1 {_HELD_ROWS} AND position > (SELECT position FROM article WHERE id = ?) AND ({_SIGNATURE}) = (?,?,?,?,?,?)"
_UPDATE = "--update judges anew what has changed, and keeps what is gone"


def _changed(
    path: Path, n: int, item: Article | Skipped, row: Row, waiting: Mapping[Row, Sequence[tuple[int, str]]], *, new: bool, passed: bool
) -> InputError:  # fmt: skip
    """`new`: no article of the run has the name of the item; `passed`: the run has the item as it is behind the row, as after an update that kept
    what is gone.
    """
    why = ""
    if isinstance(item, Skipped):
        why = f" (it cannot be read now: {item.reason})"
    elif item.id == row[0]:
        why = " (its text, title, date, source or speaker changed)"
    return InputError(
        f"{path}: article {n + 1} of the input is not the one judged before: {_whose(item.id, item.input)} now, {_whose(*row[:2])} there{why}"
        + "".join(f"\n  before it {before[0]} was skipped: {reason}" for before, ((_, reason), *_) in islice(waiting.items(), 1)),
        ("--append adds it where it stands; " if new else "")
        + f"{_UPDATE}{', and is then to be given every time' if passed else ''}; "
        "give the same input again to go on, other articles as a file or folder of their own with --append, or --restart to begin anew",
    )


def _fewer(path: Path, n: int, row: Row) -> InputError:
    return InputError(
        f"{path}: holds more articles than the input has ({n}); the first that is missing is {_whose(*row[:2])}",
        f"give the same input again, or --restart to begin anew; {_UPDATE}",
    )


def _more(path: Path, n: int, item: Article | Skipped, finished: str) -> InputError:
    return InputError(
        f"{path}: the run of {finished[:10]} is complete with {n} articles; the input now has more, from {item.id!r} on",
        "--append adds them; --restart begins anew",
    )


def _whose(key: str, given: str) -> str:
    """An article's key, and the input that it comes from where the key does not say."""
    return repr(key) if key == given else f"{key!r} of {given}"


def _settle(db: sqlite3.Connection, number: int, known: _Known) -> None:
    """Drop what goes, and put the articles that were added at the end into their places."""
    ids = [(i,) for i in known.dropped]
    if ids:
        for column in ("sentence.article_id", "judgement.sentence_id"):  # or SQLite looks through all rows for each
            _index(db, *column.split("."))
        db.executemany("DELETE FROM judgement WHERE sentence_id IN (SELECT id FROM sentence WHERE article_id = ?)", ids)
        db.executemany("DELETE FROM sentence WHERE article_id = ?", ids)
        db.executemany("DELETE FROM article WHERE id = ?", ids)
    db.executemany("UPDATE article SET skipped = ? WHERE id = ?", known.reasons)
    new = db.execute("SELECT id FROM article WHERE run_id = ? AND position >= ? ORDER BY position", (number, known.held)).fetchall()
    added = iter(new)
    moved = ((n, i, n) for n, i in enumerate(i or next(added)[0] for i in known.order))
    db.executemany("UPDATE article SET position = -1 - ? WHERE id = ? AND position <> ?", moved)  # no two may have one position, not even in between
    db.execute("UPDATE article SET position = -1 - position WHERE run_id = ? AND position < 0", (number,))
    if known.more is not None:
        db.execute("UPDATE run SET finished = NULL WHERE id = ?", (number,))


# --------------------------------------------------------------------------- what the input holds now

_HELD = """
CREATE TEMP TABLE held(id INTEGER PRIMARY KEY, content TEXT NOT NULL, name TEXT NOT NULL, claimed INTEGER NOT NULL);
INSERT INTO held SELECT id, content_of(sha256, date), name_of(key, input, sha256), 0 FROM article WHERE run_id = ?;
CREATE INDEX held_content ON held(content, name);
CREATE INDEX held_name ON held(name, claimed);
"""


def _update(to: _Writing, items: Iterator[Article | Skipped]) -> _Known:
    """Make the run hold what `items` hold, in their order, in one transaction. Once all is found that the run held, the input is read on from `more`.

    An article whose text and date the run holds is not judged again, whatever it is called now; any other is judged. A row that has the name of an
    article of the input, but is like none there, goes. Rows of articles that the input has no more stay, and come first; those of skipped ones go.
    """
    db, known = to.db, _Known(to.held())
    if not known.held:
        known.more = next(items, None)
        return known
    with _transaction(db):
        db.create_function("content_of", 2, _content_of, deterministic=True)
        db.create_function("name_of", 3, _name_of, deterministic=True)
        _script(db, _HELD, to.number)
        to.add_last(known.held, _fresh(db, items, known))
        known.more = next(items, None)
        _part(db, known)
        _settle(db, to.number, known)
    return known


def _fresh(db: sqlite3.Connection, items: Iterator[Article | Skipped], known: _Known) -> Iterator[Article | Skipped]:
    """The items that are like nothing in the run, until none of its articles is left to be found. A row is claimed by the
    article that has its name now.
    """
    columns, left = "(key, input, title, source)", known.held
    while left and (item := next(items, None)) is not None:
        key, given, title, date, source, digest = _signature(item)
        content, name = _content_of(digest, date), _name_of(key, given, digest)
        same = db.execute("SELECT id, claimed FROM held WHERE content = ? AND name = ?", (content, name)).fetchone()
        like = same or db.execute("SELECT id, claimed FROM held WHERE content = ?", (content,)).fetchone()
        if like:
            db.execute("DELETE FROM held WHERE id = ?", like[:1])
            told = (key, given, title, source)
            called = f"UPDATE article SET {columns} = (?,?,?,?) WHERE id = ? AND {columns} IS NOT (?,?,?,?)"
            known.touched += db.execute(called, (*told, like[0], *told)).rowcount
            if isinstance(item, Skipped):
                again = "UPDATE article SET skipped = ? WHERE id = ? AND skipped IS NOT ?"
                known.touched += db.execute(again, (item.reason, like[0], item.reason)).rowcount
            left -= not like[1]
        if not same and isinstance(item, Article):
            claim = "UPDATE held SET claimed = 1 WHERE id = (SELECT id FROM held WHERE name = ? AND NOT claimed LIMIT 1)"
            left -= db.execute(claim, (name,)).rowcount
        known.order.append(like[0] if like else 0)
        if not like:
            yield item


def _part(db: sqlite3.Connection, known: _Known) -> None:
    """Of the rows that were not found, those that are claimed or skipped go, and the others come first."""
    gone = "FROM article WHERE id IN (SELECT id FROM held WHERE NOT claimed AND content <> '') ORDER BY position"
    known.lost = next((_whose(*row) for row in db.execute(f"SELECT key, input {gone} LIMIT 1")), "")
    known.order, found = array("q", (i for (i,) in db.execute(f"SELECT id {gone}"))), known.order
    known.gone = len(known.order)
    known.order += found
    replaced = db.execute("SELECT id, content FROM held WHERE claimed OR content = ''").fetchall()
    known.dropped = [i for i, _ in replaced]
    known.changed = sum(content != "" for _, content in replaced)
    known.touched += len(replaced)


def _content_of(digest: str, date: str) -> str:
    """What decides the judgements of an article; '' of what could not be read."""
    return digest and f"{digest} {date}"


def _name_of(key: str, given: str, digest: str) -> str:
    """What tells that it is the same article, though it has changed: the file, where it holds one article, else its id in that input. Without an id
    standard input has its text alone: line 1 of tonight is not that of last night.
    """
    if given == "-" and re.fullmatch(r"stdin(-\d+)?", key):
        return f"-\n{digest}"
    return given if holds_one(given) else f"{given}\n{key}"


def _signature(item: Article | Skipped) -> tuple[str, ...]:
    """What must be the same for an article to be the same: key, input, title, date, source and hash of text and speaker, '' for one not read."""
    if isinstance(item, Skipped):
        return (item.id, item.input, "", "", "", "")
    words = f"{item.text}\0{item.speaker}" if item.speaker else item.text
    return (item.id, item.input, item.title, item.date, item.source, hashlib.sha256(words.encode()).hexdigest())


# --------------------------------------------------------------------------- rows


def rows_of(result: Result, heads: Sequence[str]) -> Rows:
    """The rows of a result, as yet without ids."""
    sentences = []
    for _, group in groupby(result.judgements, key=lambda j: j.index):
        same = list(group)
        j = same[0]
        sentences.append(((j.index, j.paragraph, j.start, j.end, j.text), tuple(_cells(x, heads) for x in same)))
    return Rows((*_signature(result.item), result.skipped or None), tuple(sentences))


@dataclass(frozen=True, slots=True)
class _Writing:
    """Run `number` of a database, while it is written."""

    db: sqlite3.Connection
    path: Path
    number: int
    heads: tuple[str, ...]
    judge: Judge

    def held(self) -> int:
        """How many articles the run holds."""
        return int(self.db.execute("SELECT count(*) FROM article WHERE run_id = ?", (self.number,)).fetchone()[0])

    def judged(self, items: Iterable[Article | Skipped]) -> Iterable[list[Rows]]:
        """The rows of items, in batches."""
        return self.judge(items, partial(rows_of, heads=self.heads))

    def add_last(self, position: int, items: Iterator[Article | Skipped]) -> None:
        """Judge items, and add them at the end, for now (`_settle`)."""
        if (first := next(items, None)) is not None:  # else no process need begin
            for batch in self.judged(chain([first], items)):
                self.add(position, batch)
                position += len(batch)

    def add(self, position: int, batch: list[Rows]) -> None:
        """Add articles, the first one at this position."""
        tables = ("article", "sentence", "judgement")
        article, sentence, judgement = (self.db.execute(f"SELECT coalesce(max(id), 0) FROM {t}").fetchone()[0] for t in tables)
        articles: list[Row] = []
        sentences: list[Row] = []
        judgements: list[Row] = []
        for n, rows in enumerate(batch, 1):
            articles.append((article + n, self.number, position + n - 1, *rows.article))
            for place, cells in rows.sentences:
                sentences.append((sentence + len(sentences) + 1, article + n, *place))
                judgements += [(judgement + len(judgements) + k, sentence + len(sentences), *x) for k, x in enumerate(cells, 1)]
        _insert(self.db, "article", articles)
        _insert(self.db, "sentence", sentences)
        _insert(self.db, "judgement", judgements, (*_OWN, *(c for h in self.heads for c in _columns(h))))


def _insert(db: sqlite3.Connection, table: str, rows: Sequence[Row], columns: Sequence[str] = ()) -> None:
    if rows:
        named = f"({', '.join(map(_quoted, columns))})" if columns else ""
        db.executemany(f"INSERT INTO {table}{named} VALUES ({','.join('?' * len(rows[0]))})", rows)


def _cells(j: Judgement, heads: Sequence[str]) -> Row:
    row = j.as_dict()
    cells = [j.actor, json.dumps(row["mentions"], ensure_ascii=False), ";".join(j.target)]
    for h in heads:
        cells += [row[h], row[f"{h}_p"], json.dumps(row[f"{h}_probs"], ensure_ascii=False)]
    return tuple(cells)


def _columns(head: str) -> tuple[str, str, str]:
    return head, f"{head}_p", f"{head}_probs"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _head_columns(db: sqlite3.Connection, path: Path, heads: Sequence[str]) -> None:
    """Columns of the heads that have none yet, and the flat view of all. Raises InputError where one of them is another head's."""
    there = [r[1] for r in db.execute("PRAGMA table_info(judgement)")]
    lower = {c.lower(): c for c in there}  # case does not tell columns apart
    for head in (h for h in heads if not {*_columns(h)} <= {*there}):
        if taken := [c for c in _columns(head) if c.lower() in lower]:
            said = f"{path}: head {head!r} needs the column {taken[0]!r}, and {lower[taken[0].lower()]!r} is of a head of an earlier run"
            raise InputError(said, "write to another database, or train the model again with another name of the head")
        for column, kind in zip(_columns(head), ("TEXT", "REAL", "TEXT"), strict=True):
            db.execute(f"ALTER TABLE judgement ADD COLUMN {_quoted(column)} {kind}")
            there.append(column)
    flat = [f"{what} AS {_quoted(name)}" for name, what in _FLAT.items()]
    flat += [f"judgement.{_quoted(c)}" for c in ("actor", *there[len(_OWN) :], "target", "mentions")]
    db.execute("DROP VIEW IF EXISTS judgements")
    db.execute(
        f"CREATE VIEW judgements AS SELECT {', '.join(flat)} FROM judgement "
        "JOIN sentence ON sentence.id = judgement.sentence_id JOIN article ON article.id = sentence.article_id"
    )


def _finish(db: sqlite3.Connection, number: int) -> None:
    """Indexes (made once, which is quicker than row by row), what SQLite must know of them to choose among them, and the time."""
    there = [r[1] for r in db.execute("PRAGMA table_info(judgement)")][len(_OWN) :]
    heads = [("judgement", c) for c, p in zip(there[::3], there[1::3], strict=True) if p == f"{c}_p"]
    with _transaction(db):
        for table, column in (*_INDEXES, *heads):
            _index(db, table, column)
        db.execute("PRAGMA analysis_limit=1000")  # rows of each index that are looked at
        db.execute("ANALYZE")  # or the judgements of one week are found by a look through all
        db.execute("UPDATE run SET finished = ? WHERE id = ?", (_now(), number))


def _index(db: sqlite3.Connection, table: str, column: str) -> None:
    db.execute(f"CREATE INDEX IF NOT EXISTS {_quoted(f'{table}_{column}')} ON {table}({_quoted(column)})")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


# --------------------------------------------------------------------------- Parquet


def write_parquet(path: Path, results: Iterable[Result], model: Model) -> None:
    """One row a judgement, a row group every few thousand. The file appears when it is complete.

    Raises MissingExtraError without pyarrow.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as e:
        raise MissingExtraError("writing Parquet", "pyarrow", "parquet") from e
    schema = _schema(pa, model)
    if twice := sorted({n for n in schema.names if schema.names.count(n) > 1}):
        raise ModelError(f"a head cannot be kept in Parquet: the column {twice[0]!r} is taken", "write .jsonl or .csv")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: a pipe or device, in which no Parquet file can be made", "name a file")
    rows: list[dict[str, Any]] = []
    with replacing(path) as new, written(new, told=path) as f, pq.ParquetWriter(f, schema, compression="zstd") as writer:
        for result in results:
            rows += _flat_rows(result)
            if len(rows) >= 8192:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows.clear()
        writer.write_table(pa.Table.from_pylist(rows, schema))


def _schema(pa: Any, model: Model) -> Any:
    text, whole = pa.string(), pa.int64()
    mention = pa.struct([("start", whole), ("end", whole), ("text", text)])
    fields = [(n, text) for n in ("article", "title", "date", "source", "input")]
    fields += [(n, whole) for n in ("index", "paragraph", "start", "end")]
    fields += [("text", text), ("actor", text), ("target", text), ("mentions", pa.list_(mention))]
    for h in model.heads:
        probs = pa.struct([(x, pa.float32()) for x in h.head.labels])
        fields += list(zip(_columns(h.head.name), (text, pa.float32(), probs), strict=True))
    return pa.schema(fields)


def _flat_rows(result: Result) -> Iterator[dict[str, Any]]:
    a = result.item
    for j in result.judgements:
        assert isinstance(a, Article)  # what could not be read has no judgement
        row = j.as_dict()
        place = row.pop("sentence")
        told = {"title": a.title, "date": a.date, "source": a.source, "input": a.input, "paragraph": j.paragraph, "target": ";".join(j.target)}
        yield {**row, **place, **told}
