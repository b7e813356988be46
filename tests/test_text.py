"""Paragraphs, sentences and tokens."""

from __future__ import annotations

import time
from typing import Any

import pytest
from conftest import cases, hold
from hypothesis import given
from hypothesis import strategies as st

from stance.text import paragraphs, quoted_lines, sentences, tokenize, wrapped

# Pieces that boundaries are decided by, so that random texts hold many of them.
PIECES = st.sampled_from(
    ["Oslo", "said", "it", "U.S.", "Mr.", "p.m.", "No. 4", "3.5", ".", "!", "?", "...", "…", '"', "“", "”", "'s", "’s", "(", ")", "-", "—",
     " ", "  ", "\n", "\r\n", "\t", "\u2028", "\u00a0", "é", "Ærø", "漢字", "🙂", "1)", "•", "www.a.no", "x@y.z", "didn't"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map("".join), st.lists(PIECES, max_size=30).map(" ".join))


@pytest.mark.parametrize("case", cases("sentences"))
def test_golden_sentences(case: dict[str, Any]) -> None:
    hold(case, [s.text for s in sentences(case["text"])], case["sentences"])


@given(TEXTS)
def test_a_sentence_is_its_span_of_the_text(text: str) -> None:
    for s in sentences(text):
        assert text[s.start : s.end] == s.text


@given(TEXTS)
def test_sentences_come_in_order_and_do_not_overlap(text: str) -> None:
    found = sentences(text)
    assert [s.index for s in found] == list(range(len(found)))
    assert all(a.end <= b.start and a.paragraph <= b.paragraph for a, b in zip(found, found[1:], strict=False))


@given(TEXTS)
def test_no_letter_is_lost_between_sentences(text: str) -> None:
    inside = {i for s in sentences(text) for i in range(s.start, s.end)}
    assert not [c for i, c in enumerate(text) if c.isalpha() and i not in inside]


@given(TEXTS)
def test_a_sentence_has_no_blank_at_its_ends(text: str) -> None:
    assert all(s.text == s.text.strip() and s.text for s in sentences(text))


@given(TEXTS)
def test_a_sentence_lies_in_its_paragraph(text: str) -> None:
    spans = paragraphs(text)
    for s in sentences(text):
        start, end = spans[s.paragraph]
        assert start <= s.start < s.end <= end


@given(TEXTS)
def test_a_token_is_its_span_of_the_text(text: str) -> None:
    t = tokenize(text)
    assert [text[a:b] for a, b in zip(t.starts, t.ends, strict=True)] == t.words


@given(TEXTS)
def test_tokens_cover_everything_but_blanks(text: str) -> None:
    t = tokenize(text)
    rest = list(text)
    for a, b in zip(t.starts, t.ends, strict=True):
        rest[a:b] = " " * (b - a)
    assert not "".join(rest).strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Oslo didn't wait.", ["Oslo", "didn't", "wait", "."]),
        ("Peru's army", ["Peru", "'s", "army"]),
        ("Peru’s army", ["Peru", "’s", "army"]),
        ("the U.S. envoy", ["the", "U.S.", "envoy"]),
        ("US-China talks", ["US", "-", "China", "talks"]),
        ("1,500 men at 10:30", ["1,500", "men", "at", "10:30"]),
        ('"No," he said', ['"', "No", ",", '"', "he", "said"]),
        ("wait... now", ["wait", "...", "now"]),
        ("O'Neill left", ["O'Neill", "left"]),
        ("Ærø, São Tomé", ["Ærø", ",", "São", "Tomé"]),
        ("#StopTheWar #NoToNATO2026 now", ["#", "Stop", "The", "War", "#", "No", "To", "NATO", "2026", "now"]),
        ("#élan #peace # MacArthur, #1", ["#", "élan", "#", "peace", "#", "MacArthur", ",", "#", "1"]),
        ("", []),
    ],
)
def test_tokens(text: str, words: list[str]) -> None:
    assert tokenize(text).words == words


