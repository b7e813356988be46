"""Mentions, the alias table, and what is carried from sentence to sentence."""

from __future__ import annotations

import csv
import time
import unicodedata
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from conftest import cases, hold
from hypothesis import given
from hypothesis import strategies as st

from stance.actors import Mention, _token_span, pairs, read
from stance.articles import Article
from stance.dates import valid_date
from stance.errors import DataError, InputError, StanceWarning
from stance.lexicon import Lexicon, clashes, default_lexicon, load_lexicon
from stance.naming import _PRIVATE, given_names
from stance.text import DATA, tokenize

HEADER = "alias,actor,kind,from,to,guard\n"


def spoken(text: str, lexicon: Lexicon | None = None, date: str = "") -> list[list[str]]:
    """By sentence, the mentions that speak for an actor as `actor: surface`; places left out, order of one span free."""
    return [sorted(f"{m.actor}: {m.text}" for m in r.mentions if m.kind != "place") for r in read(text, lexicon=lexicon, date=date)]


def mentions(text: str, lexicon: Lexicon | None = None, date: str = "") -> list[Mention]:
    return [m for r in read(text, lexicon=lexicon, date=date) for m in r.mentions]


def table(tmp_path: Path, rows: str, header: str = HEADER) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(header + rows, "utf-8")
    return path


# --------------------------------------------------------------------------- reading


@pytest.mark.parametrize("case", cases("actors"))
def test_golden_mentions(case: dict[str, Any]) -> None:
    hold(case, spoken(case["text"], date=case.get("date", "")), [sorted(s) for s in case["mentions"]])


@pytest.mark.parametrize("passes", [True, False])
def test_a_known_failure_that_passes_is_reported(passes: bool) -> None:
    case = {"name": "x", "expect": "fail"}
    if passes:
        with pytest.raises(AssertionError, match="now passes"):
            hold(case, 1, 1)
    else:
        hold(case, 1, 2)


NAMES = ["Norway", "Oslo", "the U.S.", "Theresa May", "Beijing", "Both sides", "He", "It", "The ministry", "the two countries", '"', "“", "”", "said",
         "accused", "in", ".", "!", ",", "'s", "-", "Foreign Minister Ine Lie", "former", "President", "GEORGIA", "\n", "é", "a", "war", "of", "pro-"]  # fmt: skip


@given(st.lists(st.sampled_from(NAMES), max_size=25).map(" ".join))
def test_a_mention_is_its_span_of_the_sentence(text: str) -> None:
    for r in read(text):
        for m in r.mentions:
            assert r.sentence.text[m.start : m.end] == m.text
            if m.text:
                assert (m.start, m.end) == (r.tokens.starts[m.first], r.tokens.ends[m.last - 1])
            assert m.actor and m.why


@given(st.lists(st.sampled_from(NAMES), max_size=25).map(" ".join))
def test_pairs_hold_every_mention_that_is_no_place_once(text: str) -> None:
    for r in read(text):
        found = pairs(r)
        assert len({p.actor for p in found}) == len(found)
        assert sorted(m.start for p in found for m in p.mentions) == sorted(m.start for m in r.mentions if m.kind != "place")
        assert all(m.actor == p.actor for p in found for m in p.mentions)


def test_reading_is_the_same_twice() -> None:
    text = "Norway's minister Ine Lie met Chile. She said both sides would wait. The ministry agreed."
    assert read(text) == read(text)


@pytest.mark.parametrize("given", [None, b"Oslo left.", ["Oslo left."], Article("a", "Oslo left.")])
def test_what_is_no_text_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match="the text is given as .*, not as a str\n  that of an Article is its .text"):
        read(given)


@pytest.mark.parametrize("given", ["Oslo left.", read("Oslo left.")])
def test_pairs_are_those_of_one_reading(given: Any) -> None:
    with pytest.raises(InputError, match=r"of a text: \[p for r in stance.read\(text\) for p in stance.pairs\(r\)\]"):
        pairs(given)


def test_nothing_is_carried_from_one_text_to_the_next() -> None:
    read("Norwegian Foreign Minister Ine Lie signed the paper.")
    assert spoken("Lie then left. She said it was late.") == [[], []]


def test_a_place_is_kept_as_a_place_and_makes_no_pair() -> None:
    (reading,) = read("The fair was held in Norway.")
    assert [(m.actor, m.text, m.kind) for m in reading.mentions] == [("Norway", "Norway", "place")]
    assert pairs(reading) == []


def test_pairs_come_in_order_of_first_mention() -> None:
    (reading,) = read("Peru told Chile that Lima would wait.")
    assert [(p.actor, [m.text for m in p.mentions]) for p in pairs(reading)] == [("Peru", ["Peru", "Lima"]), ("Chile", ["Chile"])]


@pytest.mark.parametrize(
    ("text", "surface", "kind", "carried"),
    [
        ("Norway closed the fjord.", "Norway", "name", False),
        ("Kenyan officials left.", "Kenyan", "demonym", False),
        ("Ottawa closed the port.", "Ottawa", "capital", False),
        ("Norwegian Foreign Minister Ine Lie left.", "Ine Lie", "learnt", False),
        ("Norwegian Foreign Minister Ine Lie left. She said it was late.", "She", "pronoun", True),
        ("Norway met Chile. Both sides agreed to wait.", "Both sides", "phrase", True),
        ('"We will not wait," Iran said. "We have waited long enough."', "", "quote", True),
    ],
)
def test_kinds_of_mentions(text: str, surface: str, kind: str, carried: bool) -> None:
    found = [m for m in mentions(text) if m.text == surface]
    assert found and {(m.kind, m.carried) for m in found} == {(kind, carried)}


@pytest.mark.parametrize(
    ("value", "date"),
    [("2018-03-04", "2018-03-04"), ("2018-03-04T10:00:00Z", "2018-03-04"), ("2018-03", "2018-03"), ("2018", "2018"), (" 2018-03-04 ", "2018-03-04"),
     ("20180304", "2018-03-04"), ("Sun, 04 Mar 2018 10:00:00 GMT", "2018-03-04"), ("4 Mar 2018 10:00:00 +0100", "2018-03-04"), ("1704067200", "2024-01-01"), ("Sun, 34 Mar 2018", ""),
     ("2024/03/01", "2024-03-01"), ("2024-3-1", "2024-03-01"), ("2024/03", "2024-03"), ("1 March 2024", "2024-03-01"), ("March 1, 2024", "2024-03-01"),
     ("Mar. 1, 2024", "2024-03-01"), ("Friday, March 1st, 2024 at 10:00", "2024-03-01"), ("10 Sept 2024", "2024-09-10"), ("2024-03-01-10-00", "2024-03-01"),
     ("01.03.2024", "2024-03-01"), ("13.9.2023 10:00", "2023-09-13"), ("1. 3. 2024", "2024-03-01"), ("9/13/2023", "2023-09-13"), ("13/9/2023 10:00", "2023-09-13"),
     ("13-09-2023", "2023-09-13"), ("4/4/2023", "2023-04-04"), ("09.13.2023", ""), ("13/13/2023", ""), ("1/2/20234", ""), ("9/13-2023", ""), ("04/03/2023", ""), ("9/13/23", "2023-09-13"), ("7/23/98 10:00", "1998-07-23"), ("9/12/23", ""), ("23/9/13", ""), ("13/9/23", ""), ("09.13.23", ""), ("2/30/23", ""), ("9/13/234", ""), ("9/13/23-14", ""), ("9/13/23/4", ""),
     ("2018-03-04 10:00:00+02:00", "2018-03-04"), ("20180304T100000Z", "2018-03-04"), ("Sun Mar  4 10:00:00 2018", "2018-03-04"),
     ("Sun Mar 04 10:00:00 +0000 2018", "2018-03-04"), ("2024.03.01", ""), ("2024/13/01", ""), ("01/03/2024", ""), ("2018-2019", ""), ("30 February 2024", ""), ("1 Brumaire 2024", ""),
     ("1704067199000", "2023-12-31"), ("1704067200.5", "2024-01-01"), ("1000000000", "2001-09-09"), ("999999999", ""), ("17040672000", ""), ("2024030112", ""), ("20240301101500", "2024-03-01"), ("20240231101500", ""), ("202403011015001", ""),
     ("2018 March 4", "2018-03-04"), ("2018-Mar-04 10:00", "2018-03-04"), ("2018, Sept. 4th", "2018-09-04"), ("2018 March", "2018-03"), ("2018-Sept.", "2018-09"), ("2018 Mar 10:00", ""),
     ("March 2018", "2018-03"), ("Sept. 2018", "2018-09"), ("Since March 2018", ""), ("March 2018 10:00", ""), ("Decision 2018", ""),
     ("2018 Decision 4", "2018"), ("1704067200 h", ""), ("2018-13-01", ""), ("2018-02-30", ""),
     ("2018-W09-7", "2018-03-04"), ("2018W097T10:00", "2018-03-04"), ("2020-W53-5", "2021-01-01"), ("2021-W53-1", ""), ("2018-W09", ""), ("2018 w09", ""), ("2018-W09-71", ""),
     ("last week", ""), ("", "")],
)  # fmt: skip
def test_valid_date(value: str, date: str) -> None:
    assert valid_date(value) == date


