"""Paragraphs, sentences and tokens."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import cases, hold
from hypothesis import given
from hypothesis import strategies as st

from stance.text import paragraphs, sentences, tokenize, wrapped

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
