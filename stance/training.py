"""Labelled pairs to scikit-learn pipelines, an honest report, and a model.

For each head: `Pipeline(PairFeatures → WeighedRegression)`. Out-of-fold scores on grouped folds
(an article never straddles a fold) give the report, and the temperature (Guo et al. 2017): dividing
all scores of a softmax by a constant is the same as dividing its coefficients, so the calibrated
pipeline is still a plain Pipeline.
"""

from __future__ import annotations

import io
import platform
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, cast

import joblib
import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, diags
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, check_X_y

from stance.actors import Pair
from stance.codebook import Head, column_clashes, gloss
from stance.dataset import Dataset, check_dataset, check_labels, label_problems
from stance.encoders import Encoder
from stance.errors import DataError, InputError, StanceError, StanceWarning, number
from stance.evaluation import Floats, HeadReport, Ints, confusion, group_numbers, macro_f1, randomization_test, report
from stance.features import Keys, Rows, Sequences, concat, concat_sequences, extract, lookup, prepare, sequences
from stance.lexicon import default_lexicon
from stance.model import DenseWeights, HeadModel, Model, as_pairs, check_model, remembered, row_digests, softmax, trained_on
from stance.network import Goal, Network, Progress, rounded
from stance.parallel import in_processes
from stance.stacking import (
    NEVER,
    EncoderFeatures,
    PairTransformer,
    ScoreStack,
    TextLabelRegression,
    coefficients,
    dense_pipeline,
    one_thread,
    one_thread_network,
    with_encoder,
    with_network,
)
from stance.syntax import STANCE_CUES, TONE_CUES, CueLexicon, default_cues, scan
from stance.words import WordVectors, default_words

SEED = 20240229
SEEDS = 2**32  # how many there are
_HEAVIEST = 10.0  # balance: of far more, the weights of classes would be no numbers
_WHOLE = ("folds", "min_pairs", "draws", "seed")
Folds = Sequence[tuple[Ints, Ints]]

_AT_ONCE = 64  # pairs encoded at a step of the progress that is shown
_LEAST = 50  # pairs of a point of the learning curve: of fewer, nothing is learnt


@dataclass(frozen=True, slots=True)
class Settings:
    """What training may vary. `balance` 0 weighs rows alike, 1 weighs classes alike.

    `soften` divides all scores by so much more than calibration on the training data wants: for a model that will read harder text. With `trust`
    the scores of a network or encoder count so many times more, beside those of the words and the intercepts of the labels, than the training data
    want: for a model whose network has learnt elsewhere (`start`) and that will read other text than it was trained on.

    `actor_words` crosses the actor's name with the words and their letters; None: when most rows have no mention of it.
    Raises ValueError for a value that nothing can be trained with.
    """

    _: KW_ONLY
    folds: int = 5
    min_pairs: int = 3
    c: float = 1.0
    balance: float = 0.5
    soften: float = 1.0
    trust: float = 1.0
    seed: int = SEED
    draws: int = 1000
    actor_words: bool | None = None

    def __post_init__(self) -> None:
        least = {"folds": 2, "min_pairs": 1, "draws": 1, "seed": 0, "balance": 0, "soften": 0.1, "trust": 0.1}
        given = {k: getattr(self, k) for k in (*least, "c")}
        if odd := [f"{k} is {x!r}, not a number" for k, x in given.items() if not isinstance(x, Real)]:
            raise ValueError("; ".join(odd))
        told = [f"{k} is {given[k]}; at least {n} is needed" for k, n in least.items() if not given[k] >= n]
        told += [f"c is {self.c}; more than 0 is needed"] if not self.c > 0 else []
        told += [f"{k} is {given[k]}; a finite number is needed" for k in ("balance", "c", "soften", "trust") if given[k] == float("inf")]
        told += [f"{k} is {given[k]}; a whole number is needed" for k in _WHOLE if not isinstance(given[k], Integral)]
        told += [f"{k} is {given[k]}; less than {n} is needed" for k, n in (("seed", SEEDS), ("balance", _HEAVIEST)) if n <= given[k] < float("inf")]
        if told:
            raise ValueError("; ".join(told))
        for k, x in given.items():  # numbers of numpy are none for the manifest
            object.__setattr__(self, k, int(x) if k in _WHOLE else float(x))


@dataclass(frozen=True, slots=True)
class Extracted:
    """The feature row of one pair: what `PairFeatures` takes in place of a pair already extracted."""

    keys: Keys
    values: Floats