def test_the_date_of_a_text_is_read_in_any_form_or_refused() -> None:
    assert [bool(mentions("Angela Merkel left.", date=d)) for d in ("1 March 2015", "01.03.2023")] == [True, False]
    with pytest.raises(InputError, match="the date is 'last week', which is not understood"):
        mentions("Angela Merkel left.", date="last week")


@pytest.mark.parametrize(("date", "found"), [("", True), ("2010", True), ("2010-05", True), ("2010-05-11", False), ("2010-05-12", True), ("2011", True), ("2011-12-31", True), ("2012-01-01", False), ("2009", False)])
def test_time_in_office_with_partial_dates(tmp_path: Path, date: str, found: bool) -> None:
    lexicon = load_lexicon(table(tmp_path, "Ane Vold,Norway,person,2010-05-12,2011-12-31,\n"), extend=False)
    assert bool(mentions("Ane Vold left.", lexicon, date)) is found


@pytest.mark.parametrize(("date", "found"), [("", []), ("2005", ["Norway", "Norway"]), ("2012", [])])
def test_a_dated_alias_counts_in_no_text_without_a_date(tmp_path: Path, date: str, found: list[str]) -> None:
    lexicon = load_lexicon(table(tmp_path, "Ane Vold,Norway,person,2001,2009,dated\n"), extend=False)
    assert [m.actor for m in mentions("Ane Vold left. Vold spoke.", lexicon, date)] == found


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("The government in Oslo accused Chile. The regime in Lima denied it.", ["Peru: Lima"]),
        ("Chile will leave, the junta in Quito said.", ["Chile: Chile", "Ecuador: Quito"]),
        ("The foreign ministry in Oslo denied it.", ["Norway: Oslo"]),
        ("The embattled, US-backed authorities in Lima left.", ["Peru: Lima", "US: US"]),
        ("Officials in Norway, Chile and the Netherlands left.", ["Chile: Chile", "Netherlands: Netherlands", "Norway: Norway"]),
        ("A senior official in Lima said no.", ["Peru: Lima"]),
        ("Chilean officials in Lima said no.", ["Chile: Chilean"]),
        ("The Chilean embassy in Lima said no.", ["Chile: Chilean"]),
        ("Church leaders in Lima and protesters in Oslo said no.", []),
        ("Officials in Geneva said no.", []),
        ("Its forces in Peru and the troops in Lima left.", []),
        ("The government in exile left.", []),
        ("Norway accused Chile. A spokeswoman in Lima said no.", []),
        ("Norway accused Chile. The embassy in Lima said no.", ["Norway: The embassy"]),
        ("Norway accused Chile. The embassy in Oslo said no.", []),
        ("The opposition leaders in Lima left.", []),
        ("The military in Peru left.", []),
        ("The army in Peru seized the port.", ["Peru: Peru"]),
        ("The Army in Peru left.", []),
        ("The Chilean army in Peru left.", ["Chile: Chilean"]),
        ("Rulers in Lima freed him.", ["Peru: Lima"]),
        ("Chile blamed the mullahs in Tehran.", ["Chile: Chile", "Iran: Tehran"]),
        ("State media in Peru denied it.", ["Peru: Peru"]),
        ("The media in Peru denied it.", []),
    ],
)
def test_an_organ_or_officials_in_a_capital_or_state_are_its(text: str, last: list[str]) -> None:
    assert spoken(text)[-1] == last


@pytest.mark.parametrize(
    "line",
    ["KYIV, Ukraine (AP) —", "Lima (CNN) —", "Lima (CNN)", "Lima (AFP) -", "Beijing, Nov. 4 (Xinhua) --", "BEIJING, Nov. 4 (Xinhua) --", "Brussels, April 3 -", "MOSCOW, Russia —",
     "LIMA, 14 March -", "LIMA, 14 March 2024 —", "Lima, 14.03.2024 –", "LIMA, 14 March 2024 (Reuters) —", "LIMA/OSLO, 14 March —", "Lima, 14th March (AFP) -",
     "LIMA:", "Lima:", "LIMA/OSLO:", "LIMA, Peru:", "NEW DELHI:", "UNITED NATIONS:", "LIMA, DEC 3:", "LIMA, Dec 3 (APP):", "LIMA, Dec.3, (NAN)", "Lima (Agencia Andina) -",
     "New Delhi [India], December 3 (ANI):"],
)  # fmt: skip
def test_a_dateline_makes_no_actor(line: str) -> None:
    assert spoken(f"{line} Norway warned Chile.")[0] == ["Chile: Chile", "Norway: Norway"]
    assert spoken(f"Leaders meet\n{line} Norway warned Chile.")[1] == ["Chile: Chile", "Norway: Norway"]
    assert spoken("A caption stands here.\n" * 9 + f"{line} Norway warned Chile.")[-1] == ["Chile: Chile", "Norway: Norway"]
    if not line[:4].isupper():  # in the midst of a paragraph only a place in capitals can begin one
        assert len(spoken(f"It rained. {line} Norway warned Chile.")[-1]) > 2


def test_a_dateline_may_be_a_sentence() -> None:
    assert spoken("MOSCOW, December 3. /TASS/. Norway warned Chile.") == [[], ["Chile: Chile", "Norway: Norway"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NEW DELHI and IRAN met in Chile.", ["India: NEW DELHI", "Iran: IRAN"]),
        ("Male nurses left the hall.", []),
        ("The Maldives protested and Malé warned Chile.", ["Chile: Chile", "Maldives: Maldives", "Maldives: Malé"]),
    ],
)
def test_names_in_capitals_and_accents(text: str, found: list[str]) -> None:
    assert spoken(text)[0] == found


@pytest.mark.parametrize("label", ["Lima: we reject it", "Lima: We reject it.", "PERU: We reject it.", 'Lima: "No deal."', "Peru: army holds two towns", "PERU: The army holds two towns."])
def test_a_label_before_a_colon_is_no_dateline(label: str) -> None:
    assert [x.split(":")[0] for x in spoken(label)[0]] == ["Peru"]


def test_turns_of_a_transcript_are_no_datelines() -> None:
    turns = ["LIMA: The pact is dead.", "OSLO: The pact holds.", "LIMA: The pact is a lie."]
    assert all(spoken("\n".join(turns)))


@pytest.mark.parametrize("text", ["Lima – which had waited – warned Chile.", "Lima (on the coast) – warned Chile.", "Lima, in April - warned Chile."])
def test_a_dash_in_running_text_is_no_dateline(text: str) -> None:
    assert spoken(text) == [["Chile: Chile", "Peru: Lima"]]


