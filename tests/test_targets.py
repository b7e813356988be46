"""Whom a stance is directed at."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Run, pairs_of

from stance.actors import pairs, read
from stance.articles import Article
from stance.classification import classify
from stance.dataset import read_dataset
from stance.errors import DataError
from stance.features import scan_all
from stance.lexicon import default_lexicon
from stance.model import Model
from stance.syntax import default_cues, scan
from stance.targets import POINTS, find_targets, traits, with_named


def target(text: str, actor: str, label: str) -> tuple[str, ...]:
    """The target of the actor's pair in the last sentence that has it."""
    told = list(with_named(read(text)))
    found = [(p, named) for r, named in told for p in pairs(r) if p.actor == actor]
    pair, named = found[-1]
    return find_targets([pair], [label], [named], scan_all([pair]))[0]


@pytest.mark.parametrize(
    ("text", "actor", "label", "wanted"),
    [
        ("Norway condemned Chile.", "Norway", "accuse", ("Chile",)),
        ("Norway denounced Chile's raid on the port.", "Norway", "accuse", ("Chile",)),
        ("Norway said that Chile had broken the treaty.", "Norway", "accuse", ("Chile",)),
        ("Norway was condemned by Chile.", "Chile", "accuse", ("Norway",)),
        ("Norway imposed sanctions on Chile.", "Norway", "threaten", ("Chile",)),
        ("Norway condemned Chile.", "Chile", "neutral", ()),
        ("Norway kept its port shut.", "Norway", "firm", ()),
        ("Norway and Chile condemned Peru. Norway and Chile condemned Peru.", "Norway", "accuse", ("Peru",)),
        ("Norway and Chile agreed to hold talks.", "Norway", "cooperate", ("Chile",)),
        ("Alongside Chile, Norway condemned Peru.", "Norway", "accuse", ("Peru",)),
        ("Norway together with Chile condemned Peru.", "Norway", "accuse", ("Peru",)),
        ("Norway, along with the Netherlands, condemned Peru.", "Norway", "accuse", ("Peru",)),
        ("The EU, including Norway, condemned Peru.", "EU", "accuse", ("Peru",)),
        ("Norway condemned NATO members.", "Norway", "accuse", ("NATO",)),
        ("Norway broke with Chile.", "Norway", "accuse", ("Chile",)),
        ("Norway told the UN that Chile had violated its waters.", "Norway", "accuse", ("Chile",)),
        ("Norway told the ICJ that Chile was committing genocide.", "Norway", "accuse", ("Chile",)),
        ("Norway complained to the IAEA that Chile had sabotaged its plant.", "Norway", "accuse", ("Chile",)),
        ("Norway told the UN that it would leave.", "Norway", "threaten", ("UN",)),
        ("Norway told Chile that Norway would leave.", "Norway", "threaten", ("Chile",)),
        ("Norway, which had drafted the text with Chile, called the veto a disgrace.", "Norway", "accuse", ()),
        ("Norway, which had broken with Chile, condemned the raid.", "Norway", "accuse", ("Chile",)),
        ("Norway, which proposed a trade war with Chile, threatened tariffs.", "Norway", "threaten", ("Chile",)),
        ("Norway denounced Peru, which had told Norway that Chile would sign.", "Norway", "accuse", ("Peru",)),
    ],
)
def test_targets_named_in_the_sentence(text: str, actor: str, label: str, wanted: tuple[str, ...]) -> None:
    assert target(text, actor, label) == wanted


def test_what_the_actor_belongs_to_is_no_target() -> None:
    assert "NATO" not in target("NATO member Norway condemned Peru.", "Norway", "accuse")


def test_the_other_side_of_the_article_is_carried_from_earlier_sentences() -> None:
    text = "Norway condemned Chile. Chile shrugged. Norway recalled its envoy."
    assert target(text, "Norway", "threaten") == ("Chile",)
    assert target(text, "Norway", "firm") == ()  # its own conduct: not carried


def test_a_place_is_no_target() -> None:
    assert target("Norway held talks in Chile.", "Norway", "cooperate") == ()


def test_who_was_named_counts_sentences_in_order() -> None:
    readings = read("Norway met Chile. Chile left. Peru left, and Peru came back.")
    assert [named for _, named in with_named(readings)] == [("Norway", "Chile"), ("Chile", "Norway"), ("Chile", "Norway", "Peru")]


def test_every_trait_has_points_and_is_never_the_actor_itself() -> None:
    for pair in pairs_of("Norway and Chile told Peru that Kenya had attacked them. Kenya denied it to Norway, and Chile's army was called in by Peru."):
        for label in ("accuse", "firm", "cooperate"):
            found = traits(pair, label, ["Chile", "Kenya"], scan(pair.reading, default_cues()))
            assert pair.actor not in found
            assert all(set(t) <= set(POINTS) and t for t in found.values())


