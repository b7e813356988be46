"""The model file: what is written is read back, and nothing else is opened."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from stance.actors import Pair
from stance.classification import classify
from stance.codebook import Head
from stance.dataset import Dataset
from stance.errors import InputError, ModelError
from stance.model import FORMAT, Model, consistent, default_model, from_bytes, load, read_manifest, row_digests, softmax, trained_on
from stance.training import Settings, train

MARK = b"stance-sha256:"
SHIPPED = Path(__file__).parent.parent / "models" / "default.stance"


def sealed(body: bytes) -> bytes:
    """A zip with the right checksum behind it, as an attacker would write it: every later check must hold by itself."""
    with zipfile.ZipFile(io.BytesIO(body)) as z:
        assert z.testzip() is None
    tail = len(MARK) + 64
    body = body[:-2] + tail.to_bytes(2, "little")  # length of the archive comment
    return body + MARK + hashlib.sha256(body).hexdigest().encode()


def rebuilt(model_file: Path, change: Callable[[dict[str, bytes]], Any], method: int = zipfile.ZIP_STORED) -> bytes:
    """The model file with its members changed, sealed again."""
    with zipfile.ZipFile(model_file) as z:
        members = {n: z.read(n) for n in z.namelist()}
    change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as z:
        for name, data in members.items():
            z.writestr(name, data)
    return sealed(buffer.getvalue())


def edit(**values: object) -> Callable[[dict[str, bytes]], None]:
    """Set entries of the manifest."""

    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), **values}).encode()

    return change


# --------------------------------------------------------------------------- round trip


def test_a_saved_model_says_the_same(model: Model, model_file: Path, unseen: list[Pair]) -> None:
    again = load(model_file)
    a, b = model.predict_proba(unseen), again.predict_proba(unseen)
    for head in a:
        np.testing.assert_array_equal(a[head], b[head])
    assert again.fingerprint == model.fingerprint == again.manifest["fingerprint"]
    assert again.heads[0].head == model.heads[0].head and again.heads[1].head == model.heads[1].head
    assert again.path == model_file


def test_saving_a_loaded_model_gives_the_same_bytes(model_file: Path, tmp_path: Path) -> None:
    load(model_file).save(tmp_path / "again.stance")
    assert (tmp_path / "again.stance").read_bytes() == model_file.read_bytes()


def test_a_model_remembers_its_rows_by_hashes(model: Model, model_file: Path, reports: Dataset) -> None:
    rest, held = reports.split("test")
    for m in (model, load(model_file)):
        assert trained_on(m, rest.take(range(5))) == 5 and trained_on(m, held) == 0
    assert m.seen is not None and len(m.seen) <= len(rest)


def test_a_model_of_very_many_rows_remembers_a_sample(reports: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    rest, held = reports.split("test")
    half = rest.take(range(0, len(rest), 2))
    monkeypatch.setattr("stance.model.REMEMBERED", len(half) - 1)
    monkeypatch.setattr("stance.model._SAMPLED", 60)
    model, _ = train(half, settings=Settings(folds=2))
    assert model.seen is not None and model.seen.tolist() == sorted({*row_digests(half).tolist()})[:60]
    assert trained_on(model, held) == 0
    assert trained_on(model, half.take(range(len(half) - 1))) == len(half) - 1
    assert 0.35 * len(rest) < trained_on(model, rest) < 0.65 * len(rest)


def test_a_model_that_kept_no_hashes_knows_its_data_with_and_without_what_was_held_out(model: Model, reports: Dataset) -> None:
    rest, held = reports.split("test")
    forgetful = replace(model, seen=None, manifest=model.manifest | {"about": {"hold_out": "test"}})
    assert [trained_on(forgetful, d) for d in (rest, reports, held, rest.take(range(5)))] == [len(rest), len(rest), 0, 0]


def test_the_file_is_a_zip_of_what_it_says(model_file: Path) -> None:
    with zipfile.ZipFile(model_file) as z:
        assert z.testzip() is None
        manifest = json.loads(z.read("manifest.json"))
        assert {n: hashlib.sha256(z.read(n)).hexdigest() for n in z.namelist() if n != "manifest.json"} == manifest["members"]
        assert {i.date_time for i in z.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert manifest["format"] == FORMAT


def test_the_pipelines_are_in_the_file(model_file: Path, unseen: list[Pair]) -> None:
    again = load(model_file)
    p = again.pipeline()["stance"].predict_proba(unseen[:3])
    order = [list(again.pipeline()["stance"].classes_).index(x) for x in again.head("stance").head.labels]
    np.testing.assert_allclose(p[:, order], again.predict_proba(unseen[:3])["stance"], atol=1e-9)


def test_thresholds_are_those_of_the_precision_wanted(model: Model, model_file: Path) -> None:
    for m in (model, load(model_file)):
        found = m.thresholds(0.9)
        assert list(found) == ["stance", "tone"]
        for name, least in found.items():
            reached = [p for t, p, _ in m.manifest["report"][name]["curve"] if t >= least]
            assert min(t for t, p, _ in m.manifest["report"][name]["curve"] if p >= 0.9) == least and reached
    assert all(t > 1 for t in model.thresholds(1.01).values())
    sure = [j.labels["tone"] for j in classify("Norway condemned the raid. Chile thanked Peru.", model, min_confidence=model.thresholds(1.01))]
    assert set(sure) == {"unsure"}
    with pytest.raises(ModelError, match="has no out-of-fold report"):
        replace(model, manifest={}).thresholds(0.9)


def test_a_head_the_model_lacks(model: Model) -> None:
    with pytest.raises(InputError) as e:
        model.head("ton")
    assert (e.value.message, e.value.hint) == ("the model has no head 'ton'; it has stance, tone", "did you mean 'tone'?")


def test_a_traced_row_adds_up_to_the_score(model: Model, unseen: list[Pair]) -> None:
    rows = model.rows(unseen, trace=True)
    for h in model.heads:
        scores = h.scores(rows)
        for r in range(len(rows)):
            part = slice(rows.indptr[r], rows.indptr[r + 1])
            total = h.bias.copy()
            for key, value in zip(rows.keys[part], rows.values[part], strict=True):
                at = int(np.searchsorted(h.keys, key))
                if at < len(h.keys) and h.keys[at] == key:
                    total += value * h.weights[at].astype(np.float64)
            np.testing.assert_allclose(scores[r], total, atol=1e-9)


def test_probabilities_sum_to_one(model: Model, unseen: list[Pair]) -> None:
    for p in model.predict_proba(unseen).values():
        np.testing.assert_allclose(p.sum(1), 1.0)
        assert (p >= 0).all()


def test_heads_of_other_features_are_looked_up_each(model: Model, unseen: list[Pair]) -> None:
    stance, tone = model.heads
    tone = replace(tone, keys=tone.keys[::2], weights=tone.weights[::2])
    found = replace(model, heads=(stance, tone)).predict_proba(unseen)
    np.testing.assert_array_equal(found["stance"], model.predict_proba(unseen)["stance"])
    np.testing.assert_array_equal(found["tone"], tone.probabilities(model.rows(unseen)))


def test_what_a_notebook_shows_of_a_model(model: Model, model_file: Path) -> None:
    again = load(model_file)
    assert repr(again).startswith(f"<Model {model.fingerprint} of {model_file}; stance: ") and len(repr(again)) < len(str(model_file)) + 200
    assert again != model and {model: 1}[model] == 1
    assert again.heads[0] != model.heads[0] and "array" not in repr(model.heads[0])


def test_the_labels_of_each_head(model: Model) -> None:
    assert model.labels == {name: model.head(name).head.labels for name in ("stance", "tone")}


def test_the_most_probable_labels(model: Model, unseen: list[Pair]) -> None:
    said, probs = model.predict(unseen), model.predict_proba(unseen)
    assert list(said) == list(probs)
    for name, p in probs.items():
        assert list(said[name]) == [model.head(name).head.labels[k] for k in p.argmax(1)]
        assert list(model.predict([])[name]) == []


def test_the_pipelines_say_the_same_labels(model: Model, unseen: list[Pair]) -> None:
    for name, pipe in model.pipeline().items():
        labels = model.head(name).head.labels
        assert list(pipe.classes_) != list(labels), "else the order would not matter"
        assert list(pipe.predict(unseen)) == list(model.predict(unseen)[name])


def test_no_pairs_have_no_probabilities(model: Model) -> None:
    assert {h: p.shape for h, p in model.predict_proba([]).items()} == {"stance": (0, 7), "tone": (0, 4)}


def test_softmax_of_huge_scores_is_finite() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e4, 0.0], [-1e4, -1e4]])), [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize(("stance", "tone", "shown"), [("neutral", "hostile", "neutral"), ("accuse", "hostile", "hostile"), ("accuse", "neutral", "neutral")])
def test_a_neutral_stance_has_neutral_tone(stance: str, tone: str, shown: str) -> None:
    assert consistent(stance, tone) == shown


def test_a_neutral_label_of_ones_own_is_kept_and_decides_the_tone(model: Model, tmp_path: Path) -> None:
    stance, tone = model.heads
    own = replace(model, heads=(replace(stance, head=replace(stance.head, neutral="accuse")), tone))
    assert own.fingerprint != model.fingerprint
    own.save(tmp_path / "own.stance")
    again = load(tmp_path / "own.stance")
    assert again.head("stance").head.neutral == "accuse" and again.fingerprint == own.fingerprint
    heads = {h.head.name: h.head for h in again.heads}
    assert consistent("accuse", "hostile", heads=heads) == "neutral" and consistent("neutral", "hostile", heads=heads) == "hostile"
    text = "Norway condemned Chile for the raid."
    (plain, _), (judged, _) = classify(text, model), classify(text, again)
    assert (plain.labels["stance"], plain.target) == ("accuse", ("Chile",)) and plain.labels["tone"] != "neutral"
    assert (judged.labels["stance"], judged.labels["tone"], judged.target) == ("accuse", "neutral", ()) and judged.probabilities == plain.probabilities


def test_a_head_without_a_neutral_label_has_none() -> None:
    heads = {"stance": Head("stance", ("for", "none")), "tone": Head("tone", ("hostile", "neutral"))}
    assert heads["stance"].neutral == "" and consistent("none", "hostile", heads=heads) == "hostile"
    heads["stance"] = replace(heads["stance"], neutral="none")
    assert consistent("none", "hostile", heads=heads) == "neutral"
    heads["tone"] = Head("tone", ("hostile", "calm"))
    assert consistent("none", "hostile", heads=heads) == "hostile"
    assert consistent("none", "hostile", heads=heads | {"tone": replace(heads["tone"], neutral="calm")}) == "calm"


def test_a_neutral_label_that_the_head_lacks_is_refused(model_file: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        manifest["heads"][0]["neutral"] = "nune"
        members["manifest.json"] = json.dumps(manifest).encode()

    with pytest.raises(ModelError, match="head 'stance' has no label 'nune', which is to be its neutral one"):
        from_bytes(rebuilt(model_file, change), Path("m.stance"))


def test_only_a_neutral_label_of_ones_own_is_in_the_file(model: Model, model_file: Path) -> None:
    assert all("neutral" not in h for h in read_manifest(model_file)["heads"])


# --------------------------------------------------------------------------- files that are refused

READERS = pytest.mark.parametrize("reader", [load, read_manifest], ids=["load", "read_manifest"])


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[Callable[[Path], object], bytes, str], None]:
    """Checks that bytes as a model file are refused with a message that names the file."""

    def check(reader: Callable[[Path], object], raw: bytes, said: str) -> None:
        path = tmp_path / "bad.stance"
        path.write_bytes(raw)
        with pytest.raises(ModelError, match=said) as e:
            reader(path)
        assert str(path) in e.value.message and e.value.hint

    return check


Refused = Callable[[Callable[[Path], object], bytes, str], None]


@READERS
def test_a_missing_file(reader: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.stance: cannot be read"):
        reader(tmp_path / "nowhere.stance")


@READERS
@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not a model file"),
        (b"text,actor,stance\n", "not a model file"),
        (pickle.dumps({"a": 1}), "a bare pickle or joblib file"),
        (b"PK", "truncated"),
        (b"PK\x03\x04" + bytes(500), "truncated"),
    ],
    ids=["empty", "text", "pickle", "two bytes", "zeros"],
)
def test_files_that_are_no_model(refused: Refused, reader: Callable[[Path], object], raw: bytes, said: str) -> None:
    refused(reader, raw, said)


@READERS
def test_a_compressed_joblib_file_renamed(refused: Refused, reader: Callable[[Path], object]) -> None:
    buffer = io.BytesIO()
    joblib.dump({"a": list(range(100))}, buffer, compress=3)
    refused(reader, buffer.getvalue(), "a bare pickle or joblib file")


@READERS
def test_a_plain_zip(refused: Refused, reader: Callable[[Path], object]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:
        z.writestr("manifest.json", "{}" + " " * 200)
    refused(reader, buffer.getvalue(), "truncated, or was not written by stance")


@READERS
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99, 0.9999])
def test_a_truncated_file(refused: Refused, model_file: Path, reader: Callable[[Path], object], keep: float) -> None:
    raw = model_file.read_bytes()
    refused(reader, raw[: int(len(raw) * keep)], "truncated")


def test_one_altered_byte_anywhere_is_noticed(refused: Refused, model_file: Path) -> None:
    raw = model_file.read_bytes()
    positions = {*np.random.default_rng(0).integers(2, len(raw), 60).tolist(), 2, 30, len(raw) // 2, len(raw) - 65, len(raw) - 64, len(raw) - 1, len(raw) - 78}
    for at in sorted(positions):
        changed = bytearray(raw)
        changed[at] ^= 0x01
        refused(load, bytes(changed), "altered|truncated")


@READERS
def test_bytes_behind_the_end(refused: Refused, model_file: Path, reader: Callable[[Path], object]) -> None:
    refused(reader, model_file.read_bytes() + b"x", "truncated")


@READERS
def test_a_newer_format_says_to_upgrade(refused: Refused, model_file: Path, reader: Callable[[Path], object]) -> None:
    raw = rebuilt(model_file, edit(format=FORMAT + 1, version="9.9"))
    refused(reader, raw, f"format {FORMAT + 1} is newer than this version reads .{FORMAT}.; written by stance 9.9")


@READERS
@pytest.mark.parametrize("manifest", [b"", b"[]", b"{}", b"\xff\xfe", b'{"format": "x"}', b"null"])
def test_a_manifest_that_is_none(refused: Refused, model_file: Path, reader: Callable[[Path], object], manifest: bytes) -> None:
    refused(reader, rebuilt(model_file, lambda m: m.update({"manifest.json": manifest})), "manifest")


@READERS
def test_a_bare_manifest(refused: Refused, model_file: Path, reader: Callable[[Path], object]) -> None:
    refused(reader, rebuilt(model_file, lambda m: m.update({"manifest.json": b'{"format": 1, "heads": []}'})), "manifest.json has no 'version'")


@READERS
@pytest.mark.parametrize("key", ["about", "glosses", "report"])
def test_an_older_layout_says_to_train_again(refused: Refused, model_file: Path, reader: Callable[[Path], object], key: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        del manifest[key]
        members["manifest.json"] = json.dumps({**manifest, "version": "0.1.0"}).encode()

    refused(reader, rebuilt(model_file, change), f"has no '{key}'; written by stance 0.1.0 in a layout that this version does not read\n  train it again")


@READERS
def test_no_manifest(refused: Refused, model_file: Path, reader: Callable[[Path], object]) -> None:
    refused(reader, rebuilt(model_file, lambda m: m.pop("manifest.json")), "manifest")


def test_a_zip_bomb(refused: Refused, model_file: Path) -> None:
    raw = rebuilt(model_file, lambda m: m.update({"cues.csv": bytes(50_000_000)}), zipfile.ZIP_DEFLATED)
    assert len(raw) < 1_000_000
    refused(load, raw, "unpacks to more than it may")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2], ids=["deflated", "bzip2"])
def test_a_zip_bomb_that_says_it_is_small(refused: Refused, model_file: Path, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(model_file) as old, zipfile.ZipFile(buffer, "w") as z:
        z.writestr("manifest.json", old.read("manifest.json"))
        z.writestr("cues.csv", bytes(50_000_000), method)
        z.getinfo("cues.csv").file_size = 1000
        z.comment = MARK + bytes(64)
    body = buffer.getvalue()[: -len(MARK) - 64]
    raw = body + MARK + hashlib.sha256(body).hexdigest().encode()
    assert len(raw) < 1_000_000
    tracemalloc.start()
    try:
        refused(load, raw, "the model file is damaged")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@READERS
def test_a_file_that_is_too_large_unpacked(refused: Refused, model_file: Path, reader: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stance.model._LIMIT", 1000)
    refused(reader, model_file.read_bytes(), "unpacks to more than it may")


def test_a_manifest_that_is_a_bomb(refused: Refused, model_file: Path) -> None:
    raw = rebuilt(model_file, lambda m: m.update({"manifest.json": b'{"format": 1}' + b" " * 50_000_000}), zipfile.ZIP_DEFLATED)
    refused(read_manifest, raw, "unpacks to more than it may")


def test_a_member_that_is_missing(refused: Refused, model_file: Path) -> None:
    refused(load, rebuilt(model_file, lambda m: m.pop("stance.weights.npy")), "does not hold what its manifest says")


@pytest.mark.parametrize(
    "change",
    [
        {"stance.weights.npy": b""},
        {"stance.weights.npy": b"\x93NUMPY\x01\x00"},
        {"stance.weights.npy": b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 7), }".ljust(128) + b"\n"},
        {"cues.csv": b"\xff\xff"},
        {"cues.csv": b"word,label\nx,y\n"},
    ],
    ids=["empty array", "cut array", "negative shape", "cues not UTF-8", "cues without columns"],
)
def test_members_that_are_damaged(model_file: Path, tmp_path: Path, change: dict[str, bytes]) -> None:
    from stance.errors import StanceError

    path = tmp_path / "bad.stance"
    path.write_bytes(rebuilt(model_file, lambda m: m.update(change)))
    with pytest.raises(StanceError):
        load(path)


@pytest.mark.parametrize("shape", [(3, 2), (0,), (1000, 7)])
def test_arrays_of_the_wrong_shape(refused: Refused, model_file: Path, shape: tuple[int, ...]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(shape, np.float32))
    refused(load, rebuilt(model_file, lambda m: m.update({"stance.weights.npy": buffer.getvalue()})), "does not hold what its manifest says")


def test_arrays_of_a_number_type_that_is_none(refused: Refused, model_file: Path, model: Model) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.full(model.head("stance").weights.shape, "x"))
    refused(load, rebuilt(model_file, lambda m: m.update({"stance.weights.npy": buffer.getvalue()})), "does not hold what its manifest says")


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("keys", lambda m: m.keys[::-1].copy(), "keys of head 'stance' do not rise"),
        ("keys", lambda m: np.repeat(m.keys[:1], len(m.keys)), "keys of head 'stance' do not rise"),
        ("weights", lambda m: np.where(m.weights == m.weights[0, 0], np.float32("nan"), m.weights), "a number of head 'stance' is none"),
        ("bias", lambda m: m.bias + np.inf, "a number of head 'stance' is none"),
    ],
    ids=["falling keys", "equal keys", "nan", "inf"],
)
def test_arrays_of_odd_numbers(refused: Refused, model_file: Path, model: Model, name: str, array: Callable[[Any], Any], said: str) -> None:
    raw = rebuilt(model_file, lambda m: m.update({f"stance.{name}.npy": npy(array(model.head("stance")))}))
    refused(load, raw, said)


def test_an_array_stored_by_columns(refused: Refused, model_file: Path, model: Model) -> None:
    raw = rebuilt(model_file, lambda m: m.update({"stance.weights.npy": npy(np.asfortranarray(model.head("stance").weights))}))
    refused(load, raw, "array is not plain")


@pytest.mark.parametrize("seen", [np.zeros(3), np.zeros((3, 1), np.uint64)], ids=["type", "shape"])
def test_hashes_of_rows_that_are_none(refused: Refused, model_file: Path, seen: Any) -> None:
    refused(load, rebuilt(model_file, lambda m: m.update({"seen.npy": npy(seen)})), "the hashes of its rows have the wrong shape or type")


@pytest.mark.parametrize("heads", [[], [{"name": "stance"}], [3], "x", None], ids=["none", "no labels", "number", "text", "null"])
def test_heads_that_are_none(refused: Refused, model_file: Path, heads: object) -> None:
    refused(load, rebuilt(model_file, edit(heads=heads)), "does not hold what its manifest says")


@pytest.mark.parametrize("told", [{"settings": 3}, {"data": None}, {"report": []}, {"report": {"stance": {"macro_f1": 0.5}}}, {"report": {"stance": {"macro_f1": "x", "curve": []}}}, {"report": {"stance": {"macro_f1": 0.5, "curve": [[0.5]]}}}])
def test_what_is_told_of_a_model_and_is_not_what_train_writes(refused: Refused, model_file: Path, told: dict[str, Any]) -> None:
    refused(load, rebuilt(model_file, edit(**told)), "does not hold what its manifest says")


def test_a_head_twice(refused: Refused, model_file: Path, model: Model) -> None:
    twice = [{"name": "stance", "labels": list(model.head("stance").head.labels), "ordered": False}] * 2
    refused(load, rebuilt(model_file, edit(heads=twice)), "two of one name")


@READERS
def test_a_manifest_too_deep_to_read(refused: Refused, model_file: Path, reader: Callable[[Path], object]) -> None:
    refused(reader, rebuilt(model_file, lambda m: m.update({"manifest.json": b"[" * 200_000})), "damaged|manifest")


@pytest.mark.parametrize("head", [b"{'descr': '<f4', (", b"{'descr': '<f4'", b"(" * 117, b"\x00" * 60, b"{'descr': [], 'fortran_order': False, 'shape': (9,)}"])
def test_array_headers_that_are_none(refused: Refused, model_file: Path, head: bytes) -> None:
    bad = b"\x93NUMPY\x01\x00\x76\x00" + head.ljust(117) + b"\n"
    refused(load, rebuilt(model_file, lambda m: m.update({"stance.weights.npy": bad})), "does not hold what its manifest says")


@READERS
def test_bytes_damaged_before_they_were_sealed(reader: Callable[[Path], object], model_file: Path, tmp_path: Path) -> None:
    raw = model_file.read_bytes()
    body, path = raw[:-64], tmp_path / "bad.stance"
    central = body.rindex(b"PK\x05\x06") - 1000
    spots = [*np.random.default_rng(1).integers(2, 3000, 40).tolist(), *np.random.default_rng(2).integers(central, len(body) - 78, 80).tolist()]
    for at in spots:
        changed = bytearray(body)
        changed[at] ^= 0x55
        whole = bytes(changed[: -len(MARK)])
        path.write_bytes(whole + MARK + hashlib.sha256(whole).hexdigest().encode())
        try:
            reader(path)
        except ModelError as e:
            assert str(path) in e.message and e.hint


class Bomb:
    """Unpickled, it fails the test."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a member was unpickled",))


