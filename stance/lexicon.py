"""The lexicon: which words speak for which actor, and when.

`stance/data/actors.csv` and the tables of users have one row an alias: names, demonyms, capitals, seats of power, organs and
persons with their dates in office. A row is parsed when a text first holds its first word.
"""

from __future__ import annotations

import csv
import hashlib
import re
import warnings
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from stance.dates import valid_date
from stance.errors import DataError, InputError, StanceWarning, near_miss, near_or_all, number
from stance.tables import composed, csv_rows, read_text
from stance.text import DATA, MOST_FORMS, Memo, fold, tokenize

COLUMNS = ("alias", "actor", "kind", "from", "to", "guard")
KINDS = ("name", "demonym", "capital", "seat", "organ", "person", "description", "place")
_OF_STATE = ("name", "demonym", "capital", "seat")  # what stands for the whole of an actor
_FLAGS = ("case", "noshort", "title", "dated", "he", "she")  # guards without a word behind them
_GUARDS = ("case", "short", "noshort", "not-after", "not-before", "needs", "not-with", "title", "dated", "office", "no-office", "he", "she")


@dataclass(frozen=True, slots=True)
class Alias:
    """One row of the lexicon: a surface form that speaks for an actor.

    `since` and `until` bound the time in office (`YYYY[-MM[-DD]]`, empty: open). An alias
    with an empty actor is a place or name that only swallows ("New Mexico"). `offices` are those that only actors
    with such a row have ("the chancellor"), `no_offices` those that the actor has not. `pronoun` is `he` or `she` where the row tells. One that is
    `dated` does not hold where no date is known.
    """

    text: str
    actor: str
    kind: str
    since: str = ""
    until: str = ""
    case: bool = False
    title: bool = False
    short: str = ""
    not_after: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    not_with: tuple[str, ...] = ()
    offices: tuple[str, ...] = ()
    no_offices: tuple[str, ...] = ()
    pronoun: str = ""
    dated: bool = False

    def in_office(self, date: str) -> bool:
        """Whether the alias holds on `date` (ISO, may be partial); without a date always, unless it is `dated`."""
        if not date:
            return not self.dated
        return (not self.since or self.since[: len(date)] <= date[: len(self.since)]) and (
            not self.until or date[: len(self.until)] <= self.until[: len(date)]
        )


_Entries = list[tuple[tuple[str, ...], Alias]]  # aliases (or short forms) with their words
_NOTHING: dict[str, _Entries] = {}  # what most words open
_NO_WORDS: frozenset[str] = frozenset()  # one for all aliases: Python would make each its own
_IN_ORDER = range(len(COLUMNS))  # of a table whose cells are as they should be, without spaces around them


