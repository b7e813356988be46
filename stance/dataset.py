"""Labelled CSV files to validated pairs, labels and groups.

Needed columns: `text`, `actor` and one column a head (`stance`, `tone`, or any named one).
Optional: `article_id` (the group), `sentence_id`, `start`,`end` (characters of the actor's mention
in `text`), `context` (the sentences before), `date`, `speaker` (whose words the text is), `split`. Rows of an article are its sentences, in
the order of `sentence_id` where all are numbers, else as they stand; a row without an actor is a sentence that only gives context.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from stance.actors import Mention, Pair, Reading, in_words_of, read_sentences
from stance.codebook import DEFAULT_HEADS, NEUTRAL, UNSURE, Head, head_for, value_of
from stance.dates import date_hint, valid_date
from stance.errors import DataError, InputError, first_of, near_miss, near_or_all, nearest, number
from stance.lexicon import Lexicon, check_lexicon, default_lexicon
from stance.tables import MISSING, Csv, composed, given_paths, is_folder, read_csv, unpacked_name
from stance.text import Sentence, sentences

T = TypeVar("T")
RESERVED = (
    "text", "actor", "article", "article_id", "sentence", "sentence_id", "start", "end", "sentence_start", "sentence_end", "mentions", "target",
    "context", "date", "speaker", "split",
)  # fmt: skip
Paths = str | Path | Sequence[str | Path]
COLUMNS = (
    "text", "actor", "article_id", "sentence_id", "start", "end", "context", "date", "speaker", "split", "target", "annotator", "title", "source",
)  # fmt: skip
_MAY_LACK = ("start", "end", "context", "date", "speaker", "split", "target", "title", "source")  # in these columns MISSING is an empty cell
MANY = 10  # rows without any label that are told one by one
RARE = 5  # times as many rows has a label than one that may be a misspelling of it
_NEUTRAL = "{'stance': 'none'}"
_ASKED_OF_SOME = " (one of its own, such as 'none', if it is asked of other rows alone)"
_LEAVE_OUT = "or leave them out by `stance import FILE --from csv --labelled-only`"
COUNTED = "start counts from 0, and end is one after the last character"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a labelled CSV, at `file:line`."""

    file: str
    line: int
    text: str
    actor: str
    labels: dict[str, str]
    _: KW_ONLY
    article_id: str = ""
    sentence_id: str = ""
    start: int | None = None
    end: int | None = None
    context: str = ""
    date: str = ""
    split: str = ""
    target: str = ""
    annotator: str = ""
    group: str = ""
    speaker: str = ""
    title: str = ""
    source: str = ""

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the row at `file:line`.

    `alike` (what is wrong, what to do) is told once of all rows that have the same, where these are more than MANY.
    """

    file: str
    line: int
    said: str
    alike: tuple[str, str] | None = None

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return f"{self.place}: {self.said}"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as files hold them, labels checked, before actors are located; `files` are what they were read from, `notes` warnings with their kind."""

    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    notes: tuple[tuple[str, str], ...]
    files: tuple[Csv, ...] = ()
    group_by: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The notes without their kind."""
        return tuple(said for _, said in self.notes)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Validated pairs: `pairs[i]` has the labels `labels[head][i]`, is of the article `articles[i]` and of the group `groups[i]`.

    Rows of one group are never on both sides of a fold: those of an article, and of articles that share a value of `group_by`.
    `lexicon` is the one their actors were located with; None: the default one.
    """

    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    groups: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    fingerprint: str
    _: KW_ONLY
    lexicon: Lexicon | None = field(default=None, repr=False, compare=False)
    group_by: str = ""

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def articles(self) -> tuple[str, ...]:
        """The article of each row; a sentence without `article_id` is one of its own."""
        return tuple(map(article_of, self.rows))

    def __repr__(self) -> str:
        """What a notebook shows: numbers, not rows."""
        labels = "".join(f"; {h}: {', '.join(f'{x} {n}' for x, n in Counter(y).most_common())}" for h, y in self.labels.items())
        return f"<Dataset of {number(len(self), 'pair')} in {number(len(set(self.articles)), 'article')}{labels}>"

    def take(self, indices: Iterable[int]) -> Dataset:
        """The given rows as a data set of their own; heads and fingerprint rule stay the same. Raises TypeError for a mask (a list of bool)."""
        at = list(indices)
        if any(type(i).__name__ in ("bool", "bool_") for i in at):  # those of numpy too
            raise TypeError("take wants numbers of rows, not a mask; numpy.flatnonzero(mask) has them")
        rows = tuple(self.rows[i] for i in at)
        return Dataset(
            self.heads, rows, tuple(self.pairs[i] for i in at), tuple(self.groups[i] for i in at),
            {h: tuple(v[i] for i in at) for h, v in self.labels.items()}, self.warnings, fingerprint(rows), lexicon=self.lexicon,
            group_by=self.group_by,
        )  # fmt: skip

    def split(self, name: str) -> tuple[Dataset, Dataset]:
        """(rows whose `split` is not `name`, rows whose `split` is `name`)."""
        inside = [i for i, r in enumerate(self.rows) if r.split == name]
        outside = [i for i, r in enumerate(self.rows) if r.split != name]
        return self.take(outside), self.take(inside)

    def only_split(self, name: str) -> Dataset:
        """The rows whose `split` is `name`. Raises InputError where there are none."""
        if inside := [i for i, r in enumerate(self.rows) if r.split == name]:
            return self.take(inside)
        there = sorted({r.split for r in self.rows} - {""})
        raise InputError(f"no row has split {name!r}", f"there are {', '.join(map(repr, there))}" if there else "the data have no `split` column")


def check_dataset(given: object) -> None:
    """Raises InputError for what is no Dataset: the path of a file, a table."""
    if not isinstance(given, Dataset):
        said = f"data are given as {type(given).__name__}, not as a Dataset"
        raise InputError(said, "read them first: stance.read_dataset(path), or read_pairs(path) where they have no labels")