class PairFeatures(PairTransformer):
    """Pairs to a sparse matrix, for a scikit-learn pipeline.

    `fit` keeps the features that occur in at least `min_pairs` pairs, or all when none does. X is a sequence of `Pair`
    (or of `Extracted`, their rows computed before). Learnt: `keys_`, sorted, shape (features,): hashes, so that columns have no names, as those of
    scikit-learn's FeatureHasher; `stance.explain` names the words.
    """

    def __init__(self, min_pairs: int = 3, cues: CueLexicon | None = None, actor_words: bool = False) -> None:
        self.min_pairs = min_pairs
        self.cues = cues
        self.actor_words = actor_words

    def fit(self, X: Sequence[Pair | Extracted], y: Any = None) -> PairFeatures:
        """Learn which features there are. Raises ValueError for no pairs, InputError for what are no pairs."""
        rows = self._rows(X)
        if len(rows) == 0:
            raise ValueError("no pairs to fit")
        number = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
        order = np.lexsort((number, rows.keys))
        keys, owner = rows.keys[order], number[order]
        fresh = np.concatenate(([True], (keys[1:] != keys[:-1]) | (owner[1:] != owner[:-1])))
        unique, count = np.unique(keys[fresh], return_counts=True)
        kept = unique[count >= self.min_pairs]
        self.keys_ = kept if len(kept) else unique
        return self

    def transform(self, X: Sequence[Pair | Extracted]) -> csr_matrix:
        """Sparse matrix, shape (len(X), features). Raises InputError for what are no pairs."""
        check_is_fitted(self, "keys_")
        rows = self._rows(X)
        column, known = lookup(rows, self.keys_)
        number = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
        return csr_matrix((rows.values[known], (number[known], column[known])), shape=(len(rows), len(self.keys_)))

    def _rows(self, X: Sequence[Pair | Extracted]) -> Rows:
        if isinstance(X, (list, tuple, np.ndarray)) and len(X) and isinstance(X[0], Extracted):
            xs = cast(Sequence[Extracted], X)
            sizes = np.array([len(x.keys) for x in xs])
            keys, values = np.concatenate([x.keys for x in xs]), np.concatenate([x.values for x in xs])
            return Rows(np.concatenate(([0], np.cumsum(sizes))), keys, values, np.zeros(0, np.int16), np.zeros(0, np.int32))
        return extract_all(as_pairs(X), cues=self.cues, actor_words=self.actor_words)


def extract_all(pairs: Sequence[Pair], *, cues: CueLexicon | None = None, actor_words: bool = False, batch: int = 2000) -> Rows:
    """Rows of many pairs, extracted in batches to bound memory."""
    return concat(extract(pairs[i : i + batch], cues=cues, actor_words=actor_words) for i in range(0, max(1, len(pairs)), batch))


class WeighedRegression(TextLabelRegression):
    """Logistic regression on features weighed by what they tell of the classes (supervised term weighting, Debole & Sebastiani 2003).

    The weight of a feature is the root mean square, over the classes, of the log odds ratio of its presence, with half a count
    added (for two classes the ratio of Wang & Manning 2012, by and large), so that the penalty holds back those that occur alike everywhere.
    The weights are multiplied into `coef_`: fitted, it is a logistic regression on the features as they come.
    """

    def fit(self, X: csr_matrix, y: Sequence[str], sample_weight: Any = None) -> WeighedRegression:
        """Learn weights and coefficients from X, sparse or not, shape (rows, features). Raises ValueError for X and y that do not fit together."""
        X, y = check_X_y(X, y, accept_sparse="csr")
        X = csr_matrix(X)
        weights = association(X, y)
        super().fit(X @ diags(weights), y, sample_weight)
        self.coef_: Floats = self.coef_ * weights
        return self


def association(X: csr_matrix, y: Sequence[str]) -> Floats:
    """Root mean square log odds ratio of each feature with the classes, shape (features,), scaled to a mean square of one."""
    _, of = np.unique(np.array(y), return_inverse=True)
    rows = np.bincount(of)[:, None]
    there = csr_matrix((np.ones(len(of)), (of, np.arange(len(of))))) @ (X != 0)
    inside = there.toarray()  # rows of each class with each feature
    outside = inside.sum(0) - inside
    odds = np.log((inside + 0.5) * (len(of) - rows - outside + 0.5) / ((rows - inside + 0.5) * (outside + 0.5)))
    square = (odds**2).mean(0)
    weights: Floats = np.sqrt(square / max(square.mean(), 1e-12))
    return weights


def make_pipeline(settings: Settings | None = None, *, weight: dict[str, float] | None = None, cues: CueLexicon | None = None) -> Pipeline:
    """The unfitted pipeline of one head without a network, for scikit-learn's own searches and cross-validation.

    It is what `train` fits, given `settled` settings and, as `weight`, the `class_weights` of the labels; without them all rows weigh alike.
    X are pairs, y their labels, `groups` the groups: `data.pairs`, `data.labels["stance"]`, `data.groups` of a Dataset.
    """
    settings = settings or Settings()
    classifier = WeighedRegression(C=settings.c, class_weight=weight, solver="saga", max_iter=200, tol=1e-2, random_state=settings.seed)
    return Pipeline([("features", PairFeatures(settings.min_pairs, cues, bool(settings.actor_words))), ("classifier", classifier)])


def class_weights(labels: Sequence[str], balance: float) -> dict[str, float]:
    """Weight (n / (k·count)) ** balance a class."""
    names, counts = np.unique(np.array(labels, dtype=object).astype(str), return_counts=True)
    return dict(zip(map(str, names), balanced(counts, balance), strict=True))


def balanced(counts: NDArray[Any], balance: float) -> list[float]:
    """Weights of classes with so many rows, as of `class_weights`; counts need not be whole."""
    return [float((counts.sum() / (len(counts) * c)) ** balance) for c in counts]


def group_folds(labels: Sequence[str], groups: Sequence[str], settings: Settings) -> list[tuple[Ints, Ints]]:
    """(train, test) row numbers of grouped, stratified folds; fewer folds when a class has few groups."""
    y = np.array(labels)
    splitter = StratifiedGroupKFold(number_of_folds(labels, groups, settings.folds), shuffle=True, random_state=settings.seed)
    return list(splitter.split(np.zeros(len(y)), y, group_numbers(groups)))


