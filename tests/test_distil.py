"""The scripts behind the network that the shipped model starts from, but for what needs a sentence encoder."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from conftest import pairs_of

import stance
from stance import network
from stance.codebook import DEFAULT_HEADS
from stance.dataset import read_table
from stance.features import prepare, sequences
from stance.lexicon import default_lexicon
from stance.model import default_model, softmax
from stance.network import load_network
from stance.words import default_words, load_words

TEXT = "Norway accused Sweden of spying. Sweden denied it. Finland did not comment on the row. Iceland thanked Norway for its help."


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "models" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def distil() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "models")  # as Python does for the folder of a script
        yield script("distil")


def test_a_network_learns_the_probabilities_it_is_given(distil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_LEAST_STEPS", 150)
    some = pairs_of(TEXT)
    rng = np.random.default_rng(0)
    wanted = np.hstack([rng.dirichlet(np.full(n, 0.3), len(some)) for n in (7, 4)])
    distil.save_labelled(tmp_path / distil.LABELLED, sequences(prepare(some)), wanted)
    distil.learn([tmp_path], tmp_path / "start.npz", epochs=1)
    scores = load_network(tmp_path / "start.npz").scores(sequences(prepare(some)))
    got = np.hstack([softmax(scores[:, part]) for part in distil.parts()])
    assert np.abs(got - wanted).mean() < 0.03 < np.abs(wanted - wanted.mean(0)).mean()


def test_reports_are_learnt_among_the_pairs_of_the_archive(distil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_LEAST_STEPS", 150)
    archive = pairs_of(TEXT)
    flat = np.hstack([np.full((len(archive), n), 1 / n) for n in (7, 4)])
    distil.save_labelled(tmp_path / distil.LABELLED, sequences(prepare(archive)), flat)
    rows = ["Peru warned Chile.,Peru,threaten,stern,train", "Chile will help Peru.,Chile,cooperate,warm,train", "Kenya praised Ghana.,Kenya,cooperate,warm,test"]
    (tmp_path / "reports.csv").write_text("\n".join(["text,actor,stance,tone,split", *rows]), "utf-8")
    distil.learn([tmp_path], tmp_path / "start.npz", epochs=1, reports=[tmp_path / "reports.csv"])
    learnt = load_network(tmp_path / "start.npz")
    data = stance.read_dataset(tmp_path / "reports.csv", heads=["stance", "tone"])
    stances = softmax(learnt.scores(sequences(prepare(data.pairs)))[:, :7])
    at = [distil.HEADS[0].index(x) for x in data.labels["stance"]]
    assert np.abs(stances[[0, 1], at[:2]] - (distil.SURE + (1 - distil.SURE) / 7)).max() < 0.1
    said = softmax(learnt.scores(sequences(prepare(archive)))[:, :7])
    assert np.abs(said - 1 / 7).max() < 0.15, "what the archive wants is kept"
    assert learnt.before is None
    (tmp_path / distil.LABELLED).rename(tmp_path / distil.AGAIN)
    distil.learn([tmp_path], tmp_path / "on.npz", epochs=1, start=tmp_path / "start.npz", reports=[tmp_path / "reports.csv"])
    on = load_network(tmp_path / "on.npz")
    assert on.before and on.before.digest == learnt.digest != on.digest, "folds are to begin with what had not learnt the reports"
    distil.learn([tmp_path], tmp_path / "plain.npz", epochs=1, start=tmp_path / "start.npz")
    assert load_network(tmp_path / "plain.npz").before is None


def test_readers_labels_are_learnt_as_the_network_smooths_them(distil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_LEAST_STEPS", 150)
    pairs = pairs_of(TEXT)
    flat = np.hstack([np.full((len(pairs), n), 1 / n) for n in (7, 4)])
    distil.save_labelled(tmp_path / distil.LABELLED, sequences(prepare(pairs)), flat)
    distil.learn([tmp_path], tmp_path / "start.npz", epochs=1)
    head = "text,actor,stance,tone,split\n"
    (tmp_path / "read.csv").write_text(f"{head}Peru warned Chile.,Peru,threaten,stern,\nChile will help Peru.,Chile,cooperate,warm,\n", "utf-8")
    (tmp_path / "reports.csv").write_text(f"{head}Kenya praised Ghana.,Kenya,cooperate,warm,\nKenya left Ghana.,Kenya,neutral,neutral,test\n", "utf-8")
    start, data = load_network(tmp_path / "start.npz"), stance.read_dataset(tmp_path / "read.csv", heads=["stance", "tone"])
    said = softmax(start.scores(sequences(prepare(data.pairs)))[:, :7])
    wanted = distil.READ * np.eye(7)[[distil.HEADS[0].index(x) for x in data.labels["stance"]]] + (1 - distil.READ) * said
    known = {"start": tmp_path / "start.npz", "labels": tmp_path / "read.csv", "kept": 0.0}
    for reports in ([], [tmp_path / "reports.csv"]):
        distil.learn([], tmp_path / "on.npz", epochs=1, reports=reports, **known)
        on = load_network(tmp_path / "on.npz")
        assert np.abs(softmax(on.scores(sequences(prepare(data.pairs)))[:, :7]) - wanted).max() < 0.1
        assert (on.before and on.before.digest) == (start.digest if reports else None)
    for reports in ([], [tmp_path / "reports.csv"]):  # it has learnt the reports, whatever it goes on with
        distil.learn([], tmp_path / "further.npz", epochs=1, reports=reports, **known | {"start": tmp_path / "on.npz"})
        further = load_network(tmp_path / "further.npz")
        assert further.before and further.before.digest == start.digest, "folds are to begin with what had not learnt the reports"
    with pytest.raises(ValueError, match="learn those of the words first"):
        distil.learn([], tmp_path / "w.npz", own=tmp_path / "words.npz", **known | {"start": tmp_path / "on.npz"})
    with pytest.raises(ValueError, match="give one to start from"):
        distil.learn([], tmp_path / "w.npz", labels=tmp_path / "read.csv")


def test_pairs_of_an_archive_come_with_what_the_model_says(distil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "raw.jsonl"
    archive.write_text("".join(json.dumps({"text": TEXT, "date": "2019-01-01"}) + "\n" for _ in range(3)), "utf-8")
    monkeypatch.setattr(distil, "KEPT", 0.0)
    [(some, probs)] = distil.news_pairs(archive, default_model(), 2, 1, default_lexicon())
    assert len(some) == len(probs["stance"]) == len(probs["tone"]) and {p.actor for p in some} >= {"Norway", "Sweden"}
    neutral = probs["stance"][:, distil.HEADS[0].index("neutral")]
    assert (neutral < distil.SURELY_NEUTRAL).all(), "what is surely neutral is left out"
    monkeypatch.setattr(distil, "KEPT", 1.0)
    [(every, _)] = distil.news_pairs(archive, default_model(), 2, 1, default_lexicon())
    assert len(every) == 2 * len(pairs_of(TEXT)) > len(some)
    assert np.allclose(default_model().predict_proba(some)["stance"], probs["stance"])


def test_articles_that_measure_teach_nothing(distil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with distil.LABELS.open(encoding="utf-8", newline="") as file:
        of_split = {row["split"]: row["article_id"] for row in csv.DictReader(file)}
    archive = tmp_path / "raw.jsonl"
    archive.write_text("".join(json.dumps({"id": x, "text": TEXT, "date": "2019-01-01"}) + "\n" for x in of_split.values()), "utf-8")
    monkeypatch.setattr(distil, "KEPT", 1.0)
    [(every, _)] = distil.news_pairs(archive, default_model(), 9, 1, default_lexicon())
    assert len(of_split) == 3 and len(every) == len(pairs_of(TEXT)), "of train alone"


def test_a_second_encoder_labels_again_where_the_first_was_in_doubt(distil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "raw.jsonl"
    archive.write_text("".join(json.dumps({"text": TEXT, "date": "2019-01-01"}) + "\n" for _ in range(3)), "utf-8")
    opinion = np.eye(11)[0] * 50 + np.eye(11)[7] * 50  # surely the first stance and the first tone
    monkeypatch.setattr(distil, "KEPT", 1.0)
    monkeypatch.setattr(distil, "tuned_teacher", lambda *_: (SimpleNamespace(mask_token_id=0), None))
    monkeypatch.setattr(distil, "token_ids", lambda some, _: some)
    monkeypatch.setattr(distil, "predict", lambda _, some, mask: np.tile(opinion, (len(some), 1)))
    distil.label("small", archive, default_model(), tmp_path, articles=3)
    tokens, first = distil.load_labelled(tmp_path / distil.LABELLED)
    said = np.hstack([default_model().predict_proba(pairs_of(TEXT))[h.name] for h in distil.HEADS])
    sure = np.hstack([softmax(opinion[part][None]) for part in distil.parts()])
    assert len(tokens) == len(first) == 3 * len(said)
    assert np.allclose(first[: len(said)], (said + sure) / 2, atol=1e-6)
    distil.label("large", archive, default_model(), tmp_path, articles=3, again=4)
    again, second = distil.load_labelled(tmp_path / distil.AGAIN)
    chosen = np.flatnonzero(distil.doubted(first, 4))
    assert len(chosen) == 4 and set(np.argsort(first[:, :7].max(1), kind="stable")[:3]) <= set(chosen)
    assert np.allclose(second, 0.25 * first[chosen] + 0.75 * sure, atol=1e-6)
    assert np.array_equal(again.word, tokens.take(chosen).word)
    other = tmp_path / "other.jsonl"
    other.write_text(archive.read_text("utf-8").replace("accused Sweden of", "told Sweden at once about its own"), "utf-8")
    with pytest.raises(ValueError, match="not the pairs that were labelled before: give archive"):
        distil.label("large", other, default_model(), tmp_path, articles=3, again=4)
    (tmp_path / "read.csv").write_text(f"text,actor,stance,tone\n{TEXT.split('. ')[0]}.,Norway,accuse,stern\n", "utf-8")
    distil.label("large", archive, default_model(), tmp_path, articles=3, again=4, labels=tmp_path / "read.csv")
    more, third = distil.load_labelled(tmp_path / distil.AGAIN)
    read = np.concatenate([np.eye(7)[distil.HEADS[0].index("accuse")], np.eye(4)[distil.HEADS[1].index("stern")]])
    assert len(more) == 5 and np.allclose(third[:4], second, atol=1e-6) and np.allclose(third[4], 0.6 * read + 0.4 * sure[0], atol=1e-6)
    distil.label("large", archive, default_model(), tmp_path, articles=3, again=4)
    monkeypatch.setattr(network, "_LEAST_STEPS", 150)
    distil.learn([tmp_path], tmp_path / "first.npz", epochs=1)
    distil.learn([tmp_path], tmp_path / "second.npz", epochs=1, start=tmp_path / "first.npz", own=tmp_path / "words.npz")
    assert load_network(tmp_path / "first.npz").words == default_words() != load_network(tmp_path / "second.npz").words == load_words(tmp_path / "words.npz")
    before, after = (softmax(load_network(tmp_path / f"{n}.npz").scores(again)[:, :7]) for n in ("first", "second"))
    assert np.abs(after - second[:, :7]).mean() < 0.02 < np.abs(before - second[:, :7]).mean()
    distil.learn([tmp_path], tmp_path / "third.npz", epochs=1, start=tmp_path / "first.npz")
    third = load_network(tmp_path / "third.npz")
    assert third.words == default_words(), "vectors learn only where a file for them is named"
    assert np.abs(softmax(third.scores(again)[:, :7]) - second[:, :7]).mean() < 0.02
    distil.learn([tmp_path], tmp_path / "mean.npz", epochs=1, start=tmp_path / "first.npz", kept=0.25)
    first, mean = (load_network(tmp_path / f"{n}.npz") for n in ("first", "mean"))
    for name, x in mean.parameters.items():
        assert np.allclose(x, 0.25 * first.parameters[name] + 0.75 * third.parameters[name], atol=1e-3)


def test_a_model_labels_without_an_encoder(distil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "raw.jsonl"
    archive.write_text("".join(json.dumps({"text": text, "date": "2019-01-01"}) + "\n" for text in (TEXT, TEXT.replace("Norway", "Denmark"))), "utf-8")
    monkeypatch.setattr(distil, "KEPT", 1.0)
    distil.label(None, archive, default_model(), tmp_path, articles=1)
    _, first = distil.load_labelled(tmp_path / distil.LABELLED)
    said = [np.hstack([default_model().predict_proba(pairs_of(t))[h.name] for h in distil.HEADS]) for t in (TEXT, TEXT.replace("Norway", "Denmark"))]
    assert any(np.allclose(first, x, atol=1e-6) for x in said)
    drawn = {next(iter(distil.news_pairs(archive, default_model(), 1, seed, default_lexicon())))[0][0].actor for seed in range(1, 9)}
    assert drawn == {"Norway", "Denmark"}, "another seed, another article"


def test_people_and_bodies_of_an_archive_are_labelled_and_learnt_beside_states(distil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names, archive, table = script("names"), tmp_path / "raw.jsonl", tmp_path / "names.csv"
    text = "Laura Brontes, or Laura Q. Brontes, criticized the FBI. Norway accused Sweden of spying. Mary's lawyer, Carl Hoy's son, met Lund Brontes."
    archive.write_text("".join(json.dumps({"text": text, "date": "2019-01-01"}) + "\n" for _ in range(names.LEAST)), "utf-8")
    assert names.people([text] * (names.LEAST - 1)) == []
    monkeypatch.setattr("sys.argv", ["names.py", str(archive), "-o", str(table)])
    names.main()
    rows = table.read_text("utf-8").splitlines()
    assert [r for r in rows if r.endswith(",person")] == ["Laura Brontes,Laura Brontes,person"] and "FBI,FBI,name" in rows
    monkeypatch.setattr(distil, "KEPT", 1.0)
    monkeypatch.setattr(network, "_LEAST_STEPS", 20)
    folders = [tmp_path / "people", tmp_path / "states"]
    for folder, actors in zip(folders, (table, None), strict=True):
        folder.mkdir()
        distil.label(None, archive, default_model(), folder, articles=9, own=actors)
        distil.label(None, archive, default_model(), folder, articles=9, again=3, own=actors)
    (some, _), *_ = distil.news_pairs(archive, default_model(), 9, 1, stance.load_lexicon(table, extend=False))
    assert {p.actor for p in some} == {"Laura Brontes", "FBI"}
    first, second, learnt = tmp_path / "first.npz", tmp_path / "second.npz", []
    distil.learn([folders[1]], first, epochs=1)
    monkeypatch.setattr(distil, "train_network", lambda tokens, *rest, **options: learnt.append(len(tokens)) or network.train_network(tokens, *rest, **options))
    distil.learn([folders[1]], second, epochs=1, start=first)
    distil.learn(folders[::-1], second, epochs=1, start=first)
    assert learnt == [3, 6]


def test_labels_of_news_find_their_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    news = script("news_labels")
    archive, labels, out = tmp_path / "raw.jsonl", tmp_path / "labels.csv", tmp_path / "news.csv"
    archive.write_text("".join(json.dumps({"id": i, "text": TEXT, "date": "2019-01-01"}) + "\n" for i in ("one", "two")), "utf-8")
    first, _, third, _ = (news.checksum(f"{t}.") for t in TEXT.rstrip(".").split(". "))
    labels.write_text(
        "article_id,sentence_id,actor,stance,tone,readings,split\n"
        f"one,{third},Finland,neutral,neutral,,test\none,{first},Sweden,neutral,neutral,1,test\n"
        f"one,{'0' * 8},Norway,accuse,stern,1,test\nthree,{first},Norway,accuse,stern,1,test\ntwo,{first},Norway,accuse,stern,1,train\n",
        "utf-8",
    )
    monkeypatch.setattr("sys.argv", ["news_labels.py", str(archive), "--labels", str(labels), "--split", "test", "-o", str(out)])
    news.main()
    assert "2 pairs, of 4 labelled ones" in capsys.readouterr().out
    table = read_table(out)
    assert [(r.text, r.actor, r.labels, r.split) for r in table.rows] == [
        ("Norway accused Sweden of spying.", "Sweden", {"stance": "neutral", "tone": "neutral"}, "test"),
        ("Sweden denied it.", "", {"stance": "", "tone": ""}, ""),
        ("Finland did not comment on the row.", "Finland", {"stance": "neutral", "tone": "neutral"}, "test"),
    ]  # as far as the last label, and without the article that has none


def test_the_labels_of_news_are_of_the_codebook() -> None:
    rows = list(script("news_labels").read_labels(Path(__file__).parents[1] / "models" / "news_labels.csv").values())
    for head in DEFAULT_HEADS.values():
        assert {r[head.name] for r in rows} == set(head.labels)
    assert all(r["tone"] == "neutral" for r in rows if r["stance"] == "neutral")
    assert {r["split"] for r in rows} == {"train", "dev", "test"}
    assert len({(r["article_id"], r["split"]) for r in rows}) == len({r["article_id"] for r in rows}), "an article is in one part"