def read_dataset(
    paths: Paths,
    *,
    heads: Sequence[str] = (),
    lexicon: Lexicon | None = None,
    known: Sequence[Head] = (),
    columns: Mapping[str, str] | None = None,
    neutral: Mapping[str, str] | None = None,
    order: Mapping[str, Sequence[str]] | None = None,
    group_by: str = "",
) -> Dataset:
    """Read labelled CSV files (or folders of them, or `-`, standard input; packed ones too) and locate every actor in its sentence.

    `heads` names the label columns (or the only one); without it, `stance` and `tone` as far as they are there.
    `columns` says what files call a column: `{"actor": "target"}` reads their `target` as `actor`.
    `known` fixes label sets (a model's, for evaluation). `neutral` names the label of a head that says nothing is taken, where it is
    not `neutral`: `{"stance": "none"}`; `{"": "none"}` is that of the first head. `order` names all labels of a head whose labels are a scale, from
    one end to the other: `{"intensity": ("low", "medium", "high")}`.
    `group_by`: the column (`outlet`, `topic` …), or `file`, whose values must not be on both sides of a fold; an empty cell joins nothing.
    Raises InputError for unreadable files and
    DataError with every bad row as `file:line: what, value, what to do` (many that lack the same labels as one), for a neutral
    label that no row has, and for labels that an order lacks.
    """
    return located(read_table(paths, heads=heads, known=known, columns=columns, neutral=neutral, order=order, group_by=group_by), lexicon=lexicon)


def read_pairs(paths: Paths, *, lexicon: Lexicon | None = None, columns: Mapping[str, str] | None = None) -> Dataset:
    """Rows of `text` and `actor` to be judged: as `read_dataset`, but label columns are not read (no heads, no labels) and every row is kept.

    Rows without an actor are context, and are no pairs. Raises as `read_dataset` does.
    """
    return located(read_table(paths, heads=None, unlabelled=True, columns=columns), lexicon=lexicon)


def read_table(
    paths: Paths, *, heads: Sequence[str] | None = (), known: Sequence[Head] = (), unlabelled: bool = False,
    columns: Mapping[str, str] | None = None, neutral: Mapping[str, str] | None = None, order: Mapping[str, Sequence[str]] | None = None,
    group_by: str = "",
) -> Table:  # fmt: skip
    """The rows of labelled CSV files (or folders of them), actors not located; a row that stands twice is there once.

    With `unlabelled`, label columns and cells may be missing, and all rows are kept. `heads` None: no column holds labels. Options and errors
    as of `read_dataset`.
    """
    heads = (heads,) if isinstance(heads, str) else heads
    files = read_files(paths, columns=columns, heads=heads or [h.name for h in known])
    return table_of(files, heads=heads, known=known, unlabelled=unlabelled, neutral=neutral, order=order, group_by=group_by)


def read_files(paths: Paths, *, columns: Mapping[str, str] | None = None, heads: Sequence[str] = ()) -> tuple[Csv, ...]:
    """The CSV files named, and those of folders, each read once, its columns called as they are here (`columns`, `heads` as of `read_dataset`)."""
    called = _mapping(columns, "columns", "{'actor': 'target'}")
    return tuple(_named(read_csv(f), called, heads or tuple(DEFAULT_HEADS)) for f in labelled_files(paths))


def _mapping(given: Mapping[str, T] | None, what: str, example: str) -> Mapping[str, T]:
    """What an option says of each head or column. Raises InputError for what is no mapping."""
    if given is not None and not isinstance(given, Mapping):
        raise InputError(f"{what} is given as {type(given).__name__} ({given!r:.60}), not as a dict", f"write {what}={example}")
    return given or {}


def table_of(
    files: Sequence[Csv], *, heads: Sequence[str] | None = (), known: Sequence[Head] = (), unlabelled: bool = False,
    neutral: Mapping[str, str] | None = None, order: Mapping[str, Sequence[str]] | None = None, group_by: str = "",
) -> Table:  # fmt: skip
    """As `read_table`, of files already read."""
    wanted = None if heads is None else tuple(dict.fromkeys(map(composed, heads)))
    rows: list[Row] = []
    problems: list[Problem] = []
    names: tuple[str, ...] = ()
    none = {h.name: h.neutral for h in known if h.neutral} | dict(_mapping(neutral, "neutral", _NEUTRAL))
    for n, f in enumerate(files):
        here = _label_columns(f, wanted, unlabelled)
        if n and here != names:
            told = f"{f.place}: label columns {', '.join(here)}; {files[0].file} has {', '.join(names)}"
            raise DataError(told, "name those they share with --head, or give them apart")
        names = here
        got, bad = rows_of(f, names, needed=() if unlabelled else names, neutral=_by_head(none, names), group_by=group_by)
        rows += got
        problems += bad
    found = heads_of(rows, names, known=known, neutral=neutral, order=order)
    check_labels(rows, [h for h in found if h.name in {k.name for k in known}])
    problems += label_problems(rows, found, {h.name for h in known})
    notes = [*(("encoding", f.note) for f in files if f.note), *odd_cells(rows), *_joined_ids(files)]
    notes += _without_order([h for h in found if h.name not in {k.name for k in known}])
    if wanted == () and not unlabelled:
        notes += _nearly_heads(files, names)
    clash: list[Problem] = []
    several = len({r.annotator for r in rows}) > 1
    if not unlabelled:
        rows, clash, twice = _without_duplicates(rows, names)
        problems += clash
        notes += twice
    if problems:
        bad_rows = number(len({p.place for p in problems}), "bad row")
        texts = [f.cells(r).get("text", "").strip() for f in files for r in f.records if not r.fault]
        merged = 3 * texts.count("") >= sum(len(f.records) for f in files)
        annotated = "labels of several annotators go to `stance agree` first; else " if clash and (several or len(clash) > MANY) else ""
        hint = f"{annotated}correct them and try again{'; if cells of a spreadsheet were merged, fill each of their rows' if merged else ''}"
        raise DataError(f"{bad_rows}; nothing was read", hint, problems_told(problems, files))
    return Table(found, tuple(rows), tuple(notes), tuple(files), group_by)