def test_a_pickled_array_is_refused_unopened(refused: Refused, model_file: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()], dtype=object), allow_pickle=True)
    refused(load, rebuilt(model_file, lambda m: m.update({"stance.weights.npy": buffer.getvalue()})), "does not hold what its manifest says")


def test_a_hostile_pipeline_is_not_touched_by_load(model_file: Path, tmp_path: Path, unseen: list[Pair]) -> None:
    path = tmp_path / "hostile.stance"
    path.write_bytes(rebuilt(model_file, lambda m: m.update({"pipeline.joblib": pickle.dumps(Bomb())})))
    read_manifest(path)
    load(path).predict_proba(unseen[:2])


@READERS
def test_nothing_is_unpickled(reader: Callable[[Path], object], model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (joblib, "load")):
        monkeypatch.setattr(module, name, forbidden)
    reader(model_file)


def test_a_model_without_pipeline_says_so(model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "bare.stance"
    path.write_bytes(rebuilt(model_file, lambda m: m.pop("pipeline.joblib")))
    with pytest.raises(ModelError, match="holds no scikit-learn pipeline"):
        load(path).pipeline()


# --------------------------------------------------------------------------- writing


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("old", [b"the old model", None], ids=["replacing", "new"])
@pytest.mark.parametrize("call", ["os.fsync", "os.close", "stance.files._Written.write"])
def test_a_full_disk_leaves_everything_as_it_was(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes | None, call: str) -> None:
    path = tmp_path / "m.stance"
    if old is not None:
        path.write_bytes(old)
    monkeypatch.setattr(call, full_disk)
    with pytest.raises(OSError, match="No space left"):
        model.save(path)
    monkeypatch.undo()
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == ({"m.stance": old} if old is not None else {})


# --------------------------------------------------------------------------- the shipped model


@pytest.mark.skipif(not SHIPPED.exists(), reason="no shipped model in this tree")
def test_the_shipped_model_has_the_codebooks_heads_and_its_scores() -> None:
    m = default_model()
    assert [h.head.name for h in m.heads] == ["stance", "tone"]
    assert m.manifest["format"] == FORMAT and m.manifest["fingerprint"] == m.fingerprint
    for name in ("stance", "tone"):
        r = m.manifest["report"][name]
        assert r["macro_f1"] > r["baselines"]["cue-only"] > r["baselines"]["majority"]


@pytest.mark.skipif(not SHIPPED.exists(), reason="no shipped model in this tree")
def test_from_bytes_is_load() -> None:
    assert from_bytes(SHIPPED.read_bytes(), SHIPPED).fingerprint == read_manifest(SHIPPED)["fingerprint"]


# --------------------------------------------------------------------------- old formats


@pytest.mark.parametrize("number", [1, FORMAT])
def test_a_file_of_every_format_number_still_loads(number: int) -> None:
    from stance.classification import classify

    model = load(Path(__file__).parent / "data" / f"format-{number}.stance")
    assert model.manifest["format"] == number
    assert model.manifest["fingerprint"] == model.fingerprint
    (found,) = classify("Norway condemned the raid.", model)
    assert sum(found.probabilities["stance"].values()) == pytest.approx(1)
    assert {h.head.name for h in model.heads} == {"stance", "tone"}
