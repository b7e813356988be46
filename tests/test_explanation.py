"""Explanations add up to the score."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import pairs_of

from stance.actors import Pair
from stance.errors import InputError
from stance.explanation import ANY_NAME, explain
from stance.explanation import pairs_of as pairs_of_actor
from stance.lexicon import default_lexicon
from stance.model import Model, softmax
from stance.rendering import explanation_lines


@pytest.fixture
def pair() -> Pair:
    (found, *_) = pairs_of("Norway condemned the raid, and Chile denied it.")
    return found


@pytest.mark.parametrize("head", ["stance", "tone"])
def test_contributions_and_bias_sum_to_the_score_of_every_label(model: Model, unseen: list[Pair], head: str) -> None:
    fitted = model.head(head)
    for p in unseen[:10]:
        scores = fitted.scores(model.rows([p]))[0]
        for k, label in enumerate(fitted.head.labels):
            e = explain(model, p, head=head, label=label)
            assert e.bias + sum(c.value for c in e.contributions) == pytest.approx(scores[k], abs=1e-9)
            assert e.score == pytest.approx(scores[k], abs=1e-9)


def test_against_another_label_it_is_the_lead(model: Model, pair: Pair) -> None:
    a, b = explain(model, pair, label="accuse"), explain(model, pair, label="deny")
    lead = explain(model, pair, label="accuse", against="deny")
    assert lead.score == pytest.approx(a.score - b.score)
    assert lead.bias + sum(c.value for c in lead.contributions) == pytest.approx(lead.score)
    assert explain(model, pair, label="deny", against="accuse").score == pytest.approx(-lead.score)


def test_scores_of_all_labels_make_the_probabilities(model: Model, pair: Pair) -> None:
    labels = model.head("stance").head.labels
    scores = np.array([[explain(model, pair, label=x).score for x in labels]])
    found = explain(model, pair).probabilities
    np.testing.assert_allclose(softmax(scores)[0], [found[x] for x in labels])


def test_the_most_probable_label_of_the_first_head_is_explained_unasked(model: Model, pair: Pair) -> None:
    e = explain(model, pair)
    assert (e.head, e.against) == ("stance", "")
    assert e.label == max(e.probabilities, key=e.probabilities.__getitem__)


def test_a_contribution_stands_at_its_word(model: Model, unseen: list[Pair]) -> None:
    for p in unseen:
        e = explain(model, p)
        assert all(p.text[c.start : c.end] == c.what and c.kinds for c in e.contributions)
        assert len({c.start for c in e.contributions if c.what}) == len([c for c in e.contributions if c.what])
        assert [abs(c.value) for c in e.contributions] == sorted((abs(c.value) for c in e.contributions), reverse=True)


def test_what_stands_at_a_name_any_other_would_have(model: Model) -> None:
    found = []
    for name in ("Norway", "Costa Rica"):
        (pair, other) = pairs_of(f"{name} condemned the raid of Chile.")
        e = explain(model, pair)
        at = {c.what: c for c in e.contributions}
        mine = next(c for c in e.contributions if c.what and name.startswith(c.what))
        assert mine.kinds[0] == at["Chile"].kinds[0] == ANY_NAME and ANY_NAME not in at["condemned"].kinds
        found.append((e.score, mine.value))
    assert found[0] == pytest.approx(found[1])


def test_the_verb_decides_a_plain_sentence(model: Model, pair: Pair) -> None:
    e = explain(model, pair, label="accuse")
    assert max(e.contributions, key=lambda c: c.value).what == "condemned"


def test_unknown_names(model: Model, pair: Pair) -> None:
    with pytest.raises(InputError, match="the model has no head 'mood'"):
        explain(model, pair, head="mood")
    for odd in ({"label": "denny"}, {"against": "denny"}):
        with pytest.raises(InputError, match=r"no label 'denny'; the labels are .*accuse.*\n  did you mean 'deny'\?"):
            explain(model, pair, **odd)
    with pytest.raises(InputError, match="'Peru' is not in the text; actors found: Norway"):
        pairs_of_actor("Norway condemned the raid.", "Peru", default_lexicon())
    with pytest.raises(InputError, match="no actor of the alias table is in the text\n  name whom you mean"):
        pairs_of_actor("The minister condemned the raid.", "", default_lexicon())


def test_the_lines_of_an_explanation_add_up(model: Model) -> None:
    (pair, *_) = pairs_of("Norway condemned the raid on the harbour, and Chile denied on Friday that its navy had fired.")
    e = explain(model, pair)
    lines = [x.split() for x in explanation_lines(pair, e, most=3)][3:]
    assert len(lines) == 5 and lines[3][1:] == [str(len(e.contributions) - 3), "more"]
    assert sum(float(x[0]) for x in lines) == pytest.approx(e.score, abs=0.003)
