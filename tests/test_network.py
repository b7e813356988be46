"""The recurrent network: its gradient, what it can learn, and models that hold one."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sklearn
from conftest import REPORTS, SETTINGS, Run, pairs_of, relabel, write_csv
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from test_model import rebuilt

from stance import card, network
from stance.actors import Pair
from stance.classification import classify
from stance.dataset import Dataset, read_dataset
from stance.errors import DataError, ModelError
from stance.evaluation import HeadReport
from stance.explanation import explain
from stance.features import Sequences, concat_sequences, prepare, sequences
from stance.model import Model, default_model, load, read_manifest, softmax
from stance.network import HIDDEN, STATE, Goal, Network, load_network, shapes, train_network
from stance.stacking import NetworkFeatures, one_thread_network
from stance.training import evaluate, full_scores, out_of_fold, train
from stance.words import WordVectors, _packed, default_words, learn_words

TEXT = (
    "Norway, which Sweden had accused of spying, denied the charge on Monday. Finland did not comment. "
    '"We shall answer," the Danish minister said. "And soon." Iceland may recall its envoy if Norway goes on.'
)


@pytest.fixture(scope="module")
def words() -> WordVectors:
    """A table of a few dozen words, narrow."""
    return learn_words([TEXT] * 10, width=8)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return pairs_of(TEXT)


@pytest.fixture(scope="module")
def tokens(pairs: list[Pair]) -> Sequences:
    return sequences(prepare(pairs))


@pytest.fixture(scope="module")
def shipped() -> Network:
    network = default_model().network
    assert network
    return network


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network too small and too little trained to be of use, in no time."""
    monkeypatch.setattr(network, "_EPOCHS", 1)
    monkeypatch.setattr(network, "_LEAST_STEPS", 3)


def _random(words: WordVectors, scores: int = 5, state: int = 6, hidden: int = 10) -> Network:
    rng = np.random.default_rng(3)
    parameters = {n: rng.normal(0, 0.4, s).astype(np.float32) for n, s in shapes(words.width, scores, state=state, hidden=hidden).items()}
    return Network(parameters, words)


# --------------------------------------------------------------------------- sequences


def test_a_sequence_has_the_tokens_of_its_sentence(pairs: list[Pair], tokens: Sequences) -> None:
    assert len(tokens) == len(pairs)
    for p, size in zip(pairs, np.diff(tokens.indptr), strict=True):
        spare = sum(m.last - m.first - 1 for m in {(m.first, m.last): m for m in p.reading.mentions}.values() if m.last > m.first)
        assert size == len(p.reading.tokens) - spare


def test_sequences_of_a_pair_hang_on_no_other(pairs: list[Pair], tokens: Sequences) -> None:
    apart = concat_sequences(sequences(prepare([p])) for p in pairs)
    for name in Sequences.__slots__:
        assert np.array_equal(getattr(tokens, name), getattr(apart, name)), name


def test_sequences_can_be_taken_in_any_order(pairs: list[Pair], tokens: Sequences) -> None:
    order = np.array([3, 0, 5, 3])
    taken, want = tokens.take(order), sequences(prepare([pairs[i] for i in order]))
    for name in ("indptr", "word", "facts"):
        assert np.array_equal(getattr(taken, name), getattr(want, name)), name
    cues = [sorted(zip(s.cue_token, s.cue_input, s.cue_weight, strict=True)) for s in (taken, want)]
    assert cues[0] == cues[1] and cues[0]
    for s in (tokens, taken, concat_sequences([taken, tokens])):
        assert (np.diff(s.cue_token) >= 0).all()  # what `take` and the network rely on


# --------------------------------------------------------------------------- the gradient


