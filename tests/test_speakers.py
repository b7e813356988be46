"""Speeches: a text whose speaker is told beside it, in articles, labelled data and at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run, write_csv

from stance.actors import Reading, pairs, read, speaker_of, speakers_of
from stance.articles import Article, read_articles, scan_articles
from stance.classification import classify
from stance.dataset import read_dataset, read_pairs
from stance.features import prepare, sequences
from stance.lexicon import Lexicon, country_codes, load_lexicon
from stance.model import Model
from stance.sampling import sample
from stance.targets import with_named

Cli = Callable[..., Run]
SPEECH = "Norway welcomes the talks. We condemn the raid on the port.\n\nChile must pay for it.\n\nAs a poet once said, “rain is patient”. The door stays open."


def actors_of(found: list[Reading]) -> list[set[str]]:
    return [{m.actor for m in r.mentions if m.kind != "place"} for r in found]


@pytest.mark.parametrize(
    ("name", "date", "actor"),
    [
        ("Norway", "", "Norway"), ("NOR", "", "Norway"), ("Great Britain", "", "UK"), ("norway", "", "Norway"), ("Russia's foreign ministry", "", "Russia"),
        ("President Barack Obama", "2012-05-01", "US"), ("Barack Obama", "2024-05-01", ""), ("Mr. Lavrov", "2012-05-01", "Russia"), ("BRN", "", "Brunei"),
        ("Ine Lie", "", ""), ("Norway's envoy to the UN", "", ""), ("US Senator Ine Lie", "", ""), ("nor", "", ""), ("", "", ""), ("?!", "", ""),
    ],
)  # fmt: skip
def test_whom_a_speaker_speaks_for(lexicon: Lexicon, name: str, date: str, actor: str) -> None:
    assert speaker_of(name, lexicon, date=date) == actor


@pytest.mark.parametrize(
    ("name", "actors"),
    [
        ("USA; JPN", ("US", "Japan")), ("USA, JPN", ("US", "Japan")), ("the United States and Japan", ("US", "Japan")), ("NOR", ("Norway",)),
        ("Norway, Peru, and Great Britain", ("Norway", "Peru", "UK")), ("Bosnia and Herzegovina; NOR", ("Bosnia", "Norway")),
        ("Trinidad and Tobago", ("Trinidad and Tobago",)), ("NOR; Norway", ("Norway",)), ("Norway and Ine Lie", ("Norway and Ine Lie",)), ("Norway and", ("Norway and",)),
        ("NOR; Ine Lie", ("Norway", "Ine Lie")), (";", ()), ("", ()),
    ],
)  # fmt: skip
def test_several_speakers(lexicon: Lexicon, name: str, actors: tuple[str, ...]) -> None:
    assert speakers_of(name, lexicon) == actors


def test_every_sentence_of_a_joint_statement_is_each_speakers(lexicon: Lexicon, model: Model) -> None:
    text = "Chile must stop. We condemn the shelling. Norway and Peru will not wait. Both sides welcomed it."
    found = read(text, lexicon=lexicon, speaker="NOR; PER")
    assert actors_of(found) == [{"Norway", "Peru", "Chile"}, *[{"Norway", "Peru"}] * 3]
    alone = {who: [p for r in read(text, lexicon=lexicon, speaker=who) for p in pairs(r) if p.actor == who] for who in ("Norway", "Peru")}
    for who, mine in alone.items():
        there = [p for r in found for p in pairs(r) if p.actor == who]
        assert there[:3] == mine[:3] and all(p.reading.speaker == who for p in there)
        assert (model.predict_proba(there[:3])["stance"] == model.predict_proba(mine[:3])["stance"]).all()
    assert [named for _, named in with_named(found)] == [("Chile",)] * 4


def test_semicolons_part_speakers_whom_the_lexicon_does_not_know_too(lexicon: Lexicon) -> None:
    (reading,) = read("We condemn the shelling.", lexicon=lexicon, speaker="NOR; Ine Lie;Chile and Peru; ")
    assert reading.speakers == ("Norway", "Ine Lie", "Chile", "Peru")
    assert [r.speaker for r in read("We left. We stayed.", lexicon=lexicon, speaker=" ; ")] == ["", ""]


def test_rows_of_a_joint_statement_are_read_as_the_article(tmp_path: Path, lexicon: Lexicon) -> None:
    text = "We will not wait for Chile. Norway and Peru are ready."
    rows = [
        {"text": r.sentence.text, "actor": p.actor, "article_id": "a", "sentence_id": n, "speaker": "Norway and Peru", "stance": "firm"}
        for n, r in enumerate(read(text, lexicon=lexicon, speaker="NOR, PER")) for p in pairs(r)
    ]  # fmt: skip
    there = read_pairs(write_csv(tmp_path / "joint.csv", rows), lexicon=lexicon).pairs
    assert [(p.actor, p.reading.speaker) for p in there] == [(p.actor, p.reading.speaker) for r in read(text, lexicon=lexicon, speaker="NOR; PER") for p in pairs(r)]
    assert {p.actor: p.reading.speaker for p in there} == {"Norway": "Norway", "Peru": "Peru", "Chile": "Norway"}


def test_every_code_is_of_an_actor_of_the_lexicon_and_but_for_former_ones_none_is_of_two(lexicon: Lexicon) -> None:
    former = {"BUR": "Burma", "ROM": "Romania", "SCG": "Serbia and Montenegro", "SUN": "Soviet Union", "TMP": "East Timor", "YUG": "Yugoslavia", "ZAR": "Zaire"}
    assert all(speaker_of(code, lexicon) == speaker_of(name, lexicon) != "" for code, name in former.items())
    codes = {k: v for k, v in country_codes().items() if k not in former}
    assert len(codes) > 200 and set(codes.values()) <= set(lexicon.actors) and len(set(codes.values())) == len(codes)
    assert all(len(code) == 3 and code.isupper() for code in codes)
    assert {codes[x] for x in ("COG", "COD", "PRK", "KOR")} == {"Republic of Congo", "DR Congo", "North Korea", "South Korea"}


def test_every_sentence_of_a_speech_is_its_speakers(lexicon: Lexicon) -> None:
    found = read(SPEECH, lexicon=lexicon, speaker="NOR")
    assert actors_of(found) == [{"Norway"}, {"Norway"}, {"Norway", "Chile"}, {"Norway"}, {"Norway"}]
    assert all(r.speaker == "Norway" and r.in_quote for r in found)
    assert actors_of(read(SPEECH, lexicon=lexicon)) == [{"Norway"}, set(), {"Chile"}, set(), set()]


@pytest.mark.parametrize("marks", [("QUESTION:", "MR. LIE:"), ("Q:", "A:"), ("Reuters:", "Ine Lie:"), ("Q.", "A.")])
def test_questions_in_a_briefing_are_not_the_speakers(lexicon: Lexicon, marks: tuple[str, str]) -> None:
    asks, answers = marks
    text = f"{answers} Good day. We go on.\n\n{asks} And Peru?\n\nIt said no.\n\n{answers} Peru should wait. That is all.\n\nWe will be there."
    found = [r.speaker for r in read(text, lexicon=lexicon, speaker="Norway")]
    assert found == ["Norway", "Norway", "", "", "Norway", "Norway", "Norway"]


def test_who_speaks_in_a_transcript_speaks_until_another_one_does(lexicon: Lexicon) -> None:
    text = "HOST: Welcome.\n\nBarack Obama: Peru must wait.\n\nThe door is open. Chile knows that.\n\nHOST: And then?\n\nNobody knows."
    assert [r.speaker for r in read(text, lexicon=lexicon, date="2012-05-01")] == ["", "", "US", "US", "", ""]
    assert [r.speaker for r in read(text.replace("HOST: ", "").replace("Barack Obama: ", "Barack Obama met us. "), lexicon=lexicon, date="2012-05-01")] == [""] * 7


def test_organs_without_a_country_are_the_speakers(lexicon: Lexicon) -> None:
    text = "Peru met us in May. The government will not wait, the foreign ministry said in its statement."
    phrases = [(m.actor, m.text) for m in read(text, lexicon=lexicon, speaker="Norway")[1].mentions if m.kind == "phrase"]
    assert phrases == [("Norway", "The government"), ("Norway", "the foreign ministry"), ("Norway", "its statement")]


def test_one_who_is_not_in_the_table_is_an_actor_by_the_name_given(lexicon: Lexicon, tmp_path: Path) -> None:
    assert actors_of(read("Chile must pay.", lexicon=lexicon, speaker="Ine Lie")) == [{"Ine Lie", "Chile"}]
    (table := tmp_path / "mine.csv").write_text("alias,actor,kind\nIne Lie,Tidal Party,person\n", "utf-8")
    assert actors_of(read("Chile must pay.", lexicon=load_lexicon(table), speaker="Ine Lie")) == [{"Tidal Party", "Chile"}]


def test_records_tell_their_speaker_by_its_usual_name_or_another(tmp_path: Path) -> None:
    (path := tmp_path / "news.jsonl").write_text('{"text": "We wait.", "Speaker": " NOR "}\n{"text": "We go.", "country": "Peru"}\n', "utf-8")
    assert [a.speaker for a in read_articles(path)] == ["NOR", ""]
    assert [a.speaker for a in read_articles(path, columns={"speaker": "country"})] == ["", "Peru"]
    assert [a.speaker for a in scan_articles(path, speaker="Chile") if isinstance(a, Article)] == ["NOR", "Chile"]


def test_judgements_of_a_speech(model: Model) -> None:
    told, plain = (list(classify(Article("s", SPEECH, speaker=who), model)) for who in ("Norway", ""))
    assert {j.index for j in told if j.actor == "Norway"} == set(range(5)) and {j.index for j in plain if j.actor == "Norway"} == {0}


def test_a_sample_of_speeches_is_read_as_they_are(lexicon: Lexicon, tmp_path: Path, model: Model) -> None:
    articles = [Article("a", SPEECH, speaker="NOR", date="2020-01-01"), Article("b", f"{SPEECH} Peru said so.")]
    rows = [r for r in sample(articles, 20, lexicon=lexicon).rows if r.actor]
    assert {(r.article_id, r.speaker) for r in rows} == {("a", "NOR"), ("b", "")}
    path = write_csv(tmp_path / "s.csv", [
        {"text": r.text, "actor": r.actor, "start": r.start, "end": r.end, "article_id": r.article_id, "sentence_id": r.sentence_id, "speaker": r.speaker, "stance": "firm"}
        for r in rows
    ])  # fmt: skip
    labelled = {(r.article_id, r.sentence_id, r.actor): p for data in [read_pairs(path)] for r, p in zip(data.rows, data.pairs, strict=True)}
    for a in articles:
        for reading in read(a.text, lexicon=lexicon, speaker=a.speaker):
            for actor in actors_of([reading])[0]:
                there = labelled[a.id, str(reading.sentence.index), actor].reading
                assert (there.speaker, there.in_quote) == (reading.speaker, reading.in_quote) and actors_of([there]) == actors_of([reading])
    assert not [w for w in read_dataset(path, heads=["stance"]).warnings if "not found in the sentence" in w]


def test_rows_of_one_article_may_have_several_speakers(tmp_path: Path, model: Model) -> None:
    rows = [
        {"text": "We will not wait.", "actor": who, "stance": "firm", "article_id": "debate", "sentence_id": n, "speaker": who}
        for n, who in enumerate(("Norway", "Peru", "Ine Lie"))
    ]
    pairs = read_dataset(write_csv(tmp_path / "d.csv", rows), heads=["stance"]).pairs
    assert [p.reading.speaker for p in pairs] == [p.actor for p in pairs] == ["Norway", "Peru", "Ine Lie"]
    first, *others = (sequences(prepare([p], cues=model.cues)) for p in pairs)
    assert all((first.facts == x.facts).all() for x in others)


def test_the_speaker_is_part_of_the_data(tmp_path: Path) -> None:
    rows = [{"text": "Chile will wait.", "actor": "Chile", "stance": "firm", "speaker": who} for who in ("", "Peru")]
    prints = [read_dataset(write_csv(tmp_path / f"{n}.csv", [r]), heads=["stance"]).fingerprint for n, r in enumerate(rows)]
    assert prints[0] != prints[1]
    del rows[0]["speaker"]
    assert read_dataset(write_csv(tmp_path / "plain.csv", rows[:1]), heads=["stance"]).fingerprint == prints[0]


def test_the_command_line_takes_a_speaker_and_tells_one_it_does_not_know(run: Cli, tmp_path: Path, model_file: Path) -> None:
    (path := tmp_path / "speech.txt").write_text(SPEECH, "utf-8")
    r = run("classify", path, "-m", model_file, "--speaker", "NOR")
    assert r.code == 0 and "speaker" not in r.err and sum(json.loads(x)["actor"] == "Norway" for x in r.out.splitlines()) == 5
    r = run("classify", path, "-m", model_file, "--speaker", "Ine Lie")
    assert r.code == 0 and "note: 1 speaker not in the alias table, taken as actors by the names given: Ine Lie (1); --actors" in r.err
    assert sum(json.loads(x)["actor"] == "Ine Lie" for x in r.out.splitlines()) == 5
    assert "Norway" in run("actors", "We will not wait.", "--speaker", "NOR").out
    assert run("explain", "We will not wait.", "--actor", "Norway", "--speaker", "NOR", "-m", model_file).code == 0
    assert run("explain", "We will not wait.", "--actor", "Norway", "-m", model_file).code == 1


def test_another_speaker_is_another_article_of_a_database(run: Cli, tmp_path: Path, model_file: Path) -> None:
    path, out = tmp_path / "speeches.jsonl", tmp_path / "r.sqlite"
    path.write_text(json.dumps({"id": "a", "text": SPEECH, "speaker": "NOR"}), "utf-8")
    assert run("classify", path, "-o", out, "-m", model_file).code == 0
    path.write_text(json.dumps({"id": "a", "text": SPEECH, "speaker": "Peru"}), "utf-8")
    r = run("classify", path, "-o", out, "-m", model_file)
    assert r.code == 1 and "(its text, title, date, source or speaker changed)" in r.err
    assert run("classify", path, "-o", out, "-m", model_file, "--update").code == 0
    r = run("classify", path, "-o", out, "-m", model_file, "--speaker", "Chile")
    assert r.code == 1 and "speaker" in r.err


def test_a_page_of_a_speech_shows_what_its_judgements_rest_on(run: Cli, tmp_path: Path, model_file: Path) -> None:
    (path := tmp_path / "speech.txt").write_text(SPEECH, "utf-8")
    r = run("classify", path, "-m", model_file, "--speaker", "NOR", "--all", "-o", tmp_path / "page.html")
    assert r.code == 0 and (tmp_path / "page.html").read_text("utf-8").count('data-actor="Norway"') == 5
