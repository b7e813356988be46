"""A results database as one web page: who takes which stance how often, when, by which outlet, against whom.

Read with plain SQL from the file that `stance classify -o results.sqlite` writes. Every count leads to its sentences. Shares have
95 % bootstrap intervals over articles (Efron 1979), and stand beside shares corrected for the model's known confusion: adjusted
classify-and-count (Forman 2008, Data Mining and Knowledge Discovery 17) for several classes, by least squares under p ≥ 0, Σp = 1.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stance.codebook import NEUTRAL, UNSURE, gloss
from stance.dates import valid_date
from stance.errors import InputError, first_of, near_miss, number
from stance.evaluation import ENOUGH, Floats, resample, tails
from stance.lexicon import default_lexicon
from stance.pages import HUES, glyph, render
from stance.store import DAMAGED, UNWRITABLE, check_version, sqlite_code

CORRECTED = 200  # sentences that a correction needs: of fewer it adds more noise than it takes away (benchmarks/quantification.py)
DRAWS = 400  # bootstrap resamples
ACTORS, PANELS, OUTLETS, TARGETS = 12, 6, 12, 10  # rows shown
_OF_OUTLET = 4  # actors shown of each outlet
PERIODS = 240  # in a chart
LISTED = 20  # actors or outlets that a message names
SENTENCES = 8  # shown behind a number
_HINT = "`stance classify ARTICLE... -o results.sqlite` writes one"
_NONE_LEFT = "No article is left."
EXTREMES = 10  # most certain and most unsure


@dataclass(frozen=True, slots=True)
class Stored:
    """A judgement of the database with its sentence and article. `best` holds the most probable label by head."""

    article: int
    title: str
    date: str
    source: str
    number: int
    text: str
    actor: str
    target: tuple[str, ...]
    labels: dict[str, str]
    best: dict[str, str]
    p: float


@dataclass(slots=True)
class Results:
    """What a results database holds of one run and those like it; `articles` are the ids of all that were classified, also without
    a judgement. `runs` is how many runs the database holds in all, `neutral` the neutral label by head, `keys` the id and hash of the text by
    article, `read` how many articles there are, of whatever date, and `dates` the first and the last of these; `sources` the outlets of the run,
    `actors` those of the judgements, or all of the run where one of whom was asked has none; `chosen` says what was asked for.
    """

    heads: dict[str, list[str]]
    run: dict[str, Any]
    manifest: dict[str, Any]
    judgements: list[Stored]
    articles: list[int]
    skipped: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    runs: int = 1
    neutral: dict[str, str] = field(default_factory=dict)
    keys: dict[int, tuple[str, str]] = field(default_factory=dict)
    read: int = 0
    sources: list[str] = field(default_factory=list)
    actors: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    chosen: str = ""


# --------------------------------------------------------------------------- reading


def read_results(
    path: str | Path | Sequence[str | Path], *, run: int = 0, head: str = "", actors: Sequence[str] = (), sources: Sequence[str] = (),
    since: str = "", until: str = "",
) -> Results:  # fmt: skip
    """Judgements of a results database, or of several with the same model, settings and alias table, in which an article counts once.

    Of these actors, sources (outlets) and dates (ISO, inclusive) if given; of `run` (its id; 0: the last one), and of those with the same model,
    settings and alias table. `head` comes first among the heads, which is the one reported; else the model's first does.
    Dates without a judgement, as of a quiet day, give results without one, and a note of the dates that are there.
    Raises InputError when a file is missing, is no results database, is of a newer format, has no such run or head, or they have nothing to show.
    """
    asked = _Asked(run, head, actors, sources, since, until)
    paths = [Path(p) for p in ([path] if isinstance(path, (str, Path)) else path)]
    if run and len(paths) > 1:
        raise InputError(f"run {run} of {number(len(paths), 'database')}", "name one database, or leave the run out: the last of each is reported")
    out = _merged([(p, _opened(p, asked)) for p in paths])
    out.chosen = asked.told()
    name = ", ".join(map(str, paths))
    _check_there(name, "no article of", "sources", sources, out.sources)
    _check_there(name, "no judgement of", "actors", actors, out.actors)
    if not out.judgements:
        why = _not_dated_so(out, asked)
        if not (why and out.dates):
            raise _nothing(name, out, asked, why)
        out.notes = [*(n for n in out.notes if n != _NONE_LEFT), f"{why[0].upper()}{why[1:]}; those there are of {out.dates[0]} to {out.dates[-1]}."]
    return out


def _check_there(name: str, lacks: str, what: str, wanted: Sequence[str], there: Sequence[str]) -> None:
    if unknown := [x for x in wanted if x not in there]:
        told = first_of(there, LISTED) or "none"
        here = default_lexicon().called(unknown[:1]).get(unknown[0]) if what == "actors" else None
        hint = f"it is called {here!r} here" if here in there else near_miss(unknown[0], there)
        raise InputError(f"{name}: {lacks} {', '.join(map(repr, unknown))}; {what} there: {told}", hint)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be read of each database, as of `read_results`."""

    run: int
    head: str
    actors: Sequence[str]
    sources: Sequence[str]
    since: str
    until: str

    def told(self) -> str:
        """What is chosen, in words; '' where all is."""
        span = [f"from {self.since}"] * bool(self.since) + [f"to {self.until}"] * bool(self.until)
        return "; ".join(filter(None, (" or ".join(self.actors), " or ".join(self.sources), " ".join(span))))

    def takes(self, date: str) -> bool:
        """Whether an article of this date is asked for; `2018` is from 2018-03 on, and until 2018-03 too."""
        early = self.since and (not date or date < self.since[: len(date)])
        late = self.until and (not date or date[: len(self.until)] > self.until)
        return not early and not late


