"""The fitted thing: probabilities for pairs, and its one file, `NAME.stance`.

Numpy only. The file is a zip with `manifest.json`, plain `.npy` arrays (never pickled) and
`pipeline.joblib`, which nothing here opens but `Model.pipeline()`. The archive comment holds a
SHA-256 of all bytes before it, so a truncated or altered file is refused before anything is read.

A model trained with an encoder names it in the manifest, by name and hash, and is of no use without it. A model with a network holds
its parameters, and its table of word vectors unless it is the one that ships with the package. A model trained with an alias table of the
user's own holds it as `actors.csv`. `seen.npy` has hashes of the rows the model was trained on, or of a sample of very many.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stance.actors import Pair
from stance.codebook import DEFAULT_HEADS, NEUTRAL, Head
from stance.errors import DataError, InputError, ModelError, StanceError, near_miss
from stance.features import Floats, Keys, Prepared, Rows, extract, lookup, prepare, sequences
from stance.files import write_atomically
from stance.lexicon import Lexicon, build_lexicon, default_lexicon
from stance.network import Network, network_of, require_finite, shapes
from stance.syntax import CueLexicon, Scan, build_cues, default_cues
from stance.text import DATA
from stance.words import read_words, shipped_words

if TYPE_CHECKING:
    from stance.dataset import Dataset
    from stance.encoders import Encoder

FORMAT = 4  # a program that would misread a file, or miss part of it, has to find a higher number there than it knows
_DATE = (1980, 1, 1, 0, 0, 0)
_MARK = b"stance-sha256:"
_LIMIT = 1 << 30  # bytes, unpacked
REMEMBERED = 20_000  # rows whose hashes a model keeps; of more, which would make too large a file, …
_SAMPLED = 5_000  # … the smallest ones: a random sample, the same of the same rows
_NEEDED = ("version", "fingerprint", "heads", "data", "settings", "about", "glosses", "report", "scikit-learn", "numpy", "python")  # of a manifest

Dense = NDArray[np.floating[Any]]  # vectors of an encoder, or scores of a network
Columns = tuple[NDArray[np.int64], NDArray[np.bool_]]  # what `lookup` gives: columns, and whether they are there


@dataclass(frozen=True, slots=True, eq=False)
class DenseWeights:
    """What the vectors of an encoder (or the scores of a network) add to the scores.

    `center` shape (width,): the mean of the training vectors, zeros for a network; `weights` shape (width, labels).
    """

    center: NDArray[np.float32]
    weights: NDArray[np.float32]

    def scores(self, vectors: Dense) -> Floats:
        """Their part of the scores, shape (rows, labels)."""
        # not by BLAS, whose sums hang on the number of rows: batch = single
        out: Floats = np.einsum("rw,wl->rl", vectors.astype(np.float64) - self.center, self.weights.astype(np.float64))
        return out


@dataclass(frozen=True, slots=True, eq=False)
class HeadModel:
    """A linear head: `keys` sorted, shape (features,); `weights` shape (features, labels); `bias` shape (labels,).

    Temperature scaling is already in the weights and bias: softmax of the scores is calibrated. So is the second stage, where there is
    an encoder or a network.
    """

    head: Head
    keys: Keys = field(repr=False)
    weights: NDArray[np.float32] = field(repr=False)
    bias: Floats = field(repr=False)
    dense: DenseWeights | None = field(default=None, repr=False)

    def scores(self, rows: Rows, *, vectors: Dense | None = None, found: Columns | None = None) -> Floats:
        """Scores before the softmax, shape (rows, labels); a head with dense weights needs the vectors.

        `found` is `lookup(rows, self.keys)`, when that is known already.
        """
        column, known = found or lookup(rows, self.keys)
        out = np.zeros((len(rows), len(self.head.labels)))
        row = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))[known]
        if len(row):
            part = np.take(self.weights, column[known], 0) * rows.values[known, None]  # in double precision, as the values are
            starts = np.flatnonzero(np.concatenate(([True], row[1:] != row[:-1])))
            out[row[starts]] = np.add.reduceat(part, starts, axis=0)
        total: Floats = out + self.bias
        if self.dense is None:
            return total
        if vectors is None:
            raise ValueError(f"head {self.head.name!r} needs vectors: give those of Model.vectors")
        return total + self.dense.scores(vectors)

    def probabilities(self, rows: Rows, *, vectors: Dense | None = None, found: Columns | None = None) -> Floats:
        """Calibrated probabilities, shape (rows, labels)."""
        return softmax(self.scores(rows, vectors=vectors, found=found))


def softmax(scores: Floats) -> Floats:
    """Rows of scores to probabilities."""
    e = np.exp(scores - scores.max(1, keepdims=True))
    out: Floats = e / e.sum(1, keepdims=True)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A trained model. `manifest` holds all that is known of its making and its scores.

    `encoder` makes the vectors of a model that was trained with one; its weights are loaded when they are first needed. `network` is that of
    a model trained with one; a model has one of them or none. `seen` are the `dataset.row_digest` of the rows trained on, sorted, the
    smallest ones of very many; None where they were not kept. `lexicon` is what finds its actors: with the alias table it was trained with, or the
    default one. `pipeline_bytes` is `pipeline.joblib` as stored.
    """

    heads: tuple[HeadModel, ...]
    manifest: dict[str, Any]
    _: KW_ONLY
    cues: CueLexicon = field(default_factory=default_cues, repr=False)
    path: Path | None = None
    pipeline_bytes: bytes = field(default=b"", repr=False)
    encoder: Encoder | None = None
    network: Network | None = None
    seen: Keys | None = field(default=None, repr=False)
    lexicon: Lexicon = field(default_factory=default_lexicon, repr=False)

    def __repr__(self) -> str:
        """What a notebook shows: labels, not arrays."""
        heads = "".join(f"; {h.head.name}: {', '.join(h.head.labels)}" for h in self.heads)
        return f"<Model {self.fingerprint}{f' of {self.path}' if self.path else ''}{heads}>"

    def rows(self, pairs: Sequence[Pair] | Prepared, *, trace: bool = False) -> Rows:
        """Feature rows of pairs, as this model reads them."""
        return extract(pairs, cues=self.cues, trace=trace, actor_words=bool(self.manifest.get("settings", {}).get("actor_words")))

    def vectors(self, pairs: Sequence[Pair] | Prepared) -> Dense | None:
        """The encoder's vectors of pairs, or the network's scores, shape (pairs, width); None for a model with neither.

        Raises ModelError when the encoder is another than the one trained with, InputError when it is not on this machine,
        MissingExtraError without the packages that run it.
        """
        if self.network:
            return self.network.scores(sequences(pairs if isinstance(pairs, Prepared) else prepare(pairs, cues=self.cues)))
        if self.encoder is None:
            return None
        from stance.encoders import checked_vectors

        plain = pairs.pairs if isinstance(pairs, Prepared) else pairs
        return checked_vectors(self.encoder, plain, self.manifest["encoder"], str(self.path or "the model"))

    def predict_proba(self, pairs: Sequence[Pair], *, scans: dict[int, Scan] | None = None) -> dict[str, Floats]:
        """Calibrated probabilities by head, shape (pairs, labels) each, columns in the order of `labels`; `scans` as in
        `features.prepare`. Raises as `vectors` and `as_pairs` do.
        """
        prepared = prepare(as_pairs(pairs), cues=self.cues, scans=scans)
        vectors, rows = self.vectors(prepared), self.rows(prepared)  # in this order less is held at once
        out: dict[str, Floats] = {}
        keys, found = None, None
        for h in self.heads:  # heads trained together mostly share their features: one look-up does
            if keys is None or not np.array_equal(keys, h.keys):
                keys, found = h.keys, lookup(rows, h.keys)
            out[h.head.name] = h.probabilities(rows, vectors=vectors, found=found)
        return out

    def predict(self, pairs: Sequence[Pair]) -> dict[str, NDArray[np.str_]]:
        """The most probable label of each pair, each head by itself (see `consistent`). Raises as `predict_proba` does."""
        return {name: np.array(self.labels[name])[probs.argmax(1)] for name, probs in self.predict_proba(pairs).items()}

    def thresholds(self, precision: float) -> dict[str, float]:
        """The least probability, by head, from which on so large a share of labels was right in the model's own cross-validation; above 1 where no
        probability was enough. `stance.classify` takes them as `min_confidence`. Raises ModelError for a model without that report.
        """
        from stance.evaluation import threshold_for

        if not (reports := self.manifest.get("report")):
            raise ModelError("the model's manifest has no out-of-fold report", "give a probability (min_confidence, --min-confidence) instead")
        return {head: threshold_for(r["curve"], precision) for head, r in reports.items()}

    def head(self, name: str, *, hint: str = "") -> HeadModel:
        """The head of that name. Raises InputError where there is none, with the hint (default: the name that is close)."""
        names = [h.head.name for h in self.heads]
        if name not in names:
            raise InputError(f"the model has no head {name!r}; it has {', '.join(names)}", hint or near_miss(name, names))
        return self.heads[names.index(name)]

    @property
    def sampled(self) -> bool:
        """Whether `seen` is but a sample of the rows trained on."""
        return int(self.manifest["data"].get("rows", 0)) > REMEMBERED

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The labels of each head, in the order of the columns of `predict_proba`."""
        return {h.head.name: h.head.labels for h in self.heads}

    @property
    def fingerprint(self) -> str:
        """A hash of what decides a judgement: weights, labels and which is neutral, cues, encoder, network and an alias table of its own.

        The valence of words, the aliases that ship and the reading itself are those of the version of stance, and not in it.
        """
        h = hashlib.sha256(self.cues.digest.encode())
        if self.encoder:
            h.update(repr([self.manifest["encoder"][k] for k in ("sha256", "layer")]).encode())
        for m in self.heads:
            h.update(repr((m.head.name, m.head.labels, *_named(m.head).values())).encode())
            for a in _arrays(m).values():
                h.update(a.tobytes())
        if self.network:
            h.update(self.network.words.digest.encode() + self.network.content)
        if self.lexicon.text:
            h.update(repr(self.lexicon.about).encode())
        return h.hexdigest()[:16]

    @property
    def described_heads(self) -> list[dict[str, Any]]:
        """The heads as the manifest of a file tells them; `neutral` only where it is another label than `neutral`."""
        return [{"name": h.head.name, "labels": list(h.head.labels), "ordered": h.head.ordered, **_named(h.head)} for h in self.heads]

    def pipeline(self) -> Any:
        """The fitted scikit-learn pipelines, `{head: Pipeline}`.

        Unfitted ones are made by `stance.training.make_pipeline`. A clone of one with a network or encoder is no such pipeline: fitted, it learns
        from scores that the network gives to the very rows it was trained on.

        This unpickles a part of the file, which can run any code: do it only with files you trust. With another version of scikit-learn than that of
        the manifest they may fail; `predict_proba` does not.
        """
        import joblib

        if not self.pipeline_bytes:
            raise ModelError("the model holds no scikit-learn pipeline", "it was saved without one")
        return joblib.load(io.BytesIO(self.pipeline_bytes))

    def save(self, path: str | Path) -> None:
        """Write the file under a temporary name, then move it into place.

        On any failure (a full disk, say) an old file of that name stays as it was.
        """
        write_atomically(Path(path), self.to_bytes())

    def to_bytes(self) -> bytes:
        """The file's bytes: the same model gives the same bytes."""
        members: dict[str, bytes] = {}
        for h in self.heads:
            for name, array in _arrays(h).items():
                members[f"{h.head.name}.{name}.npy"] = _npy(array)
        if self.network:
            members |= {f"network.{name}.npy": _npy(p) for name, p in self.network.parameters.items()}
            if not self.network.words.shipped:
                members["words.npz"] = self.network.words.to_bytes()
        if self.cues.text:
            members["cues.csv"] = self.cues.text.encode()
        manifest = {k: v for k, v in self.manifest.items() if k != "actors"}
        if self.lexicon.text:
            members["actors.csv"] = self.lexicon.text.encode()
            manifest["actors"] = self.lexicon.about
        if self.seen is not None:
            members["seen.npy"] = _npy(self.seen)
        if self.pipeline_bytes:
            members["pipeline.joblib"] = self.pipeline_bytes
        manifest["format"] = FORMAT
        manifest["fingerprint"] = self.fingerprint
        manifest["heads"] = self.described_heads
        manifest["members"] = {n: hashlib.sha256(b).hexdigest() for n, b in members.items()}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as z:
            _add(z, "manifest.json", json.dumps(manifest, indent=1, sort_keys=True).encode())
            for name, data in members.items():
                _add(z, name, data)
            z.comment = _MARK + b"0" * 64
        body = buffer.getvalue()[: -len(_MARK) - 64]
        return body + _MARK + hashlib.sha256(body).hexdigest().encode()


