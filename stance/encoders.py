"""Sentence encoders on this machine: dense vectors of pairs. The one module that knows torch, and only when vectors are asked for.

A pair's vector is the mean of its sentence's token states (Reimers & Gurevych 2019) beside that of the actor's masked mentions, at a lower layer:
shape (2 · hidden size,). Nothing is ever downloaded, and only safetensors are opened: no weight file is unpickled, no code beside it is run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stance.actors import Pair
from stance.errors import InputError, MissingExtraError, ModelError

ELSEWHERE = "STANCE_ENCODER"  # environment variable: where the encoder of a model file lies on this machine
_REPOSITORY = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")  # what can be a name in the cache
_TOKENS = 256  # a sentence beyond is cut
_WHAT = "a sentence-transformers or transformers folder (config.json, tokenizer, model.safetensors); stance downloads nothing"

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """What a model with dense features needs of its encoder."""

    @property
    def name(self) -> str:
        """Folder or name, as the user gave it."""

    @property
    def layer(self) -> int:
        """The layer whose hidden states stand for the mention."""

    @property
    def sha256(self) -> str:
        """Hash of the weight files."""

    def encode(self, pairs: Sequence[Pair]) -> Vectors:
        """Vectors, shape (pairs, width)."""


@dataclass(frozen=True, slots=True)
class LocalEncoder:
    """A transformer in a local folder, named by `name` (the folder, or a name in the local Hugging Face cache).

    It holds no weights itself, so it costs nothing to pickle; they are loaded at the first `encode` of a process.
    """

    name: str
    layer: int

    @property
    def sha256(self) -> str:
        """Hash of the weight files. Raises InputError when there is no such encoder."""
        return _digest(find_folder(self.name))

    def encode(self, pairs: Sequence[Pair]) -> Vectors:
        """The mean of the sentence's last hidden states beside the mean of its mention's at `layer`, shape (pairs, 2 · hidden size).

        The mention itself is replaced by the mask token: the actor's name must not decide. A pair whose actor is only
        carried over from the sentences before, without a word, has the sentence's mean at `layer` in its place.
        Pairs are encoded one by one, so that no vector depends on its neighbours.

        Raises InputError when there is no such encoder, MissingExtraError without its packages.
        """
        tokenizer, network = _loaded(find_folder(self.name))
        if self.layer > network.config.num_hidden_layers:
            raise InputError(f"encoder {self.name!r} has {network.config.num_hidden_layers} layers, not {self.layer}", "choose a lower one")
        mask = tokenizer.mask_token or "they"
        return np.stack([_vector(masked(p, mask), tokenizer, network, self.layer) for p in pairs])


def open_encoder(name: str, *, layer: int = 0) -> LocalEncoder:
    """The encoder of that folder or name, to train with; `layer` 0 is the one two thirds up.

    Raises InputError when it is not on this machine, has no safetensors, or no such layer.
    """
    config = find_folder(name) / "config.json"
    try:
        layers = int(json.loads(config.read_text("utf-8"))["num_hidden_layers"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise InputError(f"encoder {name!r}: {config} does not say num_hidden_layers", f"give {_WHAT}") from e
    if not 0 <= layer <= layers:
        raise InputError(f"encoder {name!r} has {layers} layers, not {layer}", "choose a lower one")
    return LocalEncoder(name, layer or max(1, round(layers * 2 / 3)))


def encoder_of(entry: Mapping[str, Any]) -> LocalEncoder:
    """The encoder that a manifest names; $STANCE_ENCODER says where it lies when it has moved. Nothing is loaded yet.

    Raises KeyError, TypeError or ValueError for an entry that names none.
    """
    if not isinstance(entry["name"], str) or not isinstance(entry["sha256"], str) or int(entry["layer"]) < 1 or int(entry["width"]) < 1:
        raise ValueError("the encoder is not named by name, sha256, layer and width")
    return LocalEncoder(os.environ.get(ELSEWHERE) or entry["name"], int(entry["layer"]))


def checked_vectors(encoder: Encoder, pairs: Sequence[Pair], entry: Mapping[str, Any], place: str) -> Vectors:
    """Vectors of pairs by the encoder a manifest names, shape (pairs, width). Raises ModelError when it is another encoder."""
    hint = f"set {ELSEWHERE} to the folder of the right one, or train again"
    if encoder.sha256 != entry["sha256"]:
        told = f"{encoder.sha256[:12]} in {encoder.name!r}, {entry['sha256'][:12]} in the manifest"
        raise ModelError(f"{place}: its encoder is not the one it was trained with (SHA-256 of the weights: {told})", hint)
    vectors = encoder.encode(pairs) if len(pairs) else np.zeros((0, entry["width"]), np.float32)
    if vectors.shape != (len(pairs), entry["width"]):
        raise ModelError(f"{place}: its encoder gives vectors of {vectors.shape[1]} numbers, not {entry['width']}", hint)
    return vectors


# --------------------------------------------------------------------------- finding


def find_folder(name: str) -> Path:
    """The folder of an encoder. Raises InputError when it is not on this machine or has no safetensors."""
    root = Path(name) if Path(name).is_dir() else _cached(name)
    folder = _transformer(root)
    if not _weights(folder):
        raise InputError(f"encoder {name!r}: {folder} holds no model.safetensors", f"give {_WHAT}; pickled weights are not opened")
    return folder


def _cached(name: str) -> Path:
    """The folder of a name in the local Hugging Face cache."""
    hint = f"give {_WHAT}. For a model file whose encoder has moved, set {ELSEWHERE} to the folder"
    if not _REPOSITORY.fullmatch(name):
        raise InputError(f"encoder {name!r}: no such folder", hint)
    try:
        from huggingface_hub import snapshot_download
    except ImportError as e:
        raise MissingExtraError(f"looking for encoder {name!r} in the local cache", "huggingface_hub", "embeddings") from e
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError) as e:
        raise InputError(f"encoder {name!r}: no folder of that name, nor a model in the local Hugging Face cache", hint) from e


def _transformer(root: Path) -> Path:
    """Where the transformer lies in a sentence-transformers folder: the first module of modules.json."""
    try:
        first = str(json.loads((root / "modules.json").read_text("utf-8"))[0]["path"])
    except (OSError, ValueError, LookupError, TypeError):
        return root
    inside = (root / first).resolve()
    return inside if inside.is_relative_to(root.resolve()) and first else root


def _weights(folder: Path) -> list[Path]:
    return sorted(folder.glob("model*.safetensors"))


@lru_cache(maxsize=4)
def _digest(folder: Path) -> str:
    """SHA-256 of the weight files, one after the other: for a single file its own, as Hugging Face shows it."""
    digest = hashlib.sha256()
    for path in _weights(folder):
        with path.open("rb") as f:
            while block := f.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


# --------------------------------------------------------------------------- encoding


@dataclass(frozen=True, slots=True)
class Masked:
    """A sentence whose actor is masked; `spans` are the characters of the masks, as (start, end)."""

    text: str
    spans: tuple[tuple[int, int], ...]


def masked(pair: Pair, mask: str) -> Masked:
    """The pair's sentence with `mask` for every mention of its actor."""
    out, spans, at = "", [], 0
    for m in sorted(pair.mentions, key=lambda m: m.start):
        if at <= m.start < m.end:
            out += pair.text[at : m.start]
            spans.append((len(out), len(out) + len(mask)))
            out, at = out + mask, m.end
    return Masked(out + pair.text[at:], tuple(spans))


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> tuple[Any, Any]:
    """(tokenizer, network) of a folder."""
    try:
        import torch  # noqa: F401 -- without it transformers imports, but loads nothing
        import transformers
    except ImportError as e:
        raise MissingExtraError("a model with an encoder", str(e.name or "transformers"), "embeddings") from e
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        network = transformers.AutoModel.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_safetensors=True)
    except (OSError, ValueError, ImportError) as e:
        raise InputError(f"encoder {str(folder)!r} cannot be loaded: {' '.join(str(e).split())[:300]}", f"give {_WHAT}") from e
    if not tokenizer.is_fast:
        raise InputError(f"encoder {str(folder)!r} has a tokenizer without character offsets", "choose one that has a tokenizer.json")
    return tokenizer, network.float().eval()  # weights may be kept in 16 bits, which numpy lacks or rounds to


def _vector(sentence: Masked, tokenizer: Any, network: Any, layer: int) -> Vectors:
    """Mean of the sentence, then of the masks, shape (2 · hidden size,)."""
    import torch

    most = min(_TOKENS, tokenizer.model_max_length)
    tokens = tokenizer(sentence.text, truncation=True, max_length=most, return_offsets_mapping=True, return_tensors="pt")
    offsets = tokens.pop("offset_mapping")[0].numpy()
    with torch.inference_mode():
        states = network(**tokens, output_hidden_states=True).hidden_states
    own = np.zeros(len(offsets), bool)
    for start, end in sentence.spans:
        own |= (offsets[:, 0] < end) & (offsets[:, 1] > start)
    mention = states[layer][0].numpy()
    out: Vectors = np.concatenate([states[-1][0].numpy().mean(0), mention[own if own.any() else ...].mean(0)])
    return out
