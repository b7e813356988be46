"""Judged articles as one web page that needs neither network nor script: the text with its marks, a lane an actor beside it.

jinja2 fills the templates in `stance/data/`, with every value escaped; it is imported when a page is made.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stance.actors import Pair, iter_readings, pairs
from stance.articles import Article
from stance.classification import Judgement
from stance.codebook import DEFAULT_HEADS, NEUTRAL, UNSURE, Head, gloss
from stance.explanation import Contribution, explain
from stance.lexicon import Lexicon
from stance.model import Model
from stance.text import DATA, Sentence, paragraphs, sentences

HUES = 6  # Okabe & Ito's colour-blind-safe palette without black and yellow; further actors share grey
LANES = 5  # actors with a lane of their own; the others share one
WORDS = 6  # words shown of those that decided
_GLYPHS = {
    "firm": "■", "accuse": "▲", "deny": "✕", "demand": "▶", "threaten": "◆", "cooperate": "●", NEUTRAL: "○", UNSURE: "?",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """One judgement as the page shows it."""

    id: str
    sentence: str
    number: int  # of the sentence in its paragraph
    actor: str
    hue: int
    label: str
    best: str
    told: str
    labels: tuple[str, ...]
    p: float
    classes: str
    target: tuple[str, ...]
    heads: tuple[tuple[str, list[tuple[str, float]]], ...]
    words: tuple[Contribution, ...]
    more: int
    rest: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of an article's text: a sentence with its marks, or what stands between."""

    text: str
    id: str = ""
    number: int = 0
    classes: str = ""
    hue: int = HUES
    judgements: tuple[Mark, ...] = ()


def article_page(
    judged: Iterable[tuple[Article, Sequence[Judgement]]], model: Model, *, lexicon: Lexicon, everything: bool = False
) -> Iterator[str]:
    """The page, in pieces. `judged`: articles with their judgements; `lexicon` is the one they were read with.

    Neutral judgements are counted, and shown only with `everything`. The footer tells the model and its scores.
    """
    kept = list(judged)
    main = model.heads[0].head
    every = [j for _, js in kept for j in js]
    hue = _hues(every, main)
    views = [_article(n, a, js, model, lexicon, hue, everything) for n, (a, js) in enumerate(kept, 1)]
    counts: dict[str, Counter[str]] = {}
    shown: Counter[str] = Counter()
    for j in every:
        counts.setdefault(j.actor, Counter())[j.labels[main.name]] += 1
        shown[j.actor] += everything or j.labels[main.name] != main.neutral
    said = {x for c in counts.values() for x in c}
    labels = [*main.labels, *({UNSURE} & said)]
    yield from render(
        "article", articles=views, main=main.name, labels=labels, glyphs={x: glyph(x, neutral=main.neutral) for x in labels},
        glosses={x: gloss(main.name, x) for x in labels}, tones="tone" in {h.head.name for h in model.heads},
        shown_labels=[x for x in labels if x in said and (everything or x != main.neutral)],
        actors=[{"name": a, "hue": hue[a], "counts": counts[a], "shown": shown[a]} for a in hue],
        note=_note(model),
    )  # fmt: skip


def _note(model: Model) -> str:
    scores = ", ".join(f"{head} macro-F1 {r['macro_f1']:.2f}" for head, r in model.manifest.get("report", {}).items())
    told = f"; in its own cross-validation: {scores}" if scores else ""
    return f"Labelled by stance, model {model.fingerprint}{told}. Labels are estimates: read the sentence."


def glyph(label: str, *, neutral: str = NEUTRAL) -> str:
    """The sign of a label, beside which its word always stands; `neutral` is the head's neutral label."""
    return _GLYPHS.get(NEUTRAL if label == neutral else label, "•")


def render(template: str, **values: Any) -> Iterator[str]:
    """The page of `stance/data/TEMPLATE.html.j2`, in pieces, every value escaped; its script is TEMPLATE.js, if there is one.

    The page's security policy admits this one script, by its hash, and no other source of anything.
    """
    from markupsafe import Markup

    source = DATA / f"{template}.js"
    script = source.read_text("utf-8").strip() if source.is_file() else ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = Markup(f"'sha256-{digest}'" if script else "'none'")
    stream = _templates().get_template(f"{template}.html.j2").stream(script=Markup(script), script_policy=policy, **values)
    stream.enable_buffering(500)
    yield from stream


