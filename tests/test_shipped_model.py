"""The shipped model is what `make model` makes from the corpus in the repository."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from stance.dataset import Dataset, read_dataset
from stance.features import concat_sequences, prepare, sequences
from stance.model import default_model, load
from stance.network import load_network
from stance.stacking import one_thread_network
from stance.training import Settings, evaluate, goals_of, train, trained_on
from stance.words import default_words

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "models" / "default.stance"


@pytest.fixture(scope="module")
def corpus() -> Dataset:
    """The reports it learnt from and is tested on; to read them takes seconds."""
    return read_dataset(ROOT / "training_data")


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The settings of the Makefile's model target."""
    line = re.search(r"stance train .*", (ROOT / "Makefile").read_text("utf-8"))
    assert line
    pairs = re.search(r"--min-pairs (\d+)", line.group())
    soften = re.search(r"--soften ([\d.]+)", line.group())
    trust = re.search(r"--trust ([\d.]+)", line.group())
    assert pairs and soften and trust and "--hold-out test" in line.group() and "--network" in line.group()
    return Settings(min_pairs=int(pairs.group(1)), soften=float(soften.group(1)), trust=float(trust.group(1)))


def test_it_fits_into_git_and_the_wheel() -> None:
    assert MODEL.stat().st_size <= 4_000_000


def test_retraining_gives_the_same_words_and_scores(settings: Settings, corpus: Dataset) -> None:
    """All but the networks of the folds, which take minutes: the sparse part, what it scores alone, and what the whole scores on held-out reports."""
    shipped = load(MODEL)
    rest, held = corpus.split("test")
    assert rest.fingerprint == shipped.manifest["data"]["fingerprint"], "training_data changed: run `make model`"
    assert (shipped.manifest["settings"]["soften"], shipped.manifest["settings"]["trust"]) == (settings.soften, settings.trust)
    model, reports = train(rest, settings=settings)
    whole, alone = (evaluate(m, held) for m in (shipped, model))
    for name, report in reports.items():
        told = shipped.manifest["report"][name]
        assert report.macro_f1 == pytest.approx(told["baselines"]["without network"], abs=0.01)
        assert told["macro_f1"] > report.macro_f1 + 0.015, "the networks of the folds have not rehearsed the reports"
        assert whole[name].macro_f1 > alone[name].macro_f1 + 0.04
        assert whole[name].macro_f1 == pytest.approx(shipped.manifest["held_out"][name]["macro_f1"], abs=0.001)
        assert np.array_equal(model.head(name).keys, shipped.head(name).keys)


def test_retraining_gives_a_network_that_says_the_same(settings: Settings, corpus: Dataset) -> None:
    """To the bit on one kind of processor; sums in another order lead to another network, of the same opinions."""
    shipped = load(MODEL)
    start = load_network(ROOT / "models" / "start.npz")
    assert "--start models/start.npz" in (ROOT / "Makefile").read_text("utf-8")
    assert shipped.network and shipped.network.words == start.words != default_words(), "the vectors have learnt too"
    assert shipped.manifest["network"]["start"] == start.digest
    rest, held = corpus.split("test")
    tokens = concat_sequences(sequences(prepare(rest.pairs[i : i + 2000])) for i in range(0, len(rest), 2000))
    goals = goals_of(rest, rest.heads, settings)
    again = one_thread_network(tokens, goals, start.words, settings.seed, start).scores(sequences(prepare(held.pairs)))
    first = len(rest.heads[0].labels)
    for part in (slice(0, first), slice(first, None)):
        mine, theirs = again[:, part].argmax(1), shipped.network.scores(sequences(prepare(held.pairs)))[:, part].argmax(1)
        assert (mine == theirs).mean() > 0.8


def test_it_is_better_than_hand_rules_and_chance() -> None:
    for report in default_model().manifest["report"].values():
        assert report["macro_f1_interval"][0] > report["baselines"]["cue-only"] > report["baselines"]["majority"]


def test_no_held_out_report_was_trained_on(corpus: Dataset) -> None:
    rest, held = corpus.split("test")
    assert set(rest.groups).isdisjoint(held.groups)
    assert len(held) > len(rest) / 15


@pytest.mark.parametrize("name", ["africa", "hard_cases", "security"])
def test_it_knows_a_single_file_of_its_reports_again(name: str) -> None:
    rest, held = read_dataset(ROOT / "training_data" / f"{name}.csv").split("test")
    assert trained_on(default_model(), rest) > 0.9 * len(rest) and trained_on(default_model(), held) == 0


def test_the_balloon_article_says_who_is_firm_and_who_accuses() -> None:
    import stance

    found = [(j.actor, j.labels["stance"]) for j in stance.classify((ROOT / "examples" / "balloon.txt").read_text("utf-8"))]
    assert ("US", "firm") in found
    assert ("China", "accuse") in found
    assert ("China", "firm") not in found