def test_pairs_without_a_mention_are_no_failure() -> None:
    (pair,) = pairs_of("Norway left.")
    from dataclasses import replace

    nowhere = replace(pair, actor="Nowhere", mentions=())
    assert find_targets([nowhere], ["accuse"], [("Norway",)], scan_all([nowhere])) == [("Norway",)]


def test_targets_do_not_depend_on_which_actors_are_kept(model: Model) -> None:
    text = "Norway condemned Chile. Chile denied it. Peru asked Norway to wait. Norway imposed sanctions on Chile. It recalled its envoy."
    every = list(classify(Article("a", text), model))
    assert {j.target for j in every} > {()}
    for actor in ("Norway", "Chile", "Peru"):
        assert list(classify(Article("a", text), model, actors=[actor])) == [j for j in every if j.actor == actor]


def test_a_target_belongs_to_the_most_probable_label_also_when_unsure(model: Model) -> None:
    article = Article("a", "Norway condemned Chile. Chile denied it.")
    sure, unsure = (list(classify(article, model, min_confidence=x)) for x in (0, 1.01))
    assert [j.target for j in sure] == [j.target for j in unsure] and sure[0].target == ("Chile",)
    assert all(j.target == () for j in sure if j.best("stance") == "neutral")


def test_a_list_of_all_states_takes_no_time() -> None:
    states = sorted(default_lexicon().states)
    readings = list(with_named(read(f"{', '.join(states)} and Norway condemned the raid.")))
    found = [(p, named) for r, named in readings for p in pairs(r)]
    assert len(found) > 150
    scans = scan_all([p for p, _ in found])
    start = time.process_time()
    find_targets([p for p, _ in found], ["accuse"] * len(found), [named for _, named in found], scans)
    assert time.process_time() - start < 0.5


def test_a_line_without_a_full_stop_takes_no_time() -> None:
    readings = list(with_named(read("Norway accused Chile of spying and " * 8000)))
    found = [(p, named) for r, named in readings for p in pairs(r)]
    scans = scan_all([p for p, _ in found])
    start = time.process_time()
    find_targets([p for p, _ in found], ["accuse"] * len(found), [named for _, named in found], scans)
    assert time.process_time() - start < 1


def test_the_output_names_the_target(run: Callable[..., Run], model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Norway condemned Chile.\n")
    args = ("classify", path, "-m", model_file, "-f")
    assert json.loads(run(*args, "jsonl").out.splitlines()[0])["target"] == ["Chile"]
    assert [r["target"] for r in csv.DictReader(io.StringIO(run(*args, "csv").out))] == ["Chile", ""]
    assert "→ Chile" in run(*args, "table").out


def test_a_head_cannot_be_called_target(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,actor,target\nNorway left.,Norway,Chile\n")
    with pytest.raises(DataError, match="a head cannot be called 'target'"):
        read_dataset(path, heads=["target"])


def test_quality_on_the_training_reports() -> None:
    """A floor under the measured F1 (0.792 on this file); the benchmark prints it with its interval."""
    command = [sys.executable, "benchmarks/targets.py", "training_data/us_policy.csv"]
    r = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120, check=True)
    f1 = {line[:28].strip(): float(line.split("F1 ")[1][:5]) for line in r.stdout.splitlines() if "F1 " in line}
    assert f1["stance.targets"] > 0.77 > f1["the nearest"] + 0.1


@pytest.mark.parametrize(
    ("text", "label", "ranks", "wanted"),
    [
        ("Norway condemned Chile.", "accuse", ["Chile"], {"Chile": ["most named so far", "the only other actor", "nearest", "object of the actor's verb", "right after the actor's cue"]}),
        ("Norway imposed sanctions on Chile.", "threaten", ["Peru", "Chile"], {"Chile": ["second most named", "the only other actor", "nearest", "right after the actor's cue", "after a preposition"]}),
        ("Norway was condemned by Chile.", "neutral", [], {"Chile": ["the only other actor", "nearest", "agent"]}),
        ("Norway said Chile had broken the treaty with Peru.", "accuse", ["Peru", "Chile"], {
            "Chile": ["second most named", "one of several", "nearest", "acts in the actor's words"], "Peru": ["most named so far", "one of several", "after a preposition"],
        }),
        ("Norway left as Chile condemned Peru.", "accuse", [], {"Chile": ["one of several", "nearest"], "Peru": ["one of several"]}),
    ],
)
def test_what_speaks_for_a_target(text: str, label: str, ranks: list[str], wanted: dict[str, list[str]]) -> None:
    pair = next(p for p in pairs_of(text) if p.actor == "Norway")
    assert traits(pair, label, ranks, scan(pair.reading, default_cues())) == wanted