def test_paragraphs_are_the_lines_that_are_not_blank() -> None:
    text = "  Oslo left. \r\n\r\n\tLima stayed.\n \n"
    assert [text[a:b] for a, b in paragraphs(text)] == ["Oslo left.", "Lima stayed."]


MAIL = """Oslo shuts fjord

Norway closed the fjord to all trawlers on Monday and told
crews to wait in Oslo harbour until inspectors had seen the
nets. "We will check every ship," said Foreign Minister Ine
Lie. "None will be spared."
Chile called it a shameless theft of its nets, and then its
envoy to the U.S. asked for talks in
Lima.

- Peru stayed away
- Bolivia, too
"""


def lines(text: str) -> list[str]:
    return [s.line for s in sentences(text)]


def test_a_turn_of_a_hard_wrapped_transcript_begins_its_own_line() -> None:
    text = (
        "SECRETARY BERG: We condemn this. Chile has chosen the nets, and we will not\nstand by while it goes on. Our allies are with us, and we will act in time.\n"
        "FOREIGN MINISTER LIE: It is not so. We have said for years that it is the\nfault of the others, and that we will not yield. We are not the ones who are\n"
        "going to give in, as they know.\n"
    )
    assert wrapped(text) and [start for start, _ in paragraphs(text)] == [0, text.index("FOREIGN")]


def test_a_long_address_does_not_make_a_hard_wrapped_text_another() -> None:
    assert wrapped(MAIL) == wrapped(f"{MAIL}\nhttps://example.org/{'a' * 100}\n") > 0


def test_items_by_letters_are_lines_of_their_own() -> None:
    items = "The ministers took these decisions on the nets and the fjord today:\na) to condemn the seizure of nets by the envoys of Chile;\n"
    items += "b) to call on Peru to give back what it took from the crews;\nc) to send the inspectors of Kenya to the harbour of Oslo.\n"
    assert len(lines(items)) == 4 and len(lines(f"{MAIL}\n{items.replace('a)', '(a)').replace('b)', '(b)').replace('c)', '(c)')}")) == len(lines(MAIL)) + 4


def test_chats_and_agendas_are_no_hard_wrapped_texts() -> None:
    chat = "anna: norway has closed the fjord again\nbob: and chile?\nanna: chile calls it theft\nbob: no wonder\nanna: peru stays away too\n"
    agenda = "opening by the envoy of Norway\ntalks on nets with Chile\nlunch\nclosing words by the minister of Peru\nreturn to Oslo\n"
    assert not wrapped(chat) and not wrapped(agenda)


def test_names_are_whole_in_a_text_whose_letters_have_many_widths() -> None:
    text = (
        "The foreign minister of Norway told reporters that the fjord was closed to trawlers, and Chilean\n"
        "President Luis Vega said on the same evening that he would soon send an envoy of his\n"
        "to Oslo to hear what the government there had to say about the nets and all the ships that\n"
        "have been waiting in the harbour for a week, while nobody had told the crews whether they\nwere to leave.\n"
    )
    assert len(lines(text)) == 1 and "and Chilean President Luis Vega said" in lines(text)[0]


