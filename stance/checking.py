"""What is wrong, odd or doubtful in labelled data, before a model is trained on it.

Errors are what `read_dataset` and `train` refuse. Warnings are the rules of this module, each a function
from a data set to findings. Suspects are labels that out-of-fold predictions contradict.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice

import numpy as np

from stance.codebook import NEUTRAL
from stance.dataset import (
    COLUMNS,
    COUNTED,
    Dataset,
    Paths,
    Row,
    Table,
    absent_actors,
    article_of,
    located,
    normalise,
    other_contexts,
    read_table,
    shared_ids,
    unknown_actors,
)
from stance.errors import DataError, nearest, number
from stance.evaluation import Floats, Ints
from stance.lexicon import Lexicon, default_lexicon
from stance.text import foreign
from stance.training import OutOfFold, check_trainable, number_of_folds

NEAR = 0.8  # Jaccard similarity of the sets of words from which on two sentences are near-duplicates
_SHARED = NEAR / (1 + NEAR) - 1e-9  # so much of the words of both, counted together, two such sets have in common at least
_LEAST_WORDS = 8  # fewer different words make too little of a sentence to be a near-duplicate
_LEAST_LETTERS = 40  # shorter sentences ("He did not reply.") stand in many articles by chance
_MARKUP = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>|&(?:[a-z]{2,}|#x?[0-9a-f]+);|\[\[|\{\{|\]\(https?:", re.I)
_MOJIBAKE = re.compile("\ufffd|Ã[\x80-\xbf\u0152-\u0178\u2013-\u2122]|â€|Â[\xa0-\xbf]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. `level` is error, warning or suspect; `place` is `file:line`, or empty for the data as a whole.

    `kind` names the rule; `score` of a suspect is how far the prediction leads the label in probability, 0 to 1.
    """

    place: str
    level: str
    kind: str
    reason: str
    score: float | None = None

    @property
    def line(self) -> str:
        """`level: file:line: reason`, for a person."""
        return f"{self.level}: {self.place}: {self.reason}" if self.place else f"{self.level}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Checked:
    """Findings in file order, the data (None when it could not be read) and the error that training would raise."""

    findings: tuple[Finding, ...]
    data: Dataset | None = None
    failure: DataError | None = None


def check(
    paths: Paths, *, heads: Sequence[str] = (), lexicon: Lexicon | None = None, folds: int = 5,
    columns: Mapping[str, str] | None = None, neutral: Mapping[str, str] | None = None, order: Mapping[str, Sequence[str]] | None = None,
    group_by: str = "",
) -> Checked:  # fmt: skip
    """Everything but the suspects; `paths` and options as of `read_dataset`. Raises InputError for files that cannot be read at all."""
    try:
        table = read_table(paths, heads=heads, columns=columns, neutral=neutral, order=order, group_by=group_by)
        data = located(table, lexicon=lexicon)
    except DataError as e:
        e.shown = len(e.problems)
        return Checked(tuple(_errors(e)), None, e)
    found = [*_columns(table), *_notes(table), *_contexts(table.rows), *examine(data)]
    failure = None
    try:
        check_trainable(data)
        found += _rare_classes(data, folds)
    except DataError as e:
        failure, e.shown = e, len(e.problems)
        found += _errors(e)
    return Checked(tuple(_in_order(found, table)), data, failure)


def _in_order(findings: Iterable[Finding], table: Table) -> list[Finding]:
    """By file, as given, and line; what concerns the whole data first."""
    files = {f.file: i for i, f in enumerate(table.files)}

    def place(f: Finding) -> tuple[int, int]:
        file, _, line = f.place.rpartition(":")
        return files.get(file, -1), int(line or 0)

    return sorted(findings, key=place)


def examine(data: Dataset) -> list[Finding]:
    """Warnings about the rows of a data set, one rule after the other."""
    rules = (_odd_text, _languages, _neutral_tones, _cut_words, _absent, _article_ids, _repeats, _contradictions)
    return [f for rule in rules for f in rule(data)]


def finding_lines(findings: Iterable[Finding], *, jsonl: bool = False) -> Iterator[str]:
    """Findings for a person, or as one JSON object a line."""
    for f in findings:
        yield json.dumps(asdict(f), ensure_ascii=False) if jsonl else f.line


def _warn(row: Row, kind: str, reason: str) -> Finding:
    return Finding(row.place, "warning", kind, reason)


