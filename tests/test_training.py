"""The scikit-learn side: the estimator's contract, folds, reports, and that the model says the same."""

from __future__ import annotations

import copy
import json
import os
import pickle
import random
import re
import signal
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import REPORTS, SETTINGS, first_and_last_in_one_fold, pairs_of, relabel, write_csv
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, diags
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline

from stance import training
from stance.actors import Pair
from stance.codebook import DEFAULT_HEADS, Head
from stance.dataset import Dataset, read_dataset
from stance.errors import DataError, InputError, StanceError, StanceWarning
from stance.evaluation import HeadReport, ece
from stance.model import Model, from_bytes, softmax
from stance.stacking import NEVER, ScoreStack, TextLabelRegression
from stance.syntax import build_cues
from stance.training import (
    CurvePoint,
    PairFeatures,
    Settings,
    WeighedRegression,
    association,
    class_weights,
    compare,
    cross_validate,
    evaluate,
    extract_all,
    full_scores,
    group_folds,
    hold_out,
    learning_curve,
    make_pipeline,
    out_of_fold,
    predict,
    split_rows,
    temperature,
    train,
    unlearnt,
)

Trained = tuple[Model, dict[str, HeadReport]]


@pytest.fixture
def some(reports: Dataset) -> list[Pair]:
    return list(reports.pairs[:30])


# --------------------------------------------------------------------------- PairFeatures as an estimator


def test_clone_copies_parameters_and_nothing_learnt(some: list[Pair]) -> None:
    fitted = PairFeatures(min_pairs=3).fit(some)
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params() and fresh.min_pairs == 3
    assert not hasattr(fresh, "keys_")


def test_init_only_assigns() -> None:
    assert PairFeatures().min_pairs == Settings().min_pairs
    given = {name: object() for name in PairFeatures().get_params()}
    assert vars(PairFeatures(**given)) == given  # type: ignore[arg-type]


def test_parameters_are_read_and_set_through_a_pipeline() -> None:
    pipe = make_pipeline(SETTINGS).set_params(features__min_pairs=4, classifier__C=0.5)
    assert (pipe.get_params()["features__min_pairs"], pipe.get_params()["classifier__C"]) == (4, 0.5)


def test_fit_returns_self_and_fit_transform_is_both(some: list[Pair]) -> None:
    f = PairFeatures()
    assert f.fit(some) is f
    assert (PairFeatures().fit_transform(some) != f.transform(some)).nnz == 0


def test_transform_before_fit_is_an_error(some: list[Pair]) -> None:
    with pytest.raises(NotFittedError):
        PairFeatures().transform(some)


def test_fit_on_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        PairFeatures().fit([])


def test_input_is_not_changed(some: list[Pair]) -> None:
    before = copy.deepcopy(some)
    PairFeatures().fit_transform(some)
    assert some == before


def test_refit_forgets(some: list[Pair], reports: Dataset) -> None:
    other = list(reports.pairs[100:130])
    twice = PairFeatures().fit(some).fit(other)
    np.testing.assert_array_equal(twice.keys_, PairFeatures().fit(other).keys_)


def test_transform_learns_nothing(some: list[Pair], reports: Dataset) -> None:
    f = PairFeatures().fit(some)
    before = f.keys_.copy()
    matrix = f.transform(reports.pairs[100:])
    np.testing.assert_array_equal(f.keys_, before)
    assert matrix.shape == (len(reports) - 100, len(before))


def test_min_pairs_counts_pairs_not_occurrences(some: list[Pair]) -> None:
    counts = (PairFeatures(min_pairs=1).fit_transform(some) != 0).sum(0)
    assert len(PairFeatures(min_pairs=3).fit(some).keys_) == int((np.asarray(counts) >= 3).sum())


def test_a_fitted_pipeline_survives_pickling(some: list[Pair], reports: Dataset) -> None:
    pipe = make_pipeline(SETTINGS).fit(some, list(reports.labels["stance"][:30]))
    again = pickle.loads(pickle.dumps(pipe))  # noqa: S301 -- our own bytes
    np.testing.assert_array_equal(again.predict_proba(reports.pairs), pipe.predict_proba(reports.pairs))


def test_it_works_with_scikit_learn_cross_validation(some: list[Pair], reports: Dataset) -> None:
    labels = ["neutral" if x == "neutral" else "other" for x in reports.labels["stance"][:30]]
    X = np.empty(len(some), dtype=object)
    X[:] = some
    folds = [(np.arange(15), np.arange(15, 30)), (np.arange(15, 30), np.arange(15))]
    wanted = [x for first, second in (folds[1], folds[0]) for x in make_pipeline(SETTINGS).fit(X[first], np.array(labels)[first]).predict(X[second])]
    assert list(cross_val_predict(make_pipeline(SETTINGS), X, labels, cv=folds)) == wanted and len(set(wanted)) == 2


def test_scikit_learn_searches_and_scores_a_data_set_by_its_groups(reports: Dataset) -> None:
    X, y, groups = reports.pairs, reports.labels["tone"], reports.groups
    search = GridSearchCV(make_pipeline(), {"features__min_pairs": [2], "classifier__C": [1e-5, 1.0]}, cv=GroupKFold(2), scoring="f1_macro")
    search.fit(X, y, groups=groups)
    assert search.best_params_ == {"features__min_pairs": 2, "classifier__C": 1.0} and list(search.predict(X[:3])) == list(search.best_estimator_.predict(X[:3]))
    scores = cross_val_score(search.best_estimator_, X, y, groups=groups, cv=GroupKFold(2), scoring="f1_macro")
    np.testing.assert_allclose(scores.mean(), search.best_score_)


def test_the_unfitted_pipeline_is_what_train_fits(reports: Dataset, model: Model) -> None:
    rest = reports.split("test")[0]
    pipe = make_pipeline(SETTINGS, weight=class_weights(rest.labels["tone"], SETTINGS.balance)).fit(rest.pairs, rest.labels["tone"])
    assert list(pipe.predict(rest.pairs)) == list(model.predict(rest.pairs)["tone"])
    theirs = model.pipeline()["tone"]
    coef, other = pipe[-1].coef_, theirs[-1].coef_
    np.testing.assert_allclose(coef, other * (coef * other).sum() / (other**2).sum(), atol=1e-3 * np.abs(coef).max(), err_msg="but for the temperature")