def _opened(path: Path, asked: _Asked) -> Results:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file", _HINT)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return _read(db, path, asked)
    except sqlite3.Error as e:
        told, hint = "is no results database", _HINT
        if sqlite_code(e) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            told, hint = "in use by another program", "run the command again when that is done"
        elif sqlite_code(e) == sqlite3.SQLITE_CORRUPT:
            told, hint = "damaged or cut off", DAMAGED
        elif sqlite_code(e) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL):
            told, hint = "cannot be read or sorted", "SQLite sorts in /tmp or where SQLITE_TMPDIR says: make room there, or see to the disk"
        elif sqlite_code(e) in UNWRITABLE:
            told = "left by a run that has not finished, and only read where its folder can be written to"
            hint = f"copy it, with {path.name}-wal if that is there, into a folder that can be written to"
        raise InputError(f"{path}: {told}: {e}", hint) from e
    except (LookupError, AttributeError, TypeError, ValueError) as e:  # a column that is not there, JSON that is none or of another shape
        raise InputError(f"{path}: is no results database, or was edited: {type(e).__name__} {e}", _HINT) from e


def _read(db: sqlite3.Connection, path: Path, asked: _Asked) -> Results:
    columns = {t: [r["name"] for r in db.execute(f"PRAGMA table_info({t})")] for t in ("run", "article", "sentence", "judgement")}
    check_version(db, path)
    if lacking := [t for t, names in columns.items() if not names]:
        raise InputError(f"{path}: is no results database: no table {', '.join(lacking)}", _HINT)
    runs = [dict(r) for r in db.execute("SELECT * FROM run ORDER BY id")]
    run = _chosen(runs, path, asked.run)
    manifest = json.loads(run["manifest"])
    heads = {h["name"]: list(h["labels"]) for h in manifest["heads"]}  # in order; a file's report is sorted by name
    if asked.head and asked.head not in heads:
        hint = near_miss(asked.head, tuple(heads)) or "give one of these"
        raise InputError(f"{path}: no head {asked.head!r}; heads there: {', '.join(heads)}", hint)
    heads = {h: heads[h] for h in sorted(heads, key=lambda h: h != asked.head)}
    like = _like(run)
    same = {r["id"] for r in runs if _like(r) == like}
    rows = [{**r, "date": valid_date(r["date"])} for r in db.execute("SELECT * FROM article ORDER BY run_id, position")]
    outlets = {r["source"] for r in rows if r["run_id"] in same}
    newest = _newest([r for r in rows if r["run_id"] in same])
    if asked.sources:  # of an input that could not be read nobody knows the source, nor the date
        rows = [r for r in rows if r["source"] in asked.sources or r["skipped"] and not r["source"]]
        of_these = {r["id"] for r in rows}
        newest = {k: r for k, r in newest.items() if r["id"] in of_these}
    kept = {r["id"]: r for r in newest.values() if asked.takes(r["date"]) or r["skipped"] and not r["date"]}
    out = Results(heads, run, manifest, [], [i for i, r in kept.items() if not r["skipped"]], [])
    out.skipped = [(r["key"] or r["input"], r["skipped"]) for r in kept.values() if r["skipped"]]
    out.runs, out.sources = len(runs), sorted(outlets - {""})
    out.neutral = dict.fromkeys(heads, NEUTRAL) | {h["name"]: h["neutral"] for h in manifest["heads"] if "neutral" in h}
    out.notes = [*_left_out(runs, run, rows, newest, same)]
    if (asked.since or asked.until) and (undated := sum(not r["date"] and not r["skipped"] for r in newest.values())):
        out.notes.append(f"Left out: {number(undated, 'article')} without a date.")
    if any(not r["finished"] for r in runs if r["id"] in same):
        out.notes.append("The run was not finished: articles are missing. The command that began it goes on with it.")
    out.notes += [] if kept else [_NONE_LEFT]
    among, values = "a.id IN (SELECT value FROM json_each(?))", [json.dumps(out.articles)]
    if asked.actors:
        among, values = f"{among} AND j.actor IN (SELECT value FROM json_each(?))", [*values, json.dumps([*asked.actors])]
    query = f"SELECT j.*, s.article_id, s.number, s.text {_JUDGED} {among} ORDER BY a.position, s.number, j.id"
    alike: dict[Any, Any] = {}
    out.judgements = [_stored(dict(r), kept[r["article_id"]], heads, path, alike) for r in db.execute(query, values)]
    out.actors = sorted({j.actor for j in out.judgements})
    if not {*asked.actors} <= {*out.actors}:
        whose = f"SELECT DISTINCT j.actor {_JUDGED} a.run_id IN (SELECT value FROM json_each(?)) ORDER BY j.actor"
        out.actors = [r["actor"] for r in db.execute(whose, (json.dumps([*same]),))]
    out.keys, out.read = {i: (kept[i]["key"], kept[i]["sha256"]) for i in out.articles}, len(newest)
    out.dates = _ends(r["date"] for r in newest.values() if r["date"])
    return out