def test_line_ends_in_a_hard_wrapped_text_are_blanks() -> None:
    told = ["Oslo shuts fjord", "Norway closed the fjord to all trawlers on Monday and told crews to wait in Oslo harbour until inspectors had seen the nets.",
            '"We will check every ship," said Foreign Minister Ine Lie.', '"None will be spared."',
            "Chile called it a shameless theft of its nets, and then its envoy to the U.S. asked for talks in Lima.", "- Peru stayed away", "- Bolivia, too"]  # fmt: skip
    for text in (MAIL, MAIL.replace("\n", "\r\n"), MAIL.replace("\n", "\n  ")):
        found = sentences(text)[:7]
        assert [" ".join(s.text.split()) for s in found] == [" ".join(s.line.split()) for s in found] == told
        assert all(text[s.start : s.end] == s.text and len(s.line) == len(s.text) and "\n" not in s.line for s in found)
        assert [s.paragraph for s in found] == [0, 1, 1, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "text",
    [
        "Norway closed the fjord to all trawlers and told the crews to wait until the nets had been seen by its inspectors.\nbut not all\nof them\nwent",
        "Norway closes the fjord to all trawlers and tells crews to wait\n" * 9,  # headlines
        "Oslo asks for\n\nan end of the blockade\n\nnew talks in Lima\n\nfewer ships at sea\n\nand more of them in port.",
        "Oslo asked for an end of it:\n" + "an end of the blockade at sea\nmore talks in the harbour of Lima\nfewer ships around the islands\n" * 4,
        "Oslo left.\nit was late.\nnobody saw it go down to the harbour.\nall slept.\nLima stayed.",
        "yes\nthis is what was said by all of us on that evening.\nno\nwell.\nok\nmaybe\nperhaps\nand",
    ],
)  # fmt: skip
def test_other_lines_are_read_alone(text: str) -> None:
    assert not wrapped(text)
    assert [s.text for s in sentences(text)] == [x for x in text.split("\n") if x]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("„We wait,“ he said. „They “ left.", "“We wait,” he said. “They “ left."),
        ("»We wait«, he said (»soon«).", "“We wait”, he said (“soon”)."),
        ("”We wait”, he said.", "“We wait”, he said."),
        ("«We wait», he said. «\u00a0Soon\u00a0».", "“We wait”, he said. “ Soon ”."),
        ("“We wait,” he said: “They left", "“We wait,” he said: “They left"),
        ("Russiaʼs navy\u00a0left\tPeru´s coast.", "Russia’s navy left Peru’s coast."),
        ("\u200bNorway left, \ufeffNor\u00adway \u200b.", " Norway left,  Nor\u00adway  ."),
    ],
)
def test_blanks_and_quotation_marks_are_read_as_those_of_english(text: str, line: str) -> None:
    assert " ".join(lines(text)) == line and len(line) == len(text)
    assert all(text[s.start : s.end] == s.text for s in sentences(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("‘We wait,’ he said. ‘They left. We won’t.’", "“We wait,” he said. “They left. We won’t.”"),
        ("'We wait,' he said. 'They left. We won't.'", "“We wait,” he said. “They left. We won't.”"),
        ("The ‘rebels’ hit the players’ bus.", "The “rebels” hit the players’ bus."),
        ("‘The players’ union is ours. We stay,’ he said.", "“The players’ union is ours. We stay,” he said."),
        ("The players’ union of the ’90s and the '90s: get 'em, rock 'n' roll.", None),
        ("He is 5' 10\" tall. It is the U.S.' role, or the players’.", None),
        ("“It was a ‘disgrace’,” he said. “It 'may' be,” he said.", None),
        ("He told 'em it was the Chileans’ bus.", None),
        ("'Get 'em out,' he said.", "“Get 'em out,” he said."),
        ("‘He told us “no” twice,’ he said.", "“He told us ‘no‘ twice,” he said."),
        ("‘We wait. They left.", "“We wait. They left."),
        ("They left,’ said the minister.", "They left,” said the minister."),
        ("He said: 'We wait. We shan't'.", "He said: “We wait. We shan't”."),
    ],
)
def test_quotes_in_single_marks_are_read_in_double_ones(text: str, wanted: str | None) -> None:
    assert " ".join(quoted_lines(sentences(text))) == (wanted or text)


def test_odd_quotation_marks_take_no_square_of_time() -> None:
    found = sentences(":'(" * 20_000 + "a")
    start = time.process_time()
    assert len(quoted_lines(found)) == len(found)
    assert time.process_time() - start < 1


@given(st.text(alphabet="aS ‘’'\"“”.,\n", max_size=40))
def test_quotes_in_any_marks_keep_their_offsets(text: str) -> None:
    found = sentences(text)
    assert [len(x) for x in quoted_lines(found)] == [len(s.text) for s in found]
