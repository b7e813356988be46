"""A small recurrent network over the tokens of a sentence, beside the sparse features: numpy alone, to train and to predict.

A token is the vector of its word (`words`), ones for what the scan says of it (`features.FACTS`) and its cues. Gated recurrent units
(Cho et al. 2014) read the sentence forwards and backwards; the states at the actor's mentions, their mean over the sentence by
dot-product attention (Luong et al. 2015) from the mentions, and their maximum go through one hidden layer to the scores of all heads.
Trained by AdamW (Loshchilov & Hutter 2019) with dropout and smoothed labels, at a constant learning rate after a rise, the parameters averaged over
the steps (Polyak & Juditsky 1992; Izmailov et al. 2018): as good as the mean of two networks, at the price of one. One that goes on from another
with the same labels ends between the two, so that what the other one knew is not forgotten (WiSE-FT: Wortsman et al. 2022).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import ModelError, StanceError
from stance.features import FACTS, INPUTS, OWN, Floats, Ints, Sequences, ragged
from stance.words import WordVectors, read_words, require_modest, shipped_words

STATE, HIDDEN = 96, 128  # numbers of a state of one direction, and of the hidden layer
_TOGETHER = 32  # pairs that are read together: more want more padding
_BEFORE = "before "  # in front of the names of parameters in a file: see `Network.before`
_LONG = 128  # tokens: of longer pairs (a table, a list, text without a full stop) fewer are read together, or all would be padded to the longest
_WAY = 64  # steps of the way that `Network.contributions` goes
_STEP = 2.0**-8  # of states where they are multiplied: see `Network.scores`
_CATCH = np.float32(1.5 * 2**23 * _STEP)  # takes away the digits below it from a number that it is added to
_BATCH, _EPOCHS = 64, 10  # pairs of a step of training, and how often all pairs are read
_DECAY, _SMOOTHED = 1e-2, 0.05  # of weights, as a share of the rate; and the share of a label's probability that all labels have alike
_RISE, _AVERAGED = 0.15, 0.7  # of the steps: the first ones, at a growing rate, and the last ones, whose parameters are averaged
_OF_START = 0.8  # share of the parameters it starts from in what comes out
_LEAST_STEPS = 600  # small data are read more often than _EPOCHS times
_RATE, _DROP = 4e-3, 0.4  # of learning, and the share of the states that a step leaves out at random (of the numbers of words half of it) …
_RATE_ON, _DROP_ON = 2e-3, 0.25  # … and where the network that it starts from knows the labels: it forgets less

_PLACES = (INPUTS + 1) ** np.arange(len(FACTS))  # facts of a token as the digits of one number

Progress = Callable[[str, int], Iterator[int]]  # (name, steps) → the steps, shown as they go by
Array = NDArray[Any]
Parameters = dict[str, Array]
Labels = tuple[tuple[str, str], ...]  # (head, label) of scores


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """`parameters` by name (see `shapes`), single precision; `words` the vectors it was trained with.

    It gives the scores of all heads, side by side; `labels` says of what, where that is known. One that others start from and that has learnt the
    pairs they will be trained on keeps beside it what it was `before`: cross-validation starts from that.
    """

    parameters: Parameters = field(repr=False)
    words: WordVectors
    labels: Labels = ()
    before: Network | None = field(default=None, repr=False)

    @property
    def width(self) -> int:
        """Number of scores of a pair."""
        return len(self.parameters["out bias"])

    @property
    def content(self) -> bytes:
        """The parameters one after another, by name."""
        return b"".join(self.parameters[name].tobytes() for name in sorted(self.parameters))

    @property
    def digest(self) -> str:
        """A hash of the parameters."""
        return hashlib.sha256(self.content).hexdigest()

    def save(self, path: str | Path) -> None:
        """Write an .npz file for `load_network`: parameters, labels, what it was before, the digest of the vectors; those too if they do not ship."""
        labels = np.array(self.labels, str).reshape(-1, 2)
        arrays: dict[str, Any] = {"words": np.frombuffer(self.words.digest.encode(), np.uint8), "labels": labels, **self.parameters}
        if self.before:
            arrays |= {_BEFORE + name: x for name, x in self.before.parameters.items()}
        if not self.words.shipped:
            arrays["vectors"] = np.frombuffer(self.words.to_bytes(), np.uint8)
        np.savez_compressed(path, **arrays)

    def scores(self, sequences: Sequences) -> Floats:
        """Scores of pairs, shape (pairs, width); the same for a pair, to the bit, whatever the others are.

        Products are in single precision, and a library adds up a row in another way at another place, or on another processor. So their factors are
        whole numbers of steps (`_in_steps`, `_STEP`) so small that every sum is exact, whatever its order.
        """
        parameters = _in_steps(self.parameters)
        inputs = _Inputs(parameters, self.words, sequences)
        out = np.zeros((len(sequences), self.width))
        sizes = np.diff(sequences.indptr)
        order = np.argsort(-sizes, kind="stable")  # the longest first: all are padded to the first of those they are read with
        order = order[sizes[order] > 0]
        while len(order):
            longest = int(sizes[order[0]])
            rows = order[: max(1, min(_TOGETHER, _TOGETHER * _LONG // longest))]
            rows = rows[2 * sizes[rows] > longest] if longest > _LONG else rows
            order = order[len(rows) :]
            layout = _Layout(sequences, rows)
            out[rows] = _forward(parameters, inputs.of(layout), layout)["out"]
        return out

    def contributions(self, pair: Sequences, towards: Floats) -> Floats:
        """What each token of one pair adds to its scores, weighed by `towards`, shape (width,), and added up; shape (tokens,).

        Integrated gradients (Sundararajan, Taly & Yan 2017): on the way from a sentence of as many tokens, of which nothing is known but which of
        them are the actor's, to this one, in `_WAY` steps, short at the beginning, where the states change most. All of them are the difference
        between the two, but for what the steps leave out: about a hundredth.
        """
        p, n = self.parameters, len(pair.word)
        inputs = np.matmul(self.words.of(self.words.rows(pair.word)), p["word"]) + np.matmul(_facts(pair), p["facts"])
        slopes, keep = np.zeros(inputs.shape), dict.fromkeys(("state", "hidden"), np.ones((), np.float32))
        together = min(_WAY, max(1, 32 * _LONG // max(n, 1)))
        for start in range(0, _WAY if n else 0, together):
            place = (np.arange(start, min(start + together, _WAY)) + 0.5) / _WAY
            share, length = (place**2).astype(np.float32), 2 * place / _WAY
            part = pair.take(np.zeros(len(share), np.int64))
            layout = _Layout(part, np.arange(len(share)))
            gates = (p["bias"][:, None] + share[:, None] * inputs[[0, 1], [t, n - 1 - t]][:, None] for t in range(n))
            none = np.zeros((len(part.word), 1), np.float32)
            f = _forward(p, gates, layout, keep)
            _, of_gates = _backward(p, f, layout, keep, np.tile(towards.astype(np.float32), (len(share), 1)), none, none)
            ahead, back = (np.einsum("tsg,s->tg", x.reshape(n, len(share), -1), length) for x in of_gates)
            slopes += [ahead, back[::-1]]
        out: Floats = (slopes * inputs).sum((0, 2))
        return out


def shapes(width: int, scores: int, *, state: int = STATE, hidden: int = HIDDEN) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, for words of `width` numbers; a 2 in front is for the directions, a 3 for reset, update and new state."""
    return {
        "word": (2, width, 3 * state), "facts": (2, INPUTS, 3 * state), "bias": (2, 3 * state), "recurrent": (2, state, 3 * state),
        "attention": (2 * state, 2 * state), "hidden": (6 * state, hidden), "hidden bias": (hidden,),
        "out": (hidden, scores), "out bias": (scores,),
    }  # fmt: skip