def problems_told(problems: Iterable[Problem], files: Sequence[Csv]) -> tuple[str, ...]:
    """The problems in the order of files and lines, with one for all rows whose problems are `alike`, where these are more than MANY."""
    at = {f.file: n for n, f in enumerate(files)}
    ordered = sorted(problems, key=lambda p: (at[p.file], p.line))
    places: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for p in ordered:
        if p.alike:
            places[p.alike][p.place] = None
    told: dict[str, None] = {}
    for p in ordered:
        if p.alike and len(places[p.alike]) > MANY:
            (first, *others), (what, todo) = places[p.alike], p.alike
            told[f"{first}: {what}, as in {len(others)} further rows; {todo}"] = None
        else:
            told[str(p)] = None
    return tuple(told)


def located(table: Table, *, lexicon: Lexicon | None = None) -> Dataset:
    """The rows of a table that have an actor, each with its pair. Raises DataError when a table with heads has none."""
    if table.heads and not any(r.actor for r in table.rows):
        raise DataError(f"{', '.join(f.file for f in table.files)}: no labelled rows", "a row needs text, actor and a label")
    check_lexicon(lexicon)
    pairs, kept, notes = locate(table.rows, lexicon or default_lexicon())
    labels = {h.name: tuple(r.labels[h.name] for r in kept) for h in table.heads}
    told = (*table.warnings, *notes)
    return Dataset(table.heads, tuple(kept), tuple(pairs), _groups(kept), labels, told, fingerprint(kept), lexicon=lexicon, group_by=table.group_by)


def fingerprint(rows: Sequence[Row]) -> str:
    """SHA-256 over the content of the rows, whatever their file names."""
    h = hashlib.sha256()
    for r in rows:
        speech = (r.speaker,) if r.speaker else ()
        h.update(repr((r.text, r.actor, sorted(r.labels.items()), r.article_id, r.start, r.end, r.context, r.date, *speech)).encode())
    return h.hexdigest()


def row_digest(row: Row) -> int:
    """64 bits of a hash of sentence and actor, by which a row is known again in another file."""
    return int.from_bytes(hashlib.sha256(repr((normalise(row.text), row.actor)).encode()).digest()[:8], "little")


def labelled_files(paths: Paths) -> list[Path]:
    """The files named, and the `*.csv` (also packed, not hidden) of the folders named. Raises InputError when there is none."""
    files: list[Path] = []
    for p in map(Path, given_paths(paths, "data", "write a CSV first: frame.to_csv(path, index=False)")):
        if str(p) != "-" and is_folder(p):
            inside = sorted(f for f in p.glob("[!.]*") if unpacked_name(f).suffix.lower() == ".csv" and not f.is_dir())
            if not inside:
                raise InputError(f"{p}: no *.csv in this folder", "give labelled CSV files")
            files += inside
        else:
            files.append(p)
    if not files:
        raise InputError("no data given", "name a labelled CSV file or a folder of them")
    return files


def read_definitions(file: Csv, heads: Sequence[Head], *, more: bool = False) -> dict[str, dict[str, str]]:
    """What labels mean, `{head: {label: definition}}`, from a CSV with these three columns; with `more`, also of labels that a head does not have.

    Raises DataError for missing columns, every row that has lost or swallowed cells, every head or label that `heads` do not have, and every label
    with two definitions.
    """
    if missing := [c for c in ("head", "label", "definition") if c not in file.columns]:
        raise DataError(file.lacks(missing[0]), "needed: head, label, definition")
    known = {h.name: h.labels for h in heads}
    out: dict[str, dict[str, str]] = {}
    problems = []
    for r in file.records:
        head, label, told = (file.cells(r).get(c, "").strip() for c in ("head", "label", "definition"))
        if r.fault:
            problems.append(f"{file.file}:{r.line}: {r.fault}")
        elif head in known and (label in known[head] or more and label):
            if out.setdefault(head, {}).setdefault(label, told) != told:
                problems.append(f"{file.file}:{r.line}: label {label!r} of {head!r} is defined a second time, otherwise; keep one")
        else:
            what, names = ("label", known[head]) if head in known else ("head", tuple(known))
            value = label if what == "label" else head
            problems.append(f"{file.file}:{r.line}: no {what} {value!r} in the data; {near_or_all(value, names)}")
    if problems:
        raise DataError(f"{number(len(problems), 'bad definition')}; none was read", "correct them and try again", tuple(problems))
    return out


def _label_columns(file: Csv, heads: tuple[str, ...] | None, unlabelled: bool) -> tuple[str, ...]:
    """The heads that a file has labels of; None: none. Raises DataError for columns that are missing, and for a head whose name is taken."""
    names = () if heads is None else heads or tuple(h for h in DEFAULT_HEADS if h in file.columns)
    if taken := [n for n in names if n.lower() in RESERVED]:
        raise DataError(f"{file.place}: a head cannot be called {taken[0]!r}", f"rename the column; taken: {', '.join(RESERVED)}")
    missing = [c for c in ("text", "actor", *(() if unlabelled else names or ("stance",))) if c.lower() not in file.columns]
    if missing:
        there = [n for n in names if n.lower() in file.columns]
        free = [h for h in file.columns if h and h not in (*COLUMNS, *(n.lower() for n in there))]
        hint = " ".join(filter(None, (near_miss(c, free) for c in missing)))
        if missing[0] not in ("text", "actor") and there:
            hint = f"{hint} --head {there[0]} takes that alone".strip()
        hint = hint or f"needed: text, actor{'' if unlabelled else ', and stance (or the columns named with --head)'}"
        if missing[0] in ("text", "actor"):
            below = any({"text", "actor"} <= {c.strip().lower() for c in r.cells} for r in file.records[:9])
            above = "the names of the columns stand further down; delete what is above them"
            called = f"--column {missing[0]}=NAME, in Python columns={{{missing[0]!r}: NAME}}, says what the table calls it"
            hint = above if below else f"{called}; {hint}"
        raise DataError(file.lacks(*missing), hint)
    return names