class Indexed(Sequence[Pair]):
    """Pairs under an index of their own, as a part of a pandas Series has them."""

    def __init__(self, pairs: list[Pair]) -> None:
        self.by_index = {100 + i: p for i, p in enumerate(pairs)}

    def __getitem__(self, i: Any) -> Any:
        return self.by_index[i]

    def __len__(self) -> int:
        return len(self.by_index)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.by_index.values())


def test_pairs_go_by_their_place_not_by_an_index(some: list[Pair], reports: Dataset, model: Model) -> None:
    pipe = make_pipeline(SETTINGS).fit(Indexed(some), list(reports.labels["stance"][:30]))
    np.testing.assert_array_equal(pipe.predict_proba(Indexed(some)), pipe.predict_proba(some))
    np.testing.assert_array_equal(model.predict_proba(Indexed(some))["stance"], model.predict_proba(some)["stance"])
    np.testing.assert_array_equal(model.predict_proba(iter(some))["stance"], model.predict_proba(some)["stance"])  # type: ignore[arg-type]


def test_what_are_no_pairs_is_refused(some: list[Pair], reports: Dataset, model: Model) -> None:
    fitted = PairFeatures().fit(some)
    for odd, told in [("Ottawa spoke.", "str"), (["Ottawa spoke."], "str"), ([*some, None], "NoneType"), (reports, "Dataset"), (some[0], "Pair")]:
        for use in (PairFeatures().fit, fitted.transform, model.predict_proba):
            with pytest.raises(InputError, match=rf"not a sequence of pairs: {told} \((?s:.)*data\.pairs"):
                use(odd)  # type: ignore[operator]


@pytest.mark.parametrize("batch", [1, 10, 5000])
def test_pairs_and_rows_extracted_before_give_the_same_matrix(some: list[Pair], batch: int) -> None:
    f = PairFeatures().fit(some)
    assert (f.transform(split_rows(extract_all(some, batch=batch))) != f.transform(some)).nnz == 0


# --------------------------------------------------------------------------- the pipeline is the truth


@pytest.mark.parametrize("batch", [1, 5, 1000])
def test_model_and_pipeline_agree_on_unseen_pairs(model: Model, unseen: list[Pair], batch: int) -> None:
    pipelines = model.pipeline()
    parts = [model.predict_proba(unseen[i : i + batch]) for i in range(0, len(unseen), batch)]
    for h in model.heads:
        mine = np.concatenate([p[h.head.name] for p in parts])
        theirs = pipelines[h.head.name].predict_proba(unseen)
        order = [list(pipelines[h.head.name].classes_).index(x) for x in h.head.labels]
        np.testing.assert_allclose(mine, theirs[:, order], rtol=0, atol=1e-9)
        np.testing.assert_allclose(mine.sum(1), 1.0, atol=1e-12)


def test_the_pipelines_are_plain_scikit_learn(model: Model) -> None:
    pipelines = model.pipeline()
    assert set(pipelines) == {"stance", "tone"}
    assert all(type(p) is Pipeline for p in pipelines.values())


@pytest.fixture(scope="module")
def two_classes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Dataset]:
    """A head of the user's own with two labels."""
    path = relabel(tmp_path_factory.mktemp("two") / "two.csv", "mood", {"warm": "good", "stern": "bad", "hostile": "bad"})
    data = read_dataset(path, heads=["mood"])
    return train(data, settings=SETTINGS)[0], data


def test_two_classes_agree_with_their_pipeline(two_classes: tuple[Model, Dataset], unseen: list[Pair]) -> None:
    model, _ = two_classes
    pipe = model.pipeline()["mood"]
    assert model.heads[0].head == Head("mood", ("bad", "good"))
    np.testing.assert_allclose(model.predict_proba(unseen)["mood"], pipe.predict_proba(unseen), rtol=0, atol=1e-9)


def test_two_classes_are_learnt(two_classes: tuple[Model, Dataset]) -> None:
    model, data = two_classes
    right = model.predict_proba(data.pairs)["mood"].argmax(1) == np.array([["bad", "good"].index(x) for x in data.labels["mood"]])
    assert right.mean() > 0.9


def test_a_scale_of_the_users_own_keeps_its_order(tmp_path: Path, unseen: list[Pair]) -> None:
    names = {"warm": "positive", "neutral": "neutral", "stern": "negative"}
    model, reports = train(read_dataset(relabel(tmp_path / "three.csv", "mood", names), heads=["mood"]), settings=SETTINGS)
    assert model.heads[0].head == Head("mood", ("negative", "neutral", "positive"), ordered=True)
    assert reports["mood"].quadratic_kappa is not None
    pipe = model.pipeline()["mood"]
    order = [list(pipe.classes_).index(x) for x in ("negative", "neutral", "positive")]
    np.testing.assert_allclose(model.predict_proba(unseen)["mood"], pipe.predict_proba(unseen)[:, order], rtol=0, atol=1e-9)


def test_a_label_that_is_not_in_the_data_is_not_in_the_model(reports: Dataset) -> None:
    kept = reports.take([i for i, x in enumerate(reports.labels["stance"]) if x != "deny"])
    model, _ = train(kept, settings=SETTINGS)
    assert "deny" not in model.head("stance").head.labels
    assert model.predict_proba(kept.pairs)["stance"].shape == (len(kept), 6)