class Lexicon:
    """The alias table, looked up by first word (aliases) and by short form (persons).

    Lines are kept sorted by first word and are parsed when a text first holds that word, so that a
    table of ten thousand rows costs next to nothing to open.
    """

    def __init__(self, lines: Sequence[str], source: str, *, base: Lexicon | None = None, text: str = "", hidden: Iterable[str] = ()) -> None:
        """`lines` are the rows, with the columns of COLUMNS, sorted by `first_word` of their alias.

        With `base`, its rows hold too, but for those of an alias that is also in `lines` or in `hidden`, as `_spelling` writes it. `text` is
        the table that `lines` come from, as CSV; '' for the one that ships.
        """
        self._lines, self._source, self._base, self.text = lines, source, base, text
        self._own: frozenset[str] = frozenset((*hidden, *(_spelling(_Raw(x, source, 0).alias) for x in lines))) if base else frozenset()
        self._starting, self._persons = Memo(self._opened_by), Memo(self._known_as)
        # the few first words that are written small ("al-Qaeda") or may be ("The airline"); any other alias begins with a capital
        self.uncapitalised: frozenset[str] = frozenset(first_word(x) for x in lines if not x[:1].isupper() or x.startswith("The "))
        if base:
            self.uncapitalised |= base.uncapitalised
        self.opening = Memo(self._opened)  # aliases that may begin with a word as it is written, by their second word ('': of one word)

    def __repr__(self) -> str:
        """What a notebook shows: where it is from, not where it lies in memory."""
        return f"<Lexicon of {number(len(self._lines), 'row')} in {self._source}{f', on top of {self._base!r}' if self._base else ''}>"

    def starting(self, word: str) -> _Entries:
        """Aliases whose first word is `word` (lower case, folded) with their words, longest first."""
        return self._starting[word]

    def _opened_by(self, word: str) -> _Entries:
        found = [(words_of(a.text), a) for a in map(_parse, self._rows_of(word))]
        if self._base:
            found += [e for e in self._base.starting(word) if _spelling(e[1].text) not in self._own]
        found.sort(key=lambda e: e[1].since, reverse=True)  # who has the office now, where a text has no date
        found.sort(key=lambda e: -len(e[0]))
        return found

    def _opened(self, word: str) -> dict[str, _Entries]:
        low = word.lower()
        if not word[0].isupper() and low not in self.uncapitalised or not (entries := self.starting(low)):
            return _NOTHING
        out: dict[str, _Entries] = {"": [], **{key[1].lower(): [] for key, _ in entries if len(key) > 1}}
        for entry in entries:
            for found in (out[entry[0][1].lower()],) if len(entry[0]) > 1 else out.values():
                found.append(entry)
        return out

    def short(self, word: str) -> _Entries:
        """Persons whose short form begins with `word`, with that form."""
        return self._persons[word]

    def _known_as(self, word: str) -> _Entries:
        found = [(words_of(a.short), a) for a in map(_parse, map(self._raw, self._short_forms.get(word, ())))]
        if self._base:
            found += [e for e in self._base.short(word) if _spelling(e[1].text) not in self._own]
        return found

    @cached_property
    def _short_forms(self) -> dict[str, list[int]]:
        """Row numbers of persons by the first word of their short form. All rows are gone through, at the first article: hence the plain split."""
        out: dict[str, list[int]] = {}
        for n, line in enumerate(self._lines):
            if ",person," in line:
                cells = line.split(",")
                if '"' in line or len(cells) != len(COLUMNS):
                    cells = list(self._raw(n).cells())
                form = _short_form(cells[0], cells[5]) if cells[2] == "person" else ""
                if form:
                    first = form.lower() if form.isascii() and form.isalpha() else first_word(form)
                    if first in out:
                        out[first].append(n)
                    else:
                        out[first] = [n]
        return out

    @property
    def about(self) -> dict[str, Any]:
        """What a model file says of its own table: SHA-256 of the text, number of rows, and whether they hold alone, without those that ship."""
        return {"sha256": hashlib.sha256(self.text.encode()).hexdigest(), "rows": len(self._lines), "alone": self._base is None}

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of the SHA-256 of all rows as they are written, which takes no parsing."""
        return hashlib.sha256("\n".join(raw.line for raw in self._raws()).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def aliases(self) -> tuple[Alias, ...]:
        """Every row. Raises DataError with all bad rows."""
        return tuple(_parse_all(self._raws()))

    @cached_property
    def actors(self) -> tuple[str, ...]:
        """Every actor of the table, sorted."""
        return tuple(sorted({raw.cells()[1] for raw in self._raws()} - {""}))

    def called(self, names: Iterable[str]) -> dict[str, str]:
        """The actor of those of `names` that are no actor of the table but an alias of one, whatever the case."""
        if not (names := tuple(names)):
            return {}
        aliases = self.aliases
        actors, by_alias = {a.actor for a in aliases}, {a.text.casefold(): a.actor for a in reversed(aliases) if a.actor}
        return {n: by_alias[n.casefold()] for n in names if n not in actors and n.casefold() in by_alias}

    def meant(self, names: Iterable[str]) -> dict[str, str]:
        """The actor of those of `names` that are no actor of the table but another name of exactly one, whatever the case: `PRC`, `Great Britain`.

        Officials and organs are not meant: who names a person or a ministry may well tell it from its state.
        """
        found: dict[str, str] = {}
        for name in names:
            rows = [a for _, a in self.starting(first_word(name)) if a.actor and a.text.casefold() == name.casefold()]
            actors = {a.actor for a in rows}
            if len(actors) == 1 and name not in actors and any(a.kind in _OF_STATE for a in rows):
                found[name] = actors.pop()
        known = self.actors if found else ()
        return {name: actor for name, actor in found.items() if name not in known}

    def check_actors(self, names: Sequence[str]) -> None:
        """Raises InputError for the first of `names` that is no actor of the table, with the one that may be meant."""
        known = self.actors if names else ()  # of a table that is read for this alone
        for name in names:
            if name not in known:
                here = self.called([name])
                raise InputError(f"no actor {name!r} in the alias table", f"it is called {here[name]!r} here" if here else near_miss(name, known))

    @cached_property
    def states(self) -> frozenset[str]:
        """Actors with a capital, so that "the country" may be said of them; organisations have none."""
        return frozenset(cells[1] for raw in self._raws(",capital,") if (cells := raw.cells())[2] == "capital" and cells[1] not in ("", "EU"))

    @cached_property
    def offices(self) -> dict[str, tuple[set[str], set[str]]]:
        """For each office that not every actor has: the actors that alone have it (none: all but those that follow), and those that lack it."""
        out: dict[str, tuple[set[str], set[str]]] = {}
        for a in map(_parse, self._raws("office:")):
            for n, names in enumerate((a.offices, a.no_offices)):
                for name in names:
                    out.setdefault(name.lower(), (set(), set()))[n].add(a.actor)
        return out

    def _rows_of(self, word: str) -> Iterator[_Raw]:
        at = bisect_left(self._lines, word, key=first_word)
        while at < len(self._lines) and first_word(self._lines[at]) == word:
            yield self._raw(at)
            at += 1

    def _raw(self, n: int) -> _Raw:
        return _Raw(self._lines[n], self._source, n + 2)

    def _raws(self, holding: str = "") -> Iterator[_Raw]:
        """The rows, those whose line holds a string."""
        for n, line in enumerate(self._lines):
            if holding in line:
                yield self._raw(n)
        if self._base:
            yield from (r for r in self._base._raws(holding) if _spelling(r.alias) not in self._own)


class _Raw:
    """A line of the table, not yet parsed; `order` gives the column of each of COLUMNS, -1 for none, `width` the number of all."""

    __slots__ = ("line", "number", "order", "source", "width")

    def __init__(self, line: str, source: str, number: int, order: Sequence[int] = _IN_ORDER, width: int = len(COLUMNS)) -> None:
        self.line, self.source, self.number, self.order, self.width = line, source, number, order, width

    def cells(self) -> tuple[str, ...]:
        """The cells in the order of COLUMNS; cells too many follow."""
        row = next(csv_rows([self.line])) if '"' in self.line else self.line.split(",")
        if self.order == _IN_ORDER and len(row) == len(COLUMNS):
            return tuple(row)
        return (*(row[i].strip() if 0 <= i < len(row) else "" for i in self.order), *row[self.width :])

    @property
    def alias(self) -> str:
        return self.cells()[0] if self.order[0] or self.line[:1] == '"' else self.line.partition(",")[0]


@lru_cache(maxsize=MOST_FORMS)  # every look-up asks much the same rows
def first_word(line: str) -> str:
    """The first word of an alias (or of its row), as texts are looked up: lower case, without accents, `U.S.` → `us`."""
    m = _FIRST.match(line, 1 if line[:1] == '"' else 0)
    word = m.group() if m else ""
    return word.lower() if word.isascii() and "." not in word else fold(word).lower()


_FIRST = re.compile(r"[^\W\d_](?:\.[^\W\d_])+\b\.?|\w+(?:['’](?!s\b)\w+)*|\S")


def _spelling(alias: str) -> str:
    """An alias as look-ups tell it from others: without accents and the dots of acronyms."""
    return alias if alias.isascii() and "." not in alias else " ".join(map(fold, alias.split(" ")))


def _short_form(text: str, guard: str) -> str:
    if "short:" in guard:
        return guard.split("short:", 1)[1].split(" ", 1)[0].replace("_", " ")
    return "" if "noshort" in guard or " " not in text else text.rsplit(" ", 1)[1]


@lru_cache(maxsize=MOST_FORMS)
def words_of(text: str) -> tuple[str, ...]:
    """The tokens of an alias, as names are compared: `Tokens.folded`."""
    return tuple(tokenize(text).folded)


@lru_cache(maxsize=1)
def default_lexicon() -> Lexicon:
    """The lexicon that ships with the package."""
    data = (DATA / "actors.csv").read_text("utf-8")
    return Lexicon(data.rstrip("\n").split("\n")[1:], "actors.csv")


@lru_cache(maxsize=1)
def country_codes() -> dict[str, str]:
    """The actor of each code of three letters (ISO 3166-1 alpha-3, and `XKX`, `EUE`), among those of the lexicon that ships."""
    rows = (DATA / "codes.csv").read_text("utf-8").splitlines()[1:]
    return {code: actor for code, _, actor in (row.partition(",") for row in rows)}


def check_lexicon(given: object) -> None:
    """Raises InputError for what is neither a Lexicon nor None, such as the path of a table."""
    if not (given is None or isinstance(given, Lexicon)):
        said = f"the lexicon is given as {type(given).__name__} ({given!r:.60}), not as a Lexicon"
        raise InputError(said, "load it first: stance.load_lexicon(path)")


def load_lexicon(path: str | Path, *, extend: bool = True, base: Lexicon | None = None) -> Lexicon:
    """Read a user's alias table, one row a line; with `extend` its rows come on top of those of `base` (a model's lexicon; else the default one).

    Cells end at commas, or at semicolons when the header has no comma; without a column (or cell) `kind` an alias is a `name`.
    A row replaces the rows of the same alias below it, whatever the accents, and a person's full name takes along the surname that ships for it;
    an empty actor with kind `place` takes an alias out.
    The file is read as labelled data are (UTF-8, else cp1252 with a StanceWarning). Raises InputError when it cannot be read and DataError with
    all bad rows.
    """
    text, doubt = read_text(Path(path))
    unread = [c for c in _header(text.splitlines()[:1]) if c not in ("", *COLUMNS)]
    if unread:
        doubt = f"{doubt}\n" * bool(doubt) + f"{path}:1: not read: {', '.join(map(repr, unread))}; the columns are {','.join(COLUMNS)}"
    if doubt:
        warnings.warn(doubt, StanceWarning, stacklevel=2)
    return build_lexicon(text, str(path), base=(base or default_lexicon()) if extend else None)


def build_lexicon(data: str, source: str, *, base: Lexicon | None) -> Lexicon:
    """The lexicon of a table's text, on top of `base` or alone; `source` names it in messages. Raises DataError with all bad rows."""
    lines = composed(data).splitlines()
    mark = _mark(lines)
    odd = [n for n, line in enumerate(lines, 1) if line.count('"') % 2]
    if any(_goes_on(lines[n - 1], mark) for n in odd):
        problems = tuple(f"{source}:{n}: a quotation mark is not closed in its line" for n in odd)
        raise DataError("a row of an actor table is one line", "close it, or write the cell without a line end", problems)
    header = _header(lines[:1])
    if mark != ",":
        lines = [",".join(map(_cell, next(csv_rows([line], delimiter=mark), []))) for line in lines]
    if missing := [c for c in ("alias", "actor") if c not in header]:
        raise DataError(
            f"{source}:1: no column {', '.join(map(repr, missing))}; seen: {', '.join(header) or 'nothing'}",
            f"the columns are {','.join(COLUMNS)}",
        )
    order = [header.index(c) if c in header else -1 for c in COLUMNS]
    rows = [_Raw(line, source, n, order, len(header)) for n, line in enumerate(lines[1:], 2) if line.strip(", \t")]
    own = _parse_all(rows)
    # the alias goes first, as the look-up wants it
    ready = [",".join(map(_cell, r.cells())) for r in rows]
    if base and base.text:  # one table on top of another makes one
        replaced = {_spelling(a.text) for a in own}
        others = [r for r in map(base._raw, range(len(base._lines))) if _spelling(r.alias) not in replaced]
        own += _parse_all(others)
        ready += [r.line for r in others]
        data, base = "\n".join([",".join(COLUMNS), *ready, ""]), default_lexicon() if base._base else None
    return Lexicon(sorted(ready, key=first_word), source, base=base and _handed_over(own, base), text=data)