def rows_of(
    file: Csv, names: Sequence[str], *, needed: Sequence[str] = (), neutral: Mapping[str, str] | None = None, group_by: str = ""
) -> tuple[list[Row], list[Problem]]:
    """(rows, problems of those that are bad); heads and options as of `parse_row`. Raises DataError without the column `group_by`."""
    column = group_by.strip().lower()
    if column not in ("", "file", *file.columns):
        hint = near_miss(column, file.columns) or "a column, or `file`"
        raise DataError(f"{file.place}: no column {group_by!r} to group by; seen: {', '.join(file.columns)}", hint)
    rows: list[Row] = []
    problems: list[Problem] = []
    for r in file.records:
        cells = file.cells(r)
        row, bad = parse_row(file.file, r.line, cells, names, needed=needed, neutral=neutral)
        bad = [Problem(file.file, r.line, r.fault)] if r.fault else bad
        if not bad:
            rows.append(replace(row, group=_whole(cells.get(column, file.file))) if column else row)
        problems += bad
    return rows, problems


def _named(file: Csv, columns: Mapping[str, str], heads: Sequence[str]) -> Csv:
    """The file with its columns by the names that they have here; one that had such a name without being meant has none."""
    known = (*COLUMNS, *heads)
    if odd := [n for n in columns if n.lower() not in map(str.lower, known)]:
        raise DataError(f"no column is called {odd[0]!r} here", near_or_all(odd[0], known))
    names = {composed(c).strip().lower(): name.lower() for name, c in columns.items()}
    if missing := [c for c in names if c not in file.columns]:
        raise DataError(file.lacks(*missing), near_miss(missing[0], file.columns))
    spelt = {c: re.sub(r"[\s-]+", "_", c) for c in file.columns}  # `Article ID`
    free = {*COLUMNS} - {*file.columns, *names.values()}
    meant = {c: n for c, n in spelt.items() if n in free} | dict.fromkeys(names.values(), "") | names
    found = [meant.get(c, c) for c in file.columns]
    if twice := [c for c, n in Counter(found).items() if c and n > 1]:
        raise DataError(f"{file.place}: column {twice[0]!r} stands {found.count(twice[0])} times in the header", "rename or delete all but one")
    return replace(file, columns=found)


def parse_row(
    file: str, line: int, cell: Mapping[str, str], names: Sequence[str], *, needed: Sequence[str] = (), neutral: Mapping[str, str] | None = None
) -> tuple[Row, list[Problem]]:
    """(row, its problems) from its cells by column; heads `names`, of which `needed` may not be empty; `neutral` labels by head, where they are not
    `neutral`. Without a column `text`, none is asked for.
    """
    none = neutral or {}
    bad: list[Problem] = []

    def wrong(said: str, alike: tuple[str, str] | None = None) -> None:
        bad.append(Problem(file, line, said, alike))

    cell = {k: x if k in ("text", "context") else composed(x) for k, x in cell.items()}  # offsets count in the text as it is
    cell |= {k: "" for k in _MAY_LACK if cell.get(k, "").strip().upper() in MISSING}
    text, actor = cell.get("text", ""), cell.get("actor", "").strip()
    if "text" in cell and not text.strip():
        wrong("text is empty; give the sentence or delete the row")
    labels = {n: cell.get(n.lower(), "").strip() for n in names}
    lacking = [n for n in needed if actor and not labels[n]]
    which, own = ("", "") if len(lacking) == len(needed) else (f" of {', '.join(lacking)}", _ASKED_OF_SOME)
    for n in lacking:
        wrong(f"{n} is empty for actor {actor!r}; give a label", (f"no label{which}", f"give them labels{own}, {_LEAVE_OUT}"))
    left = [n for n in needed if not actor and labels[n] not in ("", none.get(n, NEUTRAL))]  # neutral nobody: context alone
    for n in left:
        ours = n in none or n in DEFAULT_HEADS and labels[n] in DEFAULT_HEADS[n].labels
        own = "" if ours else f" (--neutral '{n}={labels[n]}', if it says that none is taken)"
        wrong(f"{n} has a label but no actor: {labels[n]!r}; name the actor, or delete the label{own}")
    start = end = None
    raw = [_whole(cell.get(k, "")) for k in ("start", "end")]
    if all(map(_is_number, raw)):
        start, end = map(int, raw)
        if text.strip() and not start < end <= len(text):
            wrong(f"start,end {start},{end} are outside the text of {len(text)} characters, or hold none; {COUNTED}")
    elif any(raw):
        wrong(f"start,end {','.join(raw)[:60]!r} are not two numbers; give both, or leave both empty")
    get = {k: cell.get(k, "").strip() for k in COLUMNS if k not in ("text", "actor", "start", "end")}
    get |= {k: _whole(get[k]) for k in ("article_id", "sentence_id")}
    return Row(file, line, text, actor, labels, start=start, end=end, **get), bad


def _whole(cell: str) -> str:
    """`12` of `12.0`: so pandas writes numbers beside empty cells."""
    return re.sub(r"^(\d+)[.,]0+$", r"\1", cell.strip())


def _is_number(cell: str) -> bool:
    """Whether it is one that Python reads: no more than 99 digits."""
    return cell.isdecimal() and len(cell) < 100


