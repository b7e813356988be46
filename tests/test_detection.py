"""Actors found again in labelled sentences, and their labels: precision, recall, F1."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import REPORTS, Run, relabel, write_csv

from stance.articles import Article
from stance.classification import classify
from stance.dataset import located, read_table
from stance.detection import Found, detect
from stance.lexicon import Lexicon
from stance.model import Model
from stance.rendering import detection_lines

Cli = Callable[..., Run]
TEXT = "Norway condemned the raid on Monday. It rained. Chile denied it and thanked Peru."


def rows_as_judged(model: Model) -> list[dict[str, object]]:
    """A row for every pair of TEXT, labelled as the model labels it."""
    found = [{"article_id": "a", "sentence_id": j.index, "text": j.text, "actor": j.actor, **j.labels} for j in classify(Article("a", TEXT), model)]
    return [*found[:1], {"article_id": "a", "sentence_id": 1, "text": "It rained.", "actor": ""}, *found[1:]]


def test_what_is_labelled_as_it_is_judged_is_found(model: Model, lexicon: Lexicon, tmp_path: Path) -> None:
    rows = rows_as_judged(model)
    found = detect(read_table(write_csv(tmp_path / "a.csv", rows)).rows, model, lexicon=lexicon)
    assert list(found) == ["actors", "stance", "tone"]
    assert {(f.precision, f.recall, f.f1) for f in found.values()} == {(1.0, 1.0, 1.0)}
    assert found["actors"].labelled == 3
    assert found["stance"].labelled == sum(r.get("stance", "neutral") != "neutral" for r in rows) > 0


def test_labelled_actors_are_no_help_in_finding_them(model: Model, lexicon: Lexicon, tmp_path: Path) -> None:
    """Training takes the spokesman for Chile's, because a labeller says so; `classify` would not."""
    told = {"Chile left the talks.": "Chile", "Norway condemned the raid.": "Norway", "The spokesman denied it.": "Chile"}
    rows = [{"article_id": "a", "sentence_id": n, "text": t, "actor": a, "stance": "deny"} for n, (t, a) in enumerate(told.items())]
    table = read_table(write_csv(tmp_path / "a.csv", rows))
    found = detect(table.rows, model, lexicon=lexicon)["actors"]
    assert (found.right, found.found, found.labelled) == (2, 3, 3) and located(table, lexicon=lexicon).pairs[2].mentions


def test_an_actor_under_another_name_is_the_one_that_is_found(model: Model, lexicon: Lexicon, tmp_path: Path) -> None:
    rows = [{"article_id": "a", "text": "The UK denied it.", "actor": "Great Britain", "stance": "deny"}]
    found = detect(read_table(write_csv(tmp_path / "a.csv", rows)).rows, model, lexicon=lexicon)["actors"]
    assert (found.right, found.found, found.labelled) == (1, 1, 1)


def test_what_is_missed_invented_or_labelled_otherwise_counts(model: Model, lexicon: Lexicon, tmp_path: Path) -> None:
    rows = rows_as_judged(model)
    right = rows[0]["stance"]
    rows[0]["stance"] = next(x for x in ("accuse", "demand") if x != right)  # found, with another label
    rows[1] |= {"actor": "Kenya", "stance": "accuse", "tone": "stern"}  # in no sentence
    del rows[-1]  # found, not labelled
    found = detect(read_table(write_csv(tmp_path / "a.csv", rows)).rows, model, lexicon=lexicon)
    assert (found["actors"].right, found["actors"].found, found["actors"].labelled) == (2, 3, 3)
    assert found["actors"].precision == found["actors"].recall == found["actors"].f1 == pytest.approx(2 / 3)
    assert found["stance"].right == sum(r["stance"] != "neutral" for r in rows[2:])


def test_evaluate_end_to_end(run: Cli, model_file: Path) -> None:
    r = run("evaluate", model_file, REPORTS, "--split", "test", "--end-to-end", "-f", "json")
    scores = json.loads(r.out)
    ends = scores["end_to_end"]
    assert r.code == 0 and set(ends) == {"actors", "stance", "tone"}
    assert ends["actors"]["labelled"] == scores["stance"]["rows"]
    low, high = ends["stance"]["f1_interval"]
    assert low <= ends["stance"]["f1"] <= high and ends["actors"]["f1"] > 0.8
    table = run("evaluate", model_file, REPORTS, "--split", "test", "--end-to-end").out
    assert f"{ends['actors']['precision']:.3f}" in table.split("end to end")[1].split("stance")[0]
    assert run("evaluate", REPORTS, "--end-to-end").code == 2


def test_evaluate_names_the_shipped_model_default(run: Cli) -> None:
    r = run("evaluate", "default", REPORTS, "--split", "test", "-f", "json")
    assert r.code == 0 and json.loads(r.out)["stance"]["macro_f1"] > 0.4


def test_heads_that_have_no_neutral_count_all_their_labels(run: Cli, tmp_path: Path) -> None:
    path = relabel(tmp_path / "own.csv", "mood", {"warm": "good", "stern": "bad"})
    model = tmp_path / "m.stance"
    assert run("train", path, "--head", "mood", "--folds", "2", "-o", model).code == 0
    r = run("evaluate", model, path, "--end-to-end")
    assert "  mood  " in r.out.split("end to end")[1] and "other than neutral" not in r.out
    r = run("evaluate", model, path, "--against", "default")
    assert r.code == 1 and "default has the heads stance, tone, the data mood: nothing to compare\n  name a model with a head mood, or train yours on a column 'stance' with the labels firm, " in r.err


def test_what_is_not_defined_is_null_in_json() -> None:
    nan = float("nan")
    plain = Found(0, 0, 0, nan, nan, nan, None).as_dict()
    assert json.loads(json.dumps(plain, allow_nan=False))["f1_interval"] is None and plain["f1"] is None


def test_long_names_of_heads_have_a_blank_after_them() -> None:
    one = Found(1, 1, 1, 0.988, 0.5, 0.5, (0.4, 0.6))
    header, *rows = list(detection_lines({"actors": one, "attitude_of_the_actor": replace(one, neutral="neutral")}))[1:-1]
    assert {r.index("0.988") for r in rows} == {header.index("precision")}
    assert rows[1].startswith("  attitude_of_the_actor, other than neutral  0.988")


def test_of_what_is_not_found_or_not_labelled_the_table_says_so() -> None:
    nan = float("nan")
    found = {"actors": Found(0, 0, 3, nan, 0.0, 0.0, (0.0, 0.0)), "stance": Found(0, 0, 0, nan, nan, nan, None, "neutral")}
    assert list(detection_lines(found))[2:] == [
        "  actors                      –          0.000   0.000  0.000–0.000     0      0      3",
        "  stance, other than neutral  –          –       –      –               0      0      0",
        "  actors: none found, so that there is no precision",
        "  stance, other than neutral: none found, so that there is no precision",
        "  stance, other than neutral: none labelled, so that there is no recall",
        "",
    ]