def _header(first: Sequence[str]) -> list[str]:
    """The names of the columns, as they are matched, of a table that begins with this line."""
    return [c.strip().lower() for c in next(csv_rows(first, delimiter=_mark(first)), [])]


def _goes_on(line: str, mark: str) -> bool:
    """Whether a cell that begins with a quotation mark does not end in the line. In the midst of a cell the mark stands for itself: `5" guns`."""
    try:
        next(csv_rows([line], delimiter=mark, strict=True), None)
    except csv.Error as e:
        return "unexpected end of data" in str(e)
    return False


def _mark(lines: Sequence[str]) -> str:
    """What cells end at: semicolons, as spreadsheets write them in half of Europe, where the header has some and no comma."""
    return ";" if lines and ";" in lines[0] and "," not in lines[0] else ","


def _handed_over(own: Sequence[Alias], base: Lexicon) -> Lexicon:
    """`base`, in which what else speaks for a person of `own` (the surname, "President Trump") does so for the actor of that row, in its time."""
    takers: dict[Alias, list[Alias]] = {}
    for a in own:
        if a.kind == "person" and " " in a.text:
            for row in _of_the_same(a, base):
                since, until = _shared(row, a)
                if since <= until + "~":
                    takers.setdefault(row, []).append(a)
    if not takers:
        return base
    hidden = {_spelling(row.text) for row in takers}
    lines: dict[str, None] = {}
    for raw in (r for word in {first_word(row.text) for row in takers} for r in base._rows_of(word) if _spelling(r.alias) in hidden):
        row = _parse(raw)
        if row not in takers:  # another bearer
            lines[raw.line] = None
        for a in takers.get(row, ()):
            since, until = _shared(row, a)
            if a.short or " " in row.text:
                cells = (row.text, a.actor, row.kind, since, until if until != "9" else "", raw.cells()[5])
                lines[",".join(map(_cell, cells))] = None
    return Lexicon(sorted(lines, key=first_word), base._source, base=base, hidden=hidden)


