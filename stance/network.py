"""A small recurrent network over the tokens of a sentence, beside the sparse features: numpy alone, to train and to predict.

A token is the vector of its word (`words`), ones for what the scan says of it (`features.FACTS`) and its cues. Gated recurrent units
(Cho et al. 2014) read the sentence forwards and backwards; the states at the actor's mentions, their mean over the sentence by
dot-product attention (Luong et al. 2015) from the mentions, and their maximum go through one hidden layer to the scores of all heads.
Trained by AdamW (Loshchilov & Hutter 2019) with one cycle of the learning rate (Smith & Topin 2018), dropout and smoothed labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.features import FACTS, INPUTS, OWN, Floats, Ints, Sequences
from stance.words import WordVectors

STATE, HIDDEN = 48, 128  # numbers of a state of one direction, and of the hidden layer
_TOGETHER = 256  # pairs that go through the network together
_BATCH, _EPOCHS, _RATE, _DECAY, _SMOOTHED = 64, 10, 2e-3, 1e-2, 0.05
_LEAST_STEPS = 600  # small data are read more often than _EPOCHS times
_DROP_WORD, _DROP = 0.2, 0.4

_PLACES = (INPUTS + 1) ** np.arange(len(FACTS))  # facts of a token as the digits of one number

Array = NDArray[Any]
Parameters = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Network:
    """`parameters` by name (see `shapes`), single precision; `words` the vectors it was trained with.

    It gives the scores of all heads, side by side.
    """

    parameters: Parameters
    words: WordVectors

    @property
    def width(self) -> int:
        """Number of scores of a pair."""
        return len(self.parameters["out bias"])

    def scores(self, sequences: Sequences) -> Floats:
        """Scores of pairs, shape (pairs, width); the same for a pair whatever the others are, to 1e-12."""
        exact = {name: p.astype(np.float64) for name, p in self.parameters.items()}
        inputs = _Inputs(exact, self.words, sequences)
        out = np.zeros((len(sequences), self.width))
        sizes = np.diff(sequences.indptr)
        order = np.argsort(sizes, kind="stable")
        order = order[sizes[order] > 0]
        for start in range(0, len(order), _TOGETHER):
            rows = order[start : start + _TOGETHER]
            layout = _Layout(sequences, rows)
            out[rows] = _forward(exact, inputs.of(layout), layout)["out"]
        return out


def shapes(width: int, scores: int, state: int = STATE, hidden: int = HIDDEN) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, for words of `width` numbers; a 2 in front is for the directions, a 3 for reset, update and new state."""
    return {
        "word": (2, width, 3 * state), "facts": (2, INPUTS, 3 * state), "bias": (2, 3 * state), "recurrent": (2, state, 3 * state),
        "attention": (2 * state, 2 * state), "hidden": (6 * state, hidden), "hidden bias": (hidden,),
        "out": (hidden, scores), "out bias": (scores,),
    }  # fmt: skip


class _Layout:
    """Some pairs side by side, padded at the end: `at` tokens, shape (pairs, longest), `valid` and `own` (tokens of the actor's mentions) alike."""

    def __init__(self, sequences: Sequences, rows: Ints) -> None:
        starts, sizes = sequences.indptr[rows], np.diff(sequences.indptr)[rows]
        place = np.arange(int(sizes.max()))
        self.valid = place < sizes[:, None]
        self.at = np.where(self.valid, starts[:, None] + place, starts[:, None])
        self.back = np.where(self.valid, sizes[:, None] - 1 - place, place)  # each sentence turned round
        self.own = self.valid & (sequences.facts[self.at, len(FACTS) - 1] == OWN)