def test_an_own_cue_table_goes_into_the_model_file(reports: Dataset, model: Model, unseen: list[Pair], tmp_path: Path) -> None:
    text = "phrase,label,kind,weight\ncondemn,cooperate,verb,3\nraid,warm,noun,2\n"
    other, _ = train(reports.split("test")[0], settings=SETTINGS, cues=build_cues(text))
    other.save(tmp_path / "own.stance")
    again = from_bytes((tmp_path / "own.stance").read_bytes(), tmp_path / "own.stance")
    assert again.cues.digest == other.cues.digest != model.cues.digest
    np.testing.assert_array_equal(again.predict_proba(unseen)["stance"], other.predict_proba(unseen)["stance"])
    assert again.fingerprint == other.fingerprint != model.fingerprint
    assert again.to_bytes() == other.to_bytes()
    assert pickle.loads(pickle.dumps(other)).to_bytes() == other.to_bytes()  # noqa: S301 -- our own bytes


@pytest.fixture(scope="module")
def absent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Dataset]:
    """A model of posts whose targets need not occur in the text, as in tweet stance data."""
    rows = [
        {"text": f"Post {i}: the {thing} will {end}.", "actor": actor, "stance": "favor" if (end == "save us all") == (actor == "Windmills") else "against"}
        for i in range(20) for thing in ("old plan", "new plan") for end in ("save us all", "ruin this town") for actor in ("Windmills", "Coal mines")
    ]  # fmt: skip
    data = read_dataset(write_csv(tmp_path_factory.mktemp("absent") / "posts.csv", rows))
    return train(data, settings=SETTINGS)[0], data


def test_targets_that_do_not_occur_are_told_apart_by_name(absent: tuple[Model, Dataset]) -> None:
    model, data = absent
    assert not any(p.mentions for p in data.pairs)
    assert model.manifest["settings"]["actor_words"] is True
    probs = model.predict_proba(data.pairs)["stance"]
    right = probs.argmax(1) == [model.heads[0].head.index(x) for x in data.labels["stance"]]
    assert right.mean() > 0.95
    np.testing.assert_allclose(probs[:, 1], model.pipeline()["stance"].predict_proba(list(data.pairs))[:, 1], rtol=0, atol=1e-9)


def test_a_model_of_absent_targets_survives_its_file(absent: tuple[Model, Dataset], tmp_path: Path) -> None:
    model, data = absent
    model.save(tmp_path / "m.stance")
    again = from_bytes((tmp_path / "m.stance").read_bytes(), tmp_path / "m.stance")
    np.testing.assert_array_equal(again.predict_proba(data.pairs)["stance"], model.predict_proba(data.pairs)["stance"])


def test_names_of_actors_that_occur_are_not_learnt(model: Model) -> None:
    assert model.manifest["settings"]["actor_words"] is False


# --------------------------------------------------------------------------- same in, same out


def test_same_data_and_seed_give_the_same_bytes(reports: Dataset, model: Model) -> None:
    again, _ = train(read_dataset(REPORTS).split("test")[0], settings=SETTINGS)
    assert again.to_bytes() == model.to_bytes()


@pytest.fixture(scope="module")
def stances(reports: Dataset) -> Dataset:
    """The reports with one head: the folds of every head have processes of their own, whose start takes longest."""
    return replace(reports, heads=reports.heads[:1], labels={"stance": reports.labels["stance"]})


def test_any_number_of_jobs_gives_the_same_bytes(stances: Dataset) -> None:
    one, two = (train(stances, settings=SETTINGS, jobs=jobs)[0].to_bytes() for jobs in (1, 2))
    assert one == two


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
def test_training_that_kills_its_process_says_so() -> None:
    rows = np.arange(3)
    with pytest.raises(StanceError, match="training killed its process\n  is there memory enough"):
        training._each(lambda *_: os.kill(os.getpid(), signal.SIGKILL), [(rows, rows)], 2)


def test_another_seed_gives_other_folds(reports: Dataset) -> None:
    def tests(seed: int) -> list[list[int]]:
        return [t.tolist() for _, t in group_folds(reports.labels["stance"], reports.groups, replace(SETTINGS, seed=seed))]

    assert tests(1) == tests(1) != tests(2)


def test_training_does_not_change_its_data(reports: Dataset) -> None:
    before = (reports.fingerprint, reports.labels, copy.deepcopy(reports.pairs[:5]))
    train(reports, settings=SETTINGS)
    assert before == (reports.fingerprint, reports.labels, reports.pairs[:5])


# --------------------------------------------------------------------------- folds, weights, temperature


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_folds_never_share_a_group_and_test_every_row_once(reports: Dataset, folds: int) -> None:
    found = group_folds(reports.labels["stance"], reports.groups, Settings(folds=folds))
    assert len(found) == folds
    g = np.array(reports.groups)
    for a, b in found:
        assert not set(g[a]) & set(g[b])
    assert sorted(np.concatenate([b for _, b in found]).tolist()) == list(range(len(reports)))


def test_there_are_no_more_folds_than_articles_of_the_rarest_class() -> None:
    labels, groups = ["a", "a", "a", "b", "b", "a"], ["1", "2", "3", "4", "5", "6"]
    assert len(group_folds(labels, groups, Settings(folds=5))) == 2


