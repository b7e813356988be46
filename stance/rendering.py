"""Judgements, mentions and reports as tables for people, JSON lines and CSV for machines (web pages: `pages`)."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from stance.actors import Pair, Reading
from stance.articles import Article, Skipped
from stance.classification import Judgement, Result
from stance.codebook import NEUTRAL, TOLD, UNSURE, column_clashes, reports_of
from stance.errors import DataError, ModelError, first_of, number
from stance.tables import Csv, csv_line, plain_cell, safe_line, spreadsheet_cell
from stance.text import printable

if TYPE_CHECKING:
    from stance.agreement import Estimate, HeadAgreement
    from stance.detection import Found
    from stance.evaluation import HeadReport
    from stance.explanation import Explanation
    from stance.training import CurvePoint

_COLOURS = (36, 33, 35, 32, 34, 31, 96, 93, 95, 92)


class Paint:
    """ANSI styles, or none (`Paint(on=False)`), of text that has no others: names and labels come from a model's file."""

    def __init__(self, on: bool) -> None:
        self.on = on
        self._actors: dict[str, int] = {}

    def __call__(self, text: str, *codes: int) -> str:
        text = printable(text)
        return f"\x1b[{';'.join(map(str, codes))}m{text}\x1b[0m" if self.on and codes else text

    def actor(self, text: str, name: str) -> str:
        """Text in the actor's colour, the same throughout the output."""
        return self(text, 1, self._actors.setdefault(name, _COLOURS[len(self._actors) % len(_COLOURS)]))


# --------------------------------------------------------------------------- judgements


def judgement_lines(
    judgements: Iterable[Judgement], *, everything: bool = False, colour: bool = False, neutral: str = NEUTRAL
) -> Iterator[str]:  # fmt: skip
    """The table a person reads: grouped by paragraph, those with the label `neutral` hidden unless `everything`, a summary by actor last."""
    paint = Paint(colour)
    width = shutil.get_terminal_size((110, 24)).columns
    counts: dict[str, Counter[str]] = {}
    heads: list[str] = []
    last: Judgement | None = None
    for j in judgements:
        heads = heads or list(j.labels)
        main = heads[0]
        counts.setdefault(j.actor, Counter())[j.labels[main]] += 1
        if j.labels[main] == neutral and not everything:
            continue
        # two articles may have one id: the second begins with an earlier sentence, or another of the same number
        anew = last is None or last.article != j.article or j.index < last.index or j.index == last.index and j.text != last.text
        if anew:
            if last is not None:
                yield ""
            yield paint(j.article, 1)
            yield paint(_header(heads), 2)
        elif last and last.paragraph != j.paragraph:
            yield ""
        if anew or last and last.index != j.index:
            start = f"¶{j.paragraph + 1:<3} "
            yield start + _shorten(j.text, width - len(start))
        yield _line(j, heads, paint)
        last = j
    if not counts:
        yield "no actor found"
        return
    yield ""
    yield from _summary(counts, paint, neutral)


def _header(heads: Sequence[str]) -> str:
    return "     " + f"{'actor':<24}" + "".join(f"{h:<11}" for h in heads) + "probability"


def _line(j: Judgement, heads: Sequence[str], paint: Paint) -> str:
    labels = "".join(f"{j.labels[h]:<10} " for h in heads)
    text = f"{labels}{j.confidence(heads[0]):.2f}" + (f"  → {', '.join(j.target)}" if j.target else "")
    if j.labels[heads[0]] == UNSURE:
        return "     " + paint(f"{j.actor:<23} {text}  perhaps {j.best(heads[0])}", 2)
    return "     " + paint.actor(f"{j.actor:<23} ", j.actor) + paint(text)


def _summary(counts: Mapping[str, Counter[str]], paint: Paint, neutral: str) -> Iterator[str]:
    for actor in sorted(counts, key=lambda a: -counts[a].total()):
        parts = sorted(counts[actor].items(), key=lambda kv: (kv[0] in (neutral, UNSURE), -kv[1], kv[0]))
        yield paint.actor(f"{actor:<23} ", actor) + paint("     " + ", ".join(f"{label} {n}" for label, n in parts))


def _shorten(text: str, room: int) -> str:
    flat = printable(" ".join(text.split()))
    return flat if len(flat) <= room else flat[: max(20, room - 1)].rstrip() + "…"


def jsonl_lines(results: Iterable[Result]) -> Iterator[str]:
    """One JSON object a judgement: `Judgement.as_dict`, with title, date and source of its article, always, after the id.

    Raises ModelError for a head of such a name.
    """
    for r in results:
        for j in r.judgements:
            yield json.dumps({"article": j.article, **_told(r.item, j), **j.as_dict()}, ensure_ascii=False)