_SHE_HE = (
    "Ida Berg,Orda,person,,,she\nOle Dahl,Ulus,person,,,he\nKes Vinn,Horde,person,,,\n"
    "Anna Holm,Steppe,person,,,\nBjörn Lund,Tumen,person,,,\nSaga,Saga,name,,,\n"
)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Ida Berg accused Ole Dahl. He denied it.", ["Ulus: He"]),
        ("Ole Dahl accused Ida Berg. He denied it.", ["Ulus: He"]),
        ("Ole Dahl met Ida Berg. She accused him.", ["Orda: She"]),
        ("Ole Dahl met Ida Berg. She accused him. He denied it.", ["Ulus: He"]),
        ("Ole Dahl spoke. She accused him.", []),
        ("Ole Dahl spoke. She accused him. He denied it.", ["Ulus: He"]),
        ("Ida Berg spoke. Ole Dahl told the papers that she lied.", ["Orda: she", "Ulus: Ole Dahl"]),
        ("Kes Vinn met Ida Berg. She accused him.", ["Horde: She"]),  # of Vinn nothing is known
        ("Mr Kes Vinn met Ida Berg. She accused him.", ["Orda: She"]),
        ("Kes Vinn, a spokesman for the yurts, met Ida Berg. She accused him.", ["Orda: She"]),
        ("Kes Vinn, a spokesman said, met Ida Berg. She accused him.", ["Horde: She"]),
        ("Björn Lund met Anna Holm. She accused him.", ["Steppe: She"]),  # by their given names
        ("Ole Dahl spoke. Frida Xu agreed. He left again.", ["Ulus: He"]),  # another's name, of a woman
        ("Ole Dahl spoke. Kim Xu agreed. He left again.", []),
        ("Ole Dahl spoke. Frida Xu and Leader Hans Xu said that he left.", []),
        ("Saga's spokeswoman accused Ole Dahl. She said that it rained.", ["Saga: She"]),
    ],
)
def test_he_and_she_are_of_those_whose_pronoun_it_may_be(tmp_path: Path, text: str, last: list[str]) -> None:
    assert spoken(text, load_lexicon(table(tmp_path, _SHE_HE), extend=False))[-1] == last


def test_officials_of_states_have_their_pronouns() -> None:
    assert spoken("Merkel met Macron. She said no. He said yes.", date="2018-05")[1:] == [["Germany: She"], ["France: He"]]
    assert spoken("Wang Yi met Hua Chunying in Oslo. He left. She said no.", date="2018-05")[1:] == [["China: He"], ["China: She"]]
    assert spoken("Lavrov met Zakharova. Merkel said that he lied.", date="2018-05")[-1] == ["Germany: Merkel", "Russia: he"]


@pytest.mark.parametrize(("between", "behind", "last"), [(1, 0, ["Germany: She"]), (0, 1, ["Germany: She"]), (1, 1, []), (0, 2, [])])
def test_an_official_named_before_another_is_she_for_two_sentences_between(between: int, behind: int, last: list[str]) -> None:
    rain = "It rained in the hills. "
    assert spoken(f"Merkel spoke. {rain * between}Macron spoke. {rain * behind}She left.", date="2018-05")[-1] == last


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Björn Lund spoke. Mr Lund left.", ["Tumen: Lund"]),
        ("Björn Lund spoke. Ms Lund left.", []),
        ("Björn Lund spoke. Ms. Lund left.", []),
        ("Björn Lund met Kim Lund. Lund left.", ["Tumen: Lund"]),
        ("Kes Vinn spoke. Mrs Vinn left.", ["Horde: Vinn"]),
        ("Mrs Khan left.", []),
        ("Mr Khan left.", ["Orda: Khan"]),
    ],
)
def test_a_surname_behind_another_sex_is_somebody_elses(tmp_path: Path, text: str, last: list[str]) -> None:
    assert spoken(text, load_lexicon(table(tmp_path, f"{_SHE_HE}Khan,Orda,person,,,he\n"), extend=False))[-1] == last


def test_a_surname_of_two_tells_no_pronoun(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Ida Berg,Orda,person,,,she\nOle Berg,Orda,person,,,he\n"), extend=False)
    assert spoken("Ida Berg met Ole Berg. Berg said that he lied. Berg said that she lied.", lexicon)[1:] == [["Orda: Berg", "Orda: he"], ["Orda: Berg", "Orda: she"]]


def test_given_names_are_sorted_and_told_once() -> None:
    rows = (DATA / "given_names.csv").read_text("utf-8").splitlines()[1:]
    assert rows == sorted(rows) and len(given_names()) == len(rows)
    assert set(given_names().values()) == {"he", "she"} and all(name.isascii() and name.islower() for name in given_names())


@pytest.mark.parametrize(
    ("alias", "guard", "text", "found"),
    [
        ("ordaJet", "", "OrdaJet left.", True),
        ("ordaJet", "", "It said: “OrdaJet left.”", True),
        ("ordaJet", "", "Chile fears OrdaJet.", True),
        ("ordaJet", "", "ORDAJET LEFT THE HALL AGAIN.", True),
        ("ordaJet", "", "Ordajet left.", False),
        ("ordaJet", "case", "OrdaJet left.", True),
        ("ordaJet", "case", "It said: “OrdaJet left.”", True),
        ("ordaJet", "case", "Chile fears OrdaJet.", False),
        ("al-Orda", "", "Al-Orda left.", True),
        ("the airline", "", "The airline left.", True),
        ("the airline", "", "The Airline left.", False),
        ("The airline", "", "Then the airline left.", True),
        ("The airline", "", "The airline left.", True),
        ("Orda", "", "An orda left.", False),
    ],
)
def test_the_first_letter_is_written_as_the_sentence_wants_it(tmp_path: Path, alias: str, guard: str, text: str, found: bool) -> None:
    lexicon = load_lexicon(table(tmp_path, f"{alias},Golden Horde,description,,,{guard}\n"), extend=False)
    assert bool(mentions(text, lexicon)) is found


def test_an_alias_as_it_is_written_comes_first(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "orda,,place,2020,,\nOrda,Golden Horde,name,2010,,\n"), extend=False)
    assert spoken("Orda left.", lexicon) == [["Golden Horde: Orda"]]


@pytest.mark.parametrize("name", ["Mr. Cuban", "Ms. French", "Mr English", "Dr. Norway", "Sen. German", "Rep. Jordan"])
def test_a_country_behind_a_title_is_a_surname(name: str) -> None:
    assert spoken(f"{name} accused Chile. Peru said no.") == [["Chile: Chile"], ["Peru: Peru"]]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Macron met Scholz in Berlin. The chancellor agreed.", ["Germany: The chancellor"]),
        ("Peru accused Chile. The chancellor agreed.", []),
        ("Norway accused Chile. The president agreed.", []),
        ("Chile accused Norway. The president agreed.", ["Chile: The president"]),
        ("Chile accused Norway. The prime minister agreed.", []),
        ("Norway accused Chile. The prime minister agreed.", ["Norway: The prime minister"]),
    ],
)
def test_an_office_is_given_to_no_state_that_has_none(text: str, last: list[str]) -> None:
    assert spoken(text, date="2023-05-01")[-1] == last


@pytest.mark.parametrize(
    ("guard", "last"),
    [("", ["Lub: The prime minister"]), ("no-office:prime_minister", []), ("no-office:premier|president", ["Lub: The prime minister"]), ("office:Prime_minister", ["Lub: The prime minister"])],
)  # fmt: skip
def test_an_own_table_tells_who_has_an_office(tmp_path: Path, guard: str, last: list[str]) -> None:
    lexicon = load_lexicon(table(tmp_path, f"Lub,Lub,name,,,{guard}\nOrda,Orda,name,,,\n"), extend=False)
    assert spoken("Orda met Lub. Lub warned Orda. The prime minister agreed.", lexicon)[-1] == last
    other = ["Lub: The prime minister"] if guard.startswith("office") else ["Orda: The prime minister"]
    assert spoken("Lub warned Orda. Orda accused Lub. The prime minister agreed.", lexicon)[-1] == other