@pytest.mark.parametrize(
    ("name", "value"), [("folds", 1), ("min_pairs", 0), ("balance", -0.1), ("draws", 0), ("c", 0.0), ("soften", 0.0), ("soften", -1.0), ("soften", float("nan")), ("soften", 1e-300), ("trust", 0.0), ("trust", 1e-300)]
)
def test_settings_that_train_nothing_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; "):
        Settings(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"{name} is '{value}', not a number"):
        Settings(**{name: str(value)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [*((k, 2.5, "a whole number") for k in ("folds", "min_pairs", "draws", "seed")), ("seed", -1, "at least 0"), ("seed", 2**32, "less than 4294967296"), ("balance", 1e300, "less than 10.0")]
    + [(k, float("inf"), "a finite number") for k in ("c", "balance", "soften", "trust")] + [("seed", float("nan"), "a whole number")],
)  # fmt: skip
def test_settings_are_whole_or_finite(name: str, value: float, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{name} is {value}; {said} is needed")):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_settings_may_be_the_least_there_are() -> None:
    least = Settings(folds=2, min_pairs=1, draws=1, seed=0, balance=0, soften=0.1, trust=0.1)
    assert (least.folds, least.min_pairs, least.draws, least.seed, least.balance, least.soften, least.trust) == (2, 1, 1, 0, 0.0, 0.1, 0.1)


def test_settings_may_be_numbers_of_numpy() -> None:
    given = Settings(folds=np.int64(3), seed=np.uint32(2**32 - 1), c=np.float32(0.5), balance=0)  # type: ignore[arg-type]
    assert given == Settings(folds=3, seed=2**32 - 1, c=0.5, balance=0.0)
    assert json.dumps([given.folds, given.seed, given.c]) == "[3, 4294967295, 0.5]"


@pytest.mark.parametrize("labels", [("-1", "0", "1"), ("1", "2", "10"), ("0", "1")])
@pytest.mark.parametrize("network", [False, True])
def test_labels_may_be_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: tuple[str, ...], network: bool) -> None:
    monkeypatch.setattr("stance.network._LEAST_STEPS", 3)
    verbs = ("condemned", "met", "praised")
    rows = [{"text": f"Norway {verbs[n % len(labels)]} guest {n}.", "actor": "Norway", "view": labels[n % len(labels)]} for n in range(24)]
    data = read_dataset(write_csv(tmp_path / "a.csv", rows), heads=["view"])
    model, reports = train(data, settings=SETTINGS, network=network)
    assert set(model.head("view").head.labels) == set(labels) and reports["view"].macro_f1 > 0.9
    pipe, y = model.pipeline()["view"], data.labels["view"]
    assert clone(pipe).fit(list(data.pairs), np.array(y)).predict(list(data.pairs)).tolist() == list(y)


def test_what_cross_validation_will_not_do_is_a_warning(tmp_path: Path, reports: Dataset) -> None:
    rows = [{"article_id": i, "text": f"Norway condemned raid {i}.", "actor": "Norway", "stance": "accuse" if i < 2 else "neutral"} for i in range(12)]
    few = read_dataset(write_csv(tmp_path / "few.csv", rows), heads=["stance"])
    for work in (train, out_of_fold):
        with pytest.warns(StanceWarning, match="cross-validation of 'stance' makes 2 folds, not 5: a label is in too few articles") as told:
            work(few)  # type: ignore[operator]
        assert len(told) == 1 and told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out_of_fold(reports, settings=SETTINGS)
        learning_curve(few, sizes=[4], draws=1, settings=Settings(folds=2))


def test_sentences_that_two_articles_share_are_a_warning(reports: Dataset) -> None:
    first, other = reports.rows[0], next(r for r in reports.rows if r.article_id != reports.rows[0].article_id)
    copied = replace(other, text=first.text, actor=first.actor)
    data = replace(reports, rows=tuple(copied if r is other else r for r in reports.rows))
    said = f"2 of {len(data)} rows have sentence and actor of a row of another article, and may be in another fold than it"
    with pytest.warns(StanceWarning, match=said) as told:
        out_of_fold(data, settings=SETTINGS)
    assert len(told) == 1 and told[0].filename == __file__


def test_articles_on_both_sides_of_a_split_are_a_warning(reports: Dataset) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rest, held = hold_out(reports, "test")
    one = replace(held.rows[0], split="")
    with pytest.warns(StanceWarning, match="1 article is both in split 'test' and in what is trained on"):
        hold_out(replace(reports, rows=tuple(one if r is held.rows[0] else r for r in reports.rows)), "test")


def test_the_rows_of_a_split_are_taken_once(reports: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    usual = Dataset.take
    monkeypatch.setattr(Dataset, "take", lambda self, at: usual(self, [i for i in at if taken.append(i) is None]))
    hold_out(reports, "test")
    assert sorted(taken) == [*range(len(reports))]


def test_sentences_on_both_sides_of_a_split_are_a_warning(reports: Dataset) -> None:
    rest, held = hold_out(reports, "test")
    copied = replace(held.rows[0], text=rest.rows[0].text, actor=rest.rows[0].actor)
    with pytest.warns(StanceWarning, match="1 of .* rows of split 'test' have sentence and actor of rows that are trained on: their scores say nothing"):
        hold_out(replace(reports, rows=tuple(copied if r is held.rows[0] else r for r in reports.rows)), "test")


def test_classes_are_weighed_by_their_text() -> None:
    X, y = csr_matrix(np.eye(6)), np.array(["1", "1", "1", "1", "2", "2"])
    fitted = TextLabelRegression(class_weight={"1": 1.0, "2": 3.0}).fit(X, y)
    assert fitted.class_weight == {"1": 1.0, "2": 3.0} and clone(fitted).class_weight == fitted.class_weight
    assert np.array_equal(fitted.coef_, LogisticRegression().fit(X, y, [1, 1, 1, 1, 3, 3]).coef_)
    assert np.array_equal(fitted.coef_, LogisticRegression(class_weight={"a": 1.0, "b": 3.0}).fit(X, np.where(y == "1", "a", "b")).coef_)
    with pytest.raises(ValueError, match="the classes 0 are not in class_weight; it has 1, 2"):
        TextLabelRegression(class_weight={"1": 1.0, "2": 3.0}).fit(X, [0, 0, 0, 1, 1, 1])


def test_a_classifier_fitted_anew_forgets_the_names_of_columns() -> None:
    X, y = np.eye(4), list("abab")
    fitted = TextLabelRegression().fit(X, y)
    fitted.feature_names_in_ = np.array(list("pqrs"), dtype=object)  # as a data frame leaves them
    assert not hasattr(fitted.fit(X, y), "feature_names_in_")
    assert vars(fitted).keys() == vars(TextLabelRegression().fit(X, y)).keys()


def test_class_weights() -> None:
    labels = ["a"] * 6 + ["b"] * 2
    assert class_weights(labels, 0.0) == {"a": 1.0, "b": 1.0}
    assert class_weights(labels, 1.0) == pytest.approx({"a": 8 / 12, "b": 2.0})


@pytest.mark.parametrize("network", [False, True])
def test_a_class_that_a_fold_lacks_does_not_ruin_the_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool) -> None:
    """Both articles with a rare class may come into one fold: its rows there tell nothing of how sure the model is, nor which stage is better."""
    monkeypatch.setattr("stance.network._LEAST_STEPS", 30)
    rng = random.Random(146)
    verbs, rows = {"a": "condemned", "b": "praised", "rare": "sued"}, []
    for n in range(120):
        label = rng.choice("aab")
        label = "rare" if (n % 8 == 0 and n < 32) or n == 7 else label
        rows.append({"article_id": n % 8, "text": f"Norway {verbs[label]} guest {n}.", "actor": "Norway", "view": label})
    data = read_dataset(write_csv(tmp_path / "a.csv", rows), heads=["view"])
    monkeypatch.setattr(training, "group_folds", first_and_last_in_one_fold)
    assert unlearnt(data.labels["view"], data.groups, Settings(folds=2)) == ["rare"]
    fold = out_of_fold(data, settings=Settings(folds=2), network=network)["view"]
    right = fold.probs.argmax(1) == fold.truth
    assert right.sum() == 115 and fold.temperature < 0.5 and ece(fold.truth, fold.probs) < 0.06
    if network:
        assert fold.first_stage is not None and ScoreStack(fold.head.labels).fit(fold.first_stage, data.labels["view"]).mix_[0] > 1


def test_labels_in_every_fold_can_be_learnt(reports: Dataset) -> None:
    assert [unlearnt(y, reports.groups, SETTINGS) for y in reports.labels.values()] == [[], []]


def test_calibration_without_a_row_that_could_be_learnt() -> None:
    assert temperature(np.zeros((0, 2)), np.zeros(0, int)) == 1.0
    scores = np.array([[0.0, NEVER, 0.0, NEVER], [NEVER, 0.0, NEVER, 0.0]])
    assert np.isfinite(ScoreStack(("a", "b")).fit(scores, ["b", "a"]).mix_).all()


@given(st.floats(0.3, 4.0), st.integers(0, 1000))
def test_temperature_undoes_a_scaling_of_the_scores(t: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(400, 3)) * 2
    truth = np.array([rng.choice(3, p=p) for p in softmax(scores)])
    assert temperature(scores * t, truth) == pytest.approx(t * temperature(scores, truth), rel=0.01)


def test_softened_models_say_the_same_less_surely(reports: Dataset) -> None:
    data = reports.split("test")[0]
    (plain, said), (soft, said_softly) = (train(data, settings=replace(SETTINGS, soften=s)) for s in (1.0, 1.5))
    for name, p in plain.predict_proba(data.pairs).items():
        powered = p ** (1 / 1.5)
        assert np.abs(powered / powered.sum(1, keepdims=True) - soft.predict_proba(data.pairs)[name]).max() < 1e-3  # coefficients have 11 bits
        assert said[name].macro_f1 == said_softly[name].macro_f1
    assert soft.manifest["settings"]["soften"] == 1.5


def test_a_trusted_second_stage_counts_for_more() -> None:
    rng = np.random.default_rng(1)
    y = ["a", "b", "c"] * 60
    hit = np.array(y)[:, None] == np.array(["a", "b", "c"])
    X = np.hstack([2 * hit + rng.normal(size=hit.shape) for _ in range(2)])
    plain, trusting = (ScoreStack(("a", "b", "c"), t).fit(X, y) for t in (1.0, 4.0))
    assert trusting.mix_ == pytest.approx(plain.mix_ / [4, 1])
    assert trusting.intercept_ == pytest.approx(plain.intercept_ / 4)
    clear = np.array([[3.0, 0, 0, 0, 3.0, 0]])  # the words say a, the network b
    assert trusting.predict(clear) == ["b"] and np.diff(trusting.decision_function(clear)[0, :2]) > np.diff(plain.decision_function(clear)[0, :2])


def test_the_report_is_of_the_softened_model(reports: Dataset) -> None:
    plain, soft = (out_of_fold(reports.take(range(90)), settings=replace(SETTINGS, soften=s))["tone"].probs for s in (1.0, 1.5))
    powered = plain ** (1 / 1.5)
    np.testing.assert_allclose(soft, powered / powered.sum(1, keepdims=True), atol=1e-9)


def test_a_fold_is_calibrated_on_the_others(reports: Dataset) -> None:
    data = reports.take(range(90))
    y, fold = data.labels["tone"], out_of_fold(data, settings=SETTINGS)["tone"]
    folds, X = group_folds(y, data.groups, SETTINGS), split_rows(extract_all(data.pairs))
    pipe = make_pipeline(SETTINGS, weight=class_weights(y, SETTINGS.balance))
    assert pipe.named_steps["classifier"].class_weight == class_weights(y, SETTINGS.balance)
    scores = training._fold_scores(pipe, X, y, fold.head, folds)
    for others, own in folds:
        np.testing.assert_array_equal(scores[own], full_scores(clone(pipe).fit(X[others], np.array(y)[others]), X[own], fold.head))
        np.testing.assert_allclose(fold.probs[own], softmax(scores[own] / temperature(scores[others], fold.truth[others])))


@pytest.mark.parametrize(("absent", "wanted"), [(0, False), (2, False), (3, True)])
def test_names_are_learnt_when_most_rows_have_no_mention(reports: Dataset, absent: int, wanted: bool) -> None:
    data = reports.take(range(4))
    pairs = tuple(replace(p, mentions=()) if i < absent else p for i, p in enumerate(data.pairs))
    assert training.settled(Settings(), replace(data, pairs=pairs)).actor_words is wanted
    assert training.settled(Settings(actor_words=False), replace(data, pairs=pairs)).actor_words is False


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Norway condemned the raid.", "accuse"),
        ("Norway did not condemn the raid.", "neutral"),
        ("Chile condemned Norway.", "neutral"),
        ("Norway denied the charge and condemned the raid.", "deny"),
        ("Norway condemned the raid and denied the charge.", "accuse"),
    ],
)
def test_the_hand_rules_take_the_first_of_the_heaviest_cues_of_the_actor(text: str, label: str) -> None:
    head = DEFAULT_HEADS["stance"]
    (pair,) = (p for p in pairs_of(text) if p.actor == "Norway")
    assert head.labels[training.cue_baseline([pair], head)[0]] == label