def load_network(path: str | Path) -> Network:
    """The network that `Network.save` wrote, over its own word vectors or those that ship. Nothing is unpickled.

    Raises ModelError when it cannot be read, is none, or was saved by a version with other vectors.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            require_modest(arrays.zip, Path(path).stat().st_size)
            digest, parameters = bytes(arrays["words"]).decode(), {name: arrays[name] for name in shapes(1, 1)}
            before = {name: arrays[_BEFORE + name] for name in parameters if _BEFORE + name in arrays}
            labels = tuple((str(head), str(label)) for head, label in arrays["labels"])
            words = read_words(arrays["vectors"].tobytes()) if "vectors" in arrays else shipped_words(digest)
        if words is None or digest != words.digest:
            raise ModelError(f"{path}: its word vectors are others than this version of stance has", "train it again")
        network = network_of(parameters, words, len(parameters["out bias"]), labels)
        return replace(network, before=network_of(before, words, network.width, labels)) if before else network
    except OSError as e:
        raise ModelError(f"{path}: cannot be read: {e.strerror or e}", "check the path") from e
    except StanceError:
        raise
    except Exception as e:  # whatever odd bytes make numpy, zipfile or zlib raise
        raise ModelError(f"{path}: not a network: {e}", "`Network.save` writes one") from e


def network_of(parameters: Parameters, words: WordVectors, scores: int, labels: Labels) -> Network:
    """A network of parameters from a file. Raises ValueError for arrays of the wrong shape or type, or with numbers that are not finite."""
    state, hidden = parameters["recurrent"].shape[1], parameters["hidden"].shape[1]
    wanted = shapes(words.width, scores, state=state, hidden=hidden)
    if any(a.dtype.str != "<f4" or a.shape != wanted[name] for name, a in parameters.items()):
        raise ValueError("the arrays of its network have the wrong shape or type")
    if len(labels) not in (0, scores):
        raise ValueError(f"its network has {scores} scores and {len(labels)} labels")
    require_finite("its network", *parameters.values())
    return Network(parameters, words, labels)


def require_finite(what: str, *arrays: Array) -> None:
    """Raises ValueError where an array of `what` holds a number that is none."""
    if not all(np.isfinite(a).all() for a in arrays):
        raise ValueError(f"a number of {what} is none")


class _Layout:
    """Some pairs side by side, time first, padded at the end; of each `starts` is its first token, and `sizes` the number of all.

    `valid` shape (longest, pairs); `at` tokens and `own` (whether the actor's) by direction, shape (longest, 2, pairs), the second one from the last
    token to the first; `turned` (longest, pairs) is the place of a token in the other direction.
    """

    def __init__(self, sequences: Sequences, rows: Ints) -> None:
        self.starts = starts = sequences.indptr[rows]
        self.sizes = sizes = np.diff(sequences.indptr)[rows]
        place = np.arange(int(sizes.max()))[:, None]
        self.valid = place < sizes
        self.turned = np.where(self.valid, sizes - 1 - place, place)
        self.at = np.where(self.valid[:, None], starts + np.stack([np.broadcast_to(place, self.valid.shape), self.turned], 1), starts)
        self.own = self.valid[:, None] & (sequences.facts[self.at, len(FACTS) - 1] == OWN)

    @property
    def tokens(self) -> list[Ints]:
        """The tokens of all pairs, by direction."""
        return [self.at[:, d][self.valid] for d in (0, 1)]

    def turn(self, x: Array) -> Array:
        """What is in one direction, shape (longest, pairs), in the other."""
        return np.take_along_axis(x, self.turned, 0)


class _Inputs:
    """What every token gives to the gates: the part of its word, and that of its facts, each computed once for all tokens alike, and of its cues.

    `of_word` and `of_fact` have a row for each, those of the second direction after those of the first; `word` and `fact` are the rows of a token.
    Behind the facts there is room for those of the tokens with cues of one layout.
    """

    def __init__(self, parameters: Parameters, words: WordVectors, sequences: Sequences) -> None:
        self._facts, self._cues = parameters["facts"], sequences
        distinct, self.word = np.unique(words.rows(sequences.word), return_inverse=True)
        self.of_word = np.matmul(words.bytes_of(distinct), parameters["word"]).reshape(-1, parameters["word"].shape[2])
        self.of_word *= np.float32(words.scale)
        codes = sequences.facts.astype(np.int64) @ _PLACES
        _, example, self.fact = np.unique(codes, return_index=True, return_inverse=True)
        self._distinct = len(example)
        most = int(np.diff(np.searchsorted(sequences.cue_token, sequences.indptr)).max(initial=0))  # cues of a pair
        room = min(most * _TOGETHER, len(sequences.cue_token))
        self.of_fact = np.empty((2, self._distinct + room, self.of_word.shape[1]), np.float32)
        by_fact = self.of_fact[:, : self._distinct]
        by_fact[:] = parameters["bias"][:, None]
        for column in sequences.facts[example].T:
            by_fact += parameters["facts"][:, column]

    def _with_cues(self, layout: _Layout) -> None:
        """Fill the room behind the facts."""
        cues = self._cues
        start, end = np.searchsorted(cues.cue_token, (layout.starts, layout.starts + layout.sizes))
        cue = ragged(start, end - start)[1]
        token, first, number = np.unique(cues.cue_token[cue], return_index=True, return_counts=True)
        order = np.argsort(-number, kind="stable")  # those with the most cues first
        token, first, number = token[order], first[order], number[order]
        sums = self.of_fact[:, self._distinct : self._distinct + len(token)]
        sums[:] = np.take(self.of_fact, self.fact[token], 1)
        for k in range(int(number.max(initial=0))):
            at = cue[first[: np.count_nonzero(number > k)] + k]
            part = np.take(self._facts, cues.cue_input[at], 1)
            part *= cues.cue_weight[at, None].astype(np.float32)
            sums[:, : len(at)] += part
        self.fact[token] = self._distinct + np.arange(len(token))

    def of(self, layout: _Layout) -> Iterator[Array]:
        """Token by token, shape (2, pairs, 3 · state); the next one is written over it."""
        self._with_cues(layout)
        second = np.array([0, 1])[:, None]
        words = self.word[layout.at] + second * (len(self.of_word) // 2)
        facts = self.fact[layout.at] + second * self.of_fact.shape[1]
        of_fact = self.of_fact.reshape(-1, self.of_word.shape[1])
        gates, part = np.empty((2, *words.shape[1:], self.of_word.shape[1]), np.float32)
        for word, fact in zip(words, facts, strict=True):
            np.take(self.of_word, word, 0, gates, "clip")
            gates += np.take(of_fact, fact, 0, part, "clip")
            yield gates


def _in_steps(p: Parameters) -> Parameters:
    """The factors of products in steps of a power of two, one for each column, that make any sum of them, times states or bytes, exact.

    Whole numbers up to 2**24 have no error in single precision, so the size of a column's weights together, times the most that it is multiplied
    with, is to be less.
    """
    most = {"word": 2.0**7, "recurrent": 1 / _STEP, "attention": 1 / _STEP, "hidden": 1 / _STEP}
    out = dict(p)
    for name, each in most.items():
        size = np.abs(p[name]).sum(-2, keepdims=True) + np.finfo(np.float32).tiny
        step = np.exp2(np.ceil(np.log2(size * each / (2.0**24 - each * p[name].shape[-2])))).astype(p[name].dtype)
        out[name] = np.rint(p[name] / step) * step
    return out


def _stepped(x: Array) -> Array:
    """Numbers from -1 to 1 in steps of `_STEP`, where they are of single precision."""
    x = x + _CATCH
    x -= _CATCH
    return x


def _sigmoid(x: Array) -> Array:
    x = np.tanh(x * x.dtype.type(0.5))
    x += 1
    x *= x.dtype.type(0.5)
    return x


def _forward(p: Parameters, gates: Iterable[Array], layout: _Layout, keep: dict[str, Array] | None = None) -> dict[str, Array]:
    """The scores (`out`) and, with the masks of dropout (`state`, `hidden`, already scaled), all that backpropagation needs.

    `gates` are what the tokens give, one by one, each of shape (2, pairs, 3 · state).
    """
    n, kind = p["recurrent"].shape[1], p["recurrent"].dtype.type
    states = np.empty((*layout.at.shape, n), kind)
    steps: list[tuple[Array, ...]] = []
    h = np.zeros(states.shape[1:], kind)
    for t, gate in enumerate(gates):
        part = np.matmul(h if keep else _stepped(h), p["recurrent"])
        both = _sigmoid(gate[..., : 2 * n] + part[..., : 2 * n])
        reset, update, fresh = both[..., :n], both[..., n:], part[..., 2 * n :]
        new = np.tanh(gate[..., 2 * n :] + reset * fresh)
        if keep:
            steps.append((h, reset, update, fresh, new))
        h = new + update * (h - new)
        states[t] = h
    if keep:
        states *= keep["state"]
    share = layout.own / np.maximum(layout.own.sum(0), 1)
    mention = np.einsum("tdp,tdpn->dpn", share.astype(kind), states)
    query = _apart(_beside(mention if keep else _stepped(mention)) @ p["attention"])
    score = np.einsum("tdpn,dpn->tdp", states, query) / kind(np.sqrt(2.0 * n))
    total = np.where(layout.valid, score[:, 0] + layout.turn(score[:, 1]), -np.inf)
    weight = np.exp(total - total.max(0))
    weight /= weight.sum(0)
    weights = np.stack([weight, layout.turn(weight) * layout.valid], 1)
    attended = np.einsum("tdp,tdpn->dpn", weights, states)
    masked = states.copy() if keep else states
    np.copyto(masked, kind(-np.inf), where=~layout.valid[:, None, :, None])
    top = masked.argmax(0) if keep else None
    pooled = np.concatenate([_beside(mention), _beside(attended), _beside(masked.max(0))], 1)
    hidden = np.maximum((pooled if keep else _stepped(pooled)) @ p["hidden"] + p["hidden bias"], 0)
    if not keep:
        return {"out": np.einsum("ph,hs->ps", hidden, p["out"]) + p["out bias"]}  # not a product of the library: they have no steps
    hidden = hidden * keep["hidden"]
    before, reset, update, fresh, new = map(np.array, zip(*steps, strict=True))
    return {
        "out": hidden @ p["out"] + p["out bias"], "hidden": hidden, "pooled": pooled, "top": np.asarray(top), "weights": weights, "query": query,
        "mention": mention, "share": share, "states": states, "before": before, "reset": reset, "update": update, "fresh": fresh, "new": new,
    }  # fmt: skip


def _beside(x: Array) -> Array:
    """Both directions, shape (2, pairs, state), side by side: (pairs, 2 · state)."""
    return np.concatenate(x, 1)


def _apart(x: Array) -> Array:
    """The reverse of `_beside`."""
    return np.stack(np.split(x, 2, 1))


# --------------------------------------------------------------------------- training


@dataclass(frozen=True, slots=True)
class Goal:
    """What one head wants of the network: probabilities of its `labels`, shape (pairs, labels), and the weight of each pair, shape (pairs,)."""

    wanted: Floats
    weights: Floats
    labels: Labels = ()

    @classmethod
    def of_labels(cls, truth: Ints, weights: Floats, *, labels: Labels = ()) -> Goal:
        """Smoothed labels, from their numbers, shape (pairs,), and the weight of each label, shape (labels,)."""
        wanted = np.full((len(truth), len(weights)), _SMOOTHED / len(weights))
        wanted[np.arange(len(truth)), truth] += 1 - _SMOOTHED
        return cls(wanted, weights[truth], labels)


def train_network(
    sequences: Sequences,
    goals: Sequence[Goal],
    words: WordVectors,
    *,
    seed: int,
    start: Network | None = None,
    epochs: int = 0,
    drop: float | None = None,
    kept: float | None = None,
    word_rate: float = 0.0,
    progress: Progress | None = None,
) -> Network:
    """A network for all heads together, parameters `rounded`. Same data and seed, same network.

    `epochs` is how often all pairs are read (0: as often as labelled ones); few pairs are read more often. `drop` is the share of dropout
    (None: as for labelled pairs; 0 where there are more pairs than it could learn by heart). With `start` it begins as that one, but for the scores
    of the labels: what another task has taught it (fine-tuning). One that knows all labels of the goals lends their scores too, and the share `kept`
    of it (None: `_OF_START`) stays in the end. At a `word_rate` above 0 the vectors of the words learn too (the parameters learn at 2e-3 to 4e-3):
    for a hundred thousand pairs and more, of which each word is in many. Raises ValueError for no pairs, or a `start` of other word vectors or
    another size.
    """
    if not len(sequences):
        raise ValueError("no pairs to train on")
    if start and start.words.digest != words.digest:
        raise ValueError("the network to start from was trained with other word vectors")
    rng = np.random.default_rng(seed)
    named = all(len(g.labels) == g.wanted.shape[1] for g in goals)
    labels = tuple(x for g in goals for x in g.labels) if named else ()
    lent = _lent(start, labels) if start else {}
    p = _initial(shapes(words.width, sum(g.wanted.shape[1] for g in goals)), lent, rng)
    known = lent.keys() == p.keys()
    rate, usual = (_RATE_ON, _DROP_ON) if known else (_RATE, _DROP)
    steps = max((epochs or _EPOCHS) * -(-len(sequences) // _BATCH), _LEAST_STEPS)
    vectors = _Vectors(words, word_rate)
    learnt = _learn(p, vectors, sequences, goals, steps=steps, rate=rate, drop=usual if drop is None else drop, rng=rng, progress=progress)
    if known:
        share = _OF_START if kept is None else kept
        learnt = {name: (1 - share) * x + share * lent[name] for name, x in learnt.items()}
    return Network({name: rounded(x.astype(np.float32)) for name, x in learnt.items()}, vectors.learnt(), labels)


def _learn(
    p: Parameters, vectors: _Vectors, sequences: Sequences, goals: Sequence[Goal], *, steps: int, rate: float, drop: float, rng: np.random.Generator,
    progress: Progress | None,
) -> Parameters:  # fmt: skip
    """The mean of the parameters over the last of so many steps; `p` and the vectors, which keep their own mean, are those of the last one."""
    mean = {name: np.zeros_like(x) for name, x in p.items()}
    square = {name: np.zeros_like(x) for name, x in p.items()}
    average = {name: np.zeros(x.shape) for name, x in p.items()}
    queue: list[Ints] = []
    for step in progress("network", steps) if progress else range(steps):
        if not queue:
            queue = batches(np.diff(sequences.indptr), rng)
        slopes, of_words = _slopes(p, sequences, queue.pop(), vectors, goals, drop, rng)
        risen = min(1.0, (step + 1) / (_RISE * steps))
        _descend(p, slopes, mean, square, step, rate * risen)
        if of_words:
            vectors.descend(*of_words, step, risen)
        if (seen := step + 1 - int((1 - _AVERAGED) * steps)) > 0:
            for name, x in p.items():
                average[name] += (x - average[name]) / seen
            vectors.remember(seen)
    return average


def _lent(start: Network, labels: Labels) -> Parameters:
    """The parameters of `start` for these labels; without the scores of labels where it does not know them all."""
    lent = {name: x for name, x in start.parameters.items() if name not in ("out", "out bias")}
    if labels and set(labels) <= set(start.labels):
        at = [start.labels.index(x) for x in labels]
        lent |= {name: start.parameters[name][..., at] for name in ("out", "out bias")}
    return lent


def _initial(wanted: dict[str, tuple[int, ...]], start: Parameters, rng: np.random.Generator) -> Parameters:
    """Small random weights and no bias; those of `start` where it has some."""
    p = {
        name: (np.zeros(shape) if "bias" in name else rng.uniform(-1, 1, shape) * np.sqrt(3.0 / shape[-2])).astype(np.float32)
        for name, shape in wanted.items()
    }
    for name, x in start.items():
        p[name][...] = x
    return p


def rounded(x: Array) -> Array:
    """Numbers with eleven binary digits left, as half precision has, of any size: a smaller file, the same judgements."""
    digits, power = np.frexp(x)
    out: Array = np.ldexp(np.rint(digits * 2**11) / 2**11, power).astype(x.dtype)
    return out


def batches(sizes: Ints, rng: np.random.Generator, *, together: int = _BATCH) -> list[Ints]:
    """All pairs in random batches of about equal length, `together` in each, those without a token left out; `sizes` are their tokens."""
    order = rng.permutation(np.flatnonzero(sizes > 0))
    out = []
    for start in range(0, len(order), 20 * _BATCH):
        part = order[start : start + 20 * _BATCH]
        part = part[np.argsort(sizes[part], kind="stable")]
        out += [part[i : i + together] for i in range(0, len(part), together)]
    return [out[i] for i in rng.permutation(len(out))]


def _descend(p: Parameters, slopes: Parameters, mean: Parameters, square: Parameters, step: int, rate: float) -> None:
    """One step of AdamW, the gradient clipped to length 1."""
    length = float(np.sqrt(sum(float((g * g).sum()) for g in slopes.values())))
    for name, g in slopes.items():
        p[name] -= np.float32(rate) * (_direction(g / max(1.0, length), mean[name], square[name], step) + _DECAY * p[name])


def _direction(slope: Array, mean: Array, square: Array, step: int) -> Array:
    """Where Adam (Kingma & Ba 2015) goes by a slope; `mean` and `square`, those of the slopes so far, are brought up to date."""
    # Adam's usual decay rates, 0.9 and 0.999
    mean += 0.1 * (slope - mean)
    square += 0.001 * (slope * slope - square)
    out: Array = mean / (1 - 0.9 ** (step + 1)) / (np.sqrt(square / (1 - 0.999 ** (step + 1))) + 1e-8)
    return out


class _Vectors:
    """The vectors of words while a network learns, by row, and at the end zeros for words that have none.

    At a `rate` above 0 they learn themselves: a step moves those of the words that it reads, and their mean over the last steps is kept.
    """

    def __init__(self, words: WordVectors, rate: float) -> None:
        self.words, self.rate = words, rate
        self.now = words.of(np.arange(len(words) + 1))
        self.mean, self.square, self.average = (np.zeros(self.now.shape if rate else 0, np.float32) for _ in range(3))

    def descend(self, rows: Ints, slopes: Array, step: int, risen: float) -> None:
        """One step, at the share `risen` of the rate: the slopes of the tokens, shape (tokens, width), whose words are in `rows`."""
        chosen, which = np.unique(rows, return_inverse=True)
        slope = np.zeros((len(chosen), self.now.shape[1]), np.float32)
        np.add.at(slope, which, slopes)
        slope[chosen == len(self.words)] = 0
        mean, square = self.mean[chosen], self.square[chosen]
        self.now[chosen] -= np.float32(self.rate * risen) * _direction(slope, mean, square, step)
        self.mean[chosen], self.square[chosen] = mean, square

    def remember(self, seen: int) -> None:
        """Add to the mean, at every tenth step: there are millions of numbers."""
        if self.rate and seen % 10 == 1:
            self.average += (self.now - self.average) / np.float32(seen // 10 + 1)

    def learnt(self) -> WordVectors:
        """The mean, for the same words; what they began as where they do not learn."""
        return self.words.moved(self.average[:-1]) if self.rate else self.words


def _slopes(
    p: Parameters, sequences: Sequences, chosen: Ints, vectors: _Vectors, goals: Sequence[Goal], drop: float, rng: np.random.Generator
) -> tuple[Parameters, tuple[Ints, Array] | None]:
    """The gradient of the loss of some pairs, under dropout; and by token the row of its word and the slope of its vector, if the vectors learn."""
    part = sequences.take(chosen)
    layout = _Layout(part, np.arange(len(chosen)))
    rows, facts = vectors.words.rows(part.word), _facts(part)
    left = _kept((len(rows), vectors.now.shape[1]), drop / 2, rng)
    word = vectors.now[rows] * left
    state, hidden = p["recurrent"].shape[1], p["hidden"].shape[1]
    keep = {"state": _kept((*layout.at.shape, state), drop, rng), "hidden": _kept((len(chosen), hidden), drop, rng)}
    f = _forward(p, _gates(p, word, facts, layout), layout, keep)
    slope = _loss_slope(f["out"], [Goal(g.wanted[chosen], g.weights[chosen]) for g in goals])
    slopes, of_gates = _backward(p, f, layout, keep, slope, word, facts)
    return slopes, (rows, _word_slopes(p["word"], of_gates, layout, len(word)) * left) if vectors.rate else None


def _facts(sequences: Sequences, kind: Any = np.float32) -> Array:
    """What is said of each token in full, shape (tokens, INPUTS): ones for facts with the weights of cues."""
    facts = np.zeros((len(sequences.word), INPUTS), kind)
    np.put_along_axis(facts, sequences.facts, 1.0, 1)
    np.add.at(facts, (sequences.cue_token, sequences.cue_input), sequences.cue_weight.astype(kind))
    return facts


def _gates(p: Parameters, word: Array, facts: Array, layout: _Layout) -> Array:
    """What every token gives to the gates, in full; `word` and `facts` are the inputs by token."""
    gates = np.matmul(word, p["word"]) + np.matmul(facts, p["facts"]) + p["bias"][:, None]
    return np.stack([gates[d][layout.at[:, d]] for d in (0, 1)], 1)


def _kept(shape: tuple[int, ...], rate: float, rng: np.random.Generator) -> Array:
    return (rng.random(shape, np.float32) >= rate).astype(np.float32) / np.float32(1 - rate)


def _loss_slope(out: Array, goals: Sequence[Goal]) -> Array:
    """Slope of the weighted cross-entropy, averaged over the pairs and summed over the heads."""
    slope, start = np.empty_like(out), 0
    for goal in goals:
        k = goal.wanted.shape[1]
        scores = out[:, start : start + k]
        e = np.exp(scores - scores.max(1, keepdims=True))
        each = goal.weights / goal.weights.sum()
        slope[:, start : start + k] = (e / e.sum(1, keepdims=True) - goal.wanted) * each[:, None]
        start += k
    return slope


def _backward(
    p: Parameters, f: dict[str, Array], layout: _Layout, keep: dict[str, Array], slope: Array, word: Array, facts: Array
) -> tuple[Parameters, list[Array]]:
    """Gradient of every parameter from the slope of the scores; `word` and `facts` are the inputs by token.

    And, by direction, the slopes of what the tokens give to the gates, shape (tokens, 3 · state), in the order of `layout.tokens`.
    """
    g: Parameters = {"out": f["hidden"].T @ slope, "out bias": slope.sum(0)}
    hidden = (slope @ p["out"].T) * keep["hidden"] * (f["hidden"] > 0)
    g["hidden"], g["hidden bias"] = f["pooled"].T @ hidden, hidden.sum(0)
    states, weights, n = f["states"], f["weights"], f["states"].shape[3]
    mention, attended, most = (_apart(x) for x in np.split(hidden @ p["hidden"].T, 3, axis=1))
    # attention: the weights of both directions are one
    each = np.einsum("tdpn,dpn->tdp", states, attended)
    gain = each[:, 0] + layout.turn(each[:, 1]) * layout.valid
    weight = weights[:, 0]
    by_score = weight * (gain - (weight * gain).sum(0)) / states.dtype.type(np.sqrt(2.0 * n))
    by_scores = np.stack([by_score, layout.turn(by_score) * layout.valid], 1)
    query = _beside(np.einsum("tdp,tdpn->dpn", by_scores, states))
    g["attention"] = _beside(f["mention"]).T @ query
    mention = mention + _apart(query @ p["attention"].T)
    ds = weights[..., None] * attended + by_scores[..., None] * f["query"] + f["share"].astype(states.dtype)[..., None] * mention
    direction, pair, column = np.indices(f["top"].shape)
    ds[f["top"], direction, pair, column] += most
    gates, recurrent = _through_time(p["recurrent"], f, ds * keep["state"] * layout.valid[:, None, :, None])
    flat = f["before"].transpose(1, 3, 0, 2).reshape(2, n, -1)
    g["recurrent"] = np.matmul(flat, recurrent.transpose(1, 0, 2, 3).reshape(2, -1, 3 * n))
    of_gates = [gates[:, d][layout.valid] for d in (0, 1)]
    g["word"], g["facts"] = (np.stack([x[at].T @ slope for at, slope in zip(layout.tokens, of_gates, strict=True)]) for x in (word, facts))
    g["bias"] = np.stack([x.sum(0) for x in of_gates])
    return g, of_gates


def _word_slopes(weights: Array, of_gates: Sequence[Array], layout: _Layout, tokens: int) -> Array:
    """Slopes of the vectors, shape (tokens, width), from those of what the tokens give to the gates by `weights`."""
    out = np.zeros((tokens, weights.shape[1]), weights.dtype)
    for at, slope, w in zip(layout.tokens, of_gates, weights, strict=True):
        out[at] += slope @ w.T  # a token is once in each direction
    return out


def _through_time(weights: Array, f: dict[str, Array], ds: Array) -> tuple[Array, Array]:
    """Slopes of what tokens and of what states give to the gates, from those of the states; shape (longest, 2, pairs, 3 · state) each."""
    n = ds.shape[3]
    gates = np.empty((*ds.shape[:3], 3 * n), ds.dtype)
    recurrent = np.empty_like(gates)
    back = weights.transpose(0, 2, 1)
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
    return gates, recurrent