def heads_of(
    rows: Sequence[Row], names: tuple[str, ...], *, known: Sequence[Head] = (), neutral: Mapping[str, str] | None = None,
    order: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Head, ...]:  # fmt: skip
    """The heads of the label columns `names`, by the labels that occur; `known` ones are taken as they are.

    `neutral` and `order` as of `read_dataset`. Raises DataError when they name a head that is not there, for a neutral label that no row has, and
    for labels that an order lacks.
    """
    none = _by_head(_mapping(neutral, "neutral", _NEUTRAL), names)
    scales = {composed(n): tuple(map(composed, labels)) for n, labels in _mapping(order, "order", "{'intensity': ('low', 'medium', 'high')}").items()}
    wanted = [*((n, f"to have the neutral label {x!r}") for n, x in none.items()), *((n, "whose labels could be in order") for n in scales)]
    for name, what in wanted:
        if name not in names:
            raise DataError(f"no head {name!r} {what}", near_miss(name, names) or f"heads: {', '.join(names) or 'none'}")
    out: list[Head] = []
    for n in names:
        if fixed := next((h for h in known if h.name == n), None):
            head = fixed
        elif n in scales:
            head = _ordered(n, scales[n], rows)
        else:
            seen = Counter(r.labels[n] for r in rows if r.actor and r.labels[n])
            head = head_for(n, _labels_meant(n, seen, none.get(n, NEUTRAL)))
        if (label := none.get(n, "")) and label not in head.labels:
            hint = near_miss(label, head.labels) or f"labels: {', '.join(head.labels)}"
            raise DataError(f"no row has the {n} {label!r}, which is to be its neutral label", hint)
        out.append(replace(head, neutral=label or head.neutral))
    return tuple(out)


def _labels_meant(name: str, seen: Counter[str], neutral: str) -> set[str]:
    """The labels of a column, with how many rows have each: those of the codebook alone, where most rows have them and no fewer labels are of it
    than are not, so that the others are told as unknown; else all.
    """
    default = DEFAULT_HEADS.get(name)
    ours = set(seen) & set(default.labels) if default and neutral in default.labels else set()
    mostly = sum(seen[x] for x in ours) > seen.total() / 2 and len(seen) <= 2 * len(ours)
    return ours if mostly and ours != {NEUTRAL} else set(seen)  # every codebook has a neutral label


def _ordered(name: str, order: Sequence[str], rows: Sequence[Row]) -> Head:
    """The head with the labels of the order that occur, as a scale. Raises DataError for labels of the rows that the order lacks."""
    seen: dict[str, list[Row]] = {}
    for r in rows:
        if r.actor and r.labels[name]:
            seen.setdefault(r.labels[name], []).append(r)
    todo = f"the order is {', '.join(order)}"
    if lacking := [(those[0].place, x, len(those)) for x, those in seen.items() if x not in order]:
        problems = [f"{at}: {name} {x!r} ({number(n, 'row')}) is not in the order; {near_miss(x, tuple(order)) or todo}" for at, x, n in lacking]
        told = f"the order of {name} ({', '.join(order)}) lacks {', '.join(repr(x) for _, x, _ in lacking)}"
        raise DataError(told, "name every label in it, or correct these rows", tuple(problems))
    return Head(name, tuple(x for x in order if x in seen), ordered=True)


