"""Articles and a model to judgements."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import islice
from numbers import Real
from typing import TYPE_CHECKING, Any

from stance.actors import Mention, Pair, iter_readings, named, pairs
from stance.articles import Article, Item, Skipped, whole
from stance.codebook import UNSURE, Head
from stance.dates import checked_date
from stance.errors import InputError, StanceError
from stance.features import scan_all
from stance.lexicon import Lexicon, check_lexicon
from stance.model import Model, check_model, consistent, default_model
from stance.syntax import Scan
from stance.tables import is_file
from stance.targets import find_targets, with_named
from stance.text import sentences

if TYPE_CHECKING:
    from stance.dataset import Dataset

BATCH = 64  # articles read together …
CHARACTERS = 400_000  # … or fewer, once they are so long
PAIRS = 1024  # pairs scored together: what is scored decides how much memory is wanted
_switching = threading.Lock()  # another thread may end between the look and the switch, and Python would never look for garbage again


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
    labels: dict[str, str] = field(hash=False)
    probabilities: dict[str, dict[str, float]] = field(hash=False)
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
        return {
            "article": self.article,
            "sentence": {"index": self.index, "start": self.start, "end": self.end, "text": self.text},
            "actor": self.actor,
            "mentions": [{"start": self.start + m.start, "end": self.start + m.end, "text": m.text} for m in self.mentions],
            "target": list(self.target),
            **self.label_values(),
        }

    def as_row(self) -> dict[str, Any]:
        """A flat row for a data frame, as CSV has it but for title, date and source of the article; `start`,`end` are those of the first mention
        that stands in `text` (None where none does)."""
        first = named(self.mentions)
        return {
            "article_id": self.article, "sentence_id": self.index, "text": self.text, "actor": self.actor,
            "start": first.start if first else None, "end": first.end if first else None, "sentence_start": self.start, "sentence_end": self.end,
            "mentions": "; ".join(" ".join(m.text.split()) for m in self.mentions if m.text), "target": ";".join(self.target), **self.label_cells(),
        }  # fmt: skip

    def label_values(self) -> dict[str, Any]:
        """By head its label and probability, then by head the probabilities of all labels."""
        out: dict[str, Any] = {}
        for head, label in self.labels.items():
            out[head], out[f"{head}_p"] = label, round(self.confidence(head), 4)
        return out | {f"{head}_probs": {label: round(p, 4) for label, p in probs.items()} for head, probs in self.probabilities.items()}

    def label_cells(self) -> dict[str, Any]:
        """The same, with every probability by itself."""
        row = self.label_values()
        each = [(head, row.pop(f"{head}_probs")) for head in self.probabilities]
        return row | {f"{head}_{label}": p for head, probs in each for label, p in probs.items()}


def classify(
    articles: Article | str | Iterable[Article | str],
    model: Model | None = None,
    *,
    lexicon: Lexicon | None = None,
    min_confidence: float | Mapping[str, float] = 0.0,
    actors: str | Iterable[str] = (),
) -> Iterator[Judgement]:
    """Judgements of articles (or plain texts), sentence by sentence, in order.

    A judgement whose probability is under `min_confidence` (one number, or one a head) is `unsure`.
    `actors` keeps only these (or this one). `lexicon`: in place of the model's own. Results do not depend on how articles are batched.
    Raises InputError for what is neither a text nor an article (a missing value, a whole table, an open file or the path of one), for a date
    that is not understood, for an actor that the lexicon does not have, a `model` that is no Model, a `lexicon` that is none, and for a threshold
    that is no number or of a head that the model lacks; for the last three so do the functions below.
    """
    model = model or default_model()
    least = _limits(model, min_confidence)
    check_lexicon(lexicon)
    lexicon = lexicon or model.lexicon
    wanted = _wanted(actors, lexicon)
    batches = _batches(_as_articles(articles))
    return (judgement for batch in batches for _, judgement in _judged(batch, model, lexicon, least, wanted))


def _wanted(actors: str | Iterable[str] | None, lexicon: Lexicon) -> tuple[str, ...]:
    """The actors to keep, () for all. Raises InputError for one that the lexicon does not have."""
    wanted = ((actors,) if actors else ()) if isinstance(actors, str) else tuple(() if actors is None else actors)
    lexicon.check_actors(wanted)
    return wanted


def _as_articles(given: Any) -> Iterator[Article]:
    """Articles, those of plain texts numbered. Raises InputError for what is neither: at once when nothing given is, else as it comes."""
    if isinstance(given, (bytes, Mapping)) or hasattr(given, "columns") or hasattr(given, "read") or not isinstance(given, (str, Article, Iterable)):
        said = f"articles are given as {type(given).__name__}, not as texts or Article objects"
        raise InputError(said, "of a table give the column with the texts; files are read by stance.read_articles(path)")
    return _each_article([given] if isinstance(given, (str, Article)) else given)


def _each_article(given: Iterable[Any]) -> Iterator[Article]:
    for n, x in enumerate(given, 1):
        if isinstance(x, str):
            if len(x) < 1000 and is_file(x):
                raise InputError(f"text {n} is {x!r}, the path of a file", "files are read by stance.read_articles(path)")
            yield Article(f"text-{n}", x)
        elif isinstance(x, Article):
            for f in fields(x):
                if not isinstance(value := getattr(x, f.name), str):
                    said = f"{f.name} of article {n} is {value!r:.60} ({type(value).__name__}), not a str"
                    raise InputError(said, "give str(…), or '' where there is none")
            checked_date(x.date, f"date of article {n}")
            yield x
        else:
            raise InputError(f"article {n} is {x!r:.60} ({type(x).__name__}), not a text or an Article", "leave out missing values: column.dropna()")


def classify_pairs(data: Dataset, model: Model | None = None, *, min_confidence: float | Mapping[str, float] = 0.0) -> Iterator[Judgement]:
    """A judgement for every pair of `data` (`dataset.read_pairs`, or labelled data), in its order, whatever labels it has.

    `article` and `text` are those of the row, `start`,`end` all of its text; targets are not looked for. For a model with an alias table of
    its own, read the data with it: `read_pairs(path, lexicon=model.lexicon)`. Raises InputError for `data` that are no Dataset.
    """
    from stance.dataset import check_dataset

    check_dataset(data)
    model = model or default_model()
    least = _limits(model, min_confidence)
    heads = {h.head.name: h.head for h in model.heads}
    parts = (slice(at, at + PAIRS) for at in range(0, len(data), PAIRS))
    judged = (zip(data.rows[part], data.pairs[part], _probabilities(model, data.pairs[part]), strict=True) for part in parts)
    return (_judge(row.article_id, pair, p, (), least, heads) for part in judged for row, pair, p in part)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item of an archive: its judgements, or why it was skipped."""

    item: Article | Skipped
    judgements: tuple[Judgement, ...] = ()
    skipped: str = ""


