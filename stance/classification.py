"""Articles and a model to judgements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from stance.actors import Lexicon, Mention, Pair, default_lexicon, iter_readings, pairs
from stance.articles import Article
from stance.codebook import NEUTRAL, UNSURE
from stance.model import Model, consistent, default_model
from stance.targets import find_targets, with_named
from stance.text import sentences

BATCH = 64  # articles read together
PAIRS = 4096  # pairs scored together


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one actor does in one sentence, by head: label (or `unsure`) with all probabilities.

    `start`,`end` are characters of the article's text; mentions those of the sentence shifted alike. `target` names
    the actors that the most probable label of the first head is directed at (see `stance.targets`), () where unclear.
    """

    article: str
    index: int
    paragraph: int
    start: int
    end: int
    text: str
    actor: str
    mentions: tuple[Mention, ...]
    labels: dict[str, str]
    probabilities: dict[str, dict[str, float]]
    target: tuple[str, ...] = ()

    def best(self, head: str) -> str:
        """The most probable label, also when the judgement is unsure."""
        return _best(self.probabilities[head])

    def confidence(self, head: str) -> float:
        """Probability of the shown label (of the most probable one when unsure)."""
        probs = self.probabilities[head]
        return probs.get(self.labels[head], max(probs.values()))

    def as_dict(self) -> dict[str, Any]:
        """The JSONL row: article, sentence, actor, mentions, target, and label, probability and all probabilities by head."""
        out: dict[str, Any] = {
            "article": self.article,
            "sentence": {"index": self.index, "start": self.start, "end": self.end, "text": self.text},
            "actor": self.actor,
            "mentions": [{"start": self.start + m.start, "end": self.start + m.end, "text": m.text} for m in self.mentions],
            "target": list(self.target),
        }
        for head in self.labels:
            out[head] = self.labels[head]
            out[f"{head}_p"] = round(self.confidence(head), 4)
        for head, probs in self.probabilities.items():
            out[f"{head}_probs"] = {k: round(v, 4) for k, v in probs.items()}
        return out


def classify(
    articles: Article | str | Iterable[Article | str],
    model: Model | None = None,
    *,
    lexicon: Lexicon | None = None,
    min_confidence: float | dict[str, float] = 0.0,
    actors: Sequence[str] = (),
) -> Iterator[Judgement]:
    """Judgements of articles (or plain texts), sentence by sentence, in order.

    A judgement whose probability is under `min_confidence` (one number, or one a head) is `unsure`.
    `actors` keeps only these. Results do not depend on how articles are batched.
    """
    model = model or default_model()
    lexicon = lexicon or default_lexicon()
    items = [articles] if isinstance(articles, (Article, str)) else articles
    whole = (Article(f"text-{n}", x) if isinstance(x, str) else x for n, x in enumerate(items, 1))
    for batch in _batches(whole):
        yield from _classify_batch(batch, model, lexicon, min_confidence, actors)


def classify_articles(
    articles: Iterable[Article], model: Model, *, lexicon: Lexicon, min_confidence: float | dict[str, float] = 0.0,
    actors: Sequence[str] = (), jobs: int = 1,
) -> Iterator[Judgement]:  # fmt: skip
    """As `classify`, in `jobs` processes (joblib, loky); the same judgements in the same order for any number."""
    if jobs == 1:
        yield from classify(articles, model, lexicon=lexicon, min_confidence=min_confidence, actors=actors)
        return
    from joblib import Parallel, delayed

    work = (delayed(_whole_batch)(b, model, lexicon, min_confidence, actors) for b in _batches(articles))
    for part in Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2*n_jobs")(work):
        yield from part


def _batches(articles: Iterable[Article]) -> Iterator[list[Article]]:
    items = iter(articles)
    while batch := list(islice(items, BATCH)):
        yield batch


def _whole_batch(batch: list[Article], model: Model, lexicon: Lexicon, least: float | dict[str, float], actors: Sequence[str]) -> list[Judgement]:
    return list(_classify_batch(batch, model, lexicon, least, actors))


def _classify_batch(
    batch: Sequence[Article], model: Model, lexicon: Lexicon, least: float | dict[str, float], actors: Sequence[str]
) -> Iterator[Judgement]:
    names = {h.head.name: h.head.labels for h in model.heads}
    found = (
        (a, p, told)
        for a in batch
        for r, told in with_named(iter_readings(sentences(a.text), lexicon, date=a.date))
        for p in pairs(r)
        if not actors or p.actor in actors
    )
    while part := list(islice(found, PAIRS)):
        scored = [p for _, p, _ in part]
        tables = {h: m.tolist() for h, m in model.predict_proba(scored).items()}
        probs = [{h: dict(zip(names[h], tables[h][k], strict=True)) for h in tables} for k in range(len(part))]
        main = next(iter(names))
        targets = find_targets(scored, [_best(p[main]) for p in probs], [told for _, _, told in part], model.cues)
        for (article, pair, _), p, target in zip(part, probs, targets, strict=True):
            yield _judge(article, pair, p, target, least)


def _best(probs: dict[str, float]) -> str:
    return max(probs, key=probs.__getitem__)


def _judge(article: Article, pair: Pair, probs: dict[str, dict[str, float]], target: tuple[str, ...], least: float | dict[str, float]) -> Judgement:
    labels = {}
    for head, p in probs.items():
        limit = least.get(head, 0.0) if isinstance(least, dict) else least
        best = _best(p)
        labels[head] = best if p[best] >= limit else UNSURE
    if "stance" in labels and "tone" in labels and NEUTRAL in probs["tone"]:
        labels["tone"] = consistent(labels["stance"], labels["tone"])
    s = pair.reading.sentence
    return Judgement(article.id, s.index, s.paragraph, s.start, s.end, s.text, pair.actor, pair.mentions, labels, probs, target)