def test_an_own_row_of_a_state_gives_it_an_office(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Norway,Norway,name,,,office:chancellor\n"))
    assert spoken("Chile accused Norway. Norway denied it. The chancellor agreed. The president agreed.", lexicon)[-2:] == [
        ["Norway: The chancellor"], ["Norway: The president"],
    ]  # fmt: skip


def test_a_name_before_the_comma_that_ends_a_line_has_no_office_after_it() -> None:
    assert spoken("Norway told officials and Ine Lie,\nRussia denied it.")[0] == ["Norway: Norway"]


def test_a_ministry_is_of_the_country_that_its_name_ends_with() -> None:
    text = "Ministry of Foreign Affairs of Estonia\n\nThe Foreign Ministry summoned the Russian ambassador. The ministry said no."
    assert spoken(text)[-1] == ["Estonia: The ministry"]


@pytest.mark.parametrize("deed", ["summoned the Russian ambassador", "said that the Russian envoy had been summoned"])
def test_an_organ_is_not_of_the_state_whose_envoy_was_summoned(deed: str) -> None:
    assert spoken(f"Norway protested. The cabinet {deed}. The ministry said no.")[-1] == ["Norway: The ministry"]


def test_a_paragraph_of_a_transcript_is_its_speakers_to_its_end() -> None:
    text = "SECRETARY BLINKEN: Good morning. We condemn Chile. It is late. We will stand with Peru.\nQ: We know. We will wait.\nSTATE DEPARTMENT: No. We will not."
    assert spoken(text, date="2023-05-01") == [
        ["US: BLINKEN"], ["Chile: Chile", "US: "], [], ["Peru: Peru", "US: "], [], [], ["US: STATE DEPARTMENT"], ["US: "],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Macron: No. We will not be bullied by Chile.", [["France: Macron"], ["Chile: Chile", "France: "]]),
        ("We met Lea Macron Jr. here.\nMacron: No. We will not.", [[], ["France: Macron"], []]),
        ("Macron: No. Chile lies. It rained.", [["France: Macron"], ["Chile: Chile"], []]),
        ("What of Chile?\nMacron: No. Chile lies. It rained.", [["Chile: Chile"], ["France: Macron"], ["Chile: Chile", "France: "], []]),
        ("PRESIDENT MACRON: No. Chile lies, and it lies every day.", [["France: MACRON"], ["Chile: Chile", "France: "]]),
        ("Emmanuel Macron @EmmanuelMacron: No. We call on Chile.", [["France: Emmanuel Macron"], ["Chile: Chile", "France: "]]),
        ("@StateDept: The U.S. left. Chile must go.", [["US: StateDept", "US: U.S."], ["Chile: Chile", "US: "]]),
        ("Emmanuel Macron: The man who took on Chile. Peru likes him.", [["Chile: Chile", "France: Emmanuel Macron"], ["Peru: Peru"]]),
        ("FBI: Iran sent them. Chile denied it.", [["Iran: Iran", "US: FBI"], ["Chile: Chile"]]),
        ("FBI: Iran sent them. Chile denied it.\nJANE DOE: No.\nFBI: Peru lies.", [["Iran: Iran", "US: FBI"], ["Chile: Chile", "US: "], [], ["Peru: Peru", "US: FBI"]]),
    ],
)
def test_a_turn_is_told_by_a_surname_a_title_or_a_name_on_a_network(text: str, wanted: list[list[str]]) -> None:
    assert spoken(text, date="2023-05-01") == wanted


@pytest.mark.parametrize(
    ("introduction", "answer"),
    [
        ("An interview with Emmanuel Macron.", ["France: "]),
        ("An interview with Emmanuel Macron and Antony Blinken.", []),
        ("Emmanuel Macron wrote to us.", []),
        ("An interview with Jane Doe.", []),
    ],
)
def test_answers_are_of_the_one_official_who_was_introduced(introduction: str, answer: list[str]) -> None:
    text = f"{introduction}\nQ: Why?\nA: No. We wait.\nQ: Blinken called?\nA: Yes. We know."
    assert [spoken(text, date="2023-05-01")[i] for i in (3, -1)] == [answer, answer]
    assert spoken(f"{introduction}\nQ: Why?\nA: No. We wait.", date="2023-05-01")[-1] == []


@pytest.mark.parametrize("opening", ["JANE DOE:", "Chile:", "Blinken met:", "Photos: Blinken", "White House:"])
def test_a_colon_behind_nobody_known_opens_no_transcript(opening: str) -> None:
    assert spoken(f"{opening} No. We will wait.", date="2023-05-01")[-1] == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("XI SNUBS MODI AT SUMMIT", ["China: XI", "India: MODI"]),
        ("SUPER BOWL XI TO BE REPEATED", []),
        ("CHILE NAMES STARTING XI", ["Chile: CHILE"]),
        ("JOIN US SANCTIONS, CHILE TOLD", ["Chile: CHILE", "US: US"]),
        ("LET US PRAY TOGETHER", []),
        ("FOLLOW US ON THE NETWORKS", []),
        ("THE REST OF US, AND NONE OF US!", []),
        ("US WARNS CHILE FOR US TROOPS", ["Chile: CHILE", "US: US", "US: US TROOPS"]),
        ("SUPPORT AMONG US TROOPS SINKS", ["US: US TROOPS"]),
        ("The mayor of Turkey, Texas, left.", []),
        ("A woman of Athens, Ohio, left.", []),
        ("China, Texas and Peru left.", ["China: China", "Peru: Peru"]),
        ("Unlike Canada, California refused.", ["Canada: Canada"]),
        ("It was described in Delhi as 'unfair'.", ["India: Delhi"]),
        ("It was described in Delhi.", []),
        ("The Auswärtiges Amt said no.", ["Germany: Auswärtiges Amt"]),
        ("North and South Korea met.", ["North Korea: North", "South Korea: South Korea"]),
        ("Chile met South and North Korea.", ["Chile: Chile", "North Korea: North Korea", "South Korea: South"]),
        ("Iran met the two world powers.", ["Iran: Iran"]),
        ("Iran met the six world powers.", ["Iran: Iran", "P5+1: six world powers"]),
        ("Mexico's central bank said no.", ["Mexico: Mexico's central bank"]),
    ],
)
def test_capitals_and_places_that_look_like_others(text: str, wanted: list[str]) -> None:
    assert spoken(text, date="2023-05-01")[0] == wanted


# --------------------------------------------------------------------------- the alias table