def _told(item: Article | Skipped, j: Judgement) -> dict[str, Any]:
    """What a row says of its article."""
    if taken := [h for h in j.labels if h in TOLD]:
        raise ModelError(f"head {taken[0]!r} has the name of what results tell of the article", "train the model again with another name")
    return {k: getattr(item, k) for k in TOLD} if isinstance(item, Article) else {}


def csv_lines(results: Iterable[Result], *, heads: Mapping[str, Sequence[str]] | None = None) -> Iterator[str]:
    """Flat rows that can be corrected in a spreadsheet and given to `train` (`safe_line`): `start`,`end` count in `text`.

    With `heads` (labels by head) there is a header also where there is no judgement. Raises ModelError where two columns would have one name.
    """
    if told := next(iter(column_clashes(heads or {}).values()), ""):
        raise ModelError(f"the results cannot be kept as CSV: {told}", "train the model again with another name")
    header: list[str] = []
    for r in results:
        for j in r.judgements:
            row = csv_row(r.item, j)
            if not header:
                header = list(row)
                yield safe_line(header)
            yield safe_line(row[k] for k in header)
    if heads and not header:
        yield safe_line(csv_row(Article("", ""), _nothing(heads)))


def _nothing(heads: Mapping[str, Sequence[str]]) -> Judgement:
    """A judgement that has the keys of a real one."""
    return Judgement("", 0, 0, 0, 0, "", "", (), dict.fromkeys(heads, ""), {h: dict.fromkeys(labels, 0.0) for h, labels in heads.items()})


def csv_row(item: Article | Skipped, j: Judgement) -> dict[str, Any]:
    """`Judgement.as_row` as cells, with title, date and source of its article after the id."""
    return {"article_id": j.article, **_told(item, j), **_as_cells(j.as_row())}


def _as_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: "" if v is None else f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()}


def filled_lines(
    table: Csv, judgements: Iterable[Judgement], lines: Collection[int], heads: Mapping[str, Sequence[str]], *, prefix: str = "", jsonl: bool = False
) -> Iterator[str]:  # fmt: skip
    """A table with the labels of its rows in further columns: judgements of the records at `lines`. Lines are to end as `table.end`.

    Names of new columns begin with `prefix`. New cells are safe (`spreadsheet_cell`), others stay as they are; a row without a judgement gets empty
    ones (null in JSON lines).
    Raises DataError, before the first judgement is asked for, when the table has a column of such a name.
    """
    judged, header = iter(judgements), table.header.cells
    none = _nothing(heads)
    names = [prefix + c for c in (none.label_values() if jsonl else none.label_cells())]
    if taken := [c for c in header if c.strip().lower() in {n.lower() for n in names}]:
        raise DataError(f"the table has a column {taken[0]!r} already", "say what the names of the new columns begin with: --prefix model_")
    if not jsonl:
        first = [table.first_line] if table.first_line else []
        yield table.mark + table.end.join([*first, csv_line([*header, *map(spreadsheet_cell, names)], delimiter=table.delimiter)])
    for r in table.records:
        j = next(judged) if r.line in lines else None
        if jsonl:
            values = j.label_values().values() if j else [None] * len(names)
            yield json.dumps(dict(zip([*header, *names], [*map(plain_cell, r.cells), *values], strict=True)), ensure_ascii=False)
        else:
            new = _as_cells(j.label_cells()).values() if j else [""] * len(names)
            yield csv_line([*r.cells, *map(spreadsheet_cell, new)], delimiter=table.delimiter)


# --------------------------------------------------------------------------- mentions


def mention_lines(readings: Iterable[Reading]) -> Iterator[str]:
    """Every mention with its actor and the reason, sentence by sentence."""
    any_found = False
    for r in readings:
        yield printable(r.sentence.line)
        for m in r.mentions:
            any_found = True
            actor = f"({m.actor})" if m.kind == "place" else m.actor
            yield printable(f"  {m.start:>4}–{m.end:<4} {printable(m.text) or '“…”':<28} {actor:<22} {m.why}")
    if not any_found:
        yield "no actor found"


# --------------------------------------------------------------------------- explanations


def explanation_lines(pair: Pair, e: Explanation, *, most: int = 12) -> Iterator[str]:
    """The words that decided, largest first; what is not shown is summed, so that the lines add up."""
    yield printable(pair.text)
    yield printable(f"  {pair.actor}: " + "   ".join(f"{label} {p:.2f}" for label, p in sorted(e.probabilities.items(), key=lambda kv: -kv[1])[:4]))
    lead = f"{e.label} over {e.against}" if e.against else e.label
    yield printable(f"  {e.head}: score of {lead} {e.score:+.3f}")
    for c in e.contributions[:most]:
        yield f"    {c.value:+.3f}  {printable(c.what) or '(the sentence)':<18} {first_of(c.kinds, 3)}"
    rest = sum(c.value for c in e.contributions[most:])
    if e.contributions[most:]:
        yield f"    {rest:+.3f}  {len(e.contributions) - most} more"
    yield f"    {e.bias:+.3f}  (before any word)"


