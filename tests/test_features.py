"""Feature rows: what they depend on, and what they must not."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from conftest import pairs_of
from hypothesis import given
from hypothesis import strategies as st

from stance.actors import Pair, read
from stance.dataset import Dataset
from stance.features import BLOCKS, TEMPLATES, Rows, concat, extract, lookup, mix, prepare, sequences, template_name, word_key


def same(a: Rows, b: Rows) -> None:
    """Two sets of rows are equal to the last bit."""
    np.testing.assert_array_equal(a.indptr, b.indptr)
    np.testing.assert_array_equal(a.keys, b.keys)
    np.testing.assert_array_equal(a.values, b.values)


def row(text: str, actor: str) -> dict[int, float]:
    """The features of one actor of a text, summed by key."""
    (pair,) = (p for p in pairs_of(text) if p.actor == actor)
    rows = extract([pair])
    out: dict[int, float] = {}
    for k, v in zip(rows.keys.tolist(), rows.values.tolist(), strict=True):
        out[k] = out.get(k, 0.0) + v
    return out


# --------------------------------------------------------------------------- batch and order


def test_a_batch_is_its_single_rows(reports: Dataset) -> None:
    some = reports.pairs[:60]
    same(extract(some), concat(extract([p]) for p in some))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_rows_do_not_depend_on_the_batch_size(reports: Dataset, size: int) -> None:
    same(extract(reports.pairs), concat(extract(reports.pairs[i : i + size]) for i in range(0, len(reports), size)))


def test_rows_do_not_depend_on_the_order(reports: Dataset) -> None:
    order = np.random.default_rng(3).permutation(len(reports))
    same(concat(extract([reports.pairs[i]]) for i in order), extract([reports.pairs[i] for i in order]))


def test_a_pair_given_twice_has_the_same_row_twice(reports: Dataset) -> None:
    p = reports.pairs[5]
    rows = extract([p, reports.pairs[6], p])
    same(rows, concat(extract([x]) for x in (p, reports.pairs[6], p)))


def test_an_equal_reading_that_is_another_object_gives_the_same_row(reports: Dataset) -> None:
    p = reports.pairs[5]
    copy = Pair(replace(p.reading), p.actor, p.mentions)
    assert copy.reading is not p.reading
    same(extract([p, copy]), concat([extract([p]), extract([p])]))


WORDS = ["Norway", "Chile", "the U.S.", "condemned", "said", "that", "which", "not", "if", '"', "“", "”", ",", ".", "'s", "in", "by", "a", "raid", "1,500", "é", "-", "(", "will", "talks", "It"]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=15).map(" ".join), min_size=1, max_size=4))
def test_batch_is_single_on_random_sentences(texts: list[str]) -> None:
    found = [p for t in texts for p in pairs_of(t)]
    whole = extract(found)
    assert len(whole) == len(found)
    assert np.isfinite(whole.values).all()
    if found:
        same(whole, concat(extract([p]) for p in found))


def test_a_character_cut_in_two_is_a_word_like_others() -> None:
    """A lone surrogate, as where a program has cut an emoji in two."""
    rows = extract([p for t in ("Norway condemned \ud83d the raid.", "Norway condemned the raid.") for p in pairs_of(t)])
    assert len(rows) == 2 and np.isfinite(rows.values).all()


def test_no_pairs_make_no_rows() -> None:
    rows = extract([])
    assert len(rows) == 0 and len(rows.keys) == 0


def test_a_pair_without_mentions_has_a_finite_row(reports: Dataset) -> None:
    rows = extract([Pair(reports.pairs[0].reading, "Nowhere", ())])
    assert len(rows) == 1 and len(rows.keys) > 5 and np.isfinite(rows.values).all()


def test_a_very_long_sentence_does_not_mix_up_its_rows() -> None:
    text = "Norway condemned " + "the raid and the storm and " * 500 + "Chile."
    (long, *_), short = pairs_of(text), pairs_of("Peru left.")
    same(extract([long, *short]), concat([extract([long]), extract(short)]))


# --------------------------------------------------------------------------- what a row knows


@pytest.mark.parametrize(
    ("text", "old", "new", "actor", "after"),
    [
        ("Norway condemned the raid on Chile.", "Norway", "Denmark", "Norway", "Denmark"),
        ("Norway condemned the raid on Chile.", "Chile", "Peru", "Norway", "Norway"),
        ("Norway, Peru and Chile agreed to wait.", "Peru", "Kenya", "Norway", "Norway"),
        ("Kenyan officials blamed Chile.", "Kenyan", "Norwegian", "Kenya", "Norway"),
        ("Norway's envoy said it would not yield.", "Norway", "Mexico", "Norway", "Mexico"),
        ("The talks with Norway failed.", "Norway", "United States", "Norway", "US"),
        ("The talks with Norway failed.", "Norway", "South Korea", "Norway", "South Korea"),
    ],
)
def test_the_name_of_an_actor_is_masked(text: str, old: str, new: str, actor: str, after: str) -> None:
    assert row(text, actor) == pytest.approx(row(text.replace(old, new), after))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Norway condemned the raid.", "Norway welcomed the raid."),
        ("Norway condemned the raid.", "Norway did not condemn the raid."),
        ("Norway condemned the raid.", "If Norway condemned the raid."),
        ("Norway condemned Chile.", "Chile condemned Norway."),
        ("Norway freed Chile.", "Norway was freed by Chile."),
    ],
)
def test_a_row_knows_words_negation_and_who_acts(a: str, b: str) -> None:
    assert row(a, "Norway") != pytest.approx(row(b, "Norway"))


def test_two_actors_of_a_sentence_have_different_rows() -> None:
    assert row("Norway condemned Chile.", "Norway") != row("Norway condemned Chile.", "Chile")


def test_numbers_are_all_one_word() -> None:
    assert word_key("1500") == word_key("7") != word_key("seven")
    assert row("Norway freed 12 men.", "Norway") == pytest.approx(row("Norway freed 30 men.", "Norway"))


def test_word_keys_stay_what_they_are() -> None:
    """A model file holds such keys: another hash would make every saved model void."""
    assert word_key("norway") == 0x1398F57A37BD0BC5
    assert mix(3, np.array([7, 8])).tolist() == [0xD37DD434BC6EA0D7, 0x5D0A5C8C62B00C45]


TEXT = (
    'Norway, which Chile had accused of spying, did not deny the charge on Monday. "We will not yield," the Danish minister told Peru. '
    "Sweden was condemned by Finland, Kenya, Iceland and Cuba for 12 raids. If the U.S. strikes, Iran may retaliate against the U.S. sanctions. It warned Turkey. "
    "Cuba, which had accused Chile, denied the charge. Kenya said Peru had condemned the raid. If Mexico refuses to talk, it said, it will welcome no one. "
    'Turkey\'s general staff described the islet as a formation of disputed sovereignty and the minister\'s visit as "a theatrical provocation by a boy". '
    "Peru blamed Cuba and condemned Cuba. Chile, with its ports, its mines, its long coast and its many farms, complained."
)
BY_TEMPLATE = {
    "word": "89f165", "two words": "7e24e4", "word by relation": "f72243", "two words by relation": "298a3b",
    "verb by relation and object": "b79207", "verb group by relation": "a4c7d5", "verb with its auxiliary by relation": "9c7877",
    "cue by relation": "96a1df", "cue by relation, clause and negation": "ccf822", "cue by relation and object": "c9f52c", "cue": "988d65",
    "cue by the actor's place": "3f8807", "strongest cue of the actor": "d5d297", "cue in the actor's phrase": "8c3d32",
    "word after the actor": "4b1606", "words after the actor": "cb2011", "word before the actor": "bc1fa9", "words before the actor": "b0dc8b",
    "word near the actor": "5aaf0e", "word after the actor's phrase": "a159e0", "the actor's place": "6b082b",
    "the actor's place and kind": "995d4b", "the actor's relations": "bb1766", "sentence": "b39eb4", "word by named actor": "e6838b",
    "two words by named actor": "bbea98", "letters by named actor": "381e10",
}  # fmt: skip
BY_PART = {
    "indptr": "9e9311", "word": "e07fb1", "facts": "bbf591", "cue_token": "4f6e8f", "cue_input": "c27687", "cue_weight": "9358c8",
}  # fmt: skip


def digest(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()[:6]


def test_features_stay_what_they_are() -> None:
    """A saved model has weights for these, number by number. What changes them on purpose asks for the shipped model to be trained again."""
    rows = extract(pairs_of(TEXT), trace=True, actor_words=True)
    number = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
    own = {t: np.flatnonzero(rows.template == TEMPLATES[t][0]) for t in TEMPLATES}
    assert {t: digest(number[at], rows.keys[at], rows.token[at], rows.values[at].round(9)) for t, at in own.items()} == BY_TEMPLATE


def test_sequences_stay_what_they_are() -> None:
    """As of the features: a saved network reads these."""
    found = sequences(prepare(pairs_of(TEXT)))
    assert {n: digest(getattr(found, n)) for n in BY_PART} == BY_PART


def test_a_sentence_of_any_length_changes_no_other_row() -> None:
    short, long, last = (pairs_of(t) for t in ("Denmark thanked Norway for its help.", "Norway " + "a " * 130_000 + "condemned Sweden.", "Peru urged Chile to stop."))
    alone, together = extract(short), extract([*long, *short, *last])
    first, end = together.indptr[[len(long), len(long) + len(short)]]
    assert np.array_equal(together.keys[first:end], alone.keys) and np.array_equal(together.values[first:end], alone.values)


# --------------------------------------------------------------------------- trace


def test_tracing_changes_no_row(reports: Dataset) -> None:
    same(extract(reports.pairs, trace=True), extract(reports.pairs))


def test_a_trace_names_a_template_and_a_token_of_its_sentence(reports: Dataset) -> None:
    rows = extract(reports.pairs, trace=True)
    assert len(rows.template) == len(rows.token) == len(rows.keys)
    number = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
    sizes = np.array([len(p.reading.tokens) for p in reports.pairs])
    assert (rows.token >= -1).all() and (rows.token < sizes[number]).all()
    assert {template_name(t) for t in rows.template.tolist()} <= set(TEMPLATES)


def test_every_block_of_templates_is_filled(reports: Dataset) -> None:
    block_of = dict(TEMPLATES.values())
    assert set(block_of.values()) == set(BLOCKS)
    for named in (False, True):
        rows = extract(reports.pairs, trace=True, actor_words=named)
        assert set(BLOCKS) - {block_of[t] for t in rows.template.tolist()} == (set() if named else {"actor", "letters"})
        assert (rows.values > 0).all()


def test_the_name_of_the_actor_is_a_feature_only_when_asked_for(reports: Dataset) -> None:
    p = reports.pairs[0]
    other = replace(p, actor="Nowhere", mentions=()), replace(p, actor="Elsewhere", mentions=())
    same(extract(other[:1]), extract(other[1:]))
    a, b = (extract([o], actor_words=True) for o in other)
    assert set(a.keys.tolist()) != set(b.keys.tolist())


def test_letters_join_spellings_of_a_word_for_one_named_actor_only(reports: Dataset) -> None:
    def letters(text: str, actor: str) -> set[int]:
        rows = extract([Pair(read(text)[0], actor, ())], trace=True, actor_words=True)
        return {k for k, t in zip(rows.keys.tolist(), rows.template.tolist(), strict=True) if template_name(t) == "letters by named actor"}

    shared = letters("They legalise it.", "Weed") & letters("Legalization now!", "Weed")
    assert len(shared) > 15
    assert not letters("They legalise it.", "Weed") & letters("They legalise it.", "Tea")


# --------------------------------------------------------------------------- lookup


def test_lookup_finds_known_keys_and_only_them() -> None:
    none = np.zeros(0)
    keys = np.array([5, 1, 9, 2**64 - 1], np.uint64)
    rows = Rows(np.array([0, 4]), keys, np.ones(4), none.astype(np.int16), none.astype(np.int32))
    column, known = lookup(rows, np.array([1, 5, 7], np.uint64))
    assert known.tolist() == [True, True, False, False]
    assert column[:2].tolist() == [1, 0]
    assert not lookup(rows, np.zeros(0, np.uint64))[1].any()