def _shared(a: Alias, b: Alias) -> tuple[str, str]:
    """The time that two rows have in common; none, where it ends before it begins."""
    return max(a.since, b.since), min(a.until or "9", b.until or "9", key=lambda d: d + "~")  # 2021 ends after 2021-05


def _of_the_same(person: Alias, base: Lexicon) -> Iterator[Alias]:
    """The rows of `base` under other names of a person whose full name it has; a surname is theirs where its guards and its time allow it."""
    name, words = _spelling(person.text), _parts(person.text)
    full = [a for _, a in base.starting(first_word(person.text)) if a.kind == "person" and a.short and _spelling(a.text) == name]
    for actor in dict.fromkeys(a.actor for a in full):
        terms = [a for a in full if a.actor == actor]
        since, until = min(a.since for a in terms), max(a.until or "9" for a in terms)
        short = _parts(terms[0].short)
        for _, a in (e for word in short for e in (*base.starting(word), *base.short(word))):
            told = [w for w in _parts(a.text) if w not in _STYLES]
            nested = set(told) <= set(words) or set(words) <= set(told)
            if (a.kind, a.actor) == ("person", actor) and short[-1] in told and nested and _spelling(a.text) != name:
                if since <= a.since and (a.until or "9") <= until and a.not_after.isdisjoint(words_of(person.text)):
                    yield a