def classify_archive(
    items: Iterable[Article | Skipped], model: Model, *, lexicon: Lexicon | None = None, min_confidence: float | Mapping[str, float] = 0.0,
    actors: str | Iterable[str] = (), jobs: int = 1, cluster: str = "", finish: Callable[[Result], Any] = lambda result: result,
) -> Iterator[list[Any]]:  # fmt: skip
    """A result for every item, batch by batch, in order; the same for any `jobs`, and on a dask cluster (`cluster` is its scheduler's address).

    An article on which classification fails, or kills its process, is skipped with the reason; the others of its batch are not lost.
    What is wrong with the model itself (an encoder that is not there) is raised, as is what `classify` refuses of the options.
    Memory does not grow with the number of items. `finish` makes of a `Result` what is given back, in the process that judged it, so that
    the one process that collects has little to do.
    """
    least = _limits(model, min_confidence)
    check_lexicon(lexicon)
    lexicon = lexicon or model.lexicon
    bare = replace(model, pipeline_bytes=b"")  # prediction needs no scikit-learn pipelines
    work = partial(_finished, finish=finish, model=bare, lexicon=lexicon, least=least, actors=_wanted(actors, lexicon))
    batches = _batches(items)
    if not cluster and jobs == 1:
        return map(work, batches)
    from stance.parallel import in_processes, on_cluster

    def lost(item: Article | Skipped) -> Any:
        return finish(Result(item, (), "classification killed its process; is there memory enough?"))

    return on_cluster(work, batches, cluster, lost) if cluster else in_processes(work, batches, jobs, lost)