def number_of_folds(labels: Sequence[str], groups: Sequence[str], wanted: int) -> int:
    """How many folds cross-validation makes: as many as wanted, but no more than the rarest label has groups, and two at least."""
    where: dict[str, set[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        where.setdefault(label, set()).add(group)
    return max(2, min(wanted, *map(len, where.values())))


def unlearnt(labels: Sequence[str], groups: Sequence[str], settings: Settings) -> list[str]:
    """Labels that a fold of cross-validation cannot learn: all their rows are in it, and it is tested on them alone."""
    y = np.array(labels)
    return sorted({x for train_at, _ in group_folds(labels, groups, settings) for x in {*labels} - {*y[train_at]}})


def train(
    data: Dataset, *, settings: Settings | None = None, cues: CueLexicon | None = None, about: Mapping[str, str] | None = None,
    definitions: Mapping[str, Mapping[str, str]] | None = None, encoder: Encoder | None = None, network: bool | WordVectors | Network = False,
    jobs: int = 1, progress: Progress | None = None,
) -> tuple[Model, dict[str, HeadReport]]:  # fmt: skip
    """Train every head of `data`; (model, out-of-fold report by head).

    `about` (`labelled_by`, `licence`, `note`, `hold_out`, `columns`, `definitions`) and `definitions` of labels, by head, go into the
    manifest for the model card; labels of the codebook have definitions already. The vectors of an `encoder`, or a recurrent `network`,
    join the features by stacking (see `stacking`); the report then has the macro-F1 without them among its baselines. `network` is True, the
    word vectors it is to read in place of those that ship, or a trained network to start from, whose vectors are taken: worth most on small data.
    The alias table that `data` was read with, if it was one of the user's own, goes into the model: see `Model.lexicon`.

    Same data and settings give the same bytes on the same kind of processor. A StanceWarning tells of fewer folds than `settings` want, and of
    labels that a fold cannot learn.
    Raises InputError for data that are no Dataset, DataError when a head has one class or a
    class lives in one article only, or is called as the network's part of the file; ValueError for an encoder and a network together.
    """
    _check_folds(data, settings)
    work = _begun(data, settings, cues, encoder, network, jobs, progress)
    whole = work.second.fit(work) if isinstance(work.second, _Networks) else None
    folds = {head.name: _out_of_fold(work, head) for head in data.heads}
    fitted = {name: _fitted(work, fold) for name, fold in folds.items()}
    heads = tuple(head_model(folds[name].head, pipe) for name, pipe in fitted.items())
    reports = {name: _fold_report(data, fold, work.settings, cues) for name, fold in folds.items()}
    buffer = io.BytesIO()
    joblib.dump(fitted, buffer, compress=("lzma", 6))
    manifest = _manifest_of(data, work.settings, reports, about or {}, definitions or {})
    if work.second:
        manifest[work.second.name] = work.second.entry()
    model = Model(
        heads, manifest, cues=cues or default_cues(), pipeline_bytes=buffer.getvalue(), encoder=encoder, network=whole, seen=remembered(data),
        lexicon=data.lexicon or default_lexicon(),
    )  # fmt: skip
    return model, reports


def _fitted(work: _Work, fold: OutOfFold) -> Pipeline:
    """The calibrated pipeline of a head, of all rows; the second stage learns from the out-of-fold scores of the first."""
    head = fold.head
    with one_thread():
        pipe = make_pipeline(work.settings, weight=work.weight(head), cues=work.cues).fit(work.X, np.array(work.labels(head)))
        if work.second and fold.first_stage is not None:
            pipe = work.second.joined(work, pipe, ScoreStack(head.labels, work.settings.trust).fit(fold.first_stage, work.labels(head)), head)
    _finish(pipe, fold.temperature * work.settings.soften)
    return pipe


@dataclass(frozen=True, slots=True)
class _Work:
    """What all steps of a training share: the data and how to train on them, the sparse rows of all pairs (`X`, as of `split_rows`), and what stands
    beside them: vectors, or networks."""

    data: Dataset
    settings: Settings
    cues: CueLexicon | None
    X: NDArray[Any]
    second: _Encoded | _Networks | None
    jobs: int
    progress: Progress | None

    def labels(self, head: Head) -> Sequence[str]:
        """The labels of all rows."""
        return self.data.labels[head.name]

    def weight(self, head: Head) -> dict[str, float]:
        """The weights of its classes."""
        return class_weights(self.labels(head), self.settings.balance)


def _begun(
    data: Dataset, settings: Settings | None, cues: CueLexicon | None = None, encoder: Encoder | None = None,
    network: bool | WordVectors | Network = False, jobs: int = 1, progress: Progress | None = None,
) -> _Work:  # fmt: skip
    """The work, with the features of all rows, which are known to be trainable. Raises as `train` does."""
    words = default_words() if network is True else network
    if encoder and words:
        raise ValueError("a model has an encoder or a network, not both")
    if words and "network" in data.labels:
        raise DataError("a head cannot be called 'network' in a model that has one", "rename the column, or train without the network")
    settings = settled(settings or Settings(), data)
    X = split_rows(extract_all(data.pairs, cues=cues, actor_words=bool(settings.actor_words)))
    work = _Work(data, settings, cues, X, None, jobs, progress)
    if encoder:
        return replace(work, second=_Encoded(encoder, encode_all(encoder, data.pairs, progress=progress)))
    return replace(work, second=_networks(work, words)) if words else work


@dataclass(frozen=True, slots=True)
class _Encoded:
    """What stands beside the sparse features: an encoder with its vectors of all rows, shape (rows, width)."""

    encoder: Encoder
    vectors: Floats
    name: ClassVar[str] = "encoder"

    def scores(self, work: _Work, head: Head, folds: Folds) -> Floats:
        """Out-of-fold scores of every row, shape (rows, labels)."""
        return _fold_scores(dense_pipeline(work.weight(head), work.settings.seed), self.vectors, work.labels(head), head, folds, work.jobs)

    def joined(self, work: _Work, pipe: Pipeline, stack: ScoreStack, head: Head) -> Pipeline:
        """The pipeline of the sparse features with these beside them."""
        dense = dense_pipeline(work.weight(head), work.settings.seed).fit(self.vectors, np.array(work.labels(head)))
        return with_encoder(pipe, dense, stack, self.encoder)

    def entry(self) -> dict[str, Any]:
        """What the manifest says."""
        return {"name": self.encoder.name, "sha256": self.encoder.sha256, "layer": self.encoder.layer, "width": self.vectors.shape[1]}


@dataclass
class _Networks:
    """As `_Encoded`, networks for all heads together.

    `out` are the scores of every row by one that saw no row of its group, shape (rows, labels of all heads); `whole` is one for all rows.
    """

    words: WordVectors
    start: Network | None
    sequences: Sequences
    heads: tuple[Head, ...]
    out: Floats
    whole: Network | None = None
    name: ClassVar[str] = "network"

    def fit(self, work: _Work) -> Network:
        """Train `whole`."""
        goals = goals_of(work.data, self.heads, work.settings)
        self.whole = one_thread_network(self.sequences, goals, self.words, work.settings.seed, start=self.start, progress=work.progress)
        return self.whole

    def scores(self, work: _Work, head: Head, folds: Folds) -> Floats:
        at = self._first(head)
        return self.out[:, at : at + len(head.labels)]

    def joined(self, work: _Work, pipe: Pipeline, stack: ScoreStack, head: Head) -> Pipeline:
        assert self.whole, "fit comes first"
        return with_network(pipe, stack, self.whole, self._first(head), work.cues)

    def entry(self) -> dict[str, Any]:
        return {"words": self.words.digest, "scores": self.out.shape[1], **({"start": self.start.digest} if self.start else {})}

    def _first(self, head: Head) -> int:
        """The column at which a head's scores begin."""
        return sum(len(h.labels) for h in self.heads[: [h.name for h in self.heads].index(head.name)])


def goals_of(data: Dataset, heads: Sequence[Head], settings: Settings, *, at: Ints | None = None) -> list[Goal]:
    """What a network is to learn of the heads, from all rows or from those `at`."""
    goals = []
    for h in heads:
        y = np.array(data.labels[h.name], dtype=object)
        y = y if at is None else y[at]
        weight = class_weights(list(y), settings.balance)
        truth, each = np.array([h.index(x) for x in y]), np.array([weight.get(x, 1.0) for x in h.labels])
        goals.append(Goal.of_labels(truth, each, labels=h.named))
    return goals


def _networks(work: _Work, words: WordVectors | Network) -> _Networks:
    """Networks on the folds of the first head: one network serves all heads. With a network for `words` they start from it."""
    data, settings, cues = work.data, work.settings, work.cues
    start, vectors = (words, words.words) if isinstance(words, Network) else (None, words)
    unread = start and (start.before or start)  # a fold tests on no pair that the network had learnt
    heads = tuple(occurring(h, data.labels[h.name]) for h in data.heads)
    step = 2000
    whole = concat_sequences(sequences(prepare(data.pairs[i : i + step], cues=cues)) for i in range(0, len(data), step))
    folds = group_folds(data.labels[heads[0].name], data.groups, settings)

    told = None if work.jobs > 1 else work.progress  # each shows its own steps

    def one(train_at: Ints, test_at: Ints) -> Floats:
        goals = goals_of(data, heads, settings, at=train_at)
        return one_thread_network(whole.take(train_at), goals, vectors, settings.seed, start=unread, progress=told).scores(whole.take(test_at))

    scores = _in_row_order(folds, _each(one, folds, work.jobs))
    return _Networks(vectors, start, whole, heads, scores)


def encode_all(encoder: Encoder, pairs: Sequence[Pair], *, progress: Progress | None = None) -> Floats:
    """Vectors of many pairs, shape (pairs, width). Raises InputError and MissingExtraError as encoders do."""
    parts = [pairs[i : i + _AT_ONCE] for i in range(0, len(pairs), _AT_ONCE)]
    steps = progress("vectors", len(parts)) if progress else range(len(parts))
    return np.concatenate([encoder.encode(parts[k]) for k in steps]).astype(np.float64)


def settled(settings: Settings, data: Dataset) -> Settings:
    """The settings with what was left open decided by the data."""
    if settings.actor_words is not None:
        return settings
    return replace(settings, actor_words=sum(not p.mentions for p in data.pairs) > len(data) / 2)


def split_rows(rows: Rows) -> NDArray[Any]:
    """Rows as an object array of `Extracted`, to be indexed by folds."""
    out = np.empty(len(rows), dtype=object)
    for i in range(len(rows)):
        a, b = rows.indptr[i], rows.indptr[i + 1]
        out[i] = Extracted(rows.keys[a:b], rows.values[a:b])
    return out


def check_trainable(data: Dataset) -> None:
    """Raises InputError for what is no Dataset, DataError when a head cannot be trained and tested on grouped folds, or two columns of its results
    would have one name.
    """
    _require_rows(data, "train on")
    problems = []
    for (name, label), told in column_clashes({h.name: h.labels for h in data.heads}, stored=True).items():
        place = next((f"{r.place}: " for r in data.rows if label and r.labels[name] == label), "")
        problems.append(place + told)
    clashes = len(problems)
    for head in data.heads:
        y = data.labels[head.name]
        if len(set(y)) < 2:
            problems.append(f"head {head.name!r}: all {len(y)} rows are {y[0]!r}; a classifier needs two classes")
            continue
        where: dict[str, list[int]] = {}
        for i, label in enumerate(y):
            where.setdefault(label, []).append(i)
        for label, at in sorted(where.items()):
            if len({data.groups[i] for i in at}) < 2:
                count, unit = number(len(at), "row"), data.group_by or "article"
                two = f"two values of {data.group_by}" if data.group_by else "two articles (or sentences without article_id)"
                problems.append(f"{data.rows[at[0]].place}: class {label!r} of {head.name!r} has {count} in one {unit}; it needs at least {two}")
    if problems:
        hint = "add rows of these classes, merge them with another, or drop them" if problems[clashes:] else "rename and try again"
        raise DataError("the data cannot be trained on", hint, tuple(problems))


def _check_folds(data: Dataset, settings: Settings | None) -> None:
    """As `check_trainable`; warns, in the name of who called the caller, of what cross-validation will not do."""
    check_trainable(data)
    settings = settings or Settings()
    few = "groups" if data.group_by else "articles"
    for name, labels in data.labels.items():
        told = f"cross-validation of {name!r}"
        if (n := number_of_folds(labels, data.groups, settings.folds)) < settings.folds:
            why = f"a label is in too few {few} (`stance check` names it)"
            warnings.warn(f"{told} makes {n} folds, not {settings.folds}: {why}", StanceWarning, stacklevel=3)
        if alone := unlearnt(labels, data.groups, settings):
            why = f"all {few} with {', '.join(map(repr, alone))} are in one fold: no model tested on them has seen it; label more of them"
            warnings.warn(f"{told}: {why}", StanceWarning, stacklevel=3)
    digests = row_digests(data).tolist()
    in_groups = Counter(digest for digest, _ in set(zip(digests, data.groups, strict=True)))
    if copies := sum(in_groups[x] > 1 for x in digests):
        told = f"{copies} of {number(len(data), 'row')} have sentence and actor of a row of another {data.group_by or 'article'}"
        todo = "drop copies, or give them one article_id (`stance check` names all but short ones)"
        warnings.warn(f"{told}, and may be in another fold than it: cross-validation flatters them; {todo}", StanceWarning, stacklevel=3)


def _require_rows(data: Dataset, todo: str) -> None:
    """Raises InputError for what is no Dataset, DataError for one without rows, in which `todo` says what they are wanted for."""
    check_dataset(data)
    if not len(data):
        raise DataError(f"no rows to {todo}", "look at the `split` column, if rows were taken by it")


def hold_out(data: Dataset, name: str) -> tuple[Dataset, Dataset]:
    """(rows to train on, rows of the split `name`). A StanceWarning tells how many articles, or sentences with their actor, are in both.

    Raises InputError where one of them has no rows, DataError for rows held out with a label that no other row has: no model could say it.
    """
    held = data.only_split(name)
    rest = data.take(i for i, r in enumerate(data.rows) if r.split != name)
    if not len(rest):
        raise InputError(f"all rows have split {name!r}; none is left to train on", "hold out another split")
    problems = []
    for h in data.heads:
        known = set(rest.labels[h.name])
        own = [(r, x) for r, x in zip(held.rows, held.labels[h.name], strict=True) if x not in known]
        problems += [f"{r.place}: {h.name} {x!r} is in no row that is trained on" for r, x in own]
    if problems:
        raise DataError(f"split {name!r} has labels of its own", "put some of their articles into another split, or drop them", tuple(problems))
    if both := len({*rest.articles} & {*held.articles}):
        shared = f"{number(both, 'article')} {'is' if both == 1 else 'are'} both in split {name!r} and in what is trained on"
        warnings.warn(f"{shared}: its scores flatter (`stance check` names them)", StanceWarning, stacklevel=2)
    if seen := int(np.isin(row_digests(held), row_digests(rest)).sum()):
        told = f"{seen} of {number(len(held), 'row')} of split {name!r} have sentence and actor of rows that are trained on"
        warnings.warn(f"{told}: their scores say nothing (`stance check` names all but short ones)", StanceWarning, stacklevel=2)
    return rest, held


@dataclass(frozen=True, slots=True)
class Predicted:
    """What one head predicts for the rows of a data set: `truth` label numbers, shape (rows,); `probs` shape (rows, labels)."""

    head: Head
    truth: Ints
    probs: Floats


@dataclass(frozen=True, slots=True)
class OutOfFold(Predicted):
    """Predictions of every row by a model that saw no row of its group (`Dataset.groups`).

    `head` has the labels that occur; `probs` is calibrated on the other folds; `temperature` is the one learnt on all rows.
    `first_stage`, with an encoder or a network: scores of the sparse model beside theirs, shape (rows, 2 · labels); `beside` says which.
    """

    temperature: float
    first_stage: Floats | None = None
    beside: str = ""


def out_of_fold(
    data: Dataset,
    *,
    settings: Settings | None = None,
    cues: CueLexicon | None = None,
    encoder: Encoder | None = None,
    network: bool | WordVectors | Network = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict[str, OutOfFold]:
    """Grouped cross-validation of every head. Warns and raises as `train` does."""
    _check_folds(data, settings)
    work = _begun(data, settings, cues, encoder, network, jobs, progress)
    return {h.name: _out_of_fold(work, h) for h in data.heads}


def cross_validate(
    data: Dataset, folds: dict[str, OutOfFold], *, settings: Settings | None = None, cues: CueLexicon | None = None
) -> dict[str, HeadReport]:
    """Report by head of the predictions of `out_of_fold`: the one `train` stores, without training the model.

    `settings` and `cues` are those given to it.
    """
    return {name: _fold_report(data, fold, settings or Settings(), cues) for name, fold in folds.items()}


def _fold_report(data: Dataset, fold: OutOfFold, settings: Settings, cues: CueLexicon | None) -> HeadReport:
    baselines = _baselines(data.pairs, fold.head, cues)
    if fold.first_stage is not None:
        baselines[f"without {fold.beside}"] = fold.first_stage[:, : len(fold.head.labels)].argmax(1)
    return report(fold.head, fold.truth, fold.probs, data.articles, baselines=baselines, draws=settings.draws)


def _out_of_fold(work: _Work, head: Head) -> OutOfFold:
    y, settings, second = work.labels(head), work.settings, work.second
    head = occurring(head, y)
    folds = group_folds(y, work.data.groups, settings)
    truth = np.array([head.index(x) for x in y])
    classifier = make_pipeline(settings, weight=work.weight(head), cues=work.cues)
    scores, first = _fold_scores(classifier, work.X, y, head, folds, work.jobs, work.progress), None
    seen = scores[np.arange(len(y)), truth] > NEVER  # a score that its fold could not give says nothing of how sure it is of others
    if second:
        first = np.hstack([scores, second.scores(work, head, folds)])
        scores = _fold_scores(ScoreStack(head.labels, settings.trust), first, y, head, folds)
    temperatures = np.ones(len(y))
    for train_at, test_at in folds:
        at = train_at[seen[train_at]]
        temperatures[test_at] = temperature(scores[at], truth[at])
    temperatures *= settings.soften
    whole = temperature(scores[seen], truth[seen])
    return OutOfFold(head, truth, softmax(scores / temperatures[:, None]), whole, first, second.name if second else "")


def occurring(head: Head, y: Sequence[str]) -> Head:
    """The head with the labels that occur."""
    found = set(y)
    return replace(head, labels=tuple(x for x in head.labels if x in found))


def _fold_scores(
    classifier: Any, X: NDArray[Any], y: Sequence[str], head: Head, folds: Folds, jobs: int = 1,
    progress: Progress | None = None,
) -> Floats:  # fmt: skip
    """Decision scores of every row by `classifier` fitted without its fold, shape (rows, labels)."""
    target = np.array(y)

    def one(train_at: Ints, test_at: Ints) -> Floats:
        return _fit_scores(classifier, X[train_at], target[train_at], X[test_at], head)

    return _in_row_order(folds, _each(one, folds, jobs, progress, f"folds of {head.name}"))


def _each(work: Callable[[Ints, Ints], Any], plan: Folds, jobs: int, progress: Progress | None = None, title: str = "") -> list[Any]:
    """What `work` makes of every (training, test) rows of the plan: in processes, or one after another under `progress`."""
    if jobs > 1:
        parts = in_processes(lambda part: [work(*rows) for rows in part], ([rows] for rows in plan), min(jobs, len(plan)), _lost)
        return [found for part in parts for found in part]
    steps = progress(title, len(plan)) if progress else range(len(plan))
    return [work(*plan[k]) for k in steps]


def _lost(_: tuple[Ints, Ints]) -> Any:
    raise StanceError("training killed its process", "is there memory enough? use fewer --jobs")


def _in_row_order(folds: Folds, parts: Sequence[Floats]) -> Floats:
    """The scores of all test rows, each fold's in `parts`, in the order of the rows."""
    out: Floats = np.concatenate(parts)[np.argsort(np.concatenate([test_at for _, test_at in folds]))]
    return out


def _fit_scores(classifier: Any, X: NDArray[Any], y: NDArray[Any], Z: NDArray[Any], head: Head) -> Floats:
    """Decision scores for Z after training on X, y; where so few rows hold one class only, that class."""
    if len(set(y)) == 1:
        return np.where(np.arange(len(head.labels)) == head.index(str(y[0])), 0.0, NEVER) * np.ones((len(Z), 1))
    with one_thread():
        return full_scores(clone(classifier).fit(X, y), Z, head)


def full_scores(pipe: Any, X: Any, head: Head) -> Floats:
    """Decision scores with one column a label of the head, also for two classes; NEVER for classes the fold lacks."""
    raw = pipe.decision_function(X)
    classes = list(pipe.classes_)
    if raw.ndim == 1:
        raw = np.column_stack([np.zeros(len(raw)), raw])
    out = np.full((len(raw), len(head.labels)), NEVER)
    for j, label in enumerate(classes):
        out[:, head.index(label)] = raw[:, j]
    return out


def temperature(scores: Floats, truth: Ints) -> float:
    """The divisor of the scores with the least log loss (Guo et al. 2017); 1 for no rows."""
    if not len(truth):
        return 1.0

    def loss(log_t: float) -> float:
        p = softmax(scores / np.exp(log_t))[np.arange(len(truth)), truth]
        return -float(np.log(np.maximum(p, 1e-12)).mean())

    found = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def _finish(pipe: Pipeline, t: float) -> None:
    """Fold the temperature into the classifier, and round it."""
    clf = pipe.named_steps["classifier"]
    clf.coef_ = rounded(clf.coef_ / t)
    clf.intercept_ = clf.intercept_ / t


def head_model(head: Head, pipe: Pipeline) -> HeadModel:
    """The learnt arrays of a fitted pipeline, labels in the head's order."""
    features = pipe.named_steps["features"]
    coef, bias = coefficients(pipe.named_steps["classifier"], head.labels)
    weights = np.ascontiguousarray(coef.T.astype(np.float32))
    if isinstance(features, PairFeatures):
        return HeadModel(head, features.keys_, weights, bias)
    words, other = (transformer for _, transformer in features.transformer_list)
    n = len(words.keys_)
    center = other.center_ if isinstance(other, EncoderFeatures) else np.zeros(weights.shape[0] - n, np.float32)
    return HeadModel(head, words.keys_, weights[:n], bias, DenseWeights(center, weights[n:]))


def _baselines(pairs: Sequence[Pair], head: Head, cues: CueLexicon | None) -> dict[str, Ints]:
    """Hand rules to stand beside the report, for heads whose labels the cue lexicon knows."""
    known = set(head.labels) & {*STANCE_CUES, *TONE_CUES}
    return {"cue-only": cue_baseline(pairs, head, cues=cues)} if known else {}


def cue_baseline(pairs: Sequence[Pair], head: Head, *, cues: CueLexicon | None = None) -> Ints:
    """Label of the heaviest cue whose subject is the actor, else the neutral one: hand rules without learning."""
    fallback = head.index(head.neutral) if head.neutral else 0
    out = np.full(len(pairs), fallback)
    reading = None
    for i, p in enumerate(pairs):
        if p.reading is not reading:  # pairs of one sentence stand together
            reading, s = p.reading, scan(p.reading, cues or default_cues())
        own = {s.group[k] for k, m in enumerate(p.reading.mentions) if m.actor == p.actor}
        best = 0.0
        for f in s.cues:
            if f.label in head.labels and s.subject[f.first] in own and f.weight > best and f.label != head.neutral and not s.negated[f.first]:
                best, out[i] = f.weight, head.index(f.label)
    return out


def _manifest_of(
    data: Dataset, settings: Settings, reports: dict[str, HeadReport], about: Mapping[str, str], definitions: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    from stance import __version__

    return {
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "settings": {k: getattr(settings, k) for k in settings.__slots__},
        **({"chosen": ["actor_words"]} if settled(replace(settings, actor_words=None), data) != settings else {}),
        "data": {
            "fingerprint": data.fingerprint,
            "rows": len(data),
            "groups": len(set(data.articles)),
            **({"group_by": data.group_by} if data.group_by else {}),
            "labels": {h.name: {x: data.labels[h.name].count(x) for x in h.labels} for h in data.heads},
        },
        "glosses": {h.name: _glosses(h, definitions.get(h.name, {})) for h in data.heads},
        "about": {k: " ".join(v.split()) for k, v in about.items() if v.strip()},
        "report": {name: r.as_dict() for name, r in reports.items()},
    }


def _glosses(head: Head, own: Mapping[str, str]) -> dict[str, str]:
    return {x: " ".join(told.split()) for x in head.labels if (told := own.get(x) or gloss(head.name, x))}


def predict(model: Model, data: Dataset) -> dict[str, Predicted]:
    """A model's predictions for labelled data, by head of the data.

    Raises InputError for what is no Model or Dataset and for a head that the model lacks, DataError for no rows and for labels that it lacks.
    """
    check_model(model)
    _require_rows(data, "score")
    heads = [model.head(h.name, hint="read the data with the heads of the model").head for h in data.heads]
    check_labels(data.rows, heads)
    if problems := [*map(str, label_problems(data.rows, heads, set(model.labels)))]:
        raise DataError("the model lacks labels of the data", "correct these rows, or leave them out", tuple(problems))
    probs = model.predict_proba(data.pairs)
    return {h.name: Predicted(h, np.array([h.index(x) for x in data.labels[h.name]]), probs[h.name]) for h in heads}


def evaluate(model: Model, data: Dataset, *, predicted: Mapping[str, Predicted] | None = None) -> dict[str, HeadReport]:
    """Report by head of a model on labelled data (`predicted`: what `predict` said of it, if that is known already). Raises as `predict` does.

    A StanceWarning tells how many rows have sentence and actor of rows that the model was trained on.
    """
    found = _scores(model, data, predicted or predict(model, data))
    _warn_of_seen(model, data)
    return found


def _scores(model: Model, data: Dataset, predicted: Mapping[str, Predicted]) -> dict[str, HeadReport]:
    articles = data.articles
    return {n: report(p.head, p.truth, p.probs, articles, baselines=_baselines(data.pairs, p.head, model.cues)) for n, p in predicted.items()}


def _warn_of_seen(model: Model, data: Dataset) -> None:
    if n := trained_on(model, data):
        about = "about " * model.sampled
        what = "this is the data" if n == len(data) and not about else f"{about}{n} of {len(data)} rows have sentence and actor of rows"
        name, whose = model.path or f"model {model.fingerprint}", "the" if n == len(data) else "their"
        warnings.warn(f"{name}: {what} the model was trained on; {whose} scores say nothing", StanceWarning, stacklevel=3)


def with_held_out(model: Model, data: Dataset) -> Model:
    """The model, whose manifest tells as `held_out` how it scores on `data`, on which it was not trained. Raises as `predict` does."""
    scores = {name: r.as_dict() for name, r in _scores(model, data, predict(model, data)).items()}
    return replace(model, manifest={**model.manifest, "held_out": scores})


def compare(mine: Mapping[str, Predicted], other: Model, data: Dataset) -> dict[str, dict[str, float]]:
    """Macro-F1 of another model on the same rows, the difference and its p, by shared head.

    `mine` comes from `predict` or `out_of_fold`. A label that one side lacks is one it never predicts.
    Heads that share no label are left out. A StanceWarning as of `evaluate` is of the other model.
    """
    _warn_of_seen(other, data)
    theirs = other.predict_proba(data.pairs)
    out = {}
    for name, p in mine.items():
        if name not in theirs or not set(p.head.labels) & set(other.head(name).head.labels):
            continue
        labels = list(dict.fromkeys((*p.head.labels, *other.head(name).head.labels)))
        number = np.array([labels.index(x) for x in other.head(name).head.labels])
        k, a, b = len(labels), p.probs.argmax(1), number[theirs[name].argmax(1)]
        fa, fb = macro_f1(confusion(p.truth, a, k)), macro_f1(confusion(p.truth, b, k))
        out[name] = {"macro_f1": fb, "difference": fa - fb, "p": randomization_test(p.truth, a, b, k, data.articles)}
    return out


# --------------------------------------------------------------------------- learning curve


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Macro-F1 after training on `pairs` pairs of `articles` articles (means over the draws); `scores` has one value a draw."""

    pairs: float
    articles: float
    macro_f1: float
    scores: tuple[float, ...]


def learning_curve(
    data: Dataset,
    *,
    sizes: Sequence[int] = (),
    draws: int = 5,
    test: Dataset | None = None,
    settings: Settings | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict[str, tuple[CurvePoint, ...]]:
    """Macro-F1 by number of training pairs, for every head, without a network.

    A draw holds out one grouped fold (another for each; or tests on `test`) and trains on the first articles, in a
    random order of its own, that make up each size: the smaller sets lie in the larger ones. Default sizes: all that
    a fold leaves, and its halves down to a sixteenth, but not to fewer than 50 pairs (of
    little data: down to a quarter). Same data and settings, same numbers. Raises as `train` does, InputError for a size beyond the data or under
    one, and DataError for a `test` without rows, or without a head of the data, or with labels that they lack.
    """
    check_trainable(data)
    if test is not None:
        _check_test(test, data.heads)
    if too_small := [f"{what} {n}" for what, n in (("draws", draws), *(("size", n) for n in sizes)) if n < 1]:
        raise InputError(f"{too_small[0]}: nothing can be learnt from that", "give 1 or more")
    if too_large := [n for n in sizes if n > len(data)]:
        raise InputError(f"size {too_large[0]} is more than the {len(data)} pairs there are", "give smaller sizes")
    work = _begun(data, settings, jobs=jobs, progress=progress)
    Z = split_rows(extract_all(test.pairs, actor_words=bool(work.settings.actor_words))) if test else work.X
    return {h.name: _curve(work, h, test or data, Z, sizes, draws) for h in data.heads}


def _check_test(test: Dataset, heads: Sequence[Head]) -> None:
    _require_rows(test, "test on")
    if lacking := [h.name for h in heads if h.name not in test.labels]:
        raise DataError(f"the rows to test on have no head {lacking[0]!r}; they have {', '.join(test.labels)}", "name its column with heads=")
    if problems := [*map(str, label_problems(test.rows, heads, {h.name for h in heads}))]:
        raise DataError("the rows to test on have labels that those to train on lack", "correct these rows, or leave them out", tuple(problems))


def _curve(work: _Work, head: Head, test: Dataset, Z: NDArray[Any], sizes: Sequence[int], draws: int) -> tuple[CurvePoint, ...]:
    data, settings, X = work.data, work.settings, work.X
    y, truth = np.array(data.labels[head.name]), np.array([head.index(x) for x in test.labels[head.name]])
    articles = group_numbers(data.articles)
    splits = _draws(data.labels[head.name], data.groups, draws, settings) if test is data else [(np.arange(len(y)), np.arange(len(truth)))] * draws
    room = min(len(pool) for pool, _ in splits)
    halves = [room // k for k in (16, 8, 4, 2, 1) if k <= 4 or room // k >= _LEAST]
    wanted = sorted({min(n, room) for n in sizes or halves} - {0})
    orders = [_shuffled(pool, articles, settings.seed + d) for d, (pool, _) in enumerate(splits)]
    plan = [(_whole_articles(orders[d], articles, n), splits[d][1]) for n in wanted for d in range(draws)]

    def score(at: Ints, held: Ints) -> float:
        classifier = make_pipeline(settings, weight=class_weights(list(y[at]), settings.balance))
        pred = _fit_scores(classifier, X[at], y[at], Z[held], head).argmax(1)
        return macro_f1(confusion(truth[held], pred, len(head.labels)))

    scores = _each(score, plan, work.jobs, work.progress, f"learning curve of {head.name}")
    return tuple(_point([at for at, _ in plan[i : i + draws]], scores[i : i + draws], articles) for i in range(0, len(plan), draws))


def _draws(labels: Sequence[str], groups: Sequence[str], draws: int, settings: Settings) -> list[tuple[Ints, Ints]]:
    """(training, test) rows of each draw: a fold of its own, the folds shuffled anew when all have been used."""
    out = group_folds(labels, groups, settings)
    folds = len(out)
    while len(out) < draws:
        out += group_folds(labels, groups, replace(settings, seed=(settings.seed + len(out) // folds) % SEEDS))
    return out[:draws]


def _shuffled(pool: Ints, articles: NDArray[Any], seed: int) -> Ints:
    """The rows of `pool`, articles in random order."""
    numbers, which = np.unique(articles[pool], return_inverse=True)
    rank = np.argsort(np.random.default_rng(seed).permutation(len(numbers)))
    return pool[np.argsort(rank[which], kind="stable")]


def _whole_articles(order: Ints, articles: NDArray[Any], size: int) -> Ints:
    """The first rows of `order`, at least `size` of them, up to the end of an article."""
    end = size
    while end < len(order) and articles[order[end]] == articles[order[end - 1]]:
        end += 1
    return order[:end]


def _point(rows: Sequence[Ints], scores: Sequence[float], articles: NDArray[Any]) -> CurvePoint:
    pairs, of = [len(at) for at in rows], [len(set(articles[at])) for at in rows]
    return CurvePoint(float(np.mean(pairs)), float(np.mean(of)), float(np.mean(scores)), tuple(map(float, scores)))
