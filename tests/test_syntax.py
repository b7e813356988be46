"""Cues, stems, and who does what in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import LIMIT
from hypothesis import given
from hypothesis import strategies as st
from test_actors import NAMES

from stance.actors import read
from stance.errors import DataError
from stance.syntax import CUE_LABELS, PRONOUN, QUOTED, Scan, build_cues, default_cues, polarity, scan, stem

HEADER = "phrase,label,kind,weight\n"


def scanned(text: str) -> tuple[Scan, list[str]]:
    """The scan of a one-sentence text, and the actors of its mentions."""
    (reading,) = read(text)
    return scan(reading, default_cues()), [m.actor for m in reading.mentions]


def who(relation: str, text: str, word: str) -> str:
    """The actor that is `subject`, `speaker` or `object` of a word, or ''."""
    s, actors = scanned(text)
    number = getattr(s, relation)[s.lower.index(word)]
    return actors[number] if number >= 0 else ""


def cues_of(text: str) -> set[str]:
    return {f.label for f in scanned(text)[0].cues}


@pytest.mark.parametrize(("text", "inside"), [("A poet said “no” and we go.", "A poet said no and we go."), ('A poet said "no" and we go.', "A poet said and we go.")])
def test_a_quotation_inside_a_speech_does_not_end_it(text: str, inside: str) -> None:
    (reading,) = read(text, speaker="Norway")
    s = scan(reading, default_cues())
    assert [w for w, clause in zip(reading.tokens.words, s.clause, strict=True) if clause == QUOTED and w.isalpha()] == inside.rstrip(".").split()


@pytest.mark.parametrize(
    ("text", "verb", "actor"),
    [
        ("Norway condemned Chile.", "condemned", "Norway"),
        ("Chile was condemned by Norway.", "condemned", "Norway"),
        ("Norway said Peru condemned Chile.", "condemned", "Peru"),
        ("Norway, which borders Sweden, condemned Chile.", "condemned", "Norway"),
        ("If Norway condemns Chile, Peru will leave.", "condemns", "Norway"),
        ("If Norway condemns Chile, Peru will leave.", "leave", "Peru"),
        ("Norway urged Chile to release the crew.", "urged", "Norway"),
        ("Norway urged Chile to release the crew.", "release", "Chile"),
        ('"We condemn the raid," Norway said.', "condemn", "Norway"),
        ('"The raid was a crime," said Norway.', "said", "Norway"),
        ("‘We condemn the raid,’ Norway said.", "condemn", "Norway"),
        ("'The raid was a crime,' said Norway.", "said", "Norway"),
        ("We will condemn the raid,’ said Norway.", "said", "Norway"),
        ("The talks in Chile failed.", "failed", ""),
        ("A senior Norwegian official rejected the claim.", "rejected", "Norway"),
        ("Two Norwegian officials rejected the claim.", "rejected", "Norway"),
        ("Last week Norway rejected the claim.", "rejected", "Norway"),
        ("On Monday Norwegian diplomats rejected the claim.", "rejected", "Norway"),
        ("In a statement Norway rejected the claim.", "rejected", "Norway"),
        ("In northern Chile rebels rejected the claim.", "rejected", ""),
        ("A bishop's Chile tour rejected the claim.", "rejected", ""),
        ("Dozens of Norwegian lawmakers rejected the claim.", "rejected", "Norway"),
        ("One of Norway's ministers rejected the claim.", "rejected", "Norway"),
        ("A friend of Norway rejected the claim.", "rejected", ""),
        ("Norway, angered over the raid, recalled its envoy.", "recalled", "Norway"),
        ("Norway rejected the plan, its foreign minister said.", "said", "Norway"),
        ("Norway rejected the plan, its oldest paper said.", "said", ""),
        ("Norway said Chile lied and that it would leave.", "leave", "Norway"),
        ("Norway, unlike Chile, condemned the raid.", "condemned", "Norway"),
        ("Norwegian state media said Chile lied.", "said", "Norway"),
        ("Norway warned Chile against attacking Peru.", "attacking", "Chile"),
        ("Nor has Norway condemned Chile.", "condemned", "Norway"),
        ("Only then did the Norwegian premier withdraw the threat.", "withdraw", "Norway"),
        ("Neither did Norway attack Chile.", "attack", "Norway"),
        ("Peru left, and so did Norway.", ".", "Norway"),
        ("Will Norway strike Chile?", "strike", "Norway"),
        ("Peru explained why Norway condemned Chile.", "condemned", "Norway"),
        ("The raid must end, warns Norway.", "warns", "Norway"),
        ("Chile, warned Norway, must pay.", "warned", "Norway"),
        ("Chile, warned Norway, must pay.", "pay", "Chile"),
        ("Chile, Norway warned, must pay.", "pay", "Chile"),
        ("Norway, which borders Sweden, said Chile would pay.", "said", "Norway"),
        ("Norway met Peru, warned Chile of war.", "warned", "Norway"),
        ("Norway met Peru, telling Chile the pact was dead.", "telling", "Norway"),
        ('"Chile broke the pact," said a farmer.', "said", ""),
        ("Chile broke the pact, said a farmer.", "said", ""),
        ("Norway, in a letter to Peru, announced three days of mourning.", "announced", "Norway"),
        ('Norway said "Chile lied" and closed the port.', "closed", "Norway"),
        ('"We go," said White House press secretary Dana Hale.', "said", "US"),
    ],
)
def test_subject_of_a_verb(text: str, verb: str, actor: str) -> None:
    assert who("subject", text, verb) == actor


@pytest.mark.parametrize(
    ("text", "verb", "actor"),
    [
        ("Norway condemned Chile.", "condemned", "Chile"),
        ("Chile was condemned by Norway.", "condemned", "Chile"),
        ("Norway did not condemn Chile.", "condemn", "Chile"),
        ("Norway left.", "left", ""),
        ("Norway asked how to reach Chile.", "reach", "Chile"),
        ("Norway told Chile to leave.", "told", "Chile"),
        ("Norway called Chile a bully.", "called", "Chile"),
        ("Norway warned Chile would leave.", "warned", ""),
    ],
)
def test_object_of_a_verb(text: str, verb: str, actor: str) -> None:
    assert who("object", text, verb) == actor


@pytest.mark.parametrize(
    ("text", "word", "actor"),
    [
        ("Norway said Chile broke the pact.", "broke", "Norway"),
        ("According to Norway, Chile broke the pact.", "broke", "Norway"),
        ("Chile broke the pact, Norway said.", "broke", "Norway"),
        ('"Chile broke the pact," she said.', "broke", ""),
        ("Chile broke the pact, insists Norway.", "broke", "Norway"),
        ('"We condemn the raid," Norway said.', "raid", "Norway"),
        ("Norway condemned Chile.", "condemned", ""),
        ("Norwegian claims were rejected.", "rejected", ""),
    ],
)
def test_speaker_of_a_word(text: str, word: str, actor: str) -> None:
    assert who("speaker", text, word) == actor


def test_mentions_of_a_list_share_a_group() -> None:
    s, actors = scanned("Norway, Peru and Chile condemned Sweden.")
    assert actors == ["Norway", "Peru", "Chile", "Sweden"]
    assert s.group == [0, 0, 0, 3]


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("Norway condemned Chile.", ["head", "object"]),
        ("Norwegian troops left.", ["modifier"]),
        ("Peru's army left.", ["possessor"]),
        ("The crew was freed by Chile.", ["agent"]),
    ],
)
def test_role_of_a_mention(text: str, roles: list[str]) -> None:
    assert scanned(text)[0].role == roles


@pytest.mark.parametrize(
    ("text", "word", "negated"),
    [("Norway did not condemn Chile.", "condemn", True), ("Norway condemned Chile.", "condemned", False), ("Norway did not wait but condemned Chile.", "condemned", False)],
)
def test_negation_reaches_its_verb(text: str, word: str, negated: bool) -> None:
    s, _ = scanned(text)
    assert s.negated[s.lower.index(word)] is negated


def test_a_condition_is_hypothetical() -> None:
    s, _ = scanned("If Norway condemns Chile, the pact ends.")
    assert s.hypothetical[s.lower.index("condemns")]
    assert not any(scanned("Norway condemned Chile.")[0].hypothetical)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Norway accused Chile of theft.", "accuse"),
        ("Norway denied the charge.", "deny"),
        ("Norway demanded an apology.", "demand"),
        ("Norway threatened Chile with sanctions.", "threaten"),
        ("Norway praised Chile.", "cooperate"),
        ("Norway refused to back down.", "firm"),
        ("Norway did not wait.", "negator"),
        ("Norway said so.", "report"),
    ],
)
def test_cues_of_a_sentence(text: str, label: str) -> None:
    assert label in cues_of(text)


def test_a_plain_fact_has_no_stance_cue() -> None:
    assert not cues_of("The cat slept on the mat.") & {"firm", "accuse", "deny", "demand", "threaten", "cooperate"}


def test_not_is_no_reporting_verb() -> None:
    assert "report" not in cues_of("Norway did not wait.")


@pytest.mark.parametrize("name", ["The United States", "The Netherlands", "The Security Council", "The White House"])
def test_no_cue_begins_inside_a_name(name: str) -> None:
    s, _ = scanned(f"{name} left.")
    assert [s.lower[f.first] for f in s.cues if s.tags[f.first] == "M"] == []


@given(st.lists(st.sampled_from([*NAMES, "which", "that", "if", "by", "not", "to", "is", "condemned", ";", "(", ")"]), max_size=25).map(" ".join))
def test_every_list_of_a_scan_fits_its_sentence(text: str) -> None:
    for r in read(text):
        s = scan(r, default_cues())
        n, k = len(r.tokens), len(r.mentions)
        by_token = (s.lower, s.stems, s.tags, s.mention_at, s.subject, s.speaker, s.object, s.clause, s.negated, s.hypothetical, s.passive, s.modal)
        assert {len(x) for x in by_token} == {n}
        assert len(s.group) == len(s.role) == k
        assert all(PRONOUN <= x < k for x in [*s.subject, *s.speaker, *s.object, *s.mention_at, *s.group])
        assert all(0 <= f.first < f.last <= n and f.label in CUE_LABELS for f in s.cues)


@pytest.mark.parametrize(
    "forms",
    ["accuse accuses accused accusing", "deny denies denied denying", "stop stops stopped stopping", "urge urges urged urging", "protest protests protested protesting"],
)
def test_inflected_forms_share_a_stem(forms: str) -> None:
    assert len(set(map(stem, forms.split()))) == 1


@pytest.mark.parametrize(("a", "b"), [("accuse", "accusation"), ("demand", "deny"), ("news", "new"), ("thing", "th")])
def test_other_words_do_not_share_a_stem(a: str, b: str) -> None:
    assert stem(a) != stem(b)


# --------------------------------------------------------------------------- cue tables


def test_every_row_of_the_shipped_cue_table_is_valid() -> None:
    text = (Path(__file__).parent.parent / "stance" / "data" / "cues.csv").read_text("utf-8")
    assert build_cues(text).digest == default_cues().digest


def test_polarity_has_both_signs() -> None:
    assert min(polarity().values()) < 0 < max(polarity().values())


def test_a_longer_cue_hides_the_shorter_one_it_covers() -> None:
    cues = build_cues(HEADER + "pull,threaten,verb,1\npull back,threaten,phrase,3\n")
    (reading,) = read("Norway will pull back its guards.")
    assert [(f.last - f.first, f.weight) for f in scan(reading, cues).cues if f.label == "threaten"] == [(2, 3.0)]


@pytest.mark.parametrize(("text", "found"), [("Norway took Chile to court.", True), ("Norway took it and the ship to court.", False), ("Norway took to court.", False)])
def test_a_star_in_a_cue_stands_for_one_to_three_words(text: str, found: bool) -> None:
    cues = build_cues(HEADER + "take * to court,threaten,phrase,3\n")
    (reading,) = read(text)
    assert ("threaten" in {f.label for f in scan(reading, cues).cues}) is found


def test_blanks_around_the_cells_of_a_cue_table_are_no_part_of_them() -> None:
    spaced, plain = (build_cues(HEADER + row) for row in (" zorb , threaten , verb , 3\n", "zorb,threaten,verb,3\n"))
    assert (spaced.opening, spaced.verbs) == (plain.opening, plain.verbs)


def test_all_bad_rows_of_a_cue_table_are_reported_at_once() -> None:
    with pytest.raises(DataError) as e:
        build_cues(HEADER + "blame,acuse,verb,3\nblame,accuse,vreb,3\nblame,accuse,verb,9\n* blame,accuse,verb,3\nblame *,accuse,phrase,3\nblame,accuse,verb\nblame,accuse,verb,3\n", source="mine.csv")
    assert [p.split(": ")[0] for p in e.value.problems] == [f"mine.csv:{n}" for n in (2, 3, 4, 5, 6, 7)]
    assert e.value.problems[0] == "mine.csv:2: label 'acuse'; did you mean 'accuse'?"


def test_a_cue_table_with_a_quotation_mark_that_is_never_closed() -> None:
    """It makes one cell of all that follows."""
    with pytest.raises(DataError) as e:
        build_cues(HEADER + 'blame,accuse,verb,3\n"chide,accuse,verb,3\n' + "scold,accuse,verb,3\n" * 10_000, source="mine.csv")
    assert [p.split("; ")[1] for p in e.value.problems] == ["four are needed"] and e.value.problems[0].startswith("mine.csv:3: 1 cells in 'chide")
    assert len(e.value.problems[0]) < 200


def test_a_cue_table_with_the_line_ends_of_old_macs() -> None:
    (reading,) = read("Norway chided Chile.")
    cues = build_cues((HEADER + "chide,accuse,verb,3\n").replace("\n", "\r"))
    assert "accuse" in {f.label for f in scan(reading, cues).cues}


def test_a_cue_table_with_other_columns() -> None:
    with pytest.raises(DataError, match="the columns are word, label"):
        build_cues("word,label\nx,accuse\n", source="mine.csv")


def test_a_lexicon_is_pickled_alike_in_every_process() -> None:
    """So that `train --cues` gives the same bytes: sets of text have another order in each."""
    code = "import pickle, hashlib; from stance.syntax import default_cues; print(hashlib.sha256(pickle.dumps(default_cues())).hexdigest())"
    said = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True, timeout=LIMIT).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] and len(said[0].strip()) == 64


def test_a_list_of_thousands_of_actors_is_one() -> None:
    """As a table without a full stop is; it was too deep to be followed name by name."""
    (reading,) = read(", ".join(["Norway", "Chile", "Peru", "Sweden"] * 1000) + " and Qatar condemned the raid.")
    begun = time.process_time()
    s = scan(reading, default_cues())
    assert len(s.group) == 4001 and set(s.group) == {0} and s.subject[s.lower.index("condemned")] == 0
    assert time.process_time() - begun < 5  # a tenth of a second