def _by_head(neutral: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Neutral labels by head: '' is the first one."""
    return {n or next(iter(names), ""): label for n, label in neutral.items()}


def check_labels(rows: Sequence[Row], heads: Sequence[Head]) -> None:
    """Raises DataError for a head of a model not one of whose labels the rows have, nor any that looks like one."""
    told = []
    for h in heads:
        seen = sorted({r.labels[h.name] for r in rows if r.actor} - {""})
        if seen and not any(x in h.labels or near_miss(x, h.labels) for x in seen):
            labels = f"{', '.join(seen[:10])}{', …' if len(seen) > 10 else ''}"
            told.append(f"column {h.name!r}: its labels {labels} are not the model's ({', '.join(h.labels)})")
    if told:
        raise DataError("; ".join(told), "train a model on them, name the heads to score with --head, or another column with --column HEAD=COLUMN")


def incomparable(heads: Sequence[Head], others: Sequence[Head], name: str) -> list[str]:
    """What to say of heads of data that share no label with those of another model, called `name`. Raises InputError when no head does."""
    theirs = {h.name: h.labels for h in others}
    both = [h for h in heads if h.name in theirs]
    if not both:
        labels = ", ".join(others[0].labels)
        todo = f"name a model with a head {heads[0].name}, or train yours on a column {others[0].name!r} with the labels {labels}"
        raise InputError(f"{name} has the heads {', '.join(sorted(theirs))}, the data {', '.join(h.name for h in heads)}: nothing to compare", todo)
    apart = [h for h in both if not set(h.labels) & set(theirs[h.name])]
    told = [f"{name} has the labels {', '.join(theirs[h.name])} of {h.name}, not {', '.join(h.labels)}: nothing to compare" for h in apart]
    if len(apart) == len(both):
        raise InputError("; ".join(told), f"name a model of these labels, or train yours on those of {name}")
    return told


def _without_order(heads: Sequence[Head]) -> Iterator[tuple[str, str]]:
    """(kind, what is said) of heads whose labels are different numbers, three or more, and no scale as far as is told."""
    for h in heads:
        values = {*map(value_of, h.labels)} - {math.inf}
        if 2 < len(values) == len(h.labels) and not h.ordered:
            order = ",".join(f'"{x}"' if "," in x else x for x in h.labels)
            todo = f"--order {h.name}='{order}' adds measures of how far two are apart"
            yield "order", f"the labels of {h.name} are numbers: if they are a scale, {todo}"


def _nearly_heads(files: Sequence[Csv], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(kind, what is said) of heads that no file has, where a column is called much the same."""
    for lacking in (h for h in DEFAULT_HEADS if h not in names):
        for f in files:
            others = [c for c in f.columns if c not in (*COLUMNS, *names) and not c.startswith(f"{lacking}_")]  # not `tone_p` of results
            if close := nearest(lacking, others, cutoff=0.8):
                todo = f"did you mean {close!r}? Rename it, or --column {lacking}={close}"
                yield "heads", f"{f.place}: no column {lacking!r}, so {' and '.join(names)} alone; {todo}"


def lacks_neutral(head: Head) -> bool:
    """Whether it has labels of its own, not the codebook's alone, and none that says nothing is taken."""
    ours = DEFAULT_HEADS.get(head.name)
    return not head.neutral and not (ours and set(head.labels) <= set(ours.labels))


def label_problems(rows: Sequence[Row], heads: Sequence[Head], fixed: set[str]) -> list[Problem]:
    """One for every label that its head does not have; heads in `fixed` take their own labels only."""
    allowed: dict[str, tuple[str, ...]] = {}
    for h in heads:
        ours = DEFAULT_HEADS.get(h.name)
        allowed[h.name] = ours.labels if ours and h.name not in fixed and set(h.labels) <= set(ours.labels) else h.labels
    out: list[Problem] = []
    for r in (r for r in rows if r.actor):
        unsure = [h.name for h in heads if r.labels[h.name] == UNSURE and UNSURE not in h.labels]
        told = [(f"{', '.join(unsure)} {UNSURE!r} is what results say where no label is sure enough", "label the row, or delete it")] * bool(unsure)
        for name, known in allowed.items():
            if (x := r.labels[name]) not in ("", UNSURE, *known):
                told.append((f"unknown {name} {x!r}", near_or_all(x, known)))
        out += [Problem(r.file, r.line, f"{what}; {todo}", (what, todo)) for what, todo in told]
    return out


def odd_cells(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """(kind, what is said) of cells that are read as they stand, but hardly meant so: each value of a column once, at the first row that has it."""
    found: dict[tuple[str, str], list[Row]] = {}
    for r in rows:
        for column, value in [("text", r.text), ("actor", r.actor), ("article_id", r.article_id), ("group", r.group), *r.labels.items()]:
            if value.upper() in MISSING or value == "None" and column not in r.labels:  # which may be a label
                found.setdefault((column, value), []).append(r)
    missed = "if it was written for an empty cell, empty the cell or delete the row"
    told = [("missing", f"{c} {x!r} is read as it stands", those, missed) for (c, x), those in found.items()]
    if undated := [r for r in rows if r.date and not valid_date(r.date)]:
        told.append(("date", f"date is not understood: {undated[0].date[:40]!r}", undated, date_hint(undated[0].date)))
    for kind, what, those, todo in told:
        more = f" (and in {number(len(those) - 1, 'further row')})" if those[1:] else ""
        yield kind, f"{those[0].place}: {what}{more}; {todo}"
    by_head: defaultdict[str, defaultdict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for r in rows:
        for head, label in (("split", r.split), *r.labels.items()):
            if r.actor and label:
                by_head[head][label].append(r)
    for head, labels in by_head.items():
        yield from _twins(head, labels)
        yield from _misspelt(head, labels)


def _joined_ids(files: Sequence[Csv]) -> Iterator[tuple[str, str]]:
    """The same of ids of articles that are one number in two forms (`12`, `12.0`), and so one article."""
    first: dict[str, str] = {}
    for f in files:
        for r in f.records if "article_id" in f.columns else ():
            first.setdefault(f.cells(r).get("article_id", "").strip(), f"{f.file}:{r.line}")
    if twice := [x for x in first if _whole(x) != x and _whole(x) in first]:
        x, more = twice[0], f" (as are those of {number(len(twice) - 1, 'further id')})" if twice[1:] else ""
        told = f"article_id {x!r} and {_whole(x)!r} ({first[_whole(x)]}) are read as one article{more}"
        yield "article-id", f"{first[x]}: {told}; rename one where they differ"


def _twins(head: str, labels: Mapping[str, Sequence[Row]]) -> Iterator[tuple[str, str]]:
    """The same of labels that are another one in other case, or the same number (`1`, `+1`, `1.0`)."""
    first: dict[str | float, str] = {}
    for x in sorted(labels, key=lambda x: (-len(labels[x]), x)):
        is_number = value_of(x) < math.inf
        old = first.setdefault(value_of(x) if is_number else x.casefold(), x)
        if old != x:
            kind, how = ("label-number", "is the same number as") if is_number else ("label-case", "differs only in case from")
            told = f"{head} {x!r} ({number(len(labels[x]), 'row')}) {how} {old!r} ({number(len(labels[old]), 'row')})"
            what = "split" if head == "split" else "label"
            yield kind, f"{labels[x][0].place}: {told}, and is a {what} of its own; write them alike, if they are one"


def _misspelt(head: str, labels: Mapping[str, Sequence[Row]]) -> Iterator[tuple[str, str]]:
    """The same of rare labels that look like a frequent one: five letters or more, as many but for one, and the same numbers in both."""
    frequent = [y for y, those in labels.items() if len(those) >= RARE]
    for x, those in labels.items():
        often = [y for y in frequent if len(labels[y]) >= RARE * len(those) and min(len(x), len(y)) > 4 and abs(len(x) - len(y)) < 2]
        same = [y for y in often if re.findall(r"\d+", x) == re.findall(r"\d+", y) and x.casefold() != y.casefold()]
        if like := nearest(x, same, cutoff=0.85):
            told = f"{head} {x!r} ({number(len(those), 'row')}) looks like {like!r} ({number(len(labels[like]), 'row')})"
            yield "label-typo", f"{those[0].place}: {told}; correct it, if that is meant"


def _without_duplicates(rows: list[Row], names: tuple[str, ...]) -> tuple[list[Row], list[Problem], list[tuple[str, str]]]:
    """(rows, those with other labels than an earlier row of the same sentence and actor, what to say of those left out as they have the same).

    The former are alike in a file of several annotators: by the column, or where a third of the rows stand twice.
    """
    seen: dict[tuple[object, ...], Row] = {}
    kept: list[Row] = []
    clashes: list[Problem] = []
    twice = []
    alike = "other labels than an earlier row of the same sentence and actor", "keep one of them"
    for r in rows:
        key = (r.article_id, r.sentence_id, spelling(r.text), r.actor, r.start, r.context)
        old = seen.get(key)
        if old is None or not r.actor:
            seen[key] = r
            kept.append(r)
        elif bad := [n for n in names if old.labels[n] != r.labels[n]]:
            for n in bad:
                said = f"{n} of {r.actor!r} is {r.labels[n]!r}, but {old.labels[n]!r} at {old.place} for the same sentence; keep one"
                clashes.append(Problem(r.file, r.line, said, alike))
        else:
            twice.append(r.place)
    if len({r.annotator for r in rows}) < 2 and 3 * (len({p.place for p in clashes}) + len(twice)) < len(rows):
        clashes = [replace(p, alike=None) for p in clashes]
    told = f"{number(len(twice), 'duplicate row')} left out: {first_of(twice, 5)}"
    return kept, clashes, [("duplicate", told)] if twice else []


def spelling(text: str) -> str:
    """The text without what makes no other sentence: case, blanks, accents written as two characters. Signs count: +5% is not -5%."""
    return " ".join(composed(text).casefold().split())


def normalise(text: str) -> str:
    """Lower case, letters and digits only: two spellings of one sentence are equal, and sentences that differ in signs alone."""
    return " ".join(re.findall(r"\w+", composed(text).lower()))


def article_of(row: Row) -> str:
    """What tells its article from others: the `article_id`, else the sentence."""
    return f"a:{row.article_id}" if row.article_id else f"s:{normalise(row.text)}"


def _groups(rows: Sequence[Row]) -> tuple[str, ...]:
    """What keeps rows together: their article, and their `group`, joined where they share rows."""
    leader: dict[str, str] = {}

    def first(x: str) -> str:
        while (above := leader.setdefault(x, x)) != x:
            x = above
        return x

    for r in rows:
        if r.group:
            leader[first(article_of(r))] = first(f"g:{r.group}")
    return tuple(first(article_of(r)) for r in rows)


# --------------------------------------------------------------------------- locating actors


def locate(rows: Sequence[Row], lexicon: Lexicon) -> tuple[list[Pair], list[Row], list[str]]:
    """(pairs, their rows, warnings): read every article in order and find each row's actor.

    A mention is, in this order: what the lexicon or the context finds, the span given by
    `start`,`end`, the actor's own name in the text. An actor found by none of them makes a pair without
    mentions, as a target that need not occur. A row may call its actor otherwise than the lexicon (`PRC`): the pair keeps that name.
    """
    meant = lexicon.meant({r.actor for r in rows})
    pairs: dict[int, Pair] = {}
    for indices in by_article(rows):
        pairs |= _locate_article([rows[i] for i in indices], lexicon, meant)
    kept = [r for r in rows if r.actor]
    found = [pairs[id(r)] for r in kept]
    notes = []
    if absent := absent_actors(kept, found):
        here = lexicon.called([r.actor for r in absent[:3]])
        shown = first_of([f"{r.place} {r.actor!r}" + (f" (called {here[r.actor]!r} here)" if r.actor in here else "") for r in absent], 3)
        notes.append(f"{number(len(absent), 'row')} whose actor was not found in the sentence (kept, without a mention): {shown}")
    if other := other_contexts(rows):
        told = f"{number(len(other), 'row')} whose context is not that of the first sentence of the article (before it: only that is read)"
        notes.append(f"{told}: {first_of([r.place for r, _ in other], 3)}; leave it empty there, or give the rows another article_id")
    if shared := shared_ids(kept):
        shown = first_of([f"{r.place} {r.article_id!r} (also {old.place})" for r, old in shared], 3)
        notes.append(f"{number(len(shared), 'article_id')} in two files, read as one article: {shown}; rename one where they differ")
    return found, kept, notes


def other_contexts(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Rows with another context than the first row of the article (of its first sentence), and that row, whose context alone is read."""
    first = {i: rows[indices[0]] for indices in by_article(rows) for i in indices}
    return [(r, first[i]) for i, r in enumerate(rows) if r.context not in ("", first[i].context)]


def shared_ids(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The first row of an article in every further file, and the first of all, where the files do not look like parts of one article.

    Parts of one have a `sentence_id` in every row, and the same text where that is the same.
    """
    first: dict[str, Row] = {}
    files: dict[tuple[str, str], Row] = {}
    texts: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for r in rows:
        first.setdefault(r.article_id, r)
        files.setdefault((r.article_id, r.file), r)
        texts[r.article_id, r.sentence_id].add(r.text)
    doubtful = {article for (article, sentence), told in texts.items() if not sentence or len(told) > 1} - {""}
    return [(r, first[article]) for (article, _), r in files.items() if article in doubtful and r is not first[article]]


def unknown_actors(data: Dataset) -> dict[str, int]:
    """The actors that the data set's alias table does not have, so that nobody will find them in an article, with their rows; those with most first.
    Not of speeches, whose speaker may be anybody.
    """
    lexicon = data.lexicon or default_lexicon()
    rows = Counter(r.actor for r in data.rows if not r.speaker)
    known = {*lexicon.actors, *lexicon.meant(rows)}
    return {actor: n for actor, n in rows.most_common() if actor not in known}


def absent_actors(rows: Sequence[Row], pairs: Sequence[Pair]) -> list[Row]:
    """Rows whose actor is neither found in the sentence nor could be carried: no span, no context, no earlier row of the article holds it."""
    told: dict[str, set[str]] = {}
    out = []
    for r, p in zip(rows, pairs, strict=True):
        before = told.setdefault(_article(r), set())
        if not p.mentions and r.start is None and r.actor not in before and not r.context:
            out.append(r)
        else:
            before.add(r.actor)
    return out


def _article(row: Row) -> str:
    return row.article_id or f"\0{spelling(row.text)}\0{row.context}"


def by_article(rows: Sequence[Row]) -> list[list[int]]:
    """Positions of the rows of each article, by `article_id`, else by text and context, in the order in which they begin.

    Those of an article come in the order of their `sentence_id`, where all are numbers (of 99 digits at most), for a table may have been sorted
    by actor, or lie in several files; else as they stand.
    """
    articles: dict[str, list[int]] = {}
    for i, r in enumerate(rows):
        articles.setdefault(_article(r), []).append(i)
    for indices in articles.values():
        if all(_is_number(rows[i].sentence_id) for i in indices):
            indices.sort(key=lambda i: int(rows[i].sentence_id))
    return list(articles.values())


def only(rows: Sequence[Row], chosen: Collection[int]) -> list[Row]:
    """The rows at the `chosen` places, and every sentence before the last of them in its article: one of which none is chosen is one row without an
    actor, that only gives context.
    """
    kept: dict[int, Row] = {}
    for indices in by_article(rows):
        last = max((n for n, i in enumerate(indices) if i in chosen), default=-1)
        there = {(rows[i].sentence_id, rows[i].text) for i in indices if i in chosen}
        for i in indices[: last + 1]:
            sentence = rows[i].sentence_id, rows[i].text
            if i in chosen:
                kept[i] = rows[i]
            elif sentence not in there:
                there.add(sentence)
                kept[i] = replace(rows[i], actor="", labels={}, start=None, end=None, target="")
    return [kept[i] for i in sorted(kept)]


def _sentences_of(rows: Sequence[Row]) -> tuple[list[Sentence], list[list[Row]]]:
    """(sentences of an article, those of its context first; the rows of each sentence after the context); `rows` in the order of `by_article`."""
    by_sentence: dict[tuple[str, str], list[Row]] = {}
    for r in rows:
        by_sentence.setdefault((r.sentence_id, r.text), []).append(r)
    before = sentences(rows[0].context) if rows[0].context else []
    paragraph = before[-1].paragraph if before else 0  # a table does not tell where one ends
    own = [Sentence(len(before) + n, paragraph, 0, len(text), text) for n, (_, text) in enumerate(by_sentence)]
    return before + own, list(by_sentence.values())


def read_rows(
    rows: Sequence[Row], lexicon: Lexicon, *, told: bool, meant: Mapping[str, str] | None = None
) -> list[tuple[Reading, list[Row]]]:
    """The sentences of one article, read, each with its rows (in the order of `by_article`); those of its context are read before them.

    With `told`, an actor of the rows who was there before, or may have been in the context, can be meant without a name. `meant`: who the
    actors of rows are in the lexicon, where it calls them otherwise.
    """
    meant = meant or {}
    sents, by_sentence = _sentences_of(rows)
    before = len(sents) - len(by_sentence)
    present: list[set[str]] = [set() for _ in range(before)]
    earlier: set[str] = set()
    for members in by_sentence if told else ():
        unnamed = {r.actor for r in members if r.start is None and (before or r.actor in earlier) and not _by_name(r)} - {""}
        present.append({meant.get(x, x) for x in unnamed})
        earlier |= {r.actor for r in members}
    speakers = [rows[0].speaker] * before + [members[0].speaker for members in by_sentence]
    readings = read_sentences(sents, lexicon, date=valid_date(rows[0].date), speaker=speakers, present=present if told else ())
    return list(zip(readings[before:], by_sentence, strict=True))


def _locate_article(rows: Sequence[Row], lexicon: Lexicon, meant: Mapping[str, str]) -> dict[int, Pair]:
    """Pairs by the `id` of their row."""
    out: dict[int, Pair] = {}
    for reading, members in read_rows(rows, lexicon, told=True, meant=meant):
        named = [r for r in members if r.actor]
        whole = _with_given(_renamed(reading, members, meant), named)
        places = {r.actor for r in named} - {m.actor for m in whole.mentions if m.kind != "place"}  # named as nothing else: they are meant
        whole = replace(whole, mentions=tuple(replace(m, kind="name") if m.actor in places else m for m in whole.mentions))
        out |= {id(r): Pair(in_words_of(r.actor, whole), r.actor, tuple(m for m in whole.mentions if m.actor == r.actor)) for r in named}
    return out


def _renamed(reading: Reading, rows: Sequence[Row], meant: Mapping[str, str]) -> Reading:
    """The reading with its actors called as the rows call them."""
    names = {meant[r.actor]: r.actor for r in rows if r.actor in meant}
    for r in rows:
        names.pop(r.actor, None)
    if not names:
        return reading
    mentions = tuple(replace(m, actor=names.get(m.actor, m.actor)) for m in reading.mentions)
    speakers = tuple(names.get(x, x) for x in reading.speakers)
    return replace(reading, mentions=mentions, speaker=names.get(reading.speaker, reading.speaker), speakers=speakers)


def _by_name(row: Row) -> re.Match[str] | None:
    """The actor's own name in the text, whichever way its accents are written, also over a line end."""
    forms = dict.fromkeys((row.actor, unicodedata.normalize("NFD", row.actor)))
    written = "|".join(r"\s+".join(map(re.escape, form.split())) for form in forms)
    return re.search(rf"(?<!\w)(?:{written})(?!\w)", row.text)


def _with_given(reading: Reading, rows: list[Row]) -> Reading:
    mentions = list(reading.mentions)
    tokens = reading.tokens
    for r in rows:
        start, end = r.start, r.end
        if start is None and not any(m.actor == r.actor for m in mentions):
            hit = _by_name(r)
            start, end = hit.span() if hit else (None, None)
        if start is None or end is None:
            continue
        inside = [i for i, (s, e) in enumerate(zip(tokens.starts, tokens.ends, strict=True)) if s < end and e > start]
        if not inside:
            continue
        first, last = inside[0], inside[-1] + 1
        overlap = [m for m in mentions if m.first < last and first < m.last]
        if any(m.actor == r.actor for m in overlap):
            continue
        mentions = [m for m in mentions if m not in overlap]
        mentions.append(Mention(r.actor, r.text[start:end], start, end, first, last, "name", "given with the row"))
    mentions.sort(key=lambda m: (m.first, m.last))
    return replace(reading, mentions=tuple(mentions))