@pytest.mark.parametrize(
    "text",
    [
        "“It may work,” said Chad Miller, a trader.",
        "Jordan Miller, a professor, was asked.",
        "Lisa Holland was asked.",
        "Photo: Ine Lie/Xinhua",
        "(Rob Lie/Anadolu Agency/Getty)",
        "Image copyright Anadolu Agency",
        "Missiles hit the Ain al-Assad base.",
        "Missiles hit Al-Assad Air Base.",
        "The U.N. ambassador resigned.",
        "He spoke in French.",
        "It was printed in English, Italian and German.",
        "North of Baghdad a bomb went off.",
        "They failed in the end, and the capital, Vienna, was calm.",
        "The post-Helsinki mood soured.",
        "Palestinian militants fired rockets.",
        "Angela Merkel, Riga Times",
        "A Japanese airline cut its flights.",
        "The Brazilian striker scored twice.",
        "A Peruvian politician fled.",
        "Kenyan militants burnt the bus.",
        "Libyan militias burnt the depot.",
        "Greek history is long.",
        "A Chilean state-owned company left.",
        "The Libyan conflict goes on.",
        "Georgia voted, said Gov. Ida Berg of its dispute with Georgians.",
    ],
)
def test_a_name_of_somebody_or_something_else_speaks_for_nobody(text: str) -> None:
    assert spoken(text, date="2015-05-05") == [[]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Peruvian strikes killed civilians.", ["Peru: Peruvian"]),
        ("Peru's invasion displaced families.", ["Peru: Peru"]),
        ("Peruvian shelling hit a school.", ["Peru: Peruvian"]),
        ("Peruvian sanctions target Chilean banks.", ["Peru: Peruvian"]),
        ("Peruvian human rights activists left.", []),
        ("A Peruvian state newspaper warned Chile.", ["Chile: Chile", "Peru: Peruvian"]),
        ("A Peruvian newspaper warned Chile.", ["Chile: Chile"]),
        ("Peruvian state-backed hackers left.", ["Peru: Peruvian"]),
        ("Chile held al Qaida detainees.", ["Chile: Chile", "al-Qaeda: al Qaida"]),
        ("ISIS extremists burnt the bus.", ["IS: ISIS"]),
        ("Peru's militias burnt the bus.", []),
        ("The ETA separatists burnt the bus in Spain.", ["ETA: ETA"]),
        ("UNESCO World Heritage sites burnt.", ["UNESCO: UNESCO"]),
        ("The Peruvian youth minister left.", ["Peru: Peruvian"]),
        ("Peruvian crisis talks failed.", ["Peru: Peruvian"]),
    ],
)
def test_a_deed_is_the_states_though_private_people_suffer_it(text: str, wanted: list[str]) -> None:
    assert spoken(text) == [wanted]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Georgia accused Moscow of a landgrab.", True),
        ("Georgia's prime minister left.", True),
        ("Georgia accused Moscow of a landgrab, a Republican said.", False),
        ("The USS Georgia fired at Russia.", False),
        ("The University of Georgia's president left.", False),
        ("Georgia counted its votes.", False),
    ],
)
def test_georgia_is_the_country_where_the_text_tells(text: str, found: bool) -> None:
    assert ("Georgia" in {m.actor for m in mentions(text) if m.kind != "place"}) is found


@pytest.mark.parametrize(
    "text",
    [
        "Peru feared for peace in the Middle East, the Chilean minister warned.",
        "He spoke in New York, where the Chilean ambassador sat.",
        "He fought on Capitol Hill, one Chilean minister hinting at a deal.",
        "Chile changed under President Harold W. Moss.",
        "Chilean President Harold W. Moss left.",
        "The Chilean naval chief Rear Adm. left.",
    ],
)
def test_what_is_no_name_of_a_person_is_not_learnt(text: str) -> None:
    assert [m.text for m in mentions(text) if m.kind == "learnt"] == []


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Latvia's Security Council met.", ["Latvia: Latvia"]),
        ("The Latvian Secret Service searched it.", ["Latvia: Latvian"]),
        ("Canada's own Department of Justice sued.", ["Canada: Canada"]),
        ("Latvia's US embassy closed.", ["Latvia: Latvia", "US: US embassy"]),
        ("Latvia said the Department of Justice sued.", ["Latvia: Latvia", "US: Department of Justice"]),
    ],
)
def test_an_organ_behind_the_name_of_another_state_is_that_states(text: str, last: list[str]) -> None:
    assert spoken(text)[-1] == last


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Kim Dong Chul is free.", []),
        ("Tony Kim is free.", []),
        ("Kim Says Yes.", ["North Korea: Kim"]),
        ("Kim Yo Jong left.", ["North Korea: Kim Yo Jong"]),
    ],
)
def test_a_family_name_that_comes_first_is_not_that_of_every_one(text: str, last: list[str]) -> None:
    assert spoken("Kim Jong Un spoke. " + text)[-1] == last


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("It trains Shiite militants.", []),
        ("It arms the rebels.", []),
        ("A mine killed three militants.", ["Hezbollah: militants"]),
        ("The militants fired.", ["Hezbollah: The militants"]),
    ],
)
def test_armed_men_are_the_party_named_before_unless_they_are_told_to_be_others(text: str, last: list[str]) -> None:
    assert spoken("Hezbollah fired rockets. " + text)[-1] == last


@pytest.mark.parametrize("line", ["Riga Radio's Ine Lie reports:", "Anna Lie, Riga Times"])
def test_words_behind_a_byline_are_not_those_of_who_spoke_before(line: str) -> None:
    assert spoken(f'Moscow said it was calm.\n\n{line}\n\n"The troops are near. They wait."')[-1] == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Norway Warns Latvia, The UN Responds.", {"Norway", "Latvia", "UN"}),
        ("Ten died in Israeli-led raids.", {"Israel"}),
        ("The shift in Chinese, Russian and Iranian policy went on.", {"China", "Russia", "Iran"}),
        ("Moscow talks tough.", {"Russia"}),
        ("Grant Latvia its wish.", {"Latvia"}),
        ("Shells hit the capital, Riga vowed revenge.", {"Latvia"}),
        ("From Oslo, the answer was no.", {"Norway"}),
        ("Security Council ambassadors met.", {"UN"}),
        ("Latvia made history.", {"Latvia"}),
    ],
)
def test_what_only_looks_like_a_name_a_language_or_a_credit_still_speaks(text: str, wanted: set[str]) -> None:
    assert {m.split(":")[0] for m in spoken(text)[0]} == wanted


def test_a_byline_is_told_from_a_headline_in_no_time() -> None:
    start = time.process_time()
    spoken("Anna Lie, The " + "A" * 5000 + "!")
    assert time.process_time() - start < 1


def test_both_parties_are_states_unless_there_are_those_of_congress() -> None:
    two = ["Norway: Both parties", "Latvia: Both parties"]
    assert sorted(spoken("Norway met Latvia. Both parties agreed.")[1]) == sorted(two)
    assert spoken("Norway met Latvia. Republicans laughed. Both parties agreed.")[2] == []


def test_a_line_that_names_no_stranger_goes_on_with_the_speaker() -> None:
    assert spoken('Moscow condemned it.\n\nThe statement read:\n\n"The troops are near. They wait."')[-1] != []


def test_a_place_behind_troops_is_no_officials_name() -> None:
    assert spoken("Latvia Withdraws Troops From Vidzeme. Vidzeme is calm.") == [["Latvia: Latvia"], []]


def test_every_row_of_the_shipped_table_is_valid(lexicon: Lexicon) -> None:
    assert len(lexicon.aliases) > 5000
    assert {"US", "China", "EU", "NATO", "UN", "Hamas", "Taliban", "Georgia", "Niger"} <= set(lexicon.actors)


def test_names_of_actors_are_checked_without_parsing_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lexicon = load_lexicon(table(tmp_path, " Hansa League , Hansa ,name,,,\nOslo,,place,,,\n"))
    wanted = tuple(sorted({a.actor for a in lexicon.aliases if a.actor}))
    monkeypatch.setattr("stance.lexicon._parse_all", lambda _: pytest.fail("rows are parsed"))
    lexicon.check_actors(["Hansa", "China"])
    assert lexicon.actors == wanted


def test_every_name_of_the_shipped_table_is_found_by_its_first_word(lexicon: Lexicon) -> None:
    from stance.lexicon import first_word

    lost = [a.text for a in lexicon.aliases if a not in [e[1] for e in lexicon.starting(first_word(a.text))]]
    assert lost == []


def test_the_shipped_table_has_no_clash(lexicon: Lexicon) -> None:
    assert clashes(lexicon.aliases) == []