# --------------------------------------------------------------------------- reports


def report_lines(report: HeadReport | dict[str, Any], *, title: str = "") -> Iterator[str]:
    """A head's report as a table."""
    r = report if isinstance(report, dict) else report.as_dict()
    yield f"{title or r['head']}: {number(r['rows'], 'pair')} in {number(r['groups'], 'article')}"
    baselines = "   ".join(f"{n} {v:.3f}" for n, v in r["baselines"].items())
    yield f"  macro-F1  {r['macro_f1']:.3f}   95 % interval {_interval(r['macro_f1_interval'])}   {baselines}"
    kappa = f"   quadratic kappa {r['quadratic_kappa']:.3f}" if r["quadratic_kappa"] is not None else ""
    majority = max(c["support"] for c in r["classes"]) / r["rows"]
    yield f"  accuracy  {r['accuracy']:.3f}   majority {majority:.3f}   ECE {r['ece']:.3f}   Brier {r['brier']:.3f}{kappa}"
    yield "  accuracy at coverage  " + "   ".join(f"{k} {v:.3f}" for k, v in r["coverage"].items())
    width = max(len(c["label"]) for c in r["classes"]) + 2
    yield f"  {'':<{width}}precision  recall  F1     pairs   predicted as " + _confusion(r["labels"], r["labels"])
    for c, row in zip(r["classes"], r["confusion"], strict=True):
        yield (
            f"  {c['label']:<{width}}{c['precision']:<11.3f}{c['recall']:<8.3f}{c['f1']:<7.3f}{c['support']:<8}"
            + " " * 13 + _confusion(row, r["labels"])
        )  # fmt: skip


def _interval(pair: Sequence[float] | None) -> str:
    return f"{pair[0]:.3f}–{pair[1]:.3f}" if pair else "–"


def _confusion(cells: Sequence[Any], labels: Sequence[str]) -> str:
    """A line of a confusion matrix: every column as wide as its label."""
    return " ".join(f"{c:>{max(9, len(x))}}" for c, x in zip(cells, labels, strict=True))


@dataclass(frozen=True, slots=True)
class Scores:
    """What `stance evaluate` found, by head: reports, tests against another model, learning curves, and what was found end to end."""

    reports: Mapping[str, HeadReport]
    tests: Mapping[str, dict[str, float]] = field(default_factory=dict)
    curves: Mapping[str, Sequence[CurvePoint]] = field(default_factory=dict)
    found: Mapping[str, Found] = field(default_factory=dict)


def score_lines(scores: Scores, *, title: str = "", against: str = "") -> Iterator[str]:
    """Scores for a person, head by head: report, test against the model `against`, learning curve; last what was found end to end."""
    for name, r in scores.reports.items():
        yield from report_lines(r, title=f"{name}, {title}" if title else "")
        if t := scores.tests.get(name):
            yield f"  against {against}: macro-F1 {t['macro_f1']:.3f}, difference {t['difference']:+.3f}, p = {t['p']:.4f}"
        if curve := scores.curves.get(name):
            yield "  learning curve, without a network"
            yield "  training pairs   articles   macro-F1   of each draw"
            for p in curve:
                yield f"  {p.pairs:>14,.0f}{p.articles:>11,.0f}{p.macro_f1:>11.3f}   " + " ".join(f"{s:.3f}" for s in p.scores)
        yield ""
    if scores.found:
        yield from detection_lines(scores.found)


def detection_lines(found: Mapping[str, Found]) -> Iterator[str]:
    """What `evaluate --end-to-end` adds."""
    yield "end to end, from the sentences alone"
    titles = {name: f"{name}, other than {f.neutral}" if f.neutral else name for name, f in found.items()}
    width = max([28, *(len(t) + 2 for t in titles.values())])
    yield f"  {'':<{width}}{'precision':<11}{'recall':<8}{'F1':<7}95 % interval   right  found  labelled"
    for name, f in found.items():
        precision, recall, f1 = ("–" if x != x else f"{x:.3f}" for x in (f.precision, f.recall, f.f1))
        yield f"  {titles[name]:<{width}}{precision:<11}{recall:<8}{f1:<7}{_interval(f.f1_interval):<16}{f.right:<7}{f.found:<7}{f.labelled}"
    for name, f in found.items():
        for n, what, score in ((f.found, "found", "precision"), (f.labelled, "labelled", "recall")):
            if not n:
                yield f"  {titles[name]}: none {what}, so that there is no {score}"
    yield ""