def _limits(model: Model, given: float | Mapping[str, float]) -> dict[str, float]:
    """The probability under which a label is unsure, by head. Raises InputError for a head that the model lacks, no number, and no model."""
    check_model(model)
    limits = dict(given) if isinstance(given, Mapping) else dict.fromkeys(model.labels, given)
    for name in limits:
        model.head(name)
    if odd := [x for x in limits.values() if not isinstance(x, Real) or x != x]:
        raise InputError(f"min_confidence is {odd[0]!r}, not a probability", "give a number from 0 to 1, or one a head: {'stance': 0.6}")
    return limits


def _finished(batch: list[Article | Skipped], *, finish: Callable[[Result], Any], **settings: Any) -> list[Any]:
    return [finish(r) for r in _results(batch, **settings)]


def _results(
    batch: list[Article | Skipped], *, model: Model, lexicon: Lexicon, least: dict[str, float], actors: Sequence[str]
) -> list[Result]:
    """Results of a batch; if it fails, of each of its items alone, to find the one that fails."""
    read = [x for x in batch if isinstance(x, Article)]
    found: list[list[Judgement]] = [[] for _ in read]
    try:
        for n, judgement in _judged(read, model, lexicon, least, actors):
            found[n].append(judgement)
    except StanceError:  # of the model, not of an article
        raise
    except Exception as e:
        if len(batch) == 1:
            return [Result(batch[0], (), f"classification failed: {type(e).__name__}: {e}")]
        return [r for x in batch for r in _results([x], model=model, lexicon=lexicon, least=least, actors=actors)]
    judgements = iter(found)
    return [Result(x, (), x.reason) if isinstance(x, Skipped) else Result(x, tuple(next(judgements))) for x in batch]


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    room = CHARACTERS
    for item in map(whole, items):
        batch.append(item)
        room -= len(item.text) if isinstance(item, Article) else 0
        if len(batch) == BATCH or room <= 0:
            yield batch
            batch, room = [], CHARACTERS
    if batch:
        yield batch


def _judged(
    batch: Sequence[Article], model: Model, lexicon: Lexicon, least: dict[str, float], actors: Sequence[str]
) -> Iterator[tuple[int, Judgement]]:
    """Judgements with the position of their article in the batch."""
    heads = {h.head.name: h.head for h in model.heads}
    main = model.heads[0].head
    found = (
        (n, p, told)
        for n, a in enumerate(batch)
        for r, told in with_named(iter_readings(sentences(a.text), lexicon, date=a.date, speaker=a.speaker))
        for p in pairs(r)
        if not actors or p.actor in actors
    )
    while True:
        with _no_garbage():
            if not (part := list(islice(found, PAIRS))):
                break
            scored = [p for _, p, _ in part]
            scans = scan_all(scored, cues=model.cues)
            probs = _probabilities(model, scored, scans)
            targets = find_targets(scored, [_best(p[main.name]) for p in probs], [told for _, _, told in part], scans, neutral=main.neutral)
            judged = [(n, _judge(batch[n].id, pair, p, t, least, heads)) for (n, pair, _), p, t in zip(part, probs, targets, strict=True)]
        yield from judged


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Python does not look for garbage meanwhile: millions of small objects are made, and hardly a cycle; the search takes a tenth of the time."""
    with _switching:
        enabled = gc.isenabled()
        gc.disable()
    try:
        yield
    finally:
        if enabled:
            with _switching:
                gc.enable()


def _probabilities(model: Model, pairs: Sequence[Pair], scans: dict[int, Scan] | None = None) -> list[dict[str, dict[str, float]]]:
    """Of every pair, by head and label."""
    names = model.labels
    tables = {h: m.tolist() for h, m in model.predict_proba(pairs, scans=scans).items()}
    return [{h: dict(zip(names[h], tables[h][k], strict=True)) for h in tables} for k in range(len(pairs))]


def _best(probs: dict[str, float]) -> str:
    return max(probs, key=probs.__getitem__)


def _judge(
    article: str, pair: Pair, probs: dict[str, dict[str, float]], target: tuple[str, ...], least: dict[str, float], heads: Mapping[str, Head]
) -> Judgement:
    def sure(head: str, label: str) -> str:
        return label if probs[head][label] >= least.get(head, 0.0) else UNSURE

    labels = {head: sure(head, _best(p)) for head, p in probs.items()}
    if "stance" in labels and "tone" in labels:
        labels["tone"] = sure("tone", consistent(labels["stance"], _best(probs["tone"]), heads=heads))
    s = pair.reading.sentence
    return Judgement(article, s.index, s.paragraph, s.start, s.end, s.text, pair.actor, pair.mentions, labels, probs, target)