_JUDGED = "FROM judgement j JOIN sentence s ON s.id = j.sentence_id JOIN article a ON a.id = s.article_id WHERE"


def _ends(dates: Iterable[str]) -> list[str]:
    """The first and the last date; [] of none."""
    known = sorted(dates)
    return known[:1] + known[-1:]


def _chosen(runs: Sequence[dict[str, Any]], path: Path, number: int) -> dict[str, Any]:
    """The run of this number, the last for 0. Raises InputError where there is none."""
    if not runs:
        raise InputError(f"{path}: holds no run", "`stance classify ARTICLE... -o results.sqlite` fills it")
    run = next((r for r in runs if r["id"] == number), None) if number else runs[-1]
    if run is None:
        told = "\n".join(f"  {r['id']}: begun {r['started']}, model {r['model_name']} {r['model']}, {r['settings']}" for r in runs)
        raise InputError(f"{path}: holds no run {number}; there are\n{told}", "give the number of one of these")
    return run


def _newest(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    """The rows of articles by input, key and hash: one read twice counts once, and one skipped only if no later run has read its input."""
    last = {r["input"]: r["run_id"] for r in rows if r["input"]}
    now = (r for r in rows if not r["skipped"] or last.get(r["input"], r["run_id"]) == r["run_id"])
    return {(r["input"], r["key"], r["sha256"]): r for r in now}


def _merged(parts: Sequence[tuple[Path, Results]]) -> Results:
    """The results of several databases as of one; an article of an earlier one, by id and text, is left out. Raises InputError for other models."""
    (path, out), *others = parts
    if not others:
        return out
    if odd := [p for p, part in others if _like(part.run) != _like(out.run)]:
        told = "\n".join(f"  {p}: model {r.run['model_name']} {r.run['model']}, alias table {r.run['lexicon']}, {_like(r.run)[2]}" for p, r in parts)
        raise InputError(f"{odd[0]}: classified with another model, alias table or setting than {path}:\n{told}", "report each on its own")
    out.notes = [f"{p}: {n}" for p, part in parts for n in part.notes]
    out.notes += [f"{p}: Of its {part.runs} runs the last is reported, with those like it." for p, part in parts if part.runs > 1]
    seen, again, out.runs = {*out.keys.values()}, 0, 1
    for _, part in others:
        base = max(out.articles, default=0)
        new = {i: base + i for i in part.articles if part.keys[i] not in seen}
        again += len(part.articles) - len(new)
        seen |= {*part.keys.values()}
        out.articles += new.values()
        out.judgements += [replace(j, article=new[j.article]) for j in part.judgements if j.article in new]
        out.read += part.read
        out.sources, out.actors = sorted({*out.sources, *part.sources}), sorted({*out.actors, *part.actors})
        out.dates = _ends((*out.dates, *part.dates))
    out.skipped = list(dict.fromkeys(s for _, part in parts for s in part.skipped))
    ends = [part.run["finished"] for _, part in parts]
    out.run |= {"started": min(part.run["started"] for _, part in parts), "finished": max(ends) if all(ends) else None}
    if again:
        out.notes.append(f"Counted once: {number(again, 'article')} in more than one database.")
    return out


def _not_dated_so(found: Results, asked: _Asked) -> str:
    """That no judgement is of the dates asked for; '' where these leave no article out."""
    if len(found.articles) + len(found.skipped) >= found.read:
        return ""
    of = f" of {' or '.join(asked.actors)}" if asked.actors else ""
    there = f"{len(found.articles)} of {number(found.read - len(found.skipped), 'article')} dated so"
    return f"no judgement{of} to report from {asked.since or '…'} to {asked.until or '…'}: {there}"


def _nothing(path: str, found: Results, asked: _Asked, why: str) -> InputError:
    """Why there is nothing to report: no article has a date (`why` the dates leave all out), or a run that holds no article, none that could be read,
    or no actor in any."""
    told = "".join(f"\n  {n}" for n in found.notes if n != _NONE_LEFT)
    if why:
        return InputError(f"{path}: {why}{told}", "none has a date: `stance classify --column date=NAME` says where it stands")
    if not found.read:
        why, hint = "holds no article", "`stance classify ARTICLE... -o results.sqlite` fills it, with --append where the input is another"
    elif not found.articles:
        why = f"could read none of its {number(found.read, 'input')}; {': '.join(found.skipped[0])}"
        hint = "mend them and run it again"
    else:
        who = " or ".join(asked.actors or json.loads(found.run["settings"]).get("actors", ())) or "an actor"
        why = f"found no sentence with {who} in {number(len(found.articles), 'article')}"
        hint = "`stance actors TEXT` shows who is found in a text, `stance classify --actors FILE` adds names"
        if asked.actors:  # who is in other articles of the run
            hint = "choose another --source, or leave it out"
    return InputError(f"{path}: no judgement to report: run {found.run['id']}, of {found.run['started']}, {why}{told}", hint)


def _like(run: dict[str, Any]) -> tuple[str, ...]:
    """What two runs share whose judgements may be counted together: anything but what was read."""
    settings = {k: v for k, v in json.loads(run["settings"]).items() if k not in ("inputs", "text_column", "columns", "date")}
    return run["model"], run["lexicon"], json.dumps(settings, sort_keys=True)


def _left_out(
    runs: Sequence[dict[str, Any]], run: dict[str, Any], rows: Sequence[dict[str, Any]], newest: dict[Any, dict[str, Any]], same: set[int]
) -> Iterator[str]:
    """What to say of articles that other runs alone hold."""
    model = {r["id"]: r["model"] for r in runs}
    classified = ((r, (r["input"], r["key"], r["sha256"])) for r in rows if r["run_id"] not in same and not r["skipped"])
    left = {(model[r["run_id"]] == run["model"], key) for r, key in classified if key not in newest}
    others = Counter(of_this_model for of_this_model, _ in left)
    if others[False]:
        yield f"Left out: {number(others[False], 'article')} classified with another model."
    if others[True]:
        yield f"Left out: {number(others[True], 'article')} classified with other settings (--actor, --min-confidence) or aliases."


def _stored(r: dict[str, Any], article: dict[str, Any], heads: dict[str, list[str]], path: Path, alike: dict[Any, Any]) -> Stored:
    """A row as a judgement; what many of them share (`alike`) is held once."""
    probs = {h: _probabilities(r, h, path) for h in heads}
    main = next(iter(heads))
    labels, best = {h: r[h] for h in heads}, {h: max(p, key=p.__getitem__) for h, p in probs.items()}
    text, actor, target = (alike.setdefault(x, x) for x in (r["text"], r["actor"], tuple(x for x in r["target"].split(";") if x)))
    labels, best = (alike.setdefault((*x.items(),), x) for x in (labels, best))
    return Stored(
        article["id"], article["title"] or article["key"], article["date"], article["source"], r["number"], text, actor, target,
        labels, best, max(probs[main].values()),
    )  # fmt: skip


def _probabilities(r: dict[str, Any], head: str, path: Path) -> dict[str, float]:
    """The probability of each label. Raises InputError for a cell that holds no such thing."""
    try:
        found = json.loads(r[f"{head}_probs"])
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, dict) or not found or not all(isinstance(p, (int, float)) for p in found.values()):
        raise InputError(
            f"{path}: judgement {r['id']}: {head}_probs is {r[f'{head}_probs']!r:.60}, not the probabilities of labels as JSON",
            "was it edited? restore that cell, or delete the row",
        )
    return found