def score_values(scores: Scores, provenance: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Scores as plain values by head, ready for JSON: each with its provenance; last, under `end_to_end`, what was found so."""
    by_head = {
        name: {
            **r.as_dict(),
            **({"against": scores.tests[name]} if name in scores.tests else {}),
            **({"learning_curve": [asdict(p) for p in scores.curves[name]]} if name in scores.curves else {}),
            "provenance": provenance,
        }
        for name, r in scores.reports.items()
    }
    return by_head | ({"end_to_end": {name: f.as_dict() for name, f in scores.found.items()}} if scores.found else {})


def class_lines(reports: Mapping[str, HeadReport]) -> Iterator[str]:
    """The scores of every label as CSV (`safe_line`), head by head; an interval that is not defined is empty."""
    yield safe_line(["head", "label", "precision", "recall", "f1", "f1_low", "f1_high", "pairs"])
    for name, r in reports.items():
        for c in r.classes:
            scores = [f"{x:.4f}" for x in (c.precision, c.recall, c.f1, *(c.f1_interval or ()))]
            yield safe_line([name, c.label, *scores, *([] if c.f1_interval else ["", ""]), c.support])


def info_lines(manifest: dict[str, Any], name: str) -> Iterator[str]:
    """A model's manifest for a person."""
    from stance.evaluation import cross_validation_title

    data = manifest["data"]
    yield f"{name}: stance model, format {manifest['format']}, fingerprint {manifest['fingerprint']}"
    made = ", ".join(f"{name} {manifest[name.lower()]}" for name in ("scikit-learn", "numpy", "Python"))
    yield f"  trained by stance {manifest['version']} with {made}"
    yield f"  data {data['fingerprint'][:16]}: {data['rows']} pairs in {data['groups']} articles"
    yield "  settings " + ", ".join(f"{k} {v}" for k, v in manifest["settings"].items())
    if e := manifest.get("encoder"):
        yield f"  encoder {e['name']}, layer {e['layer']}, vectors of {e['width']}, SHA-256 of its weights {e['sha256']}"
    if n := manifest.get("network"):
        yield f"  network over word vectors with the SHA-256 {n['words']}"
    if a := manifest.get("actors"):
        held = "alone" if a["alone"] else "on top of the default one"
        yield f"  alias table of its own, {number(a['rows'], 'row')}, {held}, SHA-256 {a['sha256']}"
    for key, value in manifest.get("about", {}).items():
        yield f"  {key.replace('_', ' ')}: {value}"
    for head in manifest["heads"]:
        counts = ", ".join(f"{x} {data['labels'][head['name']].get(x, 0)}" for x in head["labels"])
        yield f"  {head['name']}: {counts}" + (f"; neutral label: {head['neutral']}" if "neutral" in head else "")
    validated = cross_validation_title(data.get("group_by", ""))
    for title, part in ((validated, "report"), ("held-out articles", "held_out")):
        for name_, r in reports_of(manifest, part).items():
            yield ""
            yield from report_lines(r, title=f"{name_}, {title}")


# --------------------------------------------------------------------------- agreement


def agreement_lines(a: HeadAgreement) -> Iterator[str]:
    """How far annotators agree on one head, as a table."""
    yield f"{a.head}: {number(a.pairs, 'pair')} in {number(a.articles, 'article')}, labelled by {', '.join(a.annotators)}"
    measures = {"equal labels": a.equal, "Fleiss' kappa": a.fleiss, "Krippendorff's alpha": a.alpha, "  ordinal": a.alpha_ordinal}
    if len(a.between) == 1:
        measures["Cohen's kappa"] = a.between[0].kappa
    for name, e in measures.items():
        if e is not None:
            yield f"  {name:<22}{_estimate(e)}" + (f", of the {number(a.complete, 'pair')} that all labelled" if e is a.fleiss else "")
    if len(a.between) > 1:
        for t in a.between:
            yield f"  {t.first}, {t.second}: {t.pairs} pairs, Cohen's kappa {_estimate(t.kappa)}"
    width = max(map(len, a.labels)) + 2
    yield f"  {'':<{width}}given   specific agreement    alpha against the rest"
    for c in a.classes:
        yield f"  {c.label:<{width}}{c.given:<8}{_estimate(c.specific):<22}{_estimate(c.alpha)}"
    yield f"  rows {a.between[0].first}, columns {a.between[0].second}" if len(a.between) == 1 else "  rows the earlier, columns the later of two"
    yield f"  {'':<{width}}" + _confusion(a.labels, a.labels)
    for i, label in enumerate(a.labels):
        row = [sum(t.confusion[i][j] for t in a.between) for j in range(len(a.labels))]
        yield f"  {label:<{width}}" + _confusion(row, a.labels)


def _estimate(e: Estimate) -> str:
    if e.value is None:
        return "not defined"
    return f"{e.value:.3f} ({_interval(None if e.low is None or e.high is None else (e.low, e.high))})"