def test_temperature_lowers_the_log_loss_and_keeps_the_order() -> None:
    truth = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    scores = np.eye(3)[[0, 1, 2, 1, 1, 0, 0, 1]] * 20
    t = temperature(scores, truth)
    loss = [-np.log(softmax(s)[np.arange(8), truth]).mean() for s in (scores, scores / t)]
    assert t > 1 and loss[1] < loss[0]
    np.testing.assert_array_equal(softmax(scores / t).argmax(1), scores.argmax(1))


def test_a_class_the_fold_lacks_gets_hardly_any_probability(reports: Dataset) -> None:
    at = [i for i, x in enumerate(reports.labels["stance"]) if x in ("accuse", "deny")]
    pipe = make_pipeline(SETTINGS).fit([reports.pairs[i] for i in at], [reports.labels["stance"][i] for i in at])
    probs = softmax(full_scores(pipe, reports.pairs[:5], Head("stance", ("firm", "accuse", "deny"))))
    assert (probs[:, 0] < 1e-6).all()
    np.testing.assert_allclose(probs[:, 1:], pipe.predict_proba(reports.pairs[:5]), atol=1e-9)


# --------------------------------------------------------------------------- reports


def test_a_report_for_every_head_with_baselines(trained: Trained, reports: Dataset) -> None:
    _, found = trained
    rest = reports.split("test")[0]
    assert set(found) == {"stance", "tone"}
    for name, r in found.items():
        assert set(r.baselines) == {"majority", "cue-only"}
        assert r.baselines["majority"] < r.macro_f1
        assert r.macro_f1_interval[0] <= r.macro_f1 <= r.macro_f1_interval[1]
        assert (r.rows, r.groups) == (len(rest), len(set(rest.groups)))
        assert sum(c.support for c in r.classes) == sum(map(sum, r.confusion)) == r.rows
        assert {c.label: c.support for c in r.classes} == {x: rest.labels[name].count(x) for x in r.labels}
        assert r.coverage["1.0"] == pytest.approx(r.accuracy)


