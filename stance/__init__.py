"""Who takes which stance, and in what tone, sentence by sentence in the news.

    >>> import stance
    >>> found = list(stance.classify("Ottawa condemned the arrests."))
    >>> found[0].actor
    'Canada'

Names are imported when they are first used, so that `import stance` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

_HOME = {
    "Article": "articles", "read_articles": "articles", "classify": "classification", "classify_pairs": "classification",
    "Judgement": "classification", "Dataset": "dataset", "read_dataset": "dataset", "read_pairs": "dataset", "Model": "model", "load": "model",
    "default_model": "model", "train": "training", "evaluate": "training", "Settings": "training", "StanceError": "errors",
    "load_lexicon": "lexicon", "read": "actors", "pairs": "actors", "explain": "explanation",
}  # fmt: skip
__all__ = [  # in full, as type checkers read it
    "Article", "Dataset", "Judgement", "Model", "Settings", "StanceError", "__version__", "classify", "classify_pairs", "default_model", "evaluate",
    "explain", "load", "load_lexicon", "pairs", "read", "read_articles", "read_dataset", "read_pairs", "train",
]  # fmt: skip

if TYPE_CHECKING:
    from stance.actors import pairs, read
    from stance.articles import Article, read_articles
    from stance.classification import Judgement, classify, classify_pairs
    from stance.dataset import Dataset, read_dataset, read_pairs
    from stance.errors import StanceError
    from stance.explanation import explain
    from stance.lexicon import load_lexicon
    from stance.model import Model, default_model, load
    from stance.training import Settings, evaluate, train


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"stance.{_HOME[name]}"), name)
    if name.isidentifier() and not name.startswith("_"):  # `stance.checking.check` needs no import of its own
        try:
            return import_module(f"stance.{name}")
        except ModuleNotFoundError as e:
            if e.name != f"stance.{name}":
                raise
    raise AttributeError(f"module 'stance' has no attribute {name!r}")