@lru_cache(maxsize=1)
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(loader=PackageLoader("stance", "data"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _hues(judgements: Iterable[Judgement], main: Head) -> dict[str, int]:
    """A colour number an actor, by how often it takes a stance in all articles."""
    counts: Counter[str] = Counter()
    for j in judgements:
        counts[j.actor] += j.labels[main.name] != main.neutral
    return {a: min(n, HUES) for n, (a, _) in enumerate(counts.most_common())}


def _article(
    number: int, article: Article, judgements: Sequence[Judgement], model: Model, lexicon: Lexicon, hue: dict[str, int], everything: bool
) -> dict[str, Any]:
    main = model.heads[0].head
    kept = [j for j in judgements if everything or j.labels[main.name] != main.neutral]
    wanted = {(j.index, j.actor) for j in kept}
    found = {
        (r.sentence.index, p.actor): p
        for r in iter_readings(sentences(article.text), lexicon, date=article.date, speaker=article.speaker)
        for p in pairs(r)
        if (r.sentence.index, p.actor) in wanted
    }
    own = [a for a, _ in Counter(j.actor for j in kept).most_common()]
    most = LANES if len(own) > LANES + 1 else LANES + 1  # one left over gets its own lane too
    lanes: list[dict[str, Any]] = [{"name": a, "own": True, "hue": hue[a], "actors": {a}} for a in own[:most]]
    if rest := set(own[len(lanes) :]):
        lanes.append({"name": f"{len(rest)} others", "own": False, "hue": HUES, "actors": rest})
    by_sentence: dict[int, list[Judgement]] = {}
    for j in kept:
        by_sentence.setdefault(j.index, []).append(j)
    rows = []
    for pieces in _paragraphs(number, article.text, by_sentence, found, model, hue):
        marks = [m for p in pieces for m in p.judgements]
        beside = [{"own": lane["own"], "judgements": [m for m in marks if m.actor in lane["actors"]]} for lane in lanes]
        rows.append({"pieces": pieces, "lanes": beside})
    return {
        "number": number, "title": article.title or article.id, "source": article.source, "date": article.date, "shown": len(kept),
        "lanes": lanes, "paragraphs": rows,
    }  # fmt: skip


def _paragraphs(
    number: int, text: str, judged: dict[int, list[Judgement]], found: dict[tuple[int, str], Pair], model: Model, hue: dict[str, int]
) -> Iterator[list[Piece]]:
    """The pieces of each paragraph; joined they are its text."""
    neutral = model.heads[0].head.neutral
    inside: dict[int, list[Sentence]] = {}
    for s in sentences(text):
        inside.setdefault(s.paragraph, []).append(s)
    for n, (start, end) in enumerate(paragraphs(text)):
        pieces = []
        at = start
        for k, s in enumerate(inside.get(n, ())):
            if s.index not in judged:
                continue
            if at < s.start:
                pieces.append(Piece(text[at : s.start]))
            key = f"a{number}-s{s.index}"
            marks = tuple(_mark(f"{key}-j{i}", key, k, j, found[j.index, j.actor], model, hue) for i, j in enumerate(judged[s.index]))
            lead = max(marks, key=lambda m: (m.label not in (neutral, UNSURE), m.label != neutral, m.p))  # the surest stance colours the sentence
            pieces.append(Piece(s.text, key, k, lead.classes, lead.hue, marks))
            at = s.end
        if at < end:
            pieces.append(Piece(text[at:end]))
        yield pieces


def _mark(key: str, sentence: str, number: int, j: Judgement, pair: Pair, model: Model, hue: dict[str, int]) -> Mark:
    main, *others = j.labels
    none = model.heads[0].head.neutral
    label, best = j.labels[main], j.best(main)
    why = explain(model, pair, head=main, label=best)
    told = f"{UNSURE}, perhaps {best}" if label == UNSURE else label
    tone = j.labels.get("tone", NEUTRAL)
    tones = DEFAULT_HEADS["tone"].labels
    classes = (UNSURE if label == UNSURE else tone) if tone in (*tones, UNSURE) else NEUTRAL
    more = [f"{h} {UNSURE}" if j.labels[h] == UNSURE else j.labels[h] for h in others if h != "tone" or label not in (none, UNSURE)]
    return Mark(
        key, sentence, number, j.actor, hue[j.actor], label, best, ", ".join([told, *more]), tuple(j.labels.values()), j.confidence(main), classes,
        j.target, tuple((h, sorted(p.items(), key=lambda kv: -kv[1])) for h, p in j.probabilities.items()),
        why.contributions[:WORDS], len(why.contributions[WORDS:]), sum(c.value for c in why.contributions[WORDS:]),
    )  # fmt: skip