@pytest.mark.parametrize("name", [*shapes(1, 1), "vectors"])
def test_the_gradient_is_that_of_the_loss(name: str, words: WordVectors, tokens: Sequences) -> None:
    """Backpropagation against differences of the loss, in double precision, with dropout masks and two heads."""
    net = _random(words)
    p = {n: a.astype(np.float64) for n, a in net.parameters.items()}
    layout = network._Layout(tokens, np.arange(len(tokens)))
    p["vectors"] = words.of(words.rows(tokens.word)).astype(np.float64)
    facts = network._facts(tokens, np.float64)
    rng = np.random.default_rng(5)
    keep = {
        "state": network._kept((*layout.at.shape, 6), 0.3, rng).astype(np.float64),
        "hidden": network._kept((len(tokens), 10), 0.3, rng).astype(np.float64),
    }
    hard = Goal.of_labels(rng.integers(0, 3, len(tokens)), np.array([1.0, 2.0, 0.5]))
    goals = [hard, Goal(rng.dirichlet(np.ones(2), len(tokens)), rng.random(len(tokens)))]

    def run(p: dict[str, NDArray[Any]]) -> tuple[float, dict[str, NDArray[Any]]]:
        f = network._forward(p, network._gates(p, p["vectors"], facts, layout), layout, keep)
        loss, start = 0.0, 0
        for goal in goals:
            k = goal.wanted.shape[1]
            part = f["out"][:, start : start + k]
            logs = part - np.log(np.exp(part).sum(1, keepdims=True))
            loss -= float(((goal.wanted * logs).sum(1) * goal.weights / goal.weights.sum()).sum())
            start += k
        return loss, f

    _, f = run(p)
    slopes, of_gates = network._backward(p, f, layout, keep, network._loss_slope(f["out"], goals), p["vectors"], facts)
    slopes["vectors"] = network._word_slopes(p["word"], of_gates, layout, len(tokens.word))
    assert slopes[name].shape == p[name].shape
    used = np.argwhere(np.abs(slopes[name]) > 1e-9)
    for place in used[rng.choice(len(used), min(12, len(used)), replace=False)]:
        at, step = tuple(place), 1e-6
        up, down = ({**p, name: p[name].copy()} for _ in range(2))
        up[name][at] += step
        down[name][at] -= step
        assert slopes[name][at] == pytest.approx((run(up)[0] - run(down)[0]) / (2 * step), rel=1e-4, abs=1e-8)


# --------------------------------------------------------------------------- scores


@pytest.mark.parametrize(("state", "hidden"), [(6, 10), (STATE, HIDDEN)])
def test_scores_of_a_pair_hang_on_no_other(words: WordVectors, tokens: Sequences, state: int, hidden: int) -> None:
    """To the bit, in single precision, however many go together and in whatever order."""
    net = _random(words, state=state, hidden=hidden)
    alone = np.concatenate([net.scores(tokens.take(np.array([i]))) for i in range(len(tokens))])
    rng = np.random.default_rng(1)
    for size in (len(tokens), 63, 64, 65, 500):
        some = rng.integers(0, len(tokens), size)
        assert np.array_equal(net.scores(tokens.take(some)), alone[some])


@pytest.mark.parametrize("name", ["word", "recurrent", "attention", "hidden"])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e6])
def test_products_are_exact_in_single_precision(words: WordVectors, name: str, size: float) -> None:
    """So a library may add them up as it likes: some do it by the place of a row. At the limit too: all of one sign, and all states at their most."""
    rng = np.random.default_rng(4)
    p = {n: rng.normal(0, size, a.shape).astype(np.float32) for n, a in _random(words, state=STATE, hidden=HIDDEN).parameters.items()}
    weights = network._in_steps(p)[name]
    rows = weights.shape[-2]
    most = np.where(weights[..., :1].reshape(-1, rows)[:1] > 0, 1.0, -1.0)
    if name == "word":
        given = np.concatenate([rng.integers(-128, 128, (200, rows)), 127 * most]).astype(np.float32)
    else:
        given = np.concatenate([network._stepped(rng.uniform(-1, 1, (200, rows)).astype(np.float32)), most.astype(np.float32)])
    assert given.dtype == np.float32 and (abs(given) <= 128).all()
    assert np.array_equal((given @ weights).astype(np.float64), given.astype(np.float64) @ weights.astype(np.float64))
    assert np.abs(weights - p[name]).max() <= 2e-3 * np.abs(p[name]).max()


def test_states_are_read_in_steps() -> None:
    x = np.linspace(-1, 1, 4001, dtype=np.float32)
    y = network._stepped(x)
    assert y.dtype == np.float32 and np.array_equal(y, np.rint(x * 256) / 256) and x[1] == np.linspace(-1, 1, 4001, dtype=np.float32)[1]