_STYLES = frozenset("president lord baroness prince sheikh sultan ayatollah mullah".split())


@lru_cache(maxsize=MOST_FORMS)
def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for word in words_of(name) for part in word.lower().split("-"))


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def _parse_all(rows: Iterable[_Raw]) -> list[Alias]:
    """Aliases of all rows. Raises DataError listing every bad one as `source:line: …`."""
    out: list[Alias] = []
    problems: list[str] = []
    for raw in rows:
        try:
            out.append(_alias(raw.cells()))
        except ValueError as e:
            problems.append(f"{raw.source}:{raw.number}: {e}")
    if problems:
        raise DataError(f"{number(len(problems), 'bad row')} in the actor table", "correct these rows", tuple(problems))
    return out


def _parse(raw: _Raw) -> Alias:
    return _parse_all([raw])[0]


def _alias(cells: tuple[str, ...]) -> Alias:
    """The alias of a row, in the order of COLUMNS. Raises ValueError for a bad one."""
    text, actor, kind, since, until, guard = cells[:6]
    kind = kind or "name"
    if len(cells) > 6:
        raise ValueError(f"{text!r} has more cells than the header; quote cells that hold a comma")
    if not words_of(text):
        raise ValueError("empty alias; give the surface form")
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} of {text!r}; {near_or_all(kind, KINDS)}")
    for date in (since, until):
        if date and not (re.fullmatch(r"\d{4}(-\d\d){0,2}", date) and valid_date(date)):
            raise ValueError(f"date {date!r} of {text!r}; write YYYY, YYYY-MM or YYYY-MM-DD")
    if since and until and since[: len(until)] > until[: len(since)]:
        raise ValueError(f"from {since!r} of {text!r} is after to {until!r}; give the earlier date first")
    if not actor and kind != "place":
        raise ValueError(f"no actor for {text!r} of kind {kind!r}; name one, or write kind 'place', which speaks for nobody")
    if ";" in actor:
        raise ValueError(f"actor {actor!r} of {text!r} holds a semicolon, which parts targets in results; call it otherwise")
    told = _guards(guard, text)
    return Alias(
        text, actor, kind, since, until, "case" in told, "title" in told,
        _short_form(text, guard) if kind == "person" else "",
        frozenset(told.get("not-after", _NO_WORDS)), frozenset(told.get("not-before", _NO_WORDS)),
        told.get("needs", ()), told.get("not-with", ()), told.get("office", ()), told.get("no-office", ()),
        "he" if "he" in told else "she" if "she" in told else "", "dated" in told,
    )  # fmt: skip