def test_only_an_ordered_head_has_a_kappa(trained: Trained) -> None:
    _, found = trained
    assert found["stance"].quadratic_kappa is None
    assert found["tone"].quadratic_kappa is not None


def test_the_manifest_holds_the_report_and_what_it_was_made_of(trained: Trained, reports: Dataset) -> None:
    model, found = trained
    rest = reports.split("test")[0]
    m = model.manifest
    assert m["data"]["fingerprint"] == rest.fingerprint
    assert (m["data"]["rows"], m["data"]["groups"]) == (len(rest), len(set(rest.groups)))
    assert m["data"]["labels"]["stance"]["deny"] == rest.labels["stance"].count("deny")
    assert m["settings"]["seed"] == SETTINGS.seed
    assert json.loads(json.dumps(m["report"])) == json.loads(json.dumps({n: r.as_dict() for n, r in found.items()}))


def test_the_report_is_out_of_fold_not_on_the_training_rows(trained: Trained, reports: Dataset) -> None:
    """A label that says nothing but its row can be learnt by heart; an honest report does not show it."""
    rest = reports.split("test")[0]
    rng = np.random.default_rng(1)
    coin = {g: ("good" if rng.random() < 0.5 else "bad") for g in sorted(set(rest.groups))}
    data = replace(rest, heads=(Head("coin", ("bad", "good")),), labels={"coin": tuple(coin[g] for g in rest.groups)})
    model, found = train(data, settings=SETTINGS)
    by_heart = model.predict_proba(data.pairs)["coin"].argmax(1) == [("bad", "good").index(x) for x in data.labels["coin"]]
    assert by_heart.mean() > 0.9
    assert found["coin"].accuracy < 0.75


def test_evaluate_on_held_out_reports(model: Model, reports: Dataset) -> None:
    held = reports.split("test")[1]
    found = evaluate(model, held)
    assert set(found) == {"stance", "tone"}
    for r in found.values():
        assert r.rows == len(held) and "majority" in r.baselines
        assert r.macro_f1 > r.baselines["majority"]


def test_rows_the_model_was_trained_on_are_told_once(model: Model, reports: Dataset) -> None:
    rest, held = reports.split("test")
    some = reports.take(range(len(reports) - 1))
    whose, n = model.path or f"model {model.fingerprint}", sum(r.split != "test" for r in some.rows)
    part = f"{whose}: {n} of {len(some)} rows have sentence and actor of rows the model was trained on; their scores say nothing"
    whole = f"{whose}: this is the data the model was trained on; the scores say nothing"
    for data, told in ((some, [part]), (rest, [whole]), (held, [])):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            predicted = predict(model, data)
            evaluate(model, data)
        assert [(str(w.message), w.category, w.filename) for w in seen] == [(t, StanceWarning, __file__) for t in told]
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            compare(predicted, model, data)
        assert [(str(w.message), w.filename) for w in seen] == [(t, __file__) for t in told]


def test_what_the_model_lacks_is_named_row_by_row(model: Model, two_classes: tuple[Model, Dataset], tmp_path: Path) -> None:
    rows = [{"text": f"{who} condemned the raid.", "actor": who, "stance": x} for who, x in (("Norway", "accuse"), ("Chile", "angry"), ("Peru", "odd"))]
    path = write_csv(tmp_path / "own.csv", rows)
    with pytest.raises(DataError) as e:
        evaluate(model, read_dataset(path, heads=["stance"]))
    assert [p.split(";")[0] for p in e.value.problems] == [f"{path}:3: unknown stance 'angry'", f"{path}:4: unknown stance 'odd'"]
    with pytest.raises(InputError, match="the model has no head 'mood'; it has stance, tone\\n  read the data with the heads of the model"):
        evaluate(model, two_classes[1])