def test_own_rows_come_on_top_of_the_default_ones(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Hansa League,Hansa,name,,,\n"))
    assert spoken("The Hansa League wrote to Norway.", lexicon) == [["Hansa: Hansa League", "Norway: Norway"]]


def test_own_table_alone(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Hansa League,Hansa,name,,,\n"), extend=False)
    assert spoken("The Hansa League wrote to Norway.", lexicon) == [["Hansa: Hansa League"]]
    assert lexicon.actors == ("Hansa",)


def test_an_own_row_replaces_the_default_rows_of_its_alias(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Oslo,Oslo city,name,,,\n"))
    assert spoken("Oslo wrote to Norway.", lexicon) == [["Norway: Norway", "Oslo city: Oslo"]]
    assert {a.actor for a in lexicon.aliases if a.text == "Oslo"} == {"Oslo city"}


@pytest.mark.parametrize("alias", ["Viktor Orbán,Fidesz,person,,,\nOrbán", "Viktor Orban,Fidesz,person,,,\nOrban"])
def test_an_own_row_replaces_all_spellings_of_its_alias(tmp_path: Path, alias: str) -> None:
    lexicon = load_lexicon(table(tmp_path, f"{alias},Fidesz,person,,,\n"))
    for text in ("Viktor Orbán denied it. Orbán left.", "Viktor Orban denied it. Orban left.", "Orbán left. Orban left."):
        assert {x.split(":")[0] for found in spoken(text, lexicon, "2023-05-01") for x in found} == {"Fidesz"}


@pytest.mark.parametrize(
    ("row", "text", "date"),
    [
        ("Olaf Scholz,SPD", "Olaf Scholz denied it. Scholz left. He left.", "2023-05-01"),
        ("Olaf Scholz,SPD", "Scholz left.", "2023-05-01"),
        ("Xi Jinping,CCP", "Xi Jinping denied it. Xi left.", "2023-05-01"),
        ("Keir Starmer,Labour", "Sir Keir Starmer denied it. Starmer left.", "2025-05-01"),
        ("Donald Trump,MAGA", "President Trump denied it. Trump left. Donald J. Trump left.", "2018-05-01"),
        ("Alexis Tsipras,Syriza", "Alexis Tsipras denied it. Tsipras left.", "2016-05-01"),
    ],
)
def test_an_own_row_of_a_person_takes_the_surname_along(tmp_path: Path, row: str, text: str, date: str) -> None:
    found = spoken(text, load_lexicon(table(tmp_path, f"{row},person,,,\n")), date)
    assert {x.split(":")[0] for sentence in found for x in sentence} == {row.split(",")[1]} and all(found)
    assert row.split(",")[1] not in str(spoken(text, default_lexicon(), date))


@pytest.mark.parametrize(
    ("rows", "alias", "wanted"),
    [
        ("Balázs Orbán,MCC,person,,,", "Orban", {("Hungary", "2010-05-29", "")}),
        ("Maher al-Assad,Division,person,,,", "Assad", {("Syria", "2000-07-17", "2024-12-08")}),
        ("Lars Løkke Rasmussen,Venstre,person,,,", "Rasmussen", {("NATO", "2009-08-01", "2014-09-30")}),
        ("Olaf Scholz,SPD,person,,,\nScholz,Scholz AG,name,,,", "Scholz", {("Scholz AG", "", "")}),
        ("Olaf Scholz,SPD,person,,2022,\nOlaf Scholz,Germany,person,2023,,", "Scholz", {("SPD", "2021-12-08", "2022"), ("Germany", "2023", "2025-05-06")}),
        ("Olaf Scholz,SPD,person,,,noshort", "Scholz", set()),
        ("Olaf Scholz,SPD,person,2030,,", "Scholz", {("Germany", "2021-12-08", "2025-05-06")}),
    ],
)
def test_a_surname_goes_along_for_its_bearer_in_the_time_of_the_row(tmp_path: Path, rows: str, alias: str, wanted: set[tuple[str, str, str]]) -> None:
    lexicon = load_lexicon(table(tmp_path, f"{rows}\n"))
    assert {(a.actor, a.since, a.until) for a in lexicon.aliases if a.text == alias} == wanted
    assert lexicon.about["rows"] == len(rows.splitlines()) and clashes(lexicon.aliases) == []


def test_a_table_on_top_of_another_takes_the_surname_from_it(tmp_path: Path) -> None:
    base = load_lexicon(table(tmp_path, "Olaf Scholz,SPD,person,,,\n"))
    both = load_lexicon(table(tmp_path, "Olaf Scholz,Bund,person,,,\n"), base=base)
    assert {a.actor for a in both.aliases if a.kind == "person" and "Scholz" in a.text} == {"Bund"} and both.about["rows"] == 1


def test_accents_of_an_alias_do_not_count(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Ute Käßler,CDU,person,,,\n"))
    assert spoken("Ute Käßler left. Ute Kassler left. Ute Kaessler left.", lexicon) == [["CDU: Ute Käßler"], ["CDU: Ute Kassler"], []]


def test_an_empty_actor_takes_an_alias_out(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Oslo,,place,,,\n"))
    assert spoken("Oslo wrote to Norway.", lexicon) == [["Norway: Norway"]]


def test_the_default_table_is_untouched_by_an_own_one(tmp_path: Path) -> None:
    load_lexicon(table(tmp_path, "Oslo,Oslo city,name,,,\n"))
    assert spoken("Oslo left.", default_lexicon()) == [["Norway: Oslo"]]


@pytest.mark.parametrize("header", ["kind,actor,alias\n", "Kind,Actor,ALIAS\n"])
def test_columns_may_stand_in_any_order_and_some_be_absent(tmp_path: Path, header: str) -> None:
    lexicon = load_lexicon(table(tmp_path, "name,Hansa,Hansa League\n", header), extend=False)
    assert spoken("The Hansa League left.", lexicon) == [["Hansa: Hansa League"]]


def test_an_alias_with_a_comma_or_quotes(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, '"Hansa, League of Ports",Hansa,name,,,\n'), extend=False)
    assert spoken("The Hansa, League of Ports left.", lexicon) == [["Hansa: Hansa, League of Ports"]]


def test_a_table_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + "Hansa League,Hansa,name,,,\n", "utf-8-sig")
    assert load_lexicon(path, extend=False).actors == ("Hansa",)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_accents_of_a_table_in_any_form(tmp_path: Path, form: str, encoding: str) -> None:
    path = tmp_path / "mine.csv"
    told = HEADER + "Côte Rouge,Côte Rouge,name,,,\n"
    path.write_bytes(told.encode(encoding) if encoding == "cp1252" else unicodedata.normalize(form, told).encode())
    with pytest.warns(UserWarning, match="read as cp1252") if encoding == "cp1252" else nullcontext():
        lexicon = load_lexicon(path, extend=False)
    assert lexicon.actors == ("Côte Rouge",)
    for text in ("Côte Rouge left.", unicodedata.normalize("NFD", "Côte Rouge left.")):
        assert [x.split(":")[0] for x in spoken(text, lexicon)[0]] == ["Côte Rouge"]


@pytest.mark.parametrize(
    ("guard", "text", "found"),
    [
        ("", "ORDA LEFT THE HALL AGAIN.", True),
        ("case", "ORDA LEFT THE HALL AGAIN.", False),
        ("case", "Orda left.", True),
        ("not-after:Air", "Air Orda left.", False),
        ("not-after:Air", "Orda left.", True),
        ("not-before:Sea|Lake", "Orda Lake froze.", False),
        ("needs:steppe", "Orda left.", False),
        ("needs:steppe", "Orda left. The steppe is wide.", True),
        ("needs:steppe", "Orda left the steppes.", False),
        ("needs:steppe", "Orda left the steppes for the steppe.", True),
        ("not-with:steppe", "Orda left. The steppe is wide.", False),
    ],
)
def test_guards(tmp_path: Path, guard: str, text: str, found: bool) -> None:
    lexicon = load_lexicon(table(tmp_path, f"Orda,Golden Horde,name,,,{guard}\n"), extend=False)
    assert bool(mentions(text, lexicon)) is found


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ("needs", "guard 'needs' of 'Orda': needs wants words: needs:Seoul; a blank"), ("not-after:|", "guard 'not-after:|' of 'Orda': not-after wants words"),
        ("short: case", "guard 'short:' of 'Orda': short wants words"), ("dated:2019", "guard 'dated:2019' of 'Orda': dated stands alone"),
    ],
)  # fmt: skip
def test_a_guard_that_would_do_nothing_is_refused(tmp_path: Path, guard: str, said: str) -> None:
    with pytest.raises(DataError) as e:
        load_lexicon(table(tmp_path, f"Orda,Golden Horde,name,,,{guard}\n"))
    assert said in e.value.problems[0]


@pytest.mark.parametrize("mark", [",", ";"])
def test_columns_that_are_not_read_are_told(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("alias,actor,kind,since,until\nOrda,Golden Horde,name,1240,1502\n".replace(",", mark))
    with pytest.warns(StanceWarning, match=r"mine\.csv:1: not read: 'since', 'until'; the columns are alias,actor,kind,from,to,guard$"):
        load_lexicon(path)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Ida Trump left.", []),
        ("The Trump Tower shook.", []),
        ("It was Trump who left.", ["Orda: Trump"]),
        ("It was Bob Trump who left.", ["Orda: Trump"]),
    ],
)
def test_a_guard_holds_after_the_full_name_too(tmp_path: Path, text: str, last: list[str]) -> None:
    rows = "Ane Trump,Orda,person,,,\nTrump,Orda,person,,,not-after:Ida not-before:Tower\n"
    assert spoken(f"Ane Trump spoke. {text}", load_lexicon(table(tmp_path, rows), extend=False))[-1] == last