def _guards(guard: str, text: str) -> dict[str, tuple[str, ...]]:
    """The guards of the alias `text`, with their words: none for one of _FLAGS. Raises ValueError."""
    out: dict[str, tuple[str, ...]] = {}
    for item in guard.split():
        name, _, value = item.partition(":")
        if name not in _GUARDS:
            raise ValueError(f"guard {item!r} of {text!r}; {near_or_all(name, _GUARDS)}")
        if bool(value.strip("|_")) == (name in _FLAGS):
            wanted = "stands alone" if name in _FLAGS else f"wants words: {name}:Seoul"
            raise ValueError(f"guard {item!r} of {text!r}: {name} {wanted}; a blank in a word is written _, several words are parted by |")
        out[name] = tuple(v.replace("_", " ") for v in value.split("|") if v)
    return out


@dataclass(frozen=True, slots=True)
class Clash:
    """Two rows of an alias table that give one alias to two actors at the same time."""

    alias: str
    actors: tuple[str, ...]
    note: str


def clashes(aliases: Sequence[Alias]) -> list[Clash]:
    """Aliases that mean several actors at once and have no guard to tell them apart."""
    by_text: dict[str, list[Alias]] = {}
    for a in aliases:
        by_text.setdefault(" ".join(words_of(a.text)), []).append(a)
    found = []
    for text, rows in by_text.items():
        actors = tuple(sorted({a.actor for a in rows}))
        for i, a in enumerate(rows):
            if any(b.actor != a.actor and _overlap(a, b) and not (_guarded(a) or _guarded(b)) for b in rows[:i]):
                found.append(Clash(text, actors, "same alias, overlapping dates, no guard"))
                break
    return found


def _overlap(a: Alias, b: Alias) -> bool:
    return (a.since or "0") <= (b.until or "9") and (b.since or "0") <= (a.until or "9")


def _guarded(a: Alias) -> bool:
    return bool(a.needs or a.not_with or a.not_after or a.not_before)