# --------------------------------------------------------------------------- numbers


class Corrector(Protocol):
    """Shares as said to corrected ones; with a generator by a confusion drawn anew."""

    def __call__(self, q: Floats, *, rng: np.random.Generator | None = None) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval, 0 to 1; `low` and `high` are None of fewer than ENOUGH articles."""

    value: float
    low: float | None
    high: float | None


def shares(groups: Sequence[int], labels: Sequence[int], n: int, *, correct: Corrector | None = None) -> list[Share]:
    """The share of each of `n` labels among judgements, `groups[i]` being the article of judgement i.

    Intervals are bootstrap percentiles over articles (`evaluation.tails`); of a share that is 0 or 1 in every resample, which tells nothing of what
    was not drawn, the one-sided bound of the rule of three (Hanley & Lippman-Hand 1983, JAMA 249). `correct` (`corrector`) maps a vector of shares
    to corrected ones; each resample is corrected by a confusion drawn anew, so that the interval holds the error of both.
    """
    articles, where = np.unique(np.array(groups), return_inverse=True)
    table = np.zeros((len(articles), n))
    np.add.at(table, (where, np.array(labels)), 1)
    point = _normal(table.sum(0))
    point = correct(point) if correct else point
    if len(articles) < ENOUGH:
        return [Share(float(v), None, None) for v in point]
    rng = np.random.default_rng(1)  # not that of `resample`
    drawn = np.array([correct(d, rng=rng) if correct else d for d in map(_normal, resample(table, draws=DRAWS))])
    low, high = np.percentile(drawn, tails(len(articles)), axis=0)
    bound = 0.05 ** (1 / len(articles))
    high = np.where(drawn.max(0) < 1e-9, 1 - bound, high)
    low = np.where(drawn.min(0) > 1 - 1e-9, bound, low)
    return [Share(float(v), float(a), float(b)) for v, a, b in zip(point, low, high, strict=True)]


def _normal(counts: Floats) -> Floats:
    out: Floats = counts / max(1.0, float(counts.sum()))
    return out


def corrector(manifest: dict[str, Any], head: str, labels: Sequence[str]) -> Corrector | None:
    """Adjusted classify-and-count by the confusion of the model's cross-validation; None where the manifest has none for these labels.

    With C[i, j] = P(said j | true i), the shares said are q = Cᵀp; p is the least-squares solution with p ≥ 0 and Σp = 1.
    Given a generator, C is that of as many pairs of each true label drawn anew.
    """
    from scipy.optimize import nnls

    report = manifest.get("report", {}).get(head)
    if not report or list(report["labels"]) != list(labels):
        return None
    table = np.array(report["confusion"], float)
    if not (table.sum(1) > 0).all():
        return None
    many = table.sum(1, keepdims=True)
    rates = table / many
    whole = 100.0  # weight of the row that makes the shares sum to one

    def correct(q: Floats, rng: np.random.Generator | None = None) -> Floats:
        of = rng.multinomial(many[:, 0].astype(int), rates) / many if rng else rates
        system = np.vstack([of.T, np.full(len(labels), whole)])
        return _normal(nnls(system, np.append(q, whole))[0])

    return correct


def period(date: str, by: str) -> str:
    """The year (`2024`), the month (`2024-03`) or the Monday of the week (`2024-03-04`) of an ISO date; '' where it is not known that closely."""
    if by == "year":
        return date[:4]
    if by == "month":
        return date[:7] if len(date) >= 7 else ""
    if len(date) < 10:
        return ""
    day = datetime.date.fromisoformat(date[:10])
    return (day - datetime.timedelta(days=day.weekday())).isoformat()


def periods(seen: Iterable[str], by: str) -> list[str]:
    """All periods from the first to the last seen, those without an article too, PERIODS at most (the latest).

    Where there would be more, one in a hundred at either end is dropped first: some dates are misprints.
    """
    known = sorted(x for x in seen if x)
    if known and (int(known[-1][:4]) - int(known[0][:4])) * {"week": 52, "month": 12, "year": 1}[by] > PERIODS:
        known = known[len(known) // 100 : len(known) - len(known) // 100]
    if not known:
        return []
    out = [known[-1]]
    while out[-1] > known[0] and len(out) < PERIODS:
        first_day = datetime.date.fromisoformat((out[-1] + "-01-01")[:10])
        out.append(period((first_day - datetime.timedelta(days=1)).isoformat(), by))
    return out[::-1]


# --------------------------------------------------------------------------- page


class _Drill:
    """The sentences behind each number, by anchor."""

    def __init__(self) -> None:
        self.lists: list[dict[str, Any]] = []

    def cell(self, title: str, found: Sequence[Stored], back: str) -> dict[str, Any]:
        """A count with the anchor of its sentences ('' for none)."""
        if not found:
            return {"n": 0, "anchor": "", "title": title}
        anchor = f"d{len(self.lists)}"
        shown = sorted(found, key=lambda j: -j.p)[:SENTENCES]
        self.lists.append({"anchor": anchor, "title": title, "n": len(found), "shown": shown, "back": back})
        return {"n": len(found), "anchor": anchor, "title": title}


def report_page(results: Results, *, by: str = "month", name: str = "") -> Iterator[str]:
    """The page, in pieces. `by` is `week`, `month` or `year`; `name` says what was read."""
    main = next(iter(results.heads))
    js = results.judgements
    none = results.neutral[main]
    labels = _labels(results, main)
    drill = _Drill()
    taken = [j for j in js if j.best[main] != none]
    often = [a for a, _ in Counter(j.actor for j in taken).most_common()]
    often += [a for a, _ in Counter(j.actor for j in js).most_common() if a not in often]
    top = often[:ACTORS]
    said = {j.labels[main] for j in js}
    shown = [*labels, *sorted(filter(None, said - {*labels, UNSURE})), *([UNSURE] if UNSURE in said else [])]  # the middle: edited ones
    counts = []
    for i, a in enumerate(top):
        mine = [j for j in js if j.actor == a]
        cells = [drill.cell(f"{a}, {x}", [j for j in mine if j.labels[main] == x], "counts") for x in shown]
        counts.append({"name": a, "hue": min(i, HUES), "cells": cells})
    yield from render(
        "corpus", name=name, run=results.run, results=results, main=main, by=by, glyphs={x: glyph(x, neutral=none) for x in [*shown, *labels]},
        glosses={x: gloss(main, x) for x in labels}, shown=shown, counts=counts, left=len(often) - len(top), labels=labels,
        dates=sorted({j.date for j in js if j.date}), shares=_share_rows(results, main, labels, top), panels=_panels(results, by, top[:PANELS]),
        outlets=_outlets(js, main, shown, drill, none), compared=_compared(js, main, labels, drill), matrix=_matrix(taken, main, drill),
        surest=sorted(taken, key=lambda j: -j.p)[:EXTREMES], unsurest=sorted(js, key=lambda j: j.p)[:EXTREMES],
        unsure=sum(j.labels[main] == UNSURE for j in js) / max(1, len(js)), within=len({j.article for j in js}),
        enough=ENOUGH, many=CORRECTED, drill=drill.lists,
        corrects=corrector(results.manifest, main, labels) is not None,
        scores=[(h, part, r) for part, key in (("cross-validation", "report"), ("held-out articles", "held_out"))
                for h in results.heads if (r := results.manifest.get(key, {}).get(h))],
    )  # fmt: skip


def _labels(results: Results, head: str) -> list[str]:
    """The head's labels: the model's, then any others that occur."""
    seen = {j.best[head] for j in results.judgements}
    return [*results.heads[head], *sorted(seen - set(results.heads[head]))]


def _share_rows(results: Results, head: str, labels: Sequence[str], actors: Sequence[str]) -> list[dict[str, Any]]:
    correct = corrector(results.manifest, head, labels)
    out = []
    for i, actor in enumerate(["all actors", *actors] if len(actors) > 1 else actors, len(actors) == 1):
        mine = [j for j in results.judgements if not i or j.actor == actor]
        said = [j.article for j in mine], [labels.index(j.best[head]) for j in mine]
        enough = len(mine) >= CORRECTED and len({j.article for j in mine}) >= ENOUGH
        fixed = shares(*said, len(labels), correct=correct) if correct and enough else None
        out.append({"name": actor, "hue": min(i - 1, HUES), "n": len(mine), "raw": shares(*said, len(labels)), "corrected": fixed})
    return out


@dataclass(frozen=True, slots=True)
class Panel:
    """One small chart: the share of a label by period, as SVG points in a box of WIDTH × HEIGHT."""

    label: str
    line: tuple[str, ...]
    band: tuple[str, ...]
    points: tuple[tuple[str, str, str], ...]
    told: str


WIDTH, HEIGHT = 120, 52


def _panels(results: Results, by: str, actors: Sequence[str]) -> list[dict[str, Any]]:
    """For each head a row of small charts an actor, of every label but the neutral one, on one scale."""
    when = [period(j.date, by) for j in results.judgements]
    times = periods(when, by)
    outside = sum(n for t, n in Counter(when).items() if t not in times)
    out = []
    for head in results.heads if len(times) > 1 else ():
        labels = _labels(results, head)
        rows = {a: _over_time([j for j in results.judgements if j.actor == a], head, labels, times, by) for a in actors}
        sure = any(v and v[1][0].low is not None for row in rows.values() for v in row)
        if sure:  # periods of few articles swing from 0 to 100 %: they are left out where there are others
            rows = {a: [v if v and v[1][0].low is not None else None for v in row] for a, row in rows.items()}
        wanted = [k for k, x in enumerate(labels) if x != results.neutral[head]]
        most = max((s.value for row in rows.values() for per in row if per for k, s in enumerate(per[1]) if k in wanted), default=0) or 1
        top = min(1.0, np.ceil(most * 10) / 10)
        panels = [{"name": a, "hue": min(i, HUES), "charts": [_chart(a, labels[k], [(p[0], p[1][k]) if p else None for p in rows[a]], times, top)
                   for k in wanted]} for i, a in enumerate(actors)]  # fmt: skip
        out.append({"head": head, "labels": [labels[k] for k in wanted], "rows": panels, "top": top, "times": times, "outside": outside, "sure": sure,
                    "radius": 2.2 if len(times) <= 24 else 1.2})  # fmt: skip
    return out


def _over_time(
    mine: Sequence[Stored], head: str, labels: Sequence[str], times: Sequence[str], by: str
) -> list[tuple[int, list[Share]] | None]:  # fmt: skip
    """(judgements, shares) by period, None for a period without any."""
    by_time: dict[str, list[Stored]] = {}
    for j in mine:
        by_time.setdefault(period(j.date, by), []).append(j)
    return [
        (len(js), shares([j.article for j in js], [labels.index(j.best[head]) for j in js], len(labels))) if (js := by_time.get(t)) else None
        for t in times
    ]


def _chart(actor: str, label: str, values: Sequence[tuple[int, Share] | None], times: Sequence[str], top: float) -> Panel:
    step = WIDTH / max(1, len(times) - 1)

    def y(share: float) -> float:
        return HEIGHT - min(1.0, share / top) * HEIGHT

    runs: list[list[int]] = []
    for i, v in enumerate(values):
        if v and (not i or not values[i - 1] or not runs):
            runs.append([])
        if v:
            runs[-1].append(i)
    at = {i: (i * step, v[1]) for i, v in enumerate(values) if v}
    line = tuple(" ".join(f"{at[i][0]:.1f},{y(at[i][1].value):.1f}" for i in run) for run in runs)
    wide = [[i for i in run if at[i][1].low is not None] for run in runs]
    band = tuple(
        " ".join(f"{at[i][0]:.1f},{y(at[i][1].high or 0):.1f}" for i in run) + " "
        + " ".join(f"{at[i][0]:.1f},{y(at[i][1].low or 0):.1f}" for i in reversed(run))
        for run in wide if len(run) > 1
    )  # fmt: skip
    said = {i: f"{times[i]}: {100 * v[1].value:.0f} % of {v[0]}{_range(v[1])}" for i, v in enumerate(values) if v}
    points = tuple((f"{at[i][0]:.1f}", f"{y(at[i][1].value):.1f}", told) for i, told in said.items())
    return Panel(label, line, band, points, f"{actor}, {label}. " + "; ".join(said.values()))


def _range(s: Share) -> str:
    return "" if s.low is None or s.high is None else f" ({100 * s.low:.0f}–{100 * s.high:.0f})"


def _outlets(js: Sequence[Stored], main: str, labels: Sequence[str], drill: _Drill, neutral: str) -> list[dict[str, Any]]:
    """Each outlet with the actors it most often has take a stance, and the stances."""
    out = []
    for source, _ in Counter(j.source for j in js if j.source).most_common(OUTLETS):
        here = [j for j in js if j.source == source]
        rows = []
        for actor, _ in Counter(j.actor for j in here if j.best[main] != neutral).most_common(_OF_OUTLET):
            mine = [j for j in here if j.actor == actor]
            cells = [drill.cell(f"{source}: {actor}, {x}", [j for j in mine if j.labels[main] == x], "outlets") for x in labels]
            rows.append({"name": actor, "cells": cells})
        out.append({"source": source, "articles": len({j.article for j in here}), "rows": rows})
    return out


def _compared(js: Sequence[Stored], main: str, labels: Sequence[str], drill: _Drill) -> dict[str, Any]:
    """How each outlet shows the one actor there is: shares of labels, outlets with most sentences first; {} for several actors or one outlet."""
    sources = Counter(j.source for j in js if j.source)
    if len(sources) < 2 or len({j.actor for j in js}) > 1:
        return {}
    rows = []
    for source in ("", *(s for s, _ in sources.most_common(OUTLETS))):
        mine = [j for j in js if (j.source == source if source else j.source)]
        title = f"{source or 'all outlets'}: {js[0].actor}"
        said = shares([j.article for j in mine], [labels.index(j.best[main]) for j in mine], len(labels))
        cells = [drill.cell(f"{title}, {x}", [j for j in mine if j.best[main] == x], "outlets") for x in labels]
        rows.append({"source": source, "articles": len({j.article for j in mine}), "all": drill.cell(title, mine, "outlets"),
                     "cells": [{**c, "share": s} for c, s in zip(cells, said, strict=True)]})  # fmt: skip
    return {"actor": js[0].actor, "rows": rows, "left": len(sources) - len(rows) + 1}


def _matrix(taken: Sequence[Stored], main: str, drill: _Drill) -> dict[str, Any]:
    """Who takes a stance towards whom, the most frequent holders and targets; of judgements that are not neutral."""
    aimed: dict[tuple[str, str], list[Stored]] = {}
    for j in taken:
        for t in j.target:
            aimed.setdefault((j.actor, t), []).append(j)
    ends = [Counter[str](), Counter[str]()]
    for pair, found in aimed.items():
        for k in (0, 1):
            ends[k][pair[k]] += len(found)
    holders, targets = ([a for a, _ in c.most_common(TARGETS)] for c in ends)
    most = max(map(len, aimed.values()), default=1)
    rows = []
    for h in holders:
        cells = []
        for t in targets:
            found = aimed.get((h, t), [])
            kinds = ", ".join(f"{x} {n}" for x, n in Counter(j.best[main] for j in found).most_common(3))
            cells.append({**drill.cell(f"{h} → {t}", found, "matrix"), "kinds": kinds, "fill": round(60 * len(found) / most)})
        rows.append({"name": h, "cells": cells})
    return {"targets": targets, "rows": rows, "left": len(ends[0]) + len(ends[1]) - len(holders) - len(targets)}