def _parsed(text: str, level: str, kind: str) -> Finding:
    place = re.match(r"(.+?:\d+): ", text)
    return Finding(place[1], level, kind, text[place.end() :]) if place else Finding("", level, kind, text)


def _errors(e: DataError) -> list[Finding]:
    return [_parsed(p, "error", "data") for p in e.problems or (e.message,)]


def _notes(table: Table) -> list[Finding]:
    """What reading the files said; what locating the actors did is said of each row below."""
    return [_parsed(said, "warning", kind) for kind, said in table.notes]


# --------------------------------------------------------------------------- columns and classes


def _columns(table: Table) -> Iterator[Finding]:
    """Columns that are not read, but whose name is close to one that would be."""
    read = ("", *COLUMNS, *(h.name.lower() for h in table.heads), table.group_by.strip().lower())
    for f in table.files:
        wanted = [c for c in COLUMNS if c not in f.columns]
        for name in f.columns:
            if name not in read and (close := nearest(re.sub(r"[\s-]", "_", name), wanted, cutoff=0.8)):
                yield Finding(f.place, "warning", "column", f"column {name!r} is not read; did you mean {close!r}?")


def _rare_classes(data: Dataset, folds: int) -> Iterator[Finding]:
    few = "groups" if data.group_by else "articles"
    for head in data.heads:
        y = data.labels[head.name]
        count = Counter(label for label, _ in set(zip(y, data.groups, strict=True)))  # groups by label
        used = number_of_folds(y, data.groups, folds)
        for label in head.labels:
            if 0 < (n := count[label]) < folds:
                reason = f"class {label!r} of {head.name!r} is in {n} {few}, {folds} folds need {folds}; cross-validation will make {used}"
                yield Finding("", "warning", "rare-class", reason)


# --------------------------------------------------------------------------- single rows


def _sentences(data: Dataset) -> list[Row]:
    """The first row of every sentence of every article."""
    return list({(r.article_id, r.sentence_id, r.text): r for r in reversed(data.rows)}.values())[::-1]


def _odd_text(data: Dataset) -> Iterator[Finding]:
    for r in _sentences(data):
        if hit := _MARKUP.search(r.text):
            yield _warn(r, "mark-up", f"mark-up in the text ({hit.group()!r}); give plain text")
        if hit := _MOJIBAKE.search(r.text):
            reason = f"garbled characters ({hit.group()!r}): the file was once read in the wrong encoding; export it again as UTF-8"
            yield _warn(r, "encoding", reason)


def _languages(data: Dataset) -> Iterator[Finding]:
    for r in _sentences(data):
        if language := foreign(r.text):
            yield _warn(r, "language", f"the text looks {language}; the features are made for English")


def _neutral_tones(data: Dataset) -> Iterator[Finding]:
    none = {h.name: h.neutral for h in data.heads}
    calm = none.get("tone") or NEUTRAL
    for r in data.rows if none.get("stance") and "tone" in none else ():
        if r.labels["stance"] == none["stance"] and (tone := r.labels["tone"]) != calm:
            yield _warn(r, "neutral-tone", f"stance of {r.actor!r} is {none['stance']} but tone {tone!r}; the codebook gives it {calm} tone")


def _cut_words(data: Dataset) -> Iterator[Finding]:
    """The first row of a file whose span begins or ends inside a word: it may have been counted from 1."""
    cut: defaultdict[str, list[Row]] = defaultdict(list)
    for r in data.rows:
        if any(at is not None and 0 < at < len(r.text) and r.text[at - 1 : at + 1].isalnum() for at in (r.start, r.end)):
            cut[r.file].append(r)
    for r, *others in cut.values():
        more = f", as do those of {number(len(others), 'further row')}" if others else ""
        yield _warn(r, "span", f"start,end {r.start},{r.end} cut a word ({r.text[r.start : r.end]!r}){more}; {COUNTED}")


def _absent(data: Dataset) -> Iterator[Finding]:
    if sum(not p.mentions for p in data.pairs) > len(data) / 2:  # targets that need not be named: training then crosses them with the words
        return
    absent = absent_actors(data.rows, data.pairs)
    here, unknown = (data.lexicon or default_lexicon()).called([r.actor for r in absent]), unknown_actors(data)
    for r in absent:
        todo = "give start,end or the sentences before as context"
        todo = "no alias table has it: name it with --actors, or give start,end" if r.actor in unknown else todo
        todo = f"the alias table calls it {here[r.actor]!r}" if r.actor in here else todo
        yield _warn(r, "absent-actor", f"actor {r.actor!r} was not found in the sentence; {todo}")