def test_very_long_sentences_are_read_few_at_a_time(words: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that are read together are padded to the longest: a table without a full stop would take gigabytes. But one by one, a list of many actors takes long."""
    net, texts = _random(words), ["Norway condemned the raid. Chile denied it.", "Norway told Chile " + "to wait and " * 400 + "left."]
    tokens = sequences(prepare([p for t in texts for p in pairs_of(t)]))
    seen: list[tuple[int, ...]] = []
    layout = network._Layout
    monkeypatch.setattr(network, "_Layout", lambda *a: seen.append(layout(*a).at.shape) or layout(*a))
    scores = net.scores(tokens)
    (long, _, first), (short, _, second) = seen
    assert (first, second) == (2, 2) and long > 800 and short < 20
    assert np.array_equal(net.scores(tokens.take(np.array([3]))), scores[3:])
    monkeypatch.setattr(network, "_LONG", 16)
    assert np.array_equal(net.scores(tokens), scores) and [n for _, _, n in seen[3:]] == [1, 1, 2]


def test_a_sentence_as_long_as_is_read_with_others_has_its_scores(words: WordVectors, tokens: Sequences, monkeypatch: pytest.MonkeyPatch) -> None:
    want = _random(words).scores(tokens)
    monkeypatch.setattr(network, "_LONG", int(np.diff(tokens.indptr).max()))
    assert np.array_equal(_random(words).scores(tokens), want)


def test_what_is_computed_once_for_like_tokens_is_what_each_would_give(words: WordVectors, tokens: Sequences) -> None:
    """The sums by distinct word and distinct facts against the plain product of inputs and weights."""
    net = _random(words)
    p = {n: a.astype(np.float64) for n, a in network._in_steps(net.parameters).items()}
    layout = network._Layout(tokens, np.arange(len(tokens)))
    word, facts = words.of(words.rows(tokens.word)).astype(np.float64), network._facts(tokens, np.float64)
    plain = network._forward(p, network._gates(p, word, facts, layout), layout)["out"]
    assert np.abs(net.scores(tokens) - plain).max() < 4e-3 * np.abs(plain).max()  # states are read in steps


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rounding_keeps_eleven_digits_of_numbers_of_any_size(kind: Any) -> None:
    x = (np.random.default_rng(0).normal(0, 1, 20_000) * 10.0 ** np.random.default_rng(1).integers(-30, 30, 20_000)).astype(kind)
    y = network.rounded(x)
    assert y.dtype == x.dtype and np.array_equal(network.rounded(y), y)
    assert (np.abs(y - x) <= np.abs(x) * 2.0**-11).all() and np.array_equal(y.astype(np.float32), y)
    assert len(np.unique(np.frexp(y)[0])) <= 2 * 2**10
    assert network.rounded(np.array([0.0, 1.0, -0.75], kind)).tolist() == [0.0, 1.0, -0.75]


def test_no_pairs_have_no_scores(words: WordVectors) -> None:
    assert _random(words).scores(sequences(prepare([]))).shape == (0, 5)


def test_a_pair_without_a_mention_has_scores(words: WordVectors, pairs: list[Pair]) -> None:
    nobody = Pair(pairs[0].reading, "Nowhere", ())
    assert np.isfinite(_random(words).scores(sequences(prepare([nobody])))).all()


# --------------------------------------------------------------------------- training


def test_the_same_seed_trains_the_same_network(words: WordVectors, tokens: Sequences, brief: None) -> None:
    goals = [Goal.of_labels(np.arange(len(tokens)) % 3, np.ones(3))]
    one, two, other = (train_network(tokens, goals, words, seed=s) for s in (1, 1, 2))
    assert all(np.array_equal(one.parameters[n], two.parameters[n]) for n in one.parameters)
    assert not np.array_equal(one.parameters["out"], other.parameters["out"])


def test_small_data_are_read_more_often(words: WordVectors, tokens: Sequences, brief: None) -> None:
    goals = [Goal.of_labels(np.arange(len(tokens)) % 3, np.ones(3))]
    told: list[int] = []
    for epochs in (1, 5):
        train_network(tokens, goals, words, seed=1, epochs=epochs, progress=lambda _, steps: told.append(steps) or iter(range(steps)))
    assert told == [3, 5]  # one epoch is one step


def test_dropout_keeps_the_mean() -> None:
    kept = network._kept((10_000,), 0.2, np.random.default_rng(0))
    assert set(kept.tolist()) == {0.0, 1.25} and kept.mean() == pytest.approx(1, abs=0.02)


def test_dropout_is_gentler_where_the_labels_are_known_already(words: WordVectors, tokens: Sequences, monkeypatch: pytest.MonkeyPatch) -> None:
    known = (("stance", "a"), ("stance", "b"))
    start = replace(_random(words, state=STATE, hidden=HIDDEN, scores=2), labels=known)
    kept, rates = network._kept, set[float]()
    monkeypatch.setattr(network, "_kept", lambda shape, rate, rng: rates.add(rate) or kept(shape, rate, rng))
    monkeypatch.setattr(network, "_LEAST_STEPS", 1)
    goals = [Goal.of_labels(np.arange(len(tokens)) % 2, np.ones(2), labels=known)]
    for begin, drop, wanted in ((None, None, {0.2, 0.4}), (start, None, {0.125, 0.25}), (start, 0.0, {0.0})):
        rates.clear()
        train_network(tokens, goals, words, seed=1, epochs=1, start=begin, drop=drop)
        assert rates == wanted


def test_it_learns_what_hangs_on_the_order_of_words(words: WordVectors) -> None:
    """The same words of the same actor, in another order: no bag of words tells these apart."""
    made = [
        (pairs_of(f"{a} {middle} Chile {end} in {place}.")[0], label)
        for a in ("Norway", "Sweden", "Peru")
        for place in ("May", "June", "July", "March")
        for middle, end, label in (("saw the red and", "the blue ship", 0), ("saw the blue and", "the red ship", 1))
    ]
    x = sequences(prepare([p for p, _ in made]))
    y = np.array([label for _, label in made])
    spelt = sorted({w for p, _ in made for w in p.reading.tokens.lower})
    table = _packed(spelt, np.random.default_rng(0).normal(size=(len(spelt), 8)))
    held = np.arange(len(y)) % 3 == 2
    net = train_network(x.take(np.flatnonzero(~held)), [Goal.of_labels(y[~held], np.ones(2))], table, seed=0)
    assert (net.scores(x.take(np.flatnonzero(held))).argmax(1) == y[held]).all()


def test_it_starts_from_what_another_learnt(words: WordVectors, tokens: Sequences, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a rate of nothing all stays as it was, but for the scores of the labels, which are of another number."""
    start = _random(words, state=STATE, hidden=HIDDEN)
    monkeypatch.setattr(network, "_RATE", 0.0)
    monkeypatch.setattr(network, "_LEAST_STEPS", 3)
    goals = [Goal.of_labels(np.arange(len(tokens)) % 3, np.ones(3))]
    fresh, begun = train_network(tokens, goals, words, seed=1), train_network(tokens, goals, words, seed=1, start=start)
    for name in start.parameters.keys() - {"out", "out bias"}:
        assert np.array_equal(begun.parameters[name], network.rounded(start.parameters[name]))
        assert not np.array_equal(begun.parameters[name], fresh.parameters[name])
    assert np.array_equal(begun.parameters["out"], fresh.parameters["out"])


def test_it_does_not_forget_what_it_knew_of_the_same_labels(words: WordVectors, tokens: Sequences, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes out is between the start and what is trained from it; of two labels of five, the scores of these two are taken."""
    known = tuple(("stance", x) for x in "abcde")
    start = replace(_random(words, state=STATE, hidden=HIDDEN), labels=known)
    monkeypatch.setattr(network, "_LEAST_STEPS", 3)
    truth = np.arange(len(tokens)) % 2

    def trained(share: float, labels: tuple[tuple[str, str], ...]) -> dict[str, Any]:
        monkeypatch.setattr(network, "_OF_START", share)
        net = train_network(tokens, [Goal.of_labels(truth, np.ones(2), labels=labels)], words, seed=1, start=start)
        assert net.labels == labels
        return net.parameters

    some = (known[3], known[1])
    begun, half, ended = trained(1.0, some), trained(0.5, some), trained(0.0, some)
    for name, x in start.parameters.items():
        x = x[..., [3, 1]] if name in ("out", "out bias") else x
        assert np.array_equal(begun[name], network.rounded(x))
        assert not np.array_equal(begun[name], ended[name])
        assert half[name] == pytest.approx((begun[name] + ended[name]) / 2, rel=2e-3, abs=1e-4)
    net = train_network(tokens, [Goal.of_labels(truth, np.ones(2), labels=some), Goal.of_labels(truth, np.ones(2))], words, seed=1, start=start)
    assert not net.labels and net.width == 4, "labels that nobody named"
    other = (known[3], ("tone", "b"))
    first, second = trained(1.0, other), trained(0.0, other)
    assert all(np.array_equal(first[name], second[name]) for name in first), "nothing is kept for a label that it does not know"
    assert not np.array_equal(first["out"], ended["out"])


def test_the_vectors_of_the_words_that_are_read_can_learn_too(tokens: Sequences, monkeypatch: pytest.MonkeyPatch) -> None:
    """They alone, where the network does not learn: the loss falls; other words stay where they were, but for the rounding to bytes."""
    words = learn_words([TEXT + " Trawlers fished in foggy waters off rocky shores."] * 10, width=8)
    monkeypatch.setattr(network, "_LEAST_STEPS", 60)
    start = replace(_random(words, state=STATE, hidden=HIDDEN), labels=tuple(("stance", x) for x in "abcde"))
    truth = np.arange(len(tokens)) % 5
    goals = [Goal.of_labels(truth, np.ones(5), labels=start.labels)]
    monkeypatch.setattr(network, "_RATE_ON", 0.0)
    monkeypatch.setattr(network, "_DECAY", 0.0)
    same, learnt = (train_network(tokens, goals, words, seed=1, start=start, drop=0, word_rate=rate) for rate in (0.0, 0.02))
    assert same.words is words and same.digest == learnt.digest
    old, new = (w.of(np.arange(len(words) + 1)) for w in (words, learnt.words))
    read = np.isin(np.arange(len(words)), words.rows(tokens.word))
    assert 0 < read.sum() < len(words)
    moved = np.abs(new - old)[:-1].max(1)
    assert moved[~read].max() <= max(words.scale, learnt.words.scale) < moved[read].min() and not new[-1].any()
    assert learnt.words.words == words.words

    def loss(net: Network) -> float:
        scores = net.scores(tokens)
        return float(-np.log(softmax(scores)[np.arange(len(truth)), truth]).mean())

    assert loss(learnt) < loss(same) - 0.5


def test_a_start_with_other_words_is_refused(words: WordVectors, tokens: Sequences) -> None:
    with pytest.raises(ValueError, match="other word vectors"):
        train_network(tokens, [Goal.of_labels(np.arange(len(tokens)) % 2, np.ones(2))], default_words(), seed=0, start=_random(words))


def test_a_network_alone_is_kept_in_a_file(tmp_path: Path, words: WordVectors, tokens: Sequences) -> None:
    path = tmp_path / "n.npz"
    for labels in ((), (("stance", "firm"), ("stance", "deny"), ("tone", "warm"), ("tone", "größer"), ("x", "'"))):
        for table in (default_words(), words):
            net = replace(_random(table), labels=labels)
            net.save(path)
            back = load_network(path)
            assert back.digest == net.digest and back.labels == labels and back.words == table
            assert np.array_equal(back.scores(tokens), net.scores(tokens))
            assert back.before is None
            last = replace(net, parameters={n: -x for n, x in net.parameters.items()}, before=net)
            last.save(path)
            back = load_network(path)
            assert back.before and back.digest == last.digest and back.before.digest == net.digest
            assert back.before.labels == labels and back.before.words == table


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda a: {k: x for k, x in a.items() if k != "hidden"}, "not a network"),
        (lambda a: a | {"out": a["out"][1:]}, "wrong shape"),
        (lambda a: a | {"out": a["out"].astype(np.float64)}, "wrong shape or type"),
        (lambda a: a | {"out": a["out"] * np.float32(np.nan)}, "is none"),
        (lambda a: a | {"words": np.frombuffer(b"another", np.uint8)}, "word vectors are others"),
        (lambda a: a | {"vectors": a["words"]}, "not a network"),
        (lambda a: a | {"vectors": np.frombuffer(default_words().moved(-default_words().of(np.arange(len(default_words())))).to_bytes(), np.uint8)}, "word vectors are others"),
        (lambda a: a | {"out": np.array([{}], object)}, "not a network"),
        (lambda a: a | {"labels": np.array([["stance", "firm"]])}, "5 scores and 1 labels"),
        (lambda a: a | {"more": np.zeros(3 * 10**7)}, "unpacks to more than it may"),
        (lambda a: a | {"labels": np.array(["stance", "firm"])}, "not a network"),
        (lambda a: a | {"before out": a["out"]}, "not a network"),
        (lambda a: a | {f"before {n}": a[n] for n in shapes(1, 1)} | {"before out": a["out"][1:]}, "wrong shape"),
    ],
)
def test_a_file_that_holds_no_network_is_refused(spoil: Callable[[dict[str, Any]], dict[str, Any]], told: str, tmp_path: Path) -> None:
    path = tmp_path / "n.npz"
    _random(default_words()).save(path)
    with np.load(path) as arrays:
        parts = dict(arrays)
    np.savez_compressed(path, **spoil(parts))
    with pytest.raises(ModelError, match=told):
        load_network(path)
    for raw in (b"nothing of the kind", bytes(x ^ (60 < n < 90) for n, x in enumerate(path.read_bytes()))):
        path.write_bytes(raw)
        with pytest.raises(ModelError, match="not a network"):
            load_network(path)
    with pytest.raises(ModelError, match="cannot be read"):
        load_network(tmp_path / "none.npz")


def test_nothing_to_train_on_is_refused(words: WordVectors) -> None:
    with pytest.raises(ValueError, match="no pairs"):
        train_network(sequences(prepare([])), [], words, seed=0)


# --------------------------------------------------------------------------- models


@pytest.fixture(scope="module")
def trained(reports: Dataset) -> tuple[Model, dict[str, HeadReport]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "_LEAST_STEPS", 100)
        return train(reports.split("test")[0], settings=SETTINGS, network=True)


@pytest.fixture(scope="module")
def model(trained: tuple[Model, dict[str, HeadReport]]) -> Model:
    return trained[0]


@pytest.fixture(scope="module")
def file(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "n.stance"
    model.save(path)
    return path


def test_the_pipeline_is_sparse_where_scikit_learn_is_told_to_give_frames(model: Model, unseen: list[Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = SimpleNamespace(DataFrame=type("DataFrame", (), {}), Series=type("Series", (), {}))  # scikit-learn only asks whether it is there
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    with sklearn.config_context(transform_output="pandas"):
        for name, pipe in model.pipeline().items():
            assert list(pipe.predict(unseen)) == list(model.predict(unseen)[name])


def test_the_pipeline_gives_what_the_model_gives(model: Model, unseen: list[Pair]) -> None:
    pipelines = model.pipeline()
    probs = model.predict_proba(unseen)
    for h in model.heads:
        pipe = pipelines[h.head.name]
        got = pipe.predict_proba(unseen)[:, [list(pipe.classes_).index(x) for x in h.head.labels]]
        assert np.abs(got - probs[h.head.name]).max() < 1e-9
        scores = h.scores(model.rows(unseen), vectors=model.vectors(unseen))
        assert np.abs(full_scores(pipe, unseen, h.head) - scores).max() < 1e-6


def test_a_judgement_is_the_same_alone_and_among_others(model: Model, unseen: list[Pair]) -> None:
    together = model.predict_proba(unseen)
    for i, p in enumerate(unseen):
        for name, probs in model.predict_proba([p]).items():
            assert np.abs(probs[0] - together[name][i]).max() < 1e-9


def test_the_file_holds_the_network(file: Path, model: Model, unseen: list[Pair]) -> None:
    manifest = read_manifest(file)
    assert manifest["format"] == 4 and manifest["network"]["words"] == default_words().digest
    assert "words.npz" not in manifest["members"], "the shipped table is not copied"
    back = load(file)
    assert back.fingerprint == model.fingerprint == manifest["fingerprint"]
    assert all(np.array_equal(back.predict_proba(unseen)[n], p) for n, p in model.predict_proba(unseen).items())


def test_training_twice_gives_the_same_bytes(reports: Dataset, model: Model, brief: None) -> None:
    data = reports.split("test")[0]
    one, two = (train(data, settings=SETTINGS, network=True)[0].to_bytes() for _ in range(2))
    assert one == two


def test_other_words_travel_in_the_file(reports: Dataset, words: WordVectors, brief: None, tmp_path: Path, unseen: list[Pair]) -> None:
    model, _ = train(reports.split("test")[0], settings=SETTINGS, network=words)
    path = tmp_path / "own.stance"
    model.save(path)
    back = load(path)
    assert back.network and back.network.words.digest == words.digest and back.fingerprint == model.fingerprint
    assert model.network and back.network.labels == model.network.labels == (*back.head("stance").head.named, *back.head("tone").head.named)
    assert np.array_equal(back.predict_proba(unseen)["stance"], model.predict_proba(unseen)["stance"])

    def lose(members: dict[str, bytes]) -> None:
        del members["words.npz"]

    path.write_bytes(rebuilt(path, lose))
    with pytest.raises(ModelError, match="other word vectors than this version"):
        load(path)


@pytest.mark.parametrize("member", ["network.recurrent.npy", "network.out bias.npy"])
def test_a_network_that_lacks_a_part_is_refused(member: str, file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.stance"

    def lose(members: dict[str, bytes]) -> None:
        del members[member]

    bad.write_bytes(rebuilt(file, lose))
    with pytest.raises(ModelError, match="does not hold what its manifest says"):
        load(bad)


def test_a_network_of_another_shape_is_refused(file: Path, model: Model, tmp_path: Path) -> None:
    assert model.network
    smaller = {**model.network.parameters, "hidden bias": model.network.parameters["hidden bias"][:-1]}
    bad = tmp_path / "bad.stance"
    replace(model, network=Network(smaller, model.network.words)).save(bad)
    with pytest.raises(ModelError, match="wrong shape"):
        load(bad)


def test_a_network_with_a_number_that_is_none_is_refused(file: Path, model: Model, tmp_path: Path) -> None:
    assert model.network
    odd = {**model.network.parameters, "out bias": model.network.parameters["out bias"] * np.float32("nan")}
    bad = tmp_path / "bad.stance"
    replace(model, network=Network(odd, model.network.words)).save(bad)
    with pytest.raises(ModelError, match="a number of its network is none"):
        load(bad)


def test_the_report_tells_what_the_network_is_worth(trained: tuple[Model, dict[str, HeadReport]]) -> None:
    for r in trained[1].values():
        assert set(r.baselines) >= {"without network", "majority"}


def test_folds_start_from_what_a_network_was_before_it_learnt_the_rows(
    words: WordVectors, tmp_path: Path, brief: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"text": f"Norway {('denied', 'met')[n % 2]} guest {n}.", "actor": "Norway", "view": "ab"[n % 2]} for n in range(12)]
    data = read_dataset(write_csv(tmp_path / "a.csv", rows), heads=["view"])
    before = _random(words, 2, network.STATE, network.HIDDEN)
    start = replace(before, parameters={n: -x for n, x in before.parameters.items()}, before=before)
    begun: list[tuple[int, Network | None]] = []

    def recorded(tokens: Sequences, *args: Any, start: Network | None, progress: Any) -> Network:
        begun.append((len(tokens), start))
        return one_thread_network(tokens, *args, start=start, progress=progress)

    monkeypatch.setattr("stance.training.one_thread_network", recorded)
    model, _ = train(data, settings=SETTINGS, network=start)
    assert [n for n, x in begun if x is start] == [12] and len(begun) > 2 and all(x is before for n, x in begun if n < 12)
    assert model.network and model.network.before is None and model.manifest["network"]["start"] == start.digest
    begun.clear()
    train(data, settings=SETTINGS, network=before)
    assert all(x is before for _, x in begun)


def few_steps(*args: Any, **options: Any) -> Network:
    """As `one_thread_network`, but brief; in other processes too, which know nothing of a patch made here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "_LEAST_STEPS", 20)
        return one_thread_network(*args, **options)


def test_folds_in_processes_give_the_same(words: WordVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stance.training.one_thread_network", few_steps)
    rows = [{"text": f"Norway {('denied', 'met')[n % 2]} guest {n}.", "actor": "Norway", "view": "ab"[n % 2]} for n in range(12)]
    data = read_dataset(write_csv(tmp_path / "a.csv", rows), heads=["view"])
    one, two = (out_of_fold(data, settings=SETTINGS, network=words, jobs=jobs) for jobs in (1, 2))
    for name, fold in one.items():
        assert fold.beside == "network" and np.array_equal(fold.probs, two[name].probs)


def test_an_explanation_adds_up_with_a_network(model: Model, unseen: list[Pair]) -> None:
    for p in unseen[:5]:
        for against in ("", "deny"):
            e = explain(model, p, label="accuse", against=against)
            assert e.bias + sum(c.value for c in e.contributions) == pytest.approx(e.score)
            assert sum("network" in c.kinds for c in e.contributions) == len(sequences(prepare([p])).word), "every token has its part"


def test_the_parts_of_tokens_are_the_way_from_a_sentence_without_words(shipped: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    for p in pairs_of("Qatar, accused by Egypt of funding rebels, denied the charge and urged talks."):
        one = sequences(prepare([p]))
        layout, towards = network._Layout(one, np.zeros(1, np.int64)), np.eye(shipped.width)[2] - np.eye(shipped.width)[1]
        bias = np.repeat(shipped.parameters["bias"][:, None], 1, 1)
        without = network._forward(shipped.parameters, [bias] * len(one.word), layout)["out"][0]
        parts = shipped.contributions(one, towards)
        whole = float((shipped.scores(one)[0] - without) @ towards)
        assert parts.shape == one.word.shape and abs(parts.sum() - whole) < 0.02 * np.abs(parts).sum()
        monkeypatch.setattr(network, "_LONG", 8)
        assert np.allclose(shipped.contributions(one, towards), parts, atol=1e-4), "whatever is done at once"
        monkeypatch.undo()


def test_the_verb_that_decided_has_the_largest_part(shipped: Network) -> None:
    for text, label, verb in (("Norway denied the charge.", "deny", "denied"), ("On Monday Sweden condemned the raid.", "accuse", "condemned")):
        [pair] = pairs_of(text)
        assert max(explain(default_model(), pair, label=label).contributions, key=lambda c: c.value).what == verb


def test_nothing_adds_nothing(shipped: Network) -> None:
    none = sequences(prepare([])).take(np.zeros(0, np.int64))
    assert shipped.contributions(none, np.zeros(shipped.width)).shape == (0,)


def test_words_and_encoder_exclude_each_other(reports: Dataset) -> None:
    with pytest.raises(ValueError, match="not both"):
        train(reports, settings=SETTINGS, network=True, encoder=object())  # type: ignore[arg-type]


def test_heads_of_any_labels_can_have_a_network(tmp_path: Path, brief: None) -> None:
    data = read_dataset(relabel(tmp_path / "mood.csv", "mood", {"hostile": "dark", "stern": "dark", "neutral": "light", "warm": "light"}), heads=["mood"])
    model, _ = train(data, settings=SETTINGS, network=True)
    assert evaluate(model, data)["mood"].macro_f1 > 0.5
    assert {j.labels["mood"] for j in classify("Norway condemned the raid.", model)} <= {"dark", "light"}


def test_a_head_called_network_is_refused_before_training(tmp_path: Path, brief: None) -> None:
    data = read_dataset(relabel(tmp_path / "d.csv", "network", {"stern": "dark", "neutral": "light"}), heads=["network"])
    with pytest.raises(DataError, match="cannot be called 'network'"):
        train(data, settings=SETTINGS, network=True)


# --------------------------------------------------------------------------- the estimator


def test_the_estimator_keeps_the_contract(pairs: list[Pair], words: WordVectors, brief: None) -> None:
    y = ["a" if i % 2 else "b" for i in range(len(pairs))]
    features = NetworkFeatures(words, seed=4)
    with pytest.raises(NotFittedError):
        features.transform(pairs)
    assert features.fit(pairs, y) is features and features.transform(pairs).shape == (len(pairs), 2)
    fresh = clone(features)
    assert fresh.get_params() == features.get_params() and not hasattr(fresh, "network_")
    assert np.array_equal(fresh.fit(pairs, y).transform(pairs), features.transform(pairs))
    copied = pickle.loads(pickle.dumps(features))  # noqa: S301 -- our own bytes
    assert np.array_equal(copied.transform(pairs), features.transform(pairs))
    assert features.fit(pairs, [*y[:-1], "c"]).transform(pairs).shape == (len(pairs), 3), "fitted again, it forgets"


# --------------------------------------------------------------------------- commands


def test_the_command_trains_a_network(run: Callable[..., Run], brief: None, tmp_path: Path) -> None:
    out = tmp_path / "n.stance"
    r = run("train", REPORTS, "--network", "--folds", "3", "-o", out, "-f", "json")
    assert r.code == 0 and "without network" in json.loads(r.out)["cross_validation"]["stance"]["baselines"]
    assert read_manifest(out)["format"] == 4 and "network" in read_manifest(out)
    assert run("classify", "-m", out, REPORTS.parent.parent.parent / "examples" / "balloon.txt", "-f", "jsonl").code == 0


def test_the_command_takes_words(run: Callable[..., Run], brief: None, words: WordVectors, tmp_path: Path) -> None:
    table, out = tmp_path / "w.npz", tmp_path / "n.stance"
    table.write_bytes(words.to_bytes())
    assert run("train", REPORTS, "--words", table, "--folds", "3", "-o", out).code == 0
    assert read_manifest(out)["network"]["words"] == words.digest
    r = run("evaluate", REPORTS, "--words", table, "--folds", "3", "-f", "json")
    assert r.code == 0 and "without network" in r.out


def test_the_command_trains_on_from_a_model(run: Callable[..., Run], brief: None, file: Path, model: Model, tmp_path: Path) -> None:
    out, plain = tmp_path / "n.stance", tmp_path / "plain.stance"
    assert run("train", REPORTS, "--start", file, "--folds", "3", "-o", out).code == 0
    assert model.network and read_manifest(out)["network"]["start"] == model.network.digest
    assert " --start MODEL.stance " in card.command(read_manifest(out), "n.stance")
    assert "trained on from another model's" in run("info", out, "-f", "markdown").out
    assert run("evaluate", REPORTS, "--start", "default", "--folds", "3").code == 0
    load(file).network.save(alone := tmp_path / "n.npz")
    assert run("train", REPORTS, "--start", alone, "--folds", "3", "-o", tmp_path / "alone.stance").code == 0
    assert (tmp_path / "alone.stance").read_bytes() == out.read_bytes()
    assert run("train", REPORTS, "--folds", "3", "-o", plain).code == 0
    r = run("train", REPORTS, "--start", plain, "-o", out)
    assert r.code == 1 and "has no network to start from" in r.err
    r = run("train", REPORTS, "--start", file, "--words", tmp_path / "w.npz", "-o", out)
    assert r.code == 2 and "has its own word vectors" in r.err


def test_info_and_card_tell_of_the_network(run: Callable[..., Run], file: Path, words: WordVectors, model: Model, tmp_path: Path) -> None:
    digest = default_words().digest
    assert f"  network over word vectors with the SHA-256 {digest}\n" in run("info", file).out
    out = run("info", file, "-f", "markdown").out
    assert f"A small recurrent network over word vectors (SHA-256 `{digest}`) adds its scores." in out
    assert " --network " in card.command(read_manifest(file), "n.stance")
    own = tmp_path / "own.stance"
    narrow = Network({n: np.zeros(s, np.float32) for n, s in shapes(words.width, 11).items()}, words)
    replace(model, network=narrow, manifest={**model.manifest, "network": {"words": words.digest, "scores": 11}}).save(own)
    assert "they are in the file" in run("info", own, "-f", "markdown").out
    assert " --words WORDS.npz " in card.command(read_manifest(own), "own.stance")


def test_a_model_is_not_given_a_network_to_be_evaluated(run: Callable[..., Run], file: Path) -> None:
    r = run("evaluate", file, REPORTS, "--network")
    assert r.code == 2 and "give data alone" in r.err


def test_the_command_refuses_encoder_and_network(run: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"num_hidden_layers": 2}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    r = run("train", REPORTS, "--network", "--encoder", tmp_path, "-o", tmp_path / "n.stance")
    assert r.code == 2 and "not both" in r.err