def _named(head: Head) -> dict[str, str]:
    """The neutral label, where it is not the usual one."""
    return {"neutral": head.neutral} if head.neutral not in ("", NEUTRAL) else {}


def _arrays(m: HeadModel) -> dict[str, NDArray[Any]]:
    """The arrays of a head by the names of their members."""
    own: dict[str, NDArray[Any]] = {"keys": m.keys, "weights": m.weights, "bias": m.bias}
    return own | {"dense-center": m.dense.center, "dense-weights": m.dense.weights} if m.dense else own


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _add(z: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    stored = name.endswith((".npy", ".joblib", ".npz")) or name == "actors.csv"  # a spreadsheet's empty rows would pack like a bomb
    z.writestr(info, data, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED, 9)


def row_digests(data: Dataset) -> Keys:
    """`dataset.row_digest` of every row, shape (rows,)."""
    from stance.dataset import row_digest

    return np.array([row_digest(r) for r in data.rows], np.uint64)


def remembered(data: Dataset) -> Keys:
    """What a model that is trained on `data` keeps as `seen`."""
    return np.unique(row_digests(data))[: _SAMPLED if len(data) > REMEMBERED else None]


def trained_on(model: Model, data: Dataset) -> int:
    """How many rows of `data` have sentence and actor of a row the model was trained on.

    Of a model that keeps but a sample it is an estimate, by the rows that would be in it (Broder 1997): their hashes are small enough.
    """
    held = model.manifest.get("about", {}).get("hold_out")
    for part in (data, *([data.split(held)[0]] if held else [])):
        if model.manifest["data"].get("fingerprint") == part.fingerprint:
            return len(part)
    if model.seen is None or not len(model.seen):
        return 0
    digests = row_digests(data)
    if model.sampled:
        digests = digests[digests <= model.seen[-1]]
    return round(len(data) * float(np.isin(digests, model.seen).mean())) if len(digests) else 0


def check_model(given: object) -> None:
    """Raises InputError for what is no Model, such as the path of one."""
    if not isinstance(given, Model):
        raise InputError(f"the model is given as {type(given).__name__} ({given!r:.60}), not as a Model", "load it first: stance.load(path)")


def as_pairs(given: Any) -> list[Pair]:
    """Pairs by their place, whatever the index of a pandas Series. Raises InputError for what are none: texts, a Dataset, one pair alone."""
    pairs = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if not isinstance(given, Iterable) or not all(isinstance(x, Pair) for x in pairs):
        odd = next((x for x in pairs if not isinstance(x, Pair)), given)
        hint = "a Dataset has them as data.pairs; those of a text: [p for r in stance.read(text) for p in stance.pairs(r)]"
        raise InputError(f"not a sequence of pairs: {type(odd).__name__} ({odd!r:.60})", hint)
    return pairs


def load(path: str | Path) -> Model:
    """Load a model file. Nothing in it is unpickled.

    Raises ModelError for a file that is missing, truncated, altered, from a newer version,
    larger unpacked than it may be, or not a model at all.
    """
    return from_bytes(_raw(path), Path(path))


def from_bytes(raw: bytes, path: Path) -> Model:
    """As `load`, from bytes; `path` is for messages."""
    manifest, members = _opened(raw, path)
    try:
        encoder, network = _encoder(manifest), _network(manifest, members, path)
        width = network.width if network else int(manifest["encoder"]["width"]) if encoder else 0
        heads = tuple(_head(h, members, width) for h in manifest["heads"])
        if not heads or len({h.head.name for h in heads}) < len(heads):
            raise ValueError("it has no head, or two of one name")
        _check_told(manifest)
        seen = _read_npy(members["seen.npy"]) if "seen.npy" in members else None
        if seen is not None and (seen.dtype.str != "<u8" or seen.ndim != 1):
            raise ValueError("the hashes of its rows have the wrong shape or type")
        cue_text = bytes(members.get("cues.csv", b"")).decode()
        cues = build_cues(cue_text, source="cues.csv of the model") if cue_text else default_cues()
        lexicon = _lexicon(manifest, members, path)
    except DataError as e:  # a table of the user's own that an older version took
        raise ModelError(f"{path}: {'; '.join((e.message, *e.problems[:3]))}", "correct these rows in your own table, and train it again") from e
    except StanceError:
        raise
    except Exception as e:  # whatever odd bytes make numpy, json or zlib raise
        raise ModelError(f"{path}: the model file does not hold what its manifest says: {e}", "train it again") from e
    pipelines = bytes(members.get("pipeline.joblib", b""))
    return Model(
        heads, manifest, cues=cues, path=path, pipeline_bytes=pipelines, encoder=encoder, network=network, seen=seen, lexicon=lexicon
    )  # fmt: skip


def read_manifest(path: str | Path) -> dict[str, Any]:
    """The manifest alone; checks the file as `load` does and reads no array."""
    return _opened(_raw(path), Path(path), only="manifest.json")[0]


def _raw(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as e:
        raise ModelError(f"{path}: cannot be read: {e.strerror or e}", "check the path; `stance train` writes a model") from e


def _opened(raw: bytes, path: Path, only: str = "") -> tuple[dict[str, Any], dict[str, bytes | memoryview]]:
    """Manifest and members. Raises ModelError, for any bytes."""
    try:
        members = _members(raw, path, only)
        return _manifest(members, path), members
    except StanceError:
        raise
    except Exception as e:  # whatever odd bytes make zipfile raise
        raise ModelError(f"{path}: the model file is damaged: {e}", "copy it again, or train it again") from e


def _members(raw: bytes, path: Path, only: str = "") -> dict[str, bytes | memoryview]:
    if not raw.startswith(b"PK"):
        what = "a bare pickle or joblib file" if raw[:1] in (b"\x80", b"\x78", b"\x1f") else "not a model file"
        raise ModelError(f"{path}: {what}", "a .stance file is written by `stance train`; nothing else is opened")
    tail = len(_MARK) + 64
    if raw[-tail:-64] != _MARK:
        raise ModelError(f"{path}: the model file is truncated, or was not written by stance", "copy it again, or train it again")
    if hashlib.sha256(memoryview(raw)[:-tail]).hexdigest().encode() != raw[-64:]:
        raise ModelError(f"{path}: the model file was altered after it was written (checksum differs)", "copy it again, or train it again")
    with zipfile.ZipFile(io.BytesIO(raw)) as z:
        infos = [i for i in z.infolist() if not only or i.filename == only]
        if sum(i.file_size for i in infos) > _LIMIT or any(i.file_size > 200 * i.compress_size + 4096 for i in infos):
            raise ModelError(f"{path}: unpacks to more than it may", "this is not a model that stance wrote")
        if any(i.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for i in infos):  # of others no part can be unpacked
            raise ValueError("it is packed in a way that stance does not pack")
        return {i.filename: _stored(raw, i) if i.compress_type == zipfile.ZIP_STORED else _unpacked(z, i) for i in infos}


def _unpacked(z: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A compressed member: no more than it is said to be, for `ZipFile.read` unpacks all there is before it looks."""
    with z.open(info) as f:
        return f.read(info.file_size)


def _stored(raw: bytes, info: zipfile.ZipInfo) -> memoryview:
    """An uncompressed member in place: the whole file is already checked, so neither copied nor summed again."""
    name, extra = struct.unpack("<HH", raw[info.header_offset + 26 : info.header_offset + 30])
    start = info.header_offset + 30 + name + extra
    return memoryview(raw)[start : start + info.file_size]


def _manifest(members: dict[str, bytes | memoryview], path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(bytes(members["manifest.json"]))
        number = int(manifest["format"])
    except (KeyError, ValueError, TypeError) as e:
        raise ModelError(f"{path}: no readable manifest.json in it", "a .stance file is written by `stance train`") from e
    if number > FORMAT:
        raise ModelError(
            f"{path}: format {number} is newer than this version reads ({FORMAT}); written by stance {manifest.get('version', '?')}",
            "upgrade: pip install -U stance",
        )
    if lacking := [k for k in _NEEDED if k not in manifest]:
        older = f"written by stance {manifest.get('version', '?')} in a layout that this version does not read"
        raise ModelError(f"{path}: its manifest.json has no {lacking[0]!r}; {older}", "train it again")
    return dict(manifest)


def _check_told(manifest: dict[str, Any]) -> None:
    """Raises an error where what commands tell of a model, or take from it, is not what `train` writes."""
    if odd := next((k for k in ("data", "settings") if not isinstance(manifest[k], dict)), ""):
        raise ValueError(f"its {odd!r} is no object")
    int(manifest["data"].get("rows", 0))
    for report in manifest["report"].values():
        float(report["macro_f1"])
        for row in report["curve"]:
            _threshold, _precision, _coverage = map(float, row)


def _encoder(manifest: dict[str, Any]) -> Encoder | None:
    if "encoder" not in manifest:
        return None
    from stance.encoders import encoder_of

    return encoder_of(manifest["encoder"])


def _network(manifest: dict[str, Any], members: dict[str, bytes | memoryview], path: Path) -> Network | None:
    if "network" not in manifest:
        return None
    told = manifest["network"]
    words = read_words(members["words.npz"]) if "words.npz" in members else shipped_words(told["words"])
    if words is None or words.digest != told["words"]:
        raise ModelError(f"{path}: its network was trained with other word vectors than this version of stance has", "train it again")
    parameters = {name: _read_npy(members[f"network.{name}.npy"]) for name in shapes(1, 1)}
    labels = tuple((h["name"], label) for h in manifest["heads"] for label in h["labels"])
    return network_of(parameters, words, int(told["scores"]), labels)


def _lexicon(manifest: dict[str, Any], members: dict[str, bytes | memoryview], path: Path) -> Lexicon:
    told = manifest.get("actors")
    if (told is None) != ("actors.csv" not in members):
        raise ValueError("its table of actors is missing, or not told of")
    if told is None:
        return default_lexicon()
    data = bytes(members["actors.csv"])
    if hashlib.sha256(data).hexdigest() != told["sha256"]:
        raise ValueError("its table of actors is not the one it was trained with")
    return build_lexicon(data.decode(), f"actors.csv of {path}", base=None if told["alone"] else default_lexicon())


def _head(h: dict[str, Any], members: dict[str, bytes | memoryview], width: int) -> HeadModel:
    def array(name: str) -> NDArray[Any]:
        return _read_npy(members[f"{h['name']}.{name}.npy"])

    head = Head(str(h["name"]), tuple(map(str, h["labels"])), ordered=bool(h["ordered"]), neutral=str(h.get("neutral", "")))
    if head.neutral != h.get("neutral", head.neutral):
        raise ValueError(f"head {head.name!r} has no label {h['neutral']!r}, which is to be its neutral one")
    keys, weights, bias = array("keys"), array("weights"), array("bias")
    n, k = len(keys), len(head.labels)
    if [(a.dtype.str, a.shape) for a in (keys, weights, bias)] != [("<u8", (n,)), ("<f4", (n, k)), ("<f8", (k,))] or not k:
        raise ValueError(f"arrays of head {head.name!r} have the wrong shape or type")
    if not (keys[1:] > keys[:-1]).all():
        raise ValueError(f"keys of head {head.name!r} do not rise")
    require_finite(f"head {head.name!r}", weights, bias)
    if not width:
        return HeadModel(head, keys, weights, bias)
    dense = DenseWeights(array("dense-center"), array("dense-weights"))
    if [(a.dtype.str, a.shape) for a in (dense.center, dense.weights)] != [("<f4", (width,)), ("<f4", (width, k))]:
        raise ValueError(f"dense arrays of head {head.name!r} have the wrong shape or type")
    require_finite(f"head {head.name!r}", dense.center, dense.weights)
    return HeadModel(head, keys, weights, bias, dense)


def _read_npy(data: bytes | memoryview) -> NDArray[Any]:
    """A .npy member as a view of the file's bytes. Raises ValueError for pickled or odd arrays."""
    head = io.BytesIO(data[:4096])
    if np.lib.format.read_magic(head) != (1, 0):
        raise ValueError("array format is not 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(head)
    if fortran or dtype.hasobject:
        raise ValueError("array is not plain")
    return np.frombuffer(data, dtype, int(np.prod(shape)), head.tell()).reshape(shape)


@lru_cache(maxsize=1)
def default_model() -> Model:
    """The model that ships with the package."""
    shipped = DATA / "default.stance"
    tree = Path(__file__).parent.parent / "models" / "default.stance"  # in a source tree
    return load(shipped if shipped.exists() else tree)


def consistent(stance: str, tone: str, *, heads: Mapping[str, Head] = DEFAULT_HEADS) -> str:
    """The tone a judgement shows: a neutral stance has neutral tone, by the codebook, where both of these `heads` have a neutral label."""
    calm = heads["tone"].neutral
    return calm if calm and stance == heads["stance"].neutral else tone