def _contexts(rows: Sequence[Row]) -> Iterator[Finding]:
    for r, first in other_contexts(rows):
        said = f"the context is not that of the first sentence of article {r.article_id!r} ({first.place}), which alone is read"
        yield _warn(r, "context", f"{said}; leave it empty, or give the row another article_id")


# --------------------------------------------------------------------------- articles, splits and repeats


def _article_ids(data: Dataset) -> Iterator[Finding]:
    """Articles that lie on both sides of a split, or in two files and are not parts of one, and rows without an article among rows that have one."""
    first: dict[str, Row] = {}
    seen: set[tuple[str, str]] = set()
    without = [r for r in data.rows if not r.article_id]
    if without and len(without) < len(data):
        has = "has" if len(without) == 1 else "have"
        reason = f"{number(len(without), 'row')} {has} no article_id, others have; each such sentence counts as an article of its own"
        reason += "; if cells of a spreadsheet were merged, fill each of their rows" if 2 * len(without) > len(data) else ""
        yield _warn(without[0], "article-id", reason)
    for r in data.rows:
        old = first.setdefault(r.article_id, r)
        if r.article_id and r.split != old.split and (r.article_id, r.split) not in seen:
            seen.add((r.article_id, r.split))
            yield _warn(r, "leak", f"article {r.article_id!r} is in split {r.split!r} here and in {old.split!r} at {old.place}; keep it on one side")
    for r, old in shared_ids(data.rows):
        if r.split == old.split:
            yield _warn(r, "leak", f"article {r.article_id!r} is also in {old.place}; rename one if they differ, or keep it in one file")


def _side(row: Row) -> str:
    return row.split or row.file


def _apart(rows: Sequence[Row]) -> Callable[[Row, Row], bool]:
    """Whether two rows are on different sides of a test: of other splits, or of other files that do not share half of the articles of either, as
    what annotators agree on and what they have settled does."""
    held: defaultdict[str, set[str]] = defaultdict(set)
    for r in rows:
        held[r.file].add(article_of(r))

    @cache
    def share(a: str, b: str) -> bool:
        return 2 * len(held[a] & held[b]) >= min(len(held[a]), len(held[b]))

    def apart(a: Row, b: Row) -> bool:
        return a.split != b.split or not a.split and not share(a.file, b.file)

    return apart


@dataclass(frozen=True, slots=True)
class Repeat:
    """Sentence number `later` is like sentence number `earlier` of another article; `similarity` 1 is the same words."""

    later: int
    earlier: int
    similarity: float


def repeats(texts: Sequence[str], articles: Sequence[str]) -> list[Repeat]:
    """For every sentence, an earlier sentence of another article that is the same or nearly the same, if there is one.

    Nearly the same: the Jaccard similarity of their sets of words is at least NEAR. Two sets of so great a similarity share a word among the
    n - ⌈NEAR·n⌉ + 1 rarest words of each, so early in the order of rarity that enough can follow it (prefix and positional filtering: Chaudhuri,
    Ganti & Kaushik 2006; Xiao, Wang, Lin & Yu 2008). Only such sentences are compared: exact, and near-linear.
    """
    sets = [frozenset(normalise(t).split()) for t in texts]
    rarity = Counter(w for s in sets for w in s)
    same: dict[str, int] = {}
    having: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)  # sentence, its number of words, and how many come after this one
    out = []
    for i, words in enumerate(sets):
        old = same.setdefault(normalise(texts[i]), i)
        if old != i:
            if articles[old] != articles[i] and len(normalise(texts[i])) > _LEAST_LETTERS:
                out.append(Repeat(i, old, 1.0))
            continue
        if (n := len(words)) < _LEAST_WORDS:
            continue
        rare = sorted(words, key=lambda w: (rarity[w], w))[: n - math.ceil(NEAR * n) + 1]
        left = range(n - 1, -1, -1)
        others = (
            j for w, mine in zip(rare, left, strict=False) for j, m, theirs in having[w]
            if 1 + min(mine, theirs) >= _SHARED * (n + m) and articles[j] != articles[i]
        )  # fmt: skip
        alike = (Repeat(i, j, len(words & sets[j]) / len(words | sets[j])) for j in others)
        out += [*islice((x for x in alike if x.similarity >= NEAR), 1)]
        for w, mine in zip(rare, left, strict=False):
            having[w].append((i, n, mine))
    return out