def test_a_model_compared_with_itself_does_not_differ(model: Model, reports: Dataset) -> None:
    held = reports.split("test")[1]
    found = compare(predict(model, held), model, held)
    assert set(found) == {"stance", "tone"}
    assert all(r["difference"] == 0 and r["p"] == 1.0 for r in found.values())


def test_the_difference_is_what_the_other_lacks(model: Model, reports: Dataset) -> None:
    held = reports.split("test")[1]
    right = {name: replace(p, probs=np.eye(len(p.head.labels))[p.truth]) for name, p in predict(model, held).items()}
    found = compare(right, model, held)["stance"]
    assert found["macro_f1"] == evaluate(model, held)["stance"].macro_f1 < 1 and found["difference"] > 0 and found["p"] < 1
    assert compare(right, model, replace(held, groups=("all",) * len(held)))["stance"] == found, "articles are swapped, whatever folds are of"


def test_models_with_other_heads_are_not_compared(model: Model, two_classes: tuple[Model, Dataset], reports: Dataset) -> None:
    held = reports.split("test")[1]
    assert compare(predict(model, held), two_classes[0], held) == {}


def test_a_label_that_one_model_lacks_is_one_it_never_predicts(model: Model, reports: Dataset) -> None:
    """Cross-validation of data without a label, beside a model that knows it."""
    some = reports.take([i for i, x in enumerate(reports.labels["stance"]) if x != "deny"])
    stance = Dataset(some.heads[:1], some.rows, some.pairs, some.groups, {"stance": some.labels["stance"]}, (), some.fingerprint)
    fold = out_of_fold(stance, settings=SETTINGS)
    assert "deny" not in fold["stance"].head.labels
    found = compare(fold, model, stance)["stance"]
    assert 0 < found["p"] <= 1 and -1 < found["difference"] < 1


def test_cross_validation_without_a_model_is_the_report_of_train(trained: Trained, reports: Dataset) -> None:
    rest = reports.split("test")[0]
    assert cross_validate(rest, out_of_fold(rest, settings=SETTINGS), settings=SETTINGS) == trained[1]


def test_cross_validation_with_cues_of_ones_own_is_the_report_of_train(reports: Dataset) -> None:
    rest, cues = reports.split("test")[0], build_cues("phrase,label,kind,weight\ncondemn,cooperate,verb,3\nraid,warm,noun,2\n", source="cues.csv")
    fold = out_of_fold(rest, settings=SETTINGS, cues=cues)
    assert cross_validate(rest, fold, settings=SETTINGS, cues=cues) == train(rest, settings=SETTINGS, cues=cues)[1]
    assert cross_validate(rest, fold, settings=SETTINGS) != cross_validate(rest, fold, settings=SETTINGS, cues=cues)


# --------------------------------------------------------------------------- learning curve


@pytest.fixture(scope="module")
def curves(reports: Dataset) -> dict[str, tuple[CurvePoint, ...]]:
    return learning_curve(reports, sizes=[12, 60, 177], draws=3, settings=SETTINGS)


def test_a_learning_curve_rises(curves: dict[str, tuple[CurvePoint, ...]]) -> None:
    points = curves["stance"]
    assert [len(p.scores) for p in points] == [3, 3, 3]
    assert 12 <= points[0].pairs < 16 and 60 <= points[1].pairs < 64  # up to the end of an article
    assert points[0].macro_f1 < points[-1].macro_f1
    assert points[0].macro_f1 == pytest.approx(np.mean(points[0].scores))


def test_a_learning_curve_can_be_drawn_again(curves: dict[str, tuple[CurvePoint, ...]], stances: Dataset) -> None:
    """In processes too; the largest size changes nothing of the others."""
    assert learning_curve(stances, sizes=[12, 60], draws=3, settings=SETTINGS, jobs=2) == {"stance": curves["stance"][:2]}


def test_a_learning_curve_on_a_test_set_of_its_own(reports: Dataset) -> None:
    rest, held = reports.split("test")
    assert len(set(learning_curve(rest, sizes=[60], draws=2, test=held, settings=SETTINGS)["stance"][0].scores)) == 2  # each draw has its own order
    (point,) = learning_curve(rest, sizes=[len(rest)], draws=1, test=held, settings=SETTINGS)["stance"]
    assert (point.pairs, point.articles) == (len(rest), len(set(rest.groups)))


def test_a_learning_curve_refuses_rows_it_cannot_be_tested_on(tmp_path: Path, two_classes: tuple[Model, Dataset]) -> None:
    data = two_classes[1]
    rows = [{"text": f"Norway met a {x} guest.", "actor": "Norway", "mood": x, "side": x} for x in (data.labels["mood"][0], "grim")]
    other = read_dataset(write_csv(tmp_path / "a.csv", rows), heads=["mood"])
    with pytest.raises(DataError, match="labels that those to train on lack") as e:
        learning_curve(data, test=other, settings=SETTINGS)
    assert [p.split(": ", 1)[1].split(";")[0] for p in e.value.problems] == ["unknown mood 'grim'"]
    with pytest.raises(DataError, match="have no head 'mood'; they have side"):
        learning_curve(data, test=read_dataset(tmp_path / "a.csv", heads=["side"]), settings=SETTINGS)
    with pytest.raises(DataError, match="no rows to test on"):
        learning_curve(data, test=other.take([]), settings=SETTINGS)


