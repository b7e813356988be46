"""The second stage: dense vectors of an encoder beside the sparse features, joined on out-of-fold scores (Wolpert 1992).

A logistic regression learns from the vectors alone; another, small one learns to weigh its out-of-fold scores against those of the
sparse model. All three are linear, so what comes out is one linear classifier on both kinds of features: `joined` multiplies it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from stance.actors import Pair
from stance.encoders import Encoder

_C_DENSE = 0.01  # hundreds of standardised columns, all in use: strong shrinkage
_C_STACK = 0.01

Floats = NDArray[np.float64]


class EncoderFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Pairs to vectors less their mean, for a scikit-learn pipeline. Learnt: `center_`, shape (width,).

    It holds the encoder by name; the weights are looked up where it runs.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def fit(self, X: Sequence[Pair], y: Any = None) -> EncoderFeatures:
        """Learn the mean vector. Raises ValueError for no pairs."""
        if len(X) == 0:
            raise ValueError("no pairs to fit")
        self.center_ = self.encoder.encode(X).mean(0)
        return self

    def transform(self, X: Sequence[Pair]) -> Floats:
        """Vectors, shape (len(X), width)."""
        check_is_fitted(self, "center_")
        out: Floats = self.encoder.encode(X).astype(np.float64) - self.center_ if len(X) else np.zeros((0, len(self.center_)))
        return out

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def dense_pipeline(weight: dict[str, float] | None, seed: int) -> Pipeline:
    """The unfitted classifier of vectors."""
    classifier = LogisticRegression(C=_C_DENSE, class_weight=weight, max_iter=300, random_state=seed)
    return Pipeline([("scale", StandardScaler()), ("classifier", classifier)])


def second_stage(weight: dict[str, float] | None, seed: int) -> LogisticRegression:
    """The unfitted classifier of scores, shape (rows, 2 · labels): of the sparse model, then of the vectors."""
    return LogisticRegression(C=_C_STACK, class_weight=weight, max_iter=500, random_state=seed)


def coefficients(classifier: LogisticRegression, labels: Sequence[str]) -> tuple[Floats, Floats]:
    """Coefficients, shape (labels, features), and intercepts, in the order of `labels`, also for two classes."""
    coef, bias = classifier.coef_, classifier.intercept_
    if len(coef) == 1:
        coef, bias = np.vstack([np.zeros_like(coef), coef]), np.array([0.0, bias[0]])
    order = [list(classifier.classes_).index(x) for x in labels]
    return coef[order], np.asarray(bias, dtype=np.float64)[order]


def joined(words: Pipeline, dense: Pipeline, second: LogisticRegression, encoder: Encoder, labels: Sequence[str]) -> Pipeline:
    """Both first stages and the second as one pipeline: the features side by side, one classifier.

    `labels` is the order of the scores that `second` learnt from.
    """
    k = len(labels)
    mix, last = coefficients(second, labels)
    (a, a0), (b, b0) = coefficients(words.named_steps["classifier"], labels), coefficients(dense.named_steps["classifier"], labels)
    scale = dense.named_steps["scale"]
    coef = np.hstack([mix[:, :k] @ a, mix[:, k:] @ b / scale.scale_])
    bias = last + mix[:, :k] @ a0 + mix[:, k:] @ b0
    vectors = EncoderFeatures(encoder)
    vectors.center_ = scale.mean_.astype(np.float32)
    bias -= coef[:, -len(vectors.center_) :] @ (scale.mean_ - vectors.center_)
    features = FeatureUnion([("words", words.named_steps["features"]), ("encoder", vectors)])
    return Pipeline([("features", features), ("classifier", _linear(words.named_steps["classifier"], coef, bias, labels))])


def _linear(like: LogisticRegression, coef: Floats, bias: Floats, labels: Sequence[str]) -> LogisticRegression:
    """A fitted classifier with these coefficients, classes sorted as scikit-learn has them."""
    out = LogisticRegression(**like.get_params())
    order = np.argsort(np.array(labels))
    coef, bias = coef[order], bias[order]
    if len(labels) == 2:
        coef, bias = coef[1:] - coef[:1], bias[1:] - bias[:1]
    out.classes_, out.coef_, out.intercept_, out.n_features_in_ = np.array(labels)[order], coef, bias, coef.shape[1]
    out.n_iter_ = like.n_iter_
    return out
