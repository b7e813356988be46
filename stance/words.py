"""Vectors of words, learnt from raw news: what a word means by the company it keeps. numpy alone to look them up.

Positive pointwise mutual information of stems at most four tokens apart (nearer ones weigh more; contexts smoothed by the power 0.75),
brought down by a truncated singular value decomposition, the singular values to the half: Levy, Goldberg & Dagan 2015.
Stored as bytes, one scale for all.
"""

from __future__ import annotations

import hashlib
import io
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import NDArray

from stance.errors import DataError, InputError, ModelError
from stance.errors import number as number_of
from stance.features import Ints, Keys, word_key
from stance.syntax import cue_stem
from stance.text import DATA, tokenize

SIZE, WIDTH = 30_000, 100  # words of a table, numbers of a vector
_APART = 4  # tokens
_SMOOTH = 0.75
_LEAST = 8  # occurrences
_UNPACKED = 20  # times the size of its file: more is a bomb, in a model of others too
_CHUNK = 2_000_000  # tokens counted at once: bounds memory


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Vectors of stems: `vectors`, shape (words, width), times `scale`.

    `keys`, sorted, shape (words,), are those of `features.word_key`; `spelt` the words in the same order, a line each.
    """

    keys: Keys = field(repr=False)
    vectors: NDArray[np.int8] = field(repr=False)
    scale: float
    spelt: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WordVectors) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        """A shipped table is pickled by its digest: it lies beside whatever opens the pickle."""
        return (_shipped, (self.digest,)) if self.shipped else (WordVectors, (self.keys, self.vectors, self.scale, self.spelt))

    @property
    def shipped(self) -> bool:
        """Whether it comes with the package, so that files need only name its digest."""
        return shipped_words(self.digest) is not None

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return int(self.vectors.shape[1])

    @property
    def words(self) -> list[str]:
        """The words in the order of `keys`."""
        return self.spelt.decode().split("\n")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides a vector."""
        h = hashlib.sha256()
        for part in (self.keys, self.vectors, np.float64(self.scale)):
            h.update(np.ascontiguousarray(part).data)  # in place: copies take longer than the hash
        return h.hexdigest()

    def rows(self, keys: Keys) -> Ints:
        """Row of each key, `len(self)` for a word that has no vector."""
        at = np.minimum(np.searchsorted(self.keys, keys), len(self) - 1)
        out: Ints = np.where(self.keys[at] == keys, at, len(self))
        return out

    def of(self, rows: Ints) -> NDArray[np.float32]:
        """Vectors of rows, shape (len(rows), width); zeros for a word that has none."""
        out: NDArray[np.float32] = self.bytes_of(rows) * np.float32(self.scale)
        return out

    def bytes_of(self, rows: Ints) -> NDArray[np.float32]:
        """As `of`, without the scale: whole numbers from -128 to 127."""
        out = self.vectors[np.minimum(rows, len(self) - 1)].astype(np.float32)
        out[rows == len(self)] = 0
        return out

    def neighbours(self, word: str, *, n: int = 10) -> list[tuple[str, float]]:
        """The words with the most similar vectors, with the cosine. Raises KeyError for a word that has none."""
        key = np.array([word_key(cue_stem(word.lower()))], np.uint64)
        row = int(self.rows(key)[0])
        if row == len(self):
            raise KeyError(word)
        unit = self.of(np.arange(len(self)))
        unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-9)
        cosine = unit @ unit[row]
        words = self.words
        best = [int(i) for i in np.argsort(-cosine) if i != row][:n]
        return [(words[i], float(cosine[i])) for i in best]

    def moved(self, vectors: NDArray[np.floating[Any]]) -> WordVectors:
        """The same words with these vectors, shape (words, width)."""
        small, scale = _as_bytes(vectors)
        return replace(self, vectors=small, scale=scale)

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        buffer = io.BytesIO()
        np.savez(buffer, keys=self.keys, vectors=self.vectors, scale=np.float64(self.scale), words=np.frombuffer(self.spelt, np.uint8))
        return buffer.getvalue()


def load_words(path: str | Path) -> WordVectors:
    """Read a table. Nothing is unpickled. Raises InputError when it cannot be read or is none."""
    path = Path(path)
    try:
        with path.open("rb") as f:
            return read_words(f.read())
    except OSError as e:
        raise InputError(f"{path}: cannot be read: {e.strerror or e}", "`stance words` writes a table of word vectors") from e
    except ValueError as e:
        raise InputError(f"{path}: not a table of word vectors: {e}", "`stance words` writes one") from e


def require_modest(archive: ZipFile, size: int) -> None:
    """Raises ValueError for a file of `size` bytes that unpacks to so many that it is a bomb, or holds what is no array: numpy would unpack all of
    that at once, whatever size it is said to have."""
    if sum(i.file_size for i in archive.infolist()) > _UNPACKED * size:
        raise ValueError("it unpacks to more than it may")
    for info in archive.infolist():
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # of others no part can be unpacked
            raise ValueError("it is packed in a way that numpy does not pack")
        with archive.open(info) as f:
            if f.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
                raise ValueError(f"{info.filename} is no array")