class _Inputs:
    """What every token gives to the gates: its word's part and its facts' part are each computed once for all tokens alike."""

    def __init__(self, parameters: Parameters, words: WordVectors, sequences: Sequences) -> None:
        distinct, self.word = np.unique(words.rows(sequences.word), return_inverse=True)
        self.of_word = np.matmul(words.table()[distinct].astype(np.float64), parameters["word"])
        codes = sequences.facts.astype(np.int64) @ _PLACES
        _, example, self.fact = np.unique(codes, return_index=True, return_inverse=True)
        self.of_fact = parameters["facts"][:, sequences.facts[example]].sum(2) + parameters["bias"][:, None]
        order = np.argsort(sequences.cue_token, kind="stable")
        self.cue_token, self.cue_input, self.cue_weight = sequences.cue_token[order], sequences.cue_input[order], sequences.cue_weight[order]
        self.facts = parameters["facts"]

    def of(self, layout: _Layout) -> Array:
        """Shape (longest, 2, pairs, 3 · state): forwards, and backwards in the turned order."""
        gates = self.of_word[:, self.word[layout.at]] + self.of_fact[:, self.fact[layout.at]]
        flat = layout.at[layout.valid]
        first, last = (np.searchsorted(self.cue_token, flat, side=side) for side in ("left", "right"))
        pair, place = np.nonzero(layout.valid)
        for extra in range(int((last - first).max(initial=0))):
            has = first + extra < last
            cue = first[has] + extra
            gates[:, pair[has], place[has]] += self.facts[:, self.cue_input[cue]] * self.cue_weight[cue][:, None]
        return _timed(gates, layout)


def _timed(gates: Array, layout: _Layout) -> Array:
    turned = np.take_along_axis(gates[1], layout.back[..., None], 1)
    return np.ascontiguousarray(np.stack([gates[0], turned]).transpose(2, 0, 1, 3))


def _sigmoid(x: Array) -> Array:
    return 0.5 * (np.tanh(0.5 * x) + 1.0)


def _forward(p: Parameters, gates: Array, layout: _Layout, keep: dict[str, Array] | None = None) -> dict[str, Array]:
    """All that backpropagation needs; `keep` are the masks of dropout (`state`, `hidden`), already scaled."""
    length, _, pairs, three = gates.shape
    n = three // 3
    h = np.zeros((2, pairs, n), gates.dtype)
    before, update, new, fresh, reset = (np.empty((length, 2, pairs, n), gates.dtype) for _ in range(5))
    for t in range(length):
        part = np.matmul(h, p["recurrent"])
        both = _sigmoid(gates[t, ..., : 2 * n] + part[..., : 2 * n])
        before[t], reset[t], update[t], fresh[t] = h, both[..., :n], both[..., n:], part[..., 2 * n :]
        new[t] = np.tanh(gates[t, ..., 2 * n :] + reset[t] * fresh[t])
        h = new[t] + update[t] * (h - new[t])
    states = new + update * (before - new)
    forwards = states[:, 0].transpose(1, 0, 2)
    backwards = np.take_along_axis(states[:, 1].transpose(1, 0, 2), layout.back[..., None], 1)
    y = np.concatenate([forwards, backwards], 2)
    if keep:
        y = y * keep["state"]
    mention = np.matmul(layout.own[:, None].astype(y.dtype), y)[:, 0] / np.maximum(layout.own.sum(1, keepdims=True), 1)
    mention = mention.astype(y.dtype)
    query = mention @ p["attention"]
    weight = np.matmul(y, query[..., None])[..., 0] / np.sqrt(2.0 * n).astype(y.dtype)
    weight = np.exp(np.where(layout.valid, weight - weight.max(1, keepdims=True), -np.inf))
    weight = weight / weight.sum(1, keepdims=True)
    attended = np.matmul(weight[:, None], y)[:, 0]
    top = np.where(layout.valid[..., None], y, -np.inf).argmax(1)
    most = np.take_along_axis(y, top[:, None], 1)[:, 0]
    pooled = np.concatenate([mention, attended, most], 1)
    hidden = np.maximum(pooled @ p["hidden"] + p["hidden bias"], 0)
    if keep:
        hidden = hidden * keep["hidden"]
    out = hidden @ p["out"] + p["out bias"]
    return {
        "before": before, "update": update, "new": new, "fresh": fresh, "reset": reset, "y": y, "query": query, "weight": weight,
        "mention": mention, "top": top, "pooled": pooled, "hidden": hidden, "out": out,
    }  # fmt: skip


# --------------------------------------------------------------------------- training


@dataclass(frozen=True, slots=True)
class Goal:
    """What one head wants of the network: label numbers, shape (pairs,), and the weight of each label."""

    truth: Ints
    weights: Floats


