"""The second stage: an encoder or a network beside the sparse features, joined on out-of-fold scores (Wolpert 1992).

A logistic regression learns from the encoder's vectors alone (a network gives scores as it is); another, small one learns to weigh those
scores, out of fold, against those of the sparse model. All are linear, so what comes out is one linear classifier on both kinds of
features: `joined` multiplies it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from stance.actors import Pair
from stance.encoders import Encoder, checked_vectors
from stance.features import Floats, Sequences, prepare, sequences
from stance.model import as_pairs, softmax
from stance.network import Goal, Network, Progress, train_network
from stance.syntax import CueLexicon
from stance.words import WordVectors, default_words

_C_DENSE = 0.01  # hundreds of standardised columns, all in use: strong shrinkage
NEVER = -30.0  # score of a class that a fold has not seen


class PairTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer whose rows are pairs."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


class EncoderFeatures(PairTransformer):
    """Pairs to vectors less their mean, for a scikit-learn pipeline. Learnt: `center_`, shape (width,), and `sha256_` of the encoder.

    It holds the encoder by name: the weights are looked up where it runs, and refused (ModelError) when they are others.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def fit(self, X: Sequence[Pair], y: Any = None) -> EncoderFeatures:
        """Learn the mean vector. Raises ValueError for no pairs, InputError for what are no pairs."""
        pairs = as_pairs(X)
        if not pairs:
            raise ValueError("no pairs to fit")
        self.center_ = self.encoder.encode(pairs).mean(0)
        self.sha256_ = self.encoder.sha256
        return self

    def transform(self, X: Sequence[Pair]) -> Floats:
        """Vectors, shape (len(X), width)."""
        check_is_fitted(self, "center_")
        entry = {"sha256": self.sha256_, "width": len(self.center_)}
        out: Floats = checked_vectors(self.encoder, as_pairs(X), entry, "the pipeline").astype(np.float64) - self.center_
        return out


class TextLabelRegression(LogisticRegression):  # type: ignore[misc]
    """Logistic regression whose `class_weight` is found by the text of a label.

    scikit-learn 1.9 takes labels such as "-1" for numbers where it looks up their weights, and does not find them.
    """

    def fit(self, X: Any, y: Sequence[str], sample_weight: Any = None) -> TextLabelRegression:
        """As in scikit-learn. Raises ValueError for a class without a weight, where there are weights by class."""
        params = self.get_params()
        if isinstance(by_label := params["class_weight"], dict):
            if lacking := sorted({str(label) for label in y} - set(map(str, by_label))):
                raise ValueError(f"the classes {', '.join(lacking)} are not in class_weight; it has {', '.join(map(str, by_label))}")
            told = {str(k): w for k, w in by_label.items()}
            each = np.array([told[str(label)] for label in y])
            sample_weight, params["class_weight"] = each if sample_weight is None else each * np.asarray(sample_weight), None
        fitted = LogisticRegression(**params).fit(X, y, sample_weight)
        for left in [k for k in vars(self) if k.endswith("_")]:
            delattr(self, left)
        self.__dict__.update({k: v for k, v in vars(fitted).items() if k.endswith("_")})
        return self


def dense_pipeline(weight: dict[str, float] | None, seed: int) -> Pipeline:
    """The unfitted classifier of vectors."""
    classifier = TextLabelRegression(C=_C_DENSE, class_weight=weight, max_iter=300, random_state=seed)
    return Pipeline([("scale", StandardScaler()), ("classifier", classifier)])