def _repeats(data: Dataset) -> Iterator[Finding]:
    rows = _sentences(data)
    articles = list(map(article_of, rows))
    group, apart = dict(zip(data.articles, data.groups, strict=True)), _apart(rows)
    found = repeats([r.text for r in rows], articles)
    between: defaultdict[tuple[str, str], list[Repeat]] = defaultdict(list)  # two articles: in the order of the later sentences
    for x in found:
        here, there = articles[x.later], articles[x.earlier]
        if group[here] != group[there] or apart(rows[x.later], rows[x.earlier]):  # else no fold nor split parts them
            between[here, there].append(x)
    for inside in between.values():
        later, earlier = [rows[x.later] for x in inside], [rows[x.earlier] for x in inside]
        yield _repeat_finding(later, earlier, inside, apart(later[0], earlier[0]))


def _repeat_finding(here: list[Row], there: list[Row], found: list[Repeat], apart: bool) -> Finding:
    r, old = here[0], there[0]
    whose = f"article {old.article_id!r} ({old.place})" if old.article_id else old.place
    if len(here) > 2:
        what = f"{len(here)} sentences of article {r.article_id!r}, this the first, also stand, or nearly, in {whose}"
    elif found[0].similarity == 1:
        what = f"the sentence also stands in {whose}"
    else:
        what = f"nearly the same sentence ({found[0].similarity:.0%} of the words of both) stands in {whose}"
    if not apart:
        return _warn(r, "duplicate", f"{what}; it may straddle folds")
    return _warn(r, "leak", f"{what}; a test across {_side(old)} and {_side(r)} would leak")


def _contradictions(data: Dataset) -> Iterator[Finding]:
    """The same sentence and actor with other labels elsewhere; only actors named in it, carried ones hang on what stands before."""
    seen: dict[tuple[str, str], Row] = {}
    for r, p in zip(data.rows, data.pairs, strict=True):
        if not any(m.end > m.start and not m.carried for m in p.mentions):
            continue
        old = seen.setdefault((normalise(r.text), r.actor), r)
        for name, label in r.labels.items():
            if label != old.labels[name]:
                reason = f"{name} of {r.actor!r} is {label!r}, but {old.labels[name]!r} for the same sentence at {old.place}"
                yield _warn(r, "contradiction", reason)


# --------------------------------------------------------------------------- suspects


def contradicted(truth: Ints, probs: Floats) -> Ints:
    """The label each row should rather have, or -1: the confident-learning rule (Northcutt, Jiang & Chuang 2021, JAIR 70).

    `truth` shape (n,), `probs` shape (n, labels), out of fold. The threshold of a label is its mean probability over the
    rows that carry it. A row belongs confidently to the most probable label at or over its threshold; it is
    contradicted when that is another than its own and more probable.
    """
    labels = probs.shape[1]
    limit = np.array([probs[truth == j, j].mean() if (truth == j).any() else np.inf for j in range(labels)])
    confident = np.where(probs >= limit, probs, -1.0)
    best = confident.argmax(1)
    at = np.arange(len(truth))
    return np.where((confident[at, best] >= 0) & (probs[at, best] > probs[at, truth]), best, -1)


def suspects(data: Dataset, folds: dict[str, OutOfFold]) -> list[Finding]:
    """Labels that out-of-fold predictions contradict, the surest first."""
    out = []
    for name, fold in folds.items():
        better = contradicted(fold.truth, fold.probs)
        for i in np.flatnonzero(better >= 0):
            p, own = float(fold.probs[i, better[i]]), float(fold.probs[i, fold.truth[i]])
            label, given = fold.head.labels[better[i]], fold.head.labels[fold.truth[i]]
            reason = f"{name} of {data.rows[i].actor!r} is {given!r} ({own:.2f}); a model that saw no row of the article says {label!r} ({p:.2f})"
            out.append(Finding(data.rows[i].place, "suspect", name, reason, round(p - own, 6)))
    return sorted(out, key=lambda f: -(f.score or 0.0))