def train_network(
    sequences: Sequences,
    goals: Sequence[Goal],
    words: WordVectors,
    *,
    seed: int,
    progress: Callable[[str, int], Iterator[int]] | None = None,
) -> Network:
    """A network for all heads together. Same data and seed, same network. Raises ValueError for no pairs."""
    if not len(sequences):
        raise ValueError("no pairs to train on")
    rng = np.random.default_rng(seed)
    p = {
        name: (rng.uniform(-1, 1, shape) * np.sqrt(3.0 / shape[-2]) if len(shape) > 1 and "bias" not in name else np.zeros(shape)).astype(np.float32)
        for name, shape in shapes(words.width, sum(len(g.weights) for g in goals)).items()
    }
    table, rows = words.table(), words.rows(sequences.word)
    per_epoch = -(-len(sequences) // _BATCH)
    steps = max(_EPOCHS * per_epoch, _LEAST_STEPS)
    mean = {name: np.zeros_like(x) for name, x in p.items()}
    square = {name: np.zeros_like(x) for name, x in p.items()}
    queue: list[Ints] = []
    for step in progress("network", steps) if progress else range(steps):
        if not queue:
            queue = _batches(np.diff(sequences.indptr), rng)
        chosen = queue.pop()
        slopes = _slopes(p, sequences, chosen, table, rows, goals, rng)
        _descend(p, slopes, mean, square, step, _rate(step, steps))
    return Network(p, words)


def _batches(sizes: Ints, rng: np.random.Generator) -> list[Ints]:
    """All pairs in random batches of about equal length, those without a token left out."""
    order = rng.permutation(np.flatnonzero(sizes > 0))
    out = []
    for start in range(0, len(order), 20 * _BATCH):
        part = order[start : start + 20 * _BATCH]
        part = part[np.argsort(sizes[part], kind="stable")]
        out += [part[i : i + _BATCH] for i in range(0, len(part), _BATCH)]
    return [out[i] for i in rng.permutation(len(out))]


def _rate(step: int, steps: int) -> float:
    """One cycle: up for 15 % of the steps, then down, both along a cosine."""
    rise = max(1.0, 0.15 * steps)
    if step < rise:
        return _RATE * float(0.04 + 0.96 * 0.5 * (1 - np.cos(np.pi * step / rise)))
    return _RATE * float(0.5 * (1 + np.cos(np.pi * (step - rise) / max(1.0, steps - rise))) + 1e-4)


def _descend(p: Parameters, slopes: Parameters, mean: Parameters, square: Parameters, step: int, rate: float) -> None:
    """One step of AdamW, the gradient clipped to length 1."""
    length = float(np.sqrt(sum(float((g * g).sum()) for g in slopes.values())))
    for name, g in slopes.items():
        g = g / max(1.0, length)
        mean[name] += 0.1 * (g - mean[name])
        square[name] += 0.001 * (g * g - square[name])
        m, v = mean[name] / (1 - 0.9 ** (step + 1)), square[name] / (1 - 0.999 ** (step + 1))
        p[name] -= np.float32(rate) * (m / (np.sqrt(v) + 1e-8) + _DECAY * p[name])


def _slopes(
    p: Parameters, sequences: Sequences, chosen: Ints, table: Array, rows: Ints, goals: Sequence[Goal], rng: np.random.Generator
) -> Parameters:
    """The gradient of the loss of some pairs, under dropout; `rows` are those of `table` by token."""
    part = sequences.take(chosen)
    layout = _Layout(part, np.arange(len(chosen)))
    size = layout.valid.shape
    word = table[rows[np.concatenate([np.arange(*sequences.indptr[r : r + 2]) for r in chosen])]]
    word = word * (_kept(word.shape, _DROP_WORD, rng))
    facts = np.zeros((len(word), INPUTS), np.float32)
    np.put_along_axis(facts, part.facts, 1.0, 1)
    np.maximum.at(facts, (part.cue_token, part.cue_input), part.cue_weight.astype(np.float32))
    gates = np.matmul(word, p["word"]) + np.matmul(facts, p["facts"]) + p["bias"][:, None]
    state, hidden = p["recurrent"].shape[1], p["hidden"].shape[1]
    keep = {"state": _kept((*size, 2 * state), _DROP, rng), "hidden": _kept((size[0], hidden), _DROP, rng)}
    f = _forward(p, _timed(gates[:, layout.at], layout), layout, keep)
    return _backward(p, f, layout, keep, _loss_slope(f["out"], [(g.truth[chosen], g.weights) for g in goals]), word, facts)


def _kept(shape: tuple[int, ...], rate: float, rng: np.random.Generator) -> Array:
    return (rng.random(shape, np.float32) >= rate).astype(np.float32) / np.float32(1 - rate)


def _loss_slope(out: Array, goals: Sequence[tuple[Ints, Floats]]) -> Array:
    """Slope of the weighted cross-entropy with smoothed labels, averaged over the pairs and summed over the heads."""
    slope, start = np.empty_like(out), 0
    for truth, weights in goals:
        k = len(weights)
        scores = out[:, start : start + k]
        e = np.exp(scores - scores.max(1, keepdims=True))
        wanted = np.full((len(truth), k), _SMOOTHED / k)
        wanted[np.arange(len(truth)), truth] += 1 - _SMOOTHED
        each = weights[truth] / weights[truth].sum()
        slope[:, start : start + k] = (e / e.sum(1, keepdims=True) - wanted) * each[:, None]
        start += k
    return slope


def _backward(p: Parameters, f: dict[str, Array], layout: _Layout, keep: dict[str, Array], slope: Array, word: Array, facts: Array) -> Parameters:
    """Gradient of every parameter, from the slope of the scores; `word` and `facts` are the inputs by token."""
    g: Parameters = {"out": f["hidden"].T @ slope, "out bias": slope.sum(0)}
    hidden = (slope @ p["out"].T) * keep["hidden"] * (f["hidden"] > 0)
    g["hidden"], g["hidden bias"] = f["pooled"].T @ hidden, hidden.sum(0)
    mention, attended, most = np.split(hidden @ p["hidden"].T, 3, axis=1)
    y, weight = f["y"], f["weight"]
    n = y.shape[2] // 2
    # attention
    by_weight = np.matmul(y, attended[..., None])[..., 0]
    by_score = weight * (by_weight - (weight * by_weight).sum(1, keepdims=True)) / np.sqrt(2.0 * n).astype(y.dtype)
    query = np.matmul(by_score[:, None], y)[:, 0]
    g["attention"] = f["mention"].T @ query
    mention = mention + query @ p["attention"].T
    share = layout.own / np.maximum(layout.own.sum(1, keepdims=True), 1)
    dy = weight[..., None] * attended[:, None] + by_score[..., None] * f["query"][:, None] + share[..., None].astype(y.dtype) * mention[:, None]
    pair, column = np.indices(f["top"].shape)
    dy[pair, f["top"], column] += most
    dy = dy * keep["state"] * layout.valid[..., None]
    # through time
    turned = np.take_along_axis(dy[..., n:], layout.back[..., None], 1)
    ds = np.stack([dy[..., :n], turned]).transpose(2, 0, 1, 3)
    gates = np.empty((*ds.shape[:3], 3 * n), y.dtype)
    recurrent = np.empty_like(gates)
    back = p["recurrent"].transpose(0, 2, 1)
    dh = np.zeros_like(ds[0])
    for t in range(len(ds) - 1, -1, -1):
        dh = dh + ds[t]
        new, update, reset = f["new"][t], f["update"][t], f["reset"][t]
        dnew = dh * (1 - update) * (1 - new * new)
        gates[t, ..., 2 * n :] = dnew
        gates[t, ..., n : 2 * n] = dh * (f["before"][t] - new) * update * (1 - update)
        gates[t, ..., :n] = dnew * f["fresh"][t] * reset * (1 - reset)
        recurrent[t] = gates[t]
        recurrent[t, ..., 2 * n :] *= reset
        dh = dh * update + np.matmul(recurrent[t], back)
    flat = f["before"].transpose(1, 3, 0, 2).reshape(2, n, -1)
    g["recurrent"] = np.matmul(flat, recurrent.transpose(1, 0, 2, 3).reshape(2, -1, 3 * n))
    by_token = gates.transpose(1, 2, 0, 3)  # direction, pair, time
    by_token = np.stack([by_token[0], np.take_along_axis(by_token[1], layout.back[..., None], 1)])[:, layout.valid]
    order = layout.at[layout.valid]
    g["word"] = np.matmul(word[order].T, by_token)
    g["facts"] = np.matmul(facts[order].T, by_token)
    g["bias"] = by_token.sum(1)
    return g