def read_words(raw: bytes | memoryview) -> WordVectors:
    """A table from the bytes of its file. Raises ValueError for anything else."""
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            require_modest(arrays.zip, len(raw))
            keys, vectors, scale, spelt = (arrays[x] for x in ("keys", "vectors", "scale", "words"))
    except Exception as e:  # whatever odd bytes make numpy, zipfile or zlib raise
        raise ValueError(str(e)) from e
    if (keys.dtype.str, vectors.dtype.str, scale.dtype.str, spelt.dtype.str) != ("<u8", "|i1", "<f8", "|u1"):
        raise ValueError("its arrays have the wrong types")
    if vectors.ndim != 2 or scale.shape or not len(keys) == len(vectors) == bytes(spelt).count(b"\n") + 1:
        raise ValueError("its arrays have the wrong shapes")
    if not (keys[1:] > keys[:-1]).all() or not np.isfinite(scale):
        raise ValueError("its keys are not sorted, or its scale is no number")
    return WordVectors(keys, vectors, float(scale), bytes(spelt))


@lru_cache(maxsize=1)
def default_words() -> WordVectors:
    """The table that ships with the package (README of `stance/data` says from which news)."""
    return load_words(DATA / "words.npz")


@lru_cache(maxsize=1)
def taught_words() -> WordVectors:
    """The same words, with the vectors that the network of the shipped model has learnt beside its own parameters (README of `models`)."""
    return load_words(DATA / "taught.npz")


def shipped_words(digest: str) -> WordVectors | None:
    """The table with this digest among those of the package."""
    return next((t for read in (taught_words, default_words) if (t := read()).digest == digest), None)


def _shipped(digest: str) -> WordVectors:
    table = shipped_words(digest)
    if table is None:
        raise ModelError("pickled with other word vectors than this version of stance has", "train the model again")
    return table


# --------------------------------------------------------------------------- learning


def learn_words(texts: Iterable[str], *, size: int = SIZE, width: int = WIDTH) -> WordVectors:
    """Vectors of the `size` most frequent stems of `texts`, of those that occur at least eight times.

    Takes memory by the number of tokens (4 bytes each) and of different pairs of words. Same texts, same table.
    Raises DataError when there are too few words for `width` numbers: it takes one more than those.
    """
    from scipy.sparse import csr_matrix
    from sklearn.utils.extmath import randomized_svd

    if size <= width:
        raise DataError(f"{number_of(size, 'word')}: too few for vectors of {width} numbers", f"take a --size above {width}, or a smaller --width")
    number, tokens = _numbered(texts)
    count = np.bincount(tokens[tokens >= 0], minlength=len(number))
    spelt = list(number)
    chosen = [i for i in np.argsort(-count, kind="stable")[:size] if count[i] >= _LEAST]
    if len(chosen) <= width:
        why = f"{number_of(len(chosen), 'word')} that occur{'s' * (len(chosen) == 1)} {_LEAST} times or more: too few for vectors of {width} numbers"
        raise DataError(why, "give more text" + (f", or a --width of {len(chosen) - 1} at most" if len(chosen) > 1 else ""))
    column = np.full(len(number) + 1, -1, np.int32)  # the last one is for the gap between texts, -1
    column[chosen] = np.arange(len(chosen))
    tokens = column[tokens]
    n = len(chosen)
    together = csr_matrix((n, n), dtype=np.float32)
    for start in range(0, len(tokens), _CHUNK):
        together = together + csr_matrix(_beside(tokens[start : start + _CHUNK + _APART], _CHUNK), shape=(n, n))
    total = np.asarray(together.sum(1), np.float64).ravel()
    context = total**_SMOOTH / (total**_SMOOTH).sum()
    each = together.tocoo()
    mutual = np.log(each.data / (np.maximum(total, 1e-9)[each.row] * context[each.col]))
    kept = mutual > 0
    positive = csr_matrix((mutual[kept].astype(np.float32), (each.row[kept], each.col[kept])), shape=(n, n))
    left, singular, _ = randomized_svd(positive, width, n_iter=4, random_state=0)
    vectors = left * np.sqrt(singular)
    return _packed([spelt[i] for i in chosen], vectors / np.linalg.norm(vectors, axis=1).mean())


def _numbered(texts: Iterable[str]) -> tuple[dict[str, int], NDArray[np.int32]]:
    """A number for every stem, and the texts as numbers, -1s between them."""
    number: dict[str, int] = {}
    tokens = array("i")
    for text in texts:
        stems = ("#" if w[0].isdigit() else cue_stem(w) for w in tokenize(text).lower)
        tokens.extend(number.setdefault(s, len(number)) for s in stems)
        tokens.extend([-1] * _APART)
    return number, np.array(tokens, np.int32)


def _beside(tokens: NDArray[np.int32], most: int) -> tuple[NDArray[np.float32], tuple[Ints, Ints]]:
    """Weight, and words, of every two tokens near one another whose first is among the `most` first ones; both ways round."""
    weights, ones, others = [], [], []
    for apart in range(1, _APART + 1):
        a, b = tokens[:-apart][:most], tokens[apart:][:most]
        known = (a >= 0) & (b >= 0)
        a, b = a[known], b[known]
        ones += [a, b]
        others += [b, a]
        weights.append(np.full(2 * len(a), 1.0 / apart, np.float32))
    return np.concatenate(weights), (np.concatenate(ones), np.concatenate(others))


def _packed(words: list[str], vectors: NDArray[Any]) -> WordVectors:
    keys = np.array([word_key(w) for w in words], np.uint64)
    order = np.argsort(keys)
    small, scale = _as_bytes(vectors[order])
    return WordVectors(keys[order], small, scale, "\n".join(words[i] for i in order).encode())


def _as_bytes(vectors: NDArray[Any]) -> tuple[NDArray[np.int8], float]:
    """A byte a number, and the scale of all; the one in two thousand that is largest is cut."""
    scale = float(np.quantile(np.abs(vectors), 0.9995)) / 127
    return np.rint(np.clip(vectors / scale, -127, 127)).astype(np.int8), scale