class ScoreStack(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One weight for the sparse model's scores, one for the vectors' scores, and an intercept a label.

    A logistic regression with as few parameters as will do: with a coefficient for every label of one stage on every label of the
    other, a few hundred pairs are worse off than without an encoder, and thousands hardly better.

    Rows weigh alike, however rare their class: the intercepts, and so the probabilities, are those of the data. Rows of a class that the
    sparse model has not seen (their score is NEVER) are left out: they tell nothing of it.

    What fits best is then divided, for the sparse scores and the intercepts, by `trust`: of other text neither the words nor how often each label
    occurs are those of the data.

    X has the scores of both, shape (rows, 2 · labels), in the order of `labels`.
    Learnt: `mix_`, shape (2,), not negative; `intercept_`, shape (labels,).
    """

    def __init__(self, labels: Sequence[str], trust: float = 1.0) -> None:
        self.labels = labels
        self.trust = trust

    def fit(self, X: Floats, y: Sequence[str]) -> ScoreStack:
        """Least log loss, the intercepts held near zero by as much as one pair."""
        self.classes_ = np.array(self.labels)
        k = len(self.labels)
        hit = np.array(y)[:, None] == self.classes_
        if (seen := X[:, :k][hit] > NEVER).any():
            X, hit = X[seen], hit[seen]
        both = np.stack([X[:, :k], X[:, k:]])

        def loss(p: Floats) -> tuple[float, Floats]:
            probs = softmax(np.tensordot(p[:2], both, 1) + p[2:])
            gap = (probs - hit) / len(X)
            value = -float((np.log(np.maximum(probs, 1e-300)) * hit).sum() / len(X)) + float((p[2:] ** 2).sum()) / len(X)
            return value, np.concatenate([(both * gap).sum((1, 2)), gap.sum(0) + 2 * p[2:] / len(X)])

        start = np.concatenate([[0.5, 0.5], np.zeros(k)])
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * 2 + [(None, None)] * k)
        self.mix_, self.intercept_ = found.x[:2] / [self.trust, 1.0], found.x[2:] / self.trust
        return self

    def decision_function(self, X: Floats) -> Floats:
        """Scores, shape (rows, labels)."""
        check_is_fitted(self, "mix_")
        k = len(self.labels)
        out: Floats = self.mix_[0] * X[:, :k] + self.mix_[1] * X[:, k:] + self.intercept_
        return out

    def predict(self, X: Floats) -> NDArray[np.str_]:
        """The label with the highest score of each row."""
        out: NDArray[np.str_] = self.classes_[self.decision_function(X).argmax(1)]
        return out


def coefficients(classifier: LogisticRegression, labels: Sequence[str]) -> tuple[Floats, Floats]:
    """Coefficients, shape (labels, features), and intercepts, in the order of `labels`, also for two classes."""
    coef, bias = classifier.coef_, classifier.intercept_
    if len(coef) == 1:
        coef, bias = np.vstack([np.zeros_like(coef), coef]), np.array([0.0, bias[0]])
    order = [list(classifier.classes_).index(x) for x in labels]
    return coef[order], np.asarray(bias, dtype=np.float64)[order]


def one_thread() -> threadpool_limits:
    """Within it BLAS has one thread: several add up in another order, and what is learnt would hang on how many there are."""
    return threadpool_limits(1, "blas")


def one_thread_network(
    tokens: Sequences, goals: Sequence[Goal], words: WordVectors, seed: int, *, start: Network | None = None, progress: Progress | None = None
) -> Network:
    """As `train_network`, with one thread."""
    with one_thread():
        return train_network(tokens, goals, words, seed=seed, start=start, progress=progress)


class NetworkFeatures(PairTransformer):
    """Pairs to the scores of a recurrent network, for a scikit-learn pipeline. Learnt: `network_`, by `fit` for the labels of one head.

    `train` puts one in that was trained for all heads together.
    """

    def __init__(self, words: WordVectors | None = None, cues: CueLexicon | None = None, seed: int = 0) -> None:
        self.words = words
        self.cues = cues
        self.seed = seed

    def fit(self, X: Sequence[Pair], y: Sequence[str]) -> NetworkFeatures:
        """Train a network. Raises ValueError for no pairs."""
        labels, truth = np.unique(np.array(y), return_inverse=True)
        goal = Goal.of_labels(truth, np.ones(len(labels)))
        self.network_ = one_thread_network(sequences(prepare(as_pairs(X), cues=self.cues)), [goal], self.words or default_words(), self.seed)
        return self

    def transform(self, X: Sequence[Pair]) -> Floats:
        """Scores, shape (len(X), labels)."""
        check_is_fitted(self, "network_")
        return self.network_.scores(sequences(prepare(as_pairs(X), cues=self.cues)))


def with_encoder(words: Pipeline, dense: Pipeline, stack: ScoreStack, encoder: Encoder) -> Pipeline:
    """The classifier of words and that of vectors, joined by the second stage."""
    b, b0 = coefficients(dense.named_steps["classifier"], stack.labels)
    scale = dense.named_steps["scale"]
    vectors = EncoderFeatures(encoder)
    vectors.center_, vectors.sha256_ = scale.mean_.astype(np.float32), encoder.sha256
    b = b / scale.scale_
    return joined(words, stack, ("encoder", vectors), b, b0 - b @ (scale.mean_ - vectors.center_))


def with_network(words: Pipeline, stack: ScoreStack, network: Network, first: int, cues: CueLexicon | None) -> Pipeline:
    """The classifier of words and a network, joined by the second stage; the head's scores begin at column `first` of the network's."""
    scores = NetworkFeatures(network.words, cues)
    scores.network_ = network
    k = len(stack.labels)
    return joined(words, stack, ("network", scores), np.eye(network.width)[first : first + k], np.zeros(k))


class SparseUnion(FeatureUnion, auto_wrap_output_keys=None):  # type: ignore[call-arg, misc]
    """Features side by side, sparse also under `sklearn.set_config(transform_output="pandas")`, which refuses sparse ones."""


def joined(words: Pipeline, stack: ScoreStack, other: tuple[str, TransformerMixin], b: Floats, b0: Floats) -> Pipeline:
    """Both first stages and the second as one pipeline: the features side by side, one classifier.

    `b`, shape (labels, features of `other`), and `b0`, shape (labels,), are the coefficients and intercepts on the other features.
    """
    a, a0 = coefficients(words.named_steps["classifier"], stack.labels)
    coef = np.hstack([stack.mix_[0] * a, stack.mix_[1] * b])
    bias = stack.intercept_ + stack.mix_[0] * a0 + stack.mix_[1] * b0
    features = SparseUnion([("words", words.named_steps["features"]), other])
    return Pipeline([("features", features), ("classifier", _linear(words.named_steps["classifier"], coef, bias, stack.labels))])


def _linear(like: LogisticRegression, coef: Floats, bias: Floats, labels: Sequence[str]) -> LogisticRegression:
    """A fitted classifier with these coefficients, classes sorted as scikit-learn has them."""
    out = TextLabelRegression(**like.get_params())
    order = np.argsort(np.array(labels))
    coef, bias = coef[order], bias[order]
    if len(labels) == 2:
        coef, bias = coef[1:] - coef[:1], bias[1:] - bias[:1]
    out.classes_, out.coef_, out.intercept_, out.n_features_in_ = np.array(labels)[order], coef, bias, coef.shape[1]
    out.n_iter_ = like.n_iter_
    return out
