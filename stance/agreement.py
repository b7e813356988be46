"""How far annotators agree: chance-corrected measures with intervals, and the list of what they see differently.

Every measure is read off a table of coincidences (Krippendorff 2011): each pair of labels that two annotators gave one
pair of sentence and actor counts 1 / (labels of it - 1), in both orders. Tables of articles add up, so that the bootstrap over
articles is a weighted sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from stance.annotation import NAMES_OF_ANNOTATORS, csv_lines, no_labels
from stance.codebook import DEFAULT_HEADS, Head
from stance.dataset import (
    Paths,
    Problem,
    Row,
    article_of,
    heads_of,
    label_problems,
    normalise,
    odd_cells,
    problems_told,
    read_files,
    rows_of,
    spelling,
    table_of,
)  # fmt: skip
from stance.errors import DataError, InputError, number
from stance.evaluation import Floats, Ints, confusion, group_numbers, percentiles, resample
from stance.lexicon import default_lexicon
from stance.tables import Csv, composed


@dataclass(frozen=True, slots=True)
class Unit:
    """One pair of sentence and actor, with a label an annotator ('' for none) by head; `row` is the first annotator's, `places` all."""

    row: Row
    labels: dict[str, tuple[str, ...]]
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Annotations:
    """The labels of several annotators, matched. `context` are the sentences without an actor that stand between, each once."""

    annotators: tuple[str, ...]
    heads: tuple[Head, ...]
    units: tuple[Unit, ...]
    warnings: tuple[str, ...] = ()
    context: tuple[Row, ...] = ()

    @property
    def alone(self) -> tuple[str, ...]:
        """`file:line` of the pairs that one annotator has and no other."""
        return tuple(next(filter(None, u.places)) for u in self.units if sum(map(bool, u.places)) == 1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure with its 95 % bootstrap interval over the articles that it is of (`evaluation.percentiles`); None where it is not defined (only one
    label occurs)."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """One label: how often it was given, the share of these that another annotator shares (specific agreement, Cicchetti &
    Feinstein 1990), and Krippendorff's alpha of this label against all others."""

    label: str
    given: int
    specific: Estimate
    alpha: Estimate


@dataclass(frozen=True, slots=True)
class TwoAnnotators:
    """Two of the annotators: pairs both labelled, share of equal labels, Cohen's kappa (1960), confusion (row: first, column: second)."""

    first: str
    second: str
    pairs: int
    equal: float | None
    kappa: Estimate
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class HeadAgreement:
    """All measures of one head, over the `pairs` that at least two annotators labelled.

    `fleiss` (Fleiss 1971, for more than two annotators) takes the `complete` pairs, those that all labelled. `alpha` is Krippendorff's with
    nominal distance, `alpha_ordinal` with his ordinal one, for heads whose labels are in order.
    """

    head: str
    labels: tuple[str, ...]
    annotators: tuple[str, ...]
    pairs: int
    complete: int
    articles: int
    equal: Estimate
    fleiss: Estimate | None
    alpha: Estimate
    alpha_ordinal: Estimate | None
    classes: tuple[LabelAgreement, ...]
    between: tuple[TwoAnnotators, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for JSON."""
        return asdict(self)


# --------------------------------------------------------------------------- reading


def read_annotations(
    paths: Paths, *, heads: Sequence[str] = (), columns: Mapping[str, str] | None = None, neutral: Mapping[str, str] | None = None,
    order: Mapping[str, Sequence[str]] | None = None,
) -> Annotations:  # fmt: skip
    """Annotators' files, matched by article_id, sentence_id (or text) and actor, whose names may differ as `UK` and
    `United Kingdom` do; `columns`, `neutral`, `order` as of `dataset.read_dataset`.

    An annotator is a file, a value of the column `annotator`, or, in a wide file, the prefix of its label columns
    (`first_stance`, `second_stance`). Raises InputError when fewer than two annotators share a pair, DataError for
    every unknown label and every pair that one annotator labelled twice and differently.
    """
    heads = tuple(map(composed, (heads,) if isinstance(heads, str) else heads))
    files = read_files(paths, columns=columns, heads=heads)
    read = _read(files, heads, neutral, order)
    context = {(r.article_id, r.sentence_id, r.text): r for r in reversed(read.rows) if r.text and not r.actor}
    rows = [r for r in read.rows if r.actor and any(r.labels.values())]  # not labelled yet is not labelled
    given = heads_of(rows, read.names, neutral=neutral, order=order)
    found = tuple(h for h in given if h.labels)
    unlabelled = [f"no row has a label of {h.name}: it is not compared" for h in given if not h.labels]
    who = tuple(dict.fromkeys(r.annotator for r in rows))
    matched = _matched(rows, who, tuple(h.name for h in found))
    other = _other_names([f for f in files if not _prefixes(f, heads)])
    if problems := [*read.problems, *label_problems(rows, found, set()), *matched.problems]:
        hint = "; ".join(filter(None, ("correct them and try again", other)))
        raise DataError(f"{number(len({p.place for p in problems}), 'bad row')}; nothing was compared", hint, problems_told(problems, files))
    alike = _alike(who)
    if not any(sum(map(bool, labels)) > 1 for u in matched.units for labels in u.labels.values()):
        todo = "; ".join(("give two files with the same article_id, sentence_id (or text) and actor, or one with a column `annotator`", *alike))
        raise InputError(f"no sentence and actor is labelled by two annotators; annotators: {', '.join(who) or 'none'}", other or todo)
    return Annotations(who, found, matched.units, (*read.warnings, *unlabelled, *matched.warnings, *alike), tuple(context.values()))


@dataclass(frozen=True, slots=True)
class _Read:
    """Rows of annotators, with labels of the heads `names`."""

    names: tuple[str, ...]
    rows: list[Row]
    problems: list[Problem]
    warnings: list[str]


def _read(files: Sequence[Csv], heads: Sequence[str], neutral: Mapping[str, str] | None, order: Mapping[str, Sequence[str]] | None) -> _Read:
    """The rows of all files: of those with a column an annotator, and then of the others."""
    wide = [(f, own) for f in files if (own := _prefixes(f, heads))]
    long = [f for f in files if not _prefixes(f, heads)]
    table = table_of(long, heads=heads, unlabelled=True, neutral=neutral, order=order) if long else None
    if table and not table.heads and (lacking := no_labels(long, wide=True)):
        raise InputError(lacking, "name the columns to compare with --head; repeat it for several")
    names = tuple(h.name for h in table.heads) if table else tuple(dict.fromkeys(n for _, p in wide for own in p.values() for n in own))
    out = _Read(names, [], [], list(table.warnings) if table else [])
    for f, prefixes in wide:
        rows, problems = _wide_rows(f, prefixes, names)
        out.rows.extend(rows)
        out.problems.extend(problems)
    out.warnings.extend((*filter(None, (f.note for f, _ in wide)), *(said for _, said in odd_cells(out.rows))))
    out.rows.extend(_with_annotators(table.rows) if table else ())
    return out


def _other_names(files: Sequence[Csv]) -> str:
    """What to do when a file seems to say in a column of another name who annotated."""
    for f in files:
        if "annotator" not in f.columns and (named := [c for c in NAMES_OF_ANNOTATORS if c in f.columns]):
            return f"if the column `{named[0]}` of {f.file} says who annotated, call it `annotator`"
    return ""


def _alike(who: Sequence[str]) -> list[str]:
    """Annotators whose names differ only in case."""
    first: dict[str, str] = {}
    pairs = [(first.setdefault(w.casefold(), w), w) for w in who]
    return [f"annotators {a!r} and {b!r} differ only in case and count as two; write them alike if they are one" for a, b in pairs if a != b]


def _prefixes(file: Csv, heads: Sequence[str]) -> dict[str, list[str]]:
    """{annotator: heads} of a wide file; empty for a plain one."""
    names = tuple(heads) or tuple(DEFAULT_HEADS)
    if any(n.lower() in file.columns for n in names):
        return {}
    out: dict[str, list[str]] = {}
    for column in file.columns:
        ends = [n for n in names if column.endswith(f"_{n.lower()}") and column != f"_{n.lower()}"]
        if n := max(ends, key=len, default=""):  # `ann_my_tone` is of the head `my_tone`, not of `tone`
            out.setdefault(column[: -len(n) - 1], []).append(n)
    return out if len(out) > 1 else {}


def _wide_rows(file: Csv, prefixes: dict[str, list[str]], names: Sequence[str]) -> tuple[list[Row], list[Problem]]:
    """(a row an annotator of each record, with labels of the heads `names`, problems of those that are bad)."""
    missing = "actor" if "actor" not in file.columns else "" if {"sentence_id", "text"} & set(file.columns) else "sentence_id"
    if missing:
        raise DataError(file.lacks(missing), "needed: actor, and sentence_id or text")
    rows, problems = rows_of(file, [f"{who}_{n}" for who, own in prefixes.items() for n in own])
    return [replace(r, annotator=who, labels={n: r.labels.get(f"{who}_{n}", "") for n in names}) for r in rows for who in prefixes], problems


def _with_annotators(rows: Sequence[Row]) -> list[Row]:
    """Rows that name their annotator: by the column, else by the file."""
    files = list(dict.fromkeys(r.file for r in rows))
    stems = [Path(f).stem for f in files]
    named = dict(zip(files, stems if len(set(stems)) == len(stems) else files, strict=True))
    return [r if r.annotator else replace(r, annotator=named[r.file]) for r in rows]


@dataclass(frozen=True, slots=True)
class _Matched:
    units: tuple[Unit, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def _matched(rows: Sequence[Row], who: tuple[str, ...], names: tuple[str, ...]) -> _Matched:
    groups: dict[tuple[str, str, str], dict[str, Row]] = {}
    problems, differ = [], []
    for r, sentence in zip(rows, _sentences(rows), strict=True):
        mine = groups.setdefault((r.article_id, sentence, r.actor), {})
        old = mine.setdefault(r.annotator, r)
        if old.labels != r.labels:
            said = f"{r.annotator} labelled {r.actor!r} of this sentence otherwise at {old.place}; keep one"
            problems.append(Problem(r.file, r.line, said))
        first = next(iter(mine.values()))
        if normalise(first.text) != normalise(r.text):
            differ.append(f"{r.place}: the text differs from {first.place}, which has the same article_id and sentence_id")
    return _Matched(tuple(_unit(mine, who, names) for mine in _joined(groups)), tuple(problems), tuple(differ))


def _sentences(rows: Sequence[Row]) -> list[str]:
    """What tells the sentence of each row from others: its id where all have one, else the text, whose signs count where they tell two sentences
    of one annotator apart (`-5%`, `+5%`)."""
    if all(r.sentence_id for r in rows):
        return [r.sentence_id for r in rows]
    plain, spelt = [normalise(r.text) for r in rows], [spelling(r.text) for r in rows]
    own: dict[tuple[str, str, str], str] = {}
    several = {p for r, p, s in zip(rows, plain, spelt, strict=True) if own.setdefault((r.annotator, r.article_id, p), s) != s}
    return [s if p in several else p for p, s in zip(plain, spelt, strict=True)]


def _joined(groups: Mapping[tuple[str, str, str], dict[str, Row]]) -> list[dict[str, Row]]:
    """The rows of each actor by annotator: of several names of one actor (`UK`, `United Kingdom`) together, unless an annotator tells them apart."""
    meant = default_lexicon().meant({actor for *_, actor in groups})
    named: dict[tuple[str, str, str], list[dict[str, Row]]] = {}
    for (article, sentence, actor), mine in groups.items():
        named.setdefault((article, sentence, meant.get(actor, actor)), []).append(mine)
    out: list[dict[str, Row]] = []
    for alike in named.values():
        shared = [mine for mine in alike if len(mine) > 1] if _together(alike) is None else []
        rest = [mine for mine in alike if mine not in shared]
        out += shared + ([one] if (one := _together(rest)) else rest)
    return out


def _together(alike: Sequence[dict[str, Row]]) -> dict[str, Row] | None:
    """All of them as one; None where an annotator is in two."""
    one = {who: row for mine in alike for who, row in mine.items()}
    return one if len(one) == sum(map(len, alike)) else None


def _unit(mine: dict[str, Row], who: tuple[str, ...], names: tuple[str, ...]) -> Unit:
    labels = {n: tuple(mine[a].labels.get(n, "") if a in mine else "" for a in who) for n in names}
    return Unit(next(iter(mine.values())), labels, tuple(mine[a].place if a in mine else "" for a in who))


# --------------------------------------------------------------------------- measures


def coincidences(codes: Ints, labels: int) -> Floats:
    """Krippendorff's coincidence table, shape (labels, labels), of label numbers shape (units, annotators); -1 is no label."""
    counts = (codes[:, :, None] == np.arange(labels)).sum(1).astype(float)
    counts = counts[counts.sum(1) > 1]
    weighted = counts / (counts.sum(1) - 1)[:, None]
    table: Floats = weighted.T @ counts - np.diag(weighted.sum(0))
    return table


def equal_share(table: Floats) -> float:
    """Share of coincidences that are equal; for two annotators the share of pairs with equal labels. NaN without any."""
    return float(np.trace(table) / table.sum()) if table.sum() else float("nan")


def krippendorff(table: Floats, *, ordinal: bool = False) -> float:
    """Krippendorff's alpha of a coincidence table (Krippendorff 2011); NaN when one label alone occurs.

    The ordinal distance of two labels is the square of the number of values between them, their own counted half.
    """
    each = table.sum(1)
    n = float(each.sum())
    distance = 1.0 - np.eye(len(each))
    if ordinal:
        middle = np.cumsum(each) - each / 2
        distance = np.subtract.outer(middle, middle) ** 2
    expected = float((np.outer(each, each) * distance).sum())
    return 1.0 - (n - 1) * float((table * distance).sum()) / expected if expected else float("nan")


def fleiss(table: Floats) -> float:
    """Fleiss' kappa of the coincidence table of units that all annotators labelled; NaN when one label alone occurs."""
    share = table.sum(1) / max(table.sum(), 1e-300)
    by_chance = float((share**2).sum())
    return (equal_share(table) - by_chance) / (1 - by_chance) if by_chance < 1 - 1e-12 else float("nan")


def cohen(table: Floats) -> float:
    """Cohen's kappa of a confusion table; NaN when it is not defined."""
    n = table.sum()
    by_chance = float(table.sum(0) @ table.sum(1)) / max(float(n) ** 2, 1e-300)
    return (equal_share(table) - by_chance) / (1 - by_chance) if by_chance < 1 - 1e-12 else float("nan")


def agreement(data: Annotations, *, draws: int = 1000) -> dict[str, HeadAgreement]:
    """Every measure, by head."""
    return {h.name: _head(h, data, draws) for h in data.heads}


def _head(head: Head, data: Annotations, draws: int) -> HeadAgreement:
    code = {x: i for i, x in enumerate(head.labels)} | {"": -1}
    codes = np.array([[code[x] for x in u.labels[head.name]] for u in data.units])
    several = (codes >= 0).sum(1) > 1
    codes = codes[several]
    articles = [article_of(u.row) for u, keep in zip(data.units, several, strict=True) if keep]
    k, who = len(head.labels), data.annotators
    estimate = _estimator(_by_article(codes, articles, lambda c: coincidences(c, k)), draws)
    of_complete = _estimator(_by_article(codes, articles, lambda c: coincidences(c[(c >= 0).all(1)], k)), draws)
    return HeadAgreement(
        head.name, head.labels, who, len(codes), int((codes >= 0).all(1).sum()), len(set(articles)), estimate(equal_share),
        of_complete(fleiss) if len(who) > 2 else None,
        estimate(krippendorff), estimate(lambda t: krippendorff(t, ordinal=True)) if head.ordered else None,
        tuple(_label(x, i, codes, estimate) for i, x in enumerate(head.labels)),
        tuple(_between((who[a], who[b]), codes[:, [a, b]], articles, k, draws) for a, b in combinations(range(len(who)), 2)),
    )  # fmt: skip


def _label(label: str, i: int, codes: Ints, estimate: Callable[..., Estimate]) -> LabelAgreement:
    given = int((codes == i).sum())
    return LabelAgreement(label, given, estimate(lambda t: equal_share_of(t, i), i), estimate(lambda t: krippendorff(against(t, i)), i))


def _estimator(tables: Floats, draws: int) -> Callable[..., Estimate]:
    """What estimates a measure of the sum of tables, one an article, over the articles that have anything in it, or in the row of a label."""
    whole, drawn = tables.sum(0), resample(tables, draws=draws)

    def estimate(measure: Callable[[Floats], float], label: int | None = None) -> Estimate:
        value = measure(whole)
        if np.isnan(value):
            return Estimate()
        of = tables if label is None else tables[:, label]
        articles = int(of.reshape(len(of), -1).any(1).sum())
        low, high = percentiles([measure(t) for t in drawn], articles) or (None, None)
        return Estimate(value, low, high)

    return estimate


def _by_article(codes: Ints, articles: Sequence[str], table: Callable[[Ints], Floats]) -> Floats:
    article = group_numbers(articles)
    order = np.argsort(article, kind="stable")
    return np.array([table(codes[at]) for at in np.split(order, np.cumsum(np.bincount(article))[:-1])], dtype=float)


def equal_share_of(table: Floats, label: int) -> float:
    """Of a label's coincidences, the share with itself; NaN when it does not occur."""
    given = table[label].sum()
    return float(table[label, label] / given) if given else float("nan")


def against(table: Floats, label: int) -> Floats:
    """A coincidence table with all other labels as one."""
    mine, own, whole = table[label].sum(), table[label, label], table.sum()
    return np.array([[own, mine - own], [mine - own, whole - 2 * mine + own]])


def _between(names: tuple[str, str], codes: Ints, articles: Sequence[str], k: int, draws: int) -> TwoAnnotators:
    """Of two annotators, by label numbers shape (units, 2)."""
    both = (codes[:, 0] >= 0) & (codes[:, 1] >= 0)
    shared = [x for x, keep in zip(articles, both, strict=True) if keep]
    if not shared:
        return TwoAnnotators(*names, 0, None, Estimate(), ((0,) * k,) * k)
    tables = _by_article(codes[both], shared, lambda c: confusion(c[:, 0], c[:, 1], k).astype(float))
    whole = tables.sum(0)
    counts = tuple(map(tuple, whole.astype(int).tolist()))
    return TwoAnnotators(*names, int(whole.sum()), equal_share(whole), _estimator(tables, draws)(cohen), counts)


# --------------------------------------------------------------------------- disagreements


def disagreements(data: Annotations) -> list[Unit]:
    """Pairs that two annotators labelled and on which at least one head differs."""
    return [u for u in data.units if any(len(set(filter(None, labels))) > 1 for labels in u.labels.values())]


def agreed(data: Annotations) -> tuple[list[tuple[Unit, dict[str, str]]], list[Unit]]:
    """(pairs whose every head two annotators or more labelled, all of them alike, with the label by head; those of which some head has fewer)."""
    differ = set(map(id, disagreements(data)))
    full, lacking = [], []
    for u in data.units:
        if id(u) not in differ and sum(map(bool, u.places)) > 1:
            labels = {n: _shared(given) for n, given in u.labels.items()}
            if all(labels.values()):
                full.append((u, labels))
            else:
                lacking.append(u)
    return full, lacking


def _shared(given: Sequence[str]) -> str:
    """The label that two annotators or more gave, and none another; else ''."""
    labels = [x for x in given if x]
    return labels[0] if len(labels) > 1 and len(set(labels)) == 1 else ""


def agreed_lines(rows: Sequence[tuple[Unit, dict[str, str]]], data: Annotations) -> Iterator[str]:
    """What all agree on (`agreed`) as labelled data, to train on beside the settled disagreements.

    The sentences without an actor stand between, in the order of the files. Raises InputError when a row has no text.
    """
    if bare := [u for u, _ in rows if not u.row.text.strip()]:
        raise InputError(f"{bare[0].row.place}: no text, so that what all agree on is no training data", "give the annotators' files a column `text`")
    files = {f: n for n, f in enumerate(dict.fromkeys(r.file for r in (*data.context, *(u.row for u in data.units))))}
    whole = [*(_of_all(u.row, labels) for u, labels in rows), *(_of_all(r, {}) for r in data.context)]
    return csv_lines(sorted(whole, key=lambda r: (files[r.file], r.line)), [h.name for h in data.heads])


def _of_all(row: Row, labels: dict[str, str]) -> Row:
    """The row as no single annotator's."""
    return replace(row, labels=labels, annotator="")


def disagreement_lines(data: Annotations) -> Iterator[str]:
    """The disagreements as a CSV to settle in a spreadsheet: fill the empty label cells, and it is labelled data.

    Heads that all agree on are filled.
    """
    names = [h.name for h in data.heads]
    rows = []
    for u in disagreements(data):
        given = {f"{who}_{n}": x for n in names for who, x in zip(data.annotators, u.labels[n], strict=True)}
        rows.append(_of_all(u.row, given | {n: _shared(u.labels[n]) for n in names}))
    return csv_lines(rows, [*(f"{who}_{n}" for n in names for who in data.annotators), *names])