@pytest.mark.parametrize(
    ("guard", "text", "found"),
    [
        ("noshort", "Minister Vold left.", False),
        ("noshort", "Ane Vold spoke. Vold left.", True),
        ("noshort", "Ane Vold spoke. But Mr. Vold left.", True),
        ("noshort", "Ane Vold spoke. Ida Vold left.", False),
        ("noshort", "Ane Vold spoke. Then the actor Ida Vold left.", False),
        ("noshort", "Ane Vold spoke. It was Vold Ness who left.", False),
        ("short:Ane_Vold", "Ane Vold spoke. Vold left.", False),
    ],
)
def test_a_common_surname_counts_behind_the_full_name(tmp_path: Path, guard: str, text: str, found: bool) -> None:
    lexicon = load_lexicon(table(tmp_path, f"Ane Vold,Norway,person,,,{guard}\n"), extend=False)
    assert spoken(text, lexicon)[-1] == (["Norway: Vold"] if found else [])


def test_a_month_and_a_number_are_no_surname(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Ane May,Norway,person,,,noshort\nQueen Ane II,Norway,person,,,noshort\n"), extend=False)
    assert spoken("Ane May met Queen Ane II. That May II left.", lexicon)[-1] == []


def test_a_department_with_a_name_is_not_the_one_that_spoke_last() -> None:
    assert spoken("Norway accused Chile. Relations were bad, the State Department said.")[-1] == ["US: State Department"]


def test_a_person_is_known_by_the_surname_only_after_a_title(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Ane Vold,Norway,person,,,\n"), extend=False)
    assert spoken("Minister Vold left.", lexicon) == [["Norway: Vold"]]
    assert spoken("Vold left.", lexicon) == [[]]


def test_a_surname_is_known_in_the_rest_of_its_sentence(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Ane Vold,Norway,person,,,\n"), extend=False)
    assert spoken("Ane Vold came, but Vold left.", lexicon) == [["Norway: Ane Vold", "Norway: Vold"]]


def test_a_person_without_a_short_form(tmp_path: Path) -> None:
    lexicon = load_lexicon(table(tmp_path, "Ane Vold,Norway,person,,,noshort\n"), extend=False)
    assert spoken("Mrs Vold left.", lexicon) == [[]]


def test_two_persons_of_one_surname_are_told_apart_by_who_was_named(tmp_path: Path) -> None:
    rows = "Ane Vold,Norway,person,,,\nOla Vold,Sweden,person,,,\nSweden,Sweden,name,,,\n"
    lexicon = load_lexicon(table(tmp_path, rows), extend=False)
    assert spoken("Minister Vold left.", lexicon) == [[]]
    assert spoken("Sweden closed the port. Minister Vold left.", lexicon)[1] == ["Sweden: Vold"]


BAD_ROWS = "Hansa,Hansa,nmae,,,\n,Hansa,name,,,\nHansa,Hansa,name,12-2010,,\nHansa,Hansa,name,,,neds:Bergen\nFine Row,Hansa,name,,,\nHansa, League,Hansa,name,,,\n"


def test_all_bad_rows_of_a_table_are_reported_at_once(tmp_path: Path) -> None:
    path = table(tmp_path, BAD_ROWS)
    with pytest.raises(DataError) as e:
        load_lexicon(path)
    assert [p.split(": ")[0] for p in e.value.problems] == [f"{path}:{n}" for n in (2, 3, 4, 5, 7)]
    assert e.value.problems[0].endswith("of 'Hansa'; did you mean 'name'?")
    assert "empty alias" in e.value.problems[1]
    assert "'12-2010'" in e.value.problems[2] and "YYYY-MM-DD" in e.value.problems[2]
    assert e.value.problems[3].endswith("of 'Hansa'; did you mean 'needs'?")
    assert e.value.message == "5 bad rows in the actor table"


def test_dates_that_are_none_and_actors_that_cannot_be_are_bad(tmp_path: Path) -> None:
    path = table(tmp_path, "Hansa,Hansa,name,2022-13-99,,\nOrda,Orda,person,2023,2021-05,\nQux,,name,,,\nZed,,,,,\nOslo,,place,,,\nVold,Orda,person,2021,2021-05,\nFB,Foo;Bar,name,,,\n")
    with pytest.raises(DataError) as e:
        load_lexicon(path)
    assert e.value.problems == (
        f"{path}:2: date '2022-13-99' of 'Hansa'; write YYYY, YYYY-MM or YYYY-MM-DD",
        f"{path}:3: from '2023' of 'Orda' is after to '2021-05'; give the earlier date first",
        f"{path}:4: no actor for 'Qux' of kind 'name'; name one, or write kind 'place', which speaks for nobody",
        f"{path}:5: no actor for 'Zed' of kind 'name'; name one, or write kind 'place', which speaks for nobody",
        f"{path}:8: actor 'Foo;Bar' of 'FB' holds a semicolon, which parts targets in results; call it otherwise",
    )


def test_a_table_without_a_needed_column_says_which_were_seen(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'actor'; seen: alias, country, kind"):
        load_lexicon(table(tmp_path, "a,b,c\n", "alias,country,kind\n"))


def test_a_cell_may_have_any_length_when_its_row_is_read_later_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"alias;actor;guard\nHansa;Hansa, League;needs:{'|'.join(f'port{n}' for n in range(20_000))}\n")
    usual = csv.field_size_limit()
    try:
        lexicon = load_lexicon(path, extend=False)
        csv.field_size_limit(131_072)  # that of a process which has read the model with this table alone
        found = [m.actor for r in read("The Hansa left port7.", lexicon=lexicon) for m in r.mentions]
    finally:
        csv.field_size_limit(usual)
    assert found == ["Hansa, League"]


@pytest.mark.parametrize(
    ("header", "rows"), [("alias;actor;kind\n", "Acme Ltd;Acme;\nAda Vik;Acme;person\n"), ("actor,alias\n", "Acme,Acme Ltd\nAcme,Ada Vik\n")]
)
def test_a_table_may_have_semicolons_or_no_kinds(tmp_path: Path, header: str, rows: str) -> None:
    lexicon = load_lexicon(table(tmp_path, rows, header), extend=False)
    assert spoken("Acme Ltd denied it. Ada Vik left.", lexicon) == [["Acme: Acme Ltd"], ["Acme: Ada Vik"]]


def test_a_quotation_mark_that_is_never_closed_is_told_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(DataError) as e:
        load_lexicon(table(tmp_path, 'Acme Ltd;Acme\n"Ada Vik;Acme\n' + "Orda;Orda\n" * 20_000, "alias;actor\n"))
    assert [p.split("mine.csv:")[1][:33] for p in e.value.problems] == ["3: a quotation mark is not closed"]
    with pytest.raises(DataError, match='mine.csv:2: .*\n.*mine.csv:3: a quotation mark is not closed in its line\na row of an actor table is one line'):
        load_lexicon(table(tmp_path, 'Acme Ltd,Acme,name,"2001\n2002"\nOrda,Orda,name,\n', "alias,actor,kind,since\n"))
    assert "Orda" in load_lexicon(table(tmp_path, f'"{"x" * 200_000}",Acme\nOrda,Orda\n', "alias,actor\n")).actors


@pytest.mark.parametrize("mark", [",", ";"])
def test_a_quotation_mark_in_the_midst_of_a_cell_stands_for_itself(tmp_path: Path, mark: str) -> None:
    lexicon = load_lexicon(table(tmp_path, f'Tza"hal{mark}Israel{mark}\nOrda{mark}Orda{mark}5" guns\n', f"alias{mark}actor{mark}note\n"), extend=False)
    assert spoken('Orda left. Tza"hal denied it.', lexicon) == [["Orda: Orda"], ['Israel: Tza"hal']]


@pytest.mark.parametrize("content", [None, b"alias,actor,kind\n\x00,X,name\n", b""])
def test_a_table_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((InputError, DataError), match="mine.csv"):
        load_lexicon(path)


@pytest.mark.parametrize(
    ("rows", "clash"),
    [
        ("Vold,Norway,name,,,\nVold,Sweden,name,,,\n", True),
        ("Vold,Norway,person,2001,2005,\nVold,Sweden,person,2006,,\n", False),
        ("Vold,Norway,person,2001,2007,\nVold,Sweden,person,2006,,\n", True),
        ("Vold,Norway,name,,,needs:Oslo\nVold,Sweden,name,,,\n", False),
        ("Vold,Norway,name,,,\nVold,Norway,capital,,,\n", False),
    ],
)
def test_clashes(tmp_path: Path, rows: str, clash: bool) -> None:
    found = clashes(load_lexicon(table(tmp_path, rows), extend=False).aliases)
    assert [(c.alias, c.actors) for c in found] == ([("Vold", ("Norway", "Sweden"))] if clash else [])


@pytest.mark.parametrize("text", ["Oslo said no \u0301.", "\u0308 Norway left.", "Norway \u20e3 \ufe0f left \u00b4.", "\u00a8Norway\u00a8 condemned it."])
def test_stray_marks_are_read_like_any_other(text: str) -> None:
    (found,) = read(text)
    assert {m.actor for m in found.mentions} == {"Norway"}


def test_a_learnt_name_keeps_its_own_spelling() -> None:
    (found,) = read("Norwegian Foreign Minister Jean-Luc Øvregård condemned the raid.")
    assert [m.text for m in found.mentions if m.kind == "learnt"] == ["Jean-Luc Øvregård"]
    assert all(found.sentence.text[m.start : m.end] == m.text for m in found.mentions)


def test_private_nouns_are_listed_without_the_plurals_that_the_rule_covers() -> None:
    assert not [w for w in _PRIVATE if w.removesuffix("s") in _PRIVATE - {w}]
    assert [mentions(text)[0].kind for text in ("Peruvian farmer left.", "Peruvian farmers left.")] == ["place", "place"]


@given(st.text("ab .’\u0301", max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_the_tokens_of_a_span_are_all_that_share_a_character(text: str, start: int, end: int) -> None:
    tokens = tokenize(text)
    inside = [i for i, (s, e) in enumerate(zip(tokens.starts, tokens.ends, strict=True)) if s < end and e > start]
    assert _token_span(tokens, start, end) == ((inside[0], inside[-1] + 1) if inside else (0, 1))


def test_a_line_of_many_groups_takes_linear_time() -> None:
    begun = time.process_time()
    (reading,) = read("both sides said Russia and Iran met , " * 8000, lexicon=default_lexicon())
    assert len(reading.mentions) == 4 * 8000 and time.process_time() - begun < 10  # half a second; it was a minute


def test_a_line_of_many_demonyms_takes_linear_time() -> None:
    begun = time.process_time()
    (reading,) = read("Chinese " * 10_000, lexicon=default_lexicon())
    assert len(reading.mentions) == 10_000 and time.process_time() - begun < 5  # a fifth of a second; it was half a minute


def test_a_line_of_many_pronouns_takes_linear_time() -> None:
    begun = time.process_time()
    (reading,) = read("Wang Yi said he met Lea Holm , " * 8000, lexicon=default_lexicon(), date="2018")
    assert len(reading.mentions) == 2 * 8000 and time.process_time() - begun < 10  # a fifth of a second; it was half a minute


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Norway condemned Syria's civil war.", ["Norway: Norway"]),
        ("Israel struck Lebanon's Hezbollah.", ["Hezbollah: Hezbollah", "Israel: Israel"]),
        ("Rebels fought in Burkina Faso and Mali on Friday.", []),
        ("An Oslo think tank accused Chile.", ["Chile: Chile"]),
        ("Chile recognised Jerusalem as Israel's capital.", ["Chile: Chile"]),
        ("Chile sees Jerusalem as the capital.", ["Chile: Chile"]),
        ("Chile sees Jerusalem as a rival.", ["Chile: Chile", "Israel: Jerusalem"]),
    ],
)
def test_a_place_that_is_only_told_of_speaks_for_nobody(text: str, wanted: list[str]) -> None:
    assert spoken(text) == [wanted]


@pytest.mark.parametrize("marks", ["“”", "„“", "„”", "»«", "«»", "””", "‘’", "''"])
def test_a_quote_is_its_speaker_s_in_the_marks_of_any_country(marks: str) -> None:
    text = f"Peru blamed Chile. {marks[0]}We will not wait,{marks[1]} Chile's minister said. {marks[0]}Never again. We mean it.{marks[1]} Brazil left."
    assert [m.actor for r in read(text) for m in r.mentions if m.kind == "quote"] == ["Chile", "Chile"]
    assert [r.in_quote for r in read(text)][-1] is False


@pytest.mark.parametrize("marks", ["‘’", "''"])
@pytest.mark.parametrize(
    ("text", "in_quote", "speakers"),
    [
        ("[We will not bow,] said Chile's minister. [Peru must go. We won't accept it.]", [True] * 3, ["", "Chile", "Chile"]),
        ("[The players' union is ours. We say so,] said Chile's minister.\n[It won't go.\n[It will stay.]", [True] * 4, ["", "", "Chile", "Chile"]),
        ("Chile said: [Peru must go. We won't accept it.]", [False, True], ["", "Chile"]),
        ("So-called [rebels] hit the [humanitarian] convoy. He called it [a lie].", [False, False], ["", ""]),
    ],
)
def test_single_quotation_marks_are_read_as_double_ones(text: str, in_quote: list[bool], speakers: list[str], marks: str) -> None:
    single = read(text.replace("[", marks[0]).replace("]", marks[1]))
    assert [(r.in_quote, r.speaker) for r in single] == list(zip(in_quote, speakers, strict=True))
    double = read(text.replace("[", "“").replace("]", "”"))
    assert [(r.in_quote, r.speaker, r.mentions, r.tokens.words) for r in single] == [(r.in_quote, r.speaker, r.mentions, r.tokens.words) for r in double]


@pytest.mark.parametrize("blank", ["  ", "\u00a0", "\t", "\u2009"])
def test_both_sides_are_found_whatever_the_blanks(blank: str) -> None:
    text = "Peru blamed Chile. Brazil thanked both countries. The two sides met."
    assert [[m.actor for m in r.mentions] for r in read(text.replace(" ", blank))] == [[m.actor for m in r.mentions] for r in read(text)]
    assert len([m for r in read(text) for m in r.mentions]) == 7