def test_no_article_of_the_test_fold_is_trained_on(reports: Dataset) -> None:
    from stance.training import _draws, _shuffled, _whole_articles

    y, groups = np.array(reports.labels["stance"]), np.array(reports.groups)
    tested = []
    drawn = _draws(y, groups, 4, SETTINGS)
    for d, (pool, held) in enumerate(drawn[:3]):
        at = _whole_articles(_shuffled(pool, groups, d), groups, 50)
        assert set(groups[at]).isdisjoint(groups[held]) and 50 <= len(at) < 60
        assert all((groups[at] == g).sum() == (groups == g).sum() for g in set(groups[at]))
        tested += held.tolist()
    assert sorted(tested) == list(range(len(reports)))
    assert len(drawn) == 4 and set(drawn[3][1]) != set(drawn[0][1])  # the folds used up, others
    assert _whole_articles(np.arange(3), np.array(["a", "b", "b"]), 2).tolist() == [0, 1, 2]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_learning_curve_begins_with_next_to_nothing(reports: Dataset, size: int) -> None:
    points = learning_curve(reports, sizes=[size], draws=6, settings=SETTINGS)["stance"]
    assert size <= points[0].pairs < size + 5 and 0 <= points[0].macro_f1 < 0.6


def test_a_learning_curve_begins_where_something_can_be_learnt(reports: Dataset) -> None:
    for data, sizes in ((reports, (30, 59, 118)), (reports.split("test")[0], (23, 47, 94))):
        points = learning_curve(data, draws=1, settings=SETTINGS)["stance"]
        assert [0 <= p.pairs - n < 5 for p, n in zip(points, sizes, strict=True)] == [True] * 3, points
    points = learning_curve(reports.take([*range(len(reports))] * 5), draws=1, settings=SETTINGS)["tone"]
    assert len(points) == 4 and 50 < points[0].pairs < 100


def test_four_rows_can_be_trained_on(tmp_path: Path) -> None:
    rows = [{"text": f"{a} {v}.", "actor": a, "stance": s} for a, v, s in (("Norway", "left", "neutral"), ("Peru", "slept", "neutral"), ("Chile", "denied it", "deny"), ("Kenya", "said no", "deny"))]
    found = train(read_dataset(write_csv(tmp_path / "four.csv", rows)))[1]
    assert found["stance"].rows == 4


def test_a_fold_that_sees_one_class_only_predicts_it(reports: Dataset) -> None:
    four = replace(reports.take(range(4)), groups=("g6", "g0", "g2", "g2"), heads=(Head("mood", ("a", "b")),), labels={"mood": ("a", "b", "a", "b")})
    fold = out_of_fold(four)["mood"]
    assert fold.probs.shape == (4, 2) and np.isfinite(fold.probs).all()


def test_a_size_beyond_the_data(reports: Dataset) -> None:
    with pytest.raises(InputError) as e:
        learning_curve(reports, sizes=[5000])
    assert e.value.message == "size 5000 is more than the 177 pairs there are"
    for odd, said in (({"sizes": [60, -5]}, "size -5"), ({"sizes": [0]}, "size 0"), ({"draws": 0}, "draws 0")):
        with pytest.raises(InputError, match=f"{said}: nothing can be learnt"):
            learning_curve(reports, **odd)  # type: ignore[arg-type]


def test_a_head_with_one_class_is_not_trained(reports: Dataset) -> None:
    same = reports.take([i for i, x in enumerate(reports.labels["stance"]) if x == "deny"])
    with pytest.raises(DataError, match="cannot be trained on"):
        train(same, settings=SETTINGS)


def test_no_rows_are_neither_trained_on_nor_scored(model: Model, reports: Dataset) -> None:
    none = reports.split("no such split")[1]
    with pytest.raises(DataError, match="no rows to train on"):
        train(none, settings=SETTINGS)
    with pytest.raises(DataError, match="no rows to score"):
        evaluate(model, none)


# --------------------------------------------------------------------------- weights of features


def test_a_feature_weighs_by_its_log_odds_with_the_classes() -> None:
    """Ten rows, two classes of five: the odds by hand, with half a count added."""
    there = np.array([[1, 1], [1, 0], [1, 1], [1, 0], [0, 0], [0, 1], [0, 0], [0, 1], [0, 0], [0, 1]], float)
    y = ["a"] * 5 + ["b"] * 5
    told, plain = np.log(4.5 * 5.5 / (1.5 * 0.5)), np.log(2.5 * 2.5 / (3.5 * 3.5))
    expected = np.abs([told, plain]) / np.sqrt((told**2 + plain**2) / 2)
    assert association(csr_matrix(there), y) == pytest.approx(expected)
    assert association(csr_matrix(there * [[0.1, -7.0]]), y) == pytest.approx(expected)  # presence, not value


def test_the_weights_are_in_the_coefficients() -> None:
    """What is fitted is a plain logistic regression: scores are features times coefficients, and clones do not remember."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    X = csr_matrix((rng.random((300, 40)) < 0.1 + 0.3 * (y[:, None] == np.arange(40) % 5)).astype(float))
    fitted = WeighedRegression(C=0.5, max_iter=2000, tol=1e-8).fit(X, y)
    assert fitted.decision_function(X) == pytest.approx(X @ fitted.coef_.T + fitted.intercept_)
    weights = association(X, y)
    same = LogisticRegression(C=0.5, max_iter=2000, tol=1e-8).fit(X @ diags(weights), y)
    assert fitted.coef_ == pytest.approx(same.coef_ * weights, rel=1e-4, abs=1e-6)
    assert (np.abs(fitted.coef_[:, 3::5]).mean() + np.abs(fitted.coef_[:, 4::5]).mean()) / 2 < np.abs(fitted.coef_[:, ::5]).mean() / 2
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params() and not hasattr(fresh, "coef_")


def test_features_need_not_be_sparse() -> None:
    X = np.array([[1.0, 0, 2], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
    fitted = WeighedRegression(max_iter=1000).fit(X, list("abab"))
    np.testing.assert_array_equal(fitted.coef_, WeighedRegression(max_iter=1000).fit(csr_matrix(X), list("abab")).coef_)


def test_features_that_tell_nothing_have_no_weight_and_do_no_harm() -> None:
    X = csr_matrix(np.ones((6, 2)))
    assert association(X, list("ababab")) == pytest.approx([0, 0])
    assert np.isfinite(WeighedRegression().fit(X, list("ababab")).coef_).all()


def test_labels_of_other_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        WeighedRegression().fit(csr_matrix(np.ones((4, 2))), list("ababa"))
