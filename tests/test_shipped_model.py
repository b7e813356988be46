"""The shipped model is what `make model` makes from the corpus in the repository."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import sklearn

from stance.dataset import read_dataset
from stance.model import default_model, load
from stance.training import Settings, evaluate, train

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "models" / "default.stance"


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The settings of the Makefile's model target."""
    line = re.search(r"stance train .*", (ROOT / "Makefile").read_text("utf-8"))
    assert line
    pairs = re.search(r"--min-pairs (\d+)", line.group())
    assert pairs and "--hold-out test" in line.group()
    return Settings(min_pairs=int(pairs.group(1)))


def test_it_fits_into_git_and_the_wheel() -> None:
    assert MODEL.stat().st_size <= 4_000_000


def test_retraining_gives_the_same_model_and_scores(settings: Settings) -> None:
    shipped = load(MODEL)
    rest, held = read_dataset(ROOT / "training_data").split("test")
    assert rest.fingerprint == shipped.manifest["data"]["fingerprint"], "training_data changed: run `make model`"
    model, reports = train(rest, settings=settings)
    for name, report in reports.items():
        assert report.macro_f1 == pytest.approx(shipped.manifest["report"][name]["macro_f1"], abs=0.01)
        assert evaluate(model, held)[name].macro_f1 == pytest.approx(shipped.manifest["held_out"][name]["macro_f1"], abs=0.02)
    made_with = shipped.manifest["scikit-learn"], shipped.manifest["numpy"]
    if made_with == (sklearn.__version__, np.__version__):  # to the digit on one kind of processor, nearly so on another
        for name, probs in model.predict_proba(held.pairs).items():
            assert np.abs(probs - shipped.predict_proba(held.pairs)[name]).max() < 0.01


def test_it_is_better_than_hand_rules_and_chance() -> None:
    for report in default_model().manifest["report"].values():
        assert report["macro_f1_interval"][0] > report["baselines"]["cue-only"] > report["baselines"]["majority"]


def test_no_held_out_report_was_trained_on() -> None:
    rest, held = read_dataset(ROOT / "training_data").split("test")
    assert set(rest.groups).isdisjoint(held.groups)
    assert len(held) > len(rest) / 15


def test_the_balloon_article_says_who_is_firm_and_who_accuses() -> None:
    import stance

    found = [(j.actor, j.labels["stance"]) for j in stance.classify((ROOT / "examples" / "balloon.txt").read_text("utf-8"))]
    assert ("US", "firm") in found
    assert ("China", "accuse") in found
    assert ("China", "firm") not in found
