"""The web page of judged articles: what it holds, and how it behaves in a browser."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Run, complaints, open_page

from stance.actors import pairs, read
from stance.articles import Article
from stance.classification import classify
from stance.codebook import STANCES
from stance.explanation import explain
from stance.lexicon import Lexicon
from stance.model import Model, default_model
from stance.pages import HUES, LANES, article_page, glyph

Cli = Callable[..., Run]
EVIL = "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
TEXT = f"Norway condemned the {EVIL} raid & Chile denied it.\n\nChile denied the charge. Peru and Norway agreed to hold talks. The road was wet.\n\nPeru has a coast.\n"


def page(model: Model, lexicon: Lexicon, articles: list[Article], *, everything: bool = False, least: float = 0.0) -> str:
    judged = ((a, list(classify(a, model, lexicon=lexicon, min_confidence=least))) for a in articles)
    return "".join(article_page(judged, model, lexicon=lexicon, everything=everything))


def scored(model: Model, head: str) -> Model:
    """The model, whose file tells a score of such a head."""
    return replace(model, manifest={**model.manifest, "report": {head: {"macro_f1": 0.5}}})


def paragraphs(page: str) -> list[str]:
    """The text of each paragraph, without its marks."""
    rows = re.findall(r'<div class="row"><p>(.*?)</p>', page, re.S)
    return [html.unescape(re.sub(r"<[^>]*>", "", re.sub(r'<a class="ref".*?</a>', "", r, flags=re.S))) for r in rows]


def test_the_page_holds_the_whole_text(model: Model, lexicon: Lexicon) -> None:
    shown = page(model, lexicon, [Article("a", TEXT)])
    assert paragraphs(shown) == [p for p in TEXT.split("\n") if p]


def test_text_stays_text_in_every_field(model: Model, lexicon: Lexicon, tmp_path: Path) -> None:
    alias = tmp_path / "mine.csv"
    alias.write_text('alias,actor,kind\nVold,"<script>x</script>",name\n')
    from stance.lexicon import load_lexicon

    article = Article(f"id{EVIL}", TEXT + "Vold condemned Norway.", title=f"title{EVIL}", date="2020-01-01", source=f"source{EVIL}")
    shown = page(scored(model, EVIL), load_lexicon(alias), [article, article], everything=True)
    assert shown.count("<script>") == 1 and "<img" not in shown
    assert "&lt;script&gt;x&lt;/script&gt;" in shown
    assert re.search(rf"model {model.fingerprint}; in its own cross-validation: &lt;script&gt;.* macro-F1 0\.50\.", shown)


def test_a_model_without_a_report_tells_no_scores(model: Model, lexicon: Lexicon) -> None:
    shown = page(replace(model, manifest={**model.manifest, "report": {}}), lexicon, [Article("a", TEXT)])
    assert f"model {model.fingerprint}. Labels are estimates" in shown and "cross-validation" not in shown


def test_the_page_asks_nothing_of_a_network(model: Model, lexicon: Lexicon) -> None:
    shown = page(model, lexicon, [Article("a", "Norway condemned the raid.")])
    assert {x for x in re.findall(r"""(?:src|href)=["']?([^"'> ]*)""", shown) if not x.startswith("#")} == {"data:,"}
    assert "http" not in shown.replace("http-equiv", "") and "@import" not in shown and "url(" not in shown


def test_neutral_pairs_are_counted_and_shown_only_when_asked(model: Model, lexicon: Lexicon) -> None:
    article = Article("a", "Norway condemned the raid. Peru has a coast.")
    some, every = (page(model, lexicon, [article], everything=x) for x in (False, True))
    assert 'data-label="neutral"' not in some and 'data-actor="Peru" data-label="neutral"' in every
    assert re.search(r"</span>Peru</th>.*?<td class=\"number\">1</td>", some, re.S)


def test_a_neutral_label_of_ones_own_is_shown_when_asked_and_colours_last(model: Model, lexicon: Lexicon) -> None:
    heads = [replace(h, head=replace(h.head, neutral="deny")) if h.head.name == "stance" else h for h in model.heads]
    own = replace(model, heads=tuple(heads))
    article = Article("a", "Chile denied it. Chile denied it again. Norway condemned the raid.")
    some, every = (page(own, lexicon, [article], everything=x) for x in (False, True))
    assert set(re.findall(r'data-label="(\w+)"', some)) == {"accuse"} and 'data-actor="Chile" data-label="deny"' in every
    assert {a: h for h, a in re.findall(r'--h: var\(--h(\d)\)" data-actor="(\w+)"', every)} == {"Norway": "0", "Chile": "1"}
    assert glyph("deny", neutral="deny") == glyph("neutral") != glyph("deny")


def test_a_sentence_has_the_colour_of_a_stance_before_that_of_a_neutral_label(model: Model, lexicon: Lexicon) -> None:
    def lead(m: Model) -> str:
        shown = page(m, lexicon, [Article("a", "Norway condemned the raid, and Chile denied the charge.")], everything=True)
        hue = dict(re.findall(r'--h: var\(--h(\d)\)" data-actor="(\w+)"', shown))
        return hue[re.findall(r'style="--h: var\(--h(\d)\)" id="a1-s0"', shown)[0]]

    labels = {"Norway": "accuse", "Chile": "deny"}
    first = lead(model)
    heads = [replace(h, head=replace(h.head, neutral=labels[first])) if h.head.name == "stance" else h for h in model.heads]
    assert lead(replace(model, heads=tuple(heads))) in labels.keys() - {first}


def test_every_mark_shows_probabilities_and_the_words_that_decided(model: Model, lexicon: Lexicon) -> None:
    text = "Norway condemned the raid."
    shown = page(model, lexicon, [Article("a", text)])
    (pair,) = (p for r in read(text, lexicon=lexicon) for p in pairs(r))
    why = explain(model, pair)
    panel = re.search(r'<div class="panel">(.*?)</ul>', shown, re.S)
    assert panel and all(f'<th scope="row">{x}</th>' in panel[1] for x in (*STANCES, "hostile", "warm"))
    first = why.contributions[0]
    assert f"<li><span>{first.what or 'the sentence as a whole'}</span><b>{f'{first.value:+.2f}'.replace('-', '−')}</b></li>" in panel[1]
    told = [float(x.replace("−", "-")) for x in re.findall(r"<b>([+−][\d.]+)</b>", panel[1])]
    assert sum(told) == pytest.approx(why.score - why.bias, abs=0.01 * len(told))


def test_what_the_network_adds_is_told_at_its_words(lexicon: Lexicon) -> None:
    shown = page(default_model(), lexicon, [Article("a", "Norway condemned the raid.")])
    most, value = re.findall(r"<li><span>([^<]+)</span><b>([^<]+)</b>", shown)[0]
    assert most == "condemned" and float(value) > 1.5


def test_an_unsure_mark_is_dashed_and_says_so(model: Model, lexicon: Lexicon) -> None:
    shown = page(model, lexicon, [Article("a", "Norway condemned the raid.")], least=1.01)
    assert 'class="j n0 unsure"' in shown and "unsure, perhaps accuse" in shown and "stern" not in re.search(r"<summary>.*?</summary>", shown, re.S)[0]  # type: ignore[index]


def test_the_surest_stance_colours_a_sentence_that_has_several(model: Model, lexicon: Lexicon) -> None:
    shown = page(model, lexicon, [Article("a", "Peru has a coast that Norway condemned.\nNorway condemned the raid, and Norway's army left.")], everything=True)
    hue = {a: h for h, a in re.findall(r'--h: var\(--h(\d)\)" data-actor="(\w+)"', shown)}
    marks = dict(re.findall(r'data-actor="(\w+)" data-label="(\w+)"[^>]*data-sentence="a1-s0"', shown))
    assert marks["Peru"] == "neutral" and marks["Norway"] != "neutral"
    assert f'style="--h: var(--h{hue["Norway"]})" id="a1-s0"' in shown


def test_articles_of_one_id_stay_apart(model: Model, lexicon: Lexicon) -> None:
    shown = page(model, lexicon, [Article("a", "Norway condemned the raid."), Article("a", "Chile denied it."), Article("a", "It rained.")])
    assert paragraphs(shown) == ["Norway condemned the raid.", "Chile denied it.", "It rained."]
    assert [re.findall(r'data-actor="(\w+)"', a) for a in shown.split("<article")[1:]] == [["Norway"], ["Chile"], []]
    assert shown.count('<li><a href="#a') == 3 and len(set(re.findall(r' id="([^"]+)"', shown))) == len(re.findall(r' id="([^"]+)"', shown))


def test_many_actors_share_a_lane_and_a_colour(model: Model, lexicon: Lexicon) -> None:
    names = "Norway Chile Peru Kenya India Japan Canada Brazil".split()
    shown = page(model, lexicon, [Article("a", " ".join(f"{n} condemned the raid." for n in names))])
    heads = re.search(r'<div class="heads".*?(?=<div class="row">)', shown, re.S)
    assert heads and heads[0].count("<div>") == 1 + LANES + 1 and f"{len(names) - LANES} others" in heads[0]
    assert {int(x) for x in re.findall(r'class="j [^>]*--h: var\(--h(\d)\)', shown)} == set(range(HUES + 1))


def test_no_actor_and_no_article_make_a_page(model: Model, lexicon: Lexicon) -> None:
    assert "No actor found." in page(model, lexicon, [Article("a", "It rained.")])
    assert "No actor found." in page(model, lexicon, [])


def test_signs_tell_the_stances_apart() -> None:
    assert len({glyph(x) for x in (*STANCES, "unsure")}) == len(STANCES) + 1 and glyph("good") == "•"


def test_a_model_with_heads_of_its_own(run: Cli, tmp_path: Path) -> None:
    from conftest import relabel

    path = relabel(tmp_path / "own.csv", "mood", {"warm": "good", "stern": "bad"})
    assert run("train", path, "--head", "mood", "--folds", "2", "-o", tmp_path / "m.stance").code == 0
    r = run("classify", path, "-m", tmp_path / "m.stance", "-f", "html")
    assert r.code == 0 and 'data-label="bad"' in r.out and "• bad" in r.out


def test_jobs_and_skipped_inputs(run: Cli, tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"id": "x", "text": f"Norway condemned raid {n}."}) for n in range(3)) + "\n{}\n")
    one, two = (run("classify", tmp_path / "a.jsonl", "-m", model_file, "-f", "html", "-j", n) for n in (1, 2))
    assert (one.code, two.code) == (3, 3) and one.out == two.out and one.out.rstrip().endswith("</html>")


# --------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def report(model: Model, lexicon: Lexicon, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from stance.articles import read_articles

    path = tmp_path_factory.mktemp("page") / "report.html"
    articles = [*list(read_articles(ROOT / "examples" / "cable.jsonl"))[:2], Article("evil", TEXT, title=f"title{EVIL}", date="", source=EVIL)]
    path.write_text(page(scored(model, EVIL), lexicon, articles, least=0.4), "utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_complaint_and_no_sideways_scrolling(browser: Any, report: Path, width: int, dark: bool) -> None:
    open_page(browser, report, width=width, dark=dark)
    assert complaints(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_scripts_in_the_text_do_not_run(browser: Any, report: Path) -> None:
    open_page(browser, report)
    assert browser.title != "broken" and browser.execute_script("return document.scripts.length") == 1


def visible(browser: Any, selector: str) -> list[Any]:
    return [e for e in browser.find_elements("css selector", selector) if e.is_displayed()]


def test_filters_by_actor_label_and_probability(browser: Any, report: Path) -> None:
    open_page(browser, report)
    every = len(visible(browser, ".j"))
    status = browser.find_element("id", "left")
    assert status.text == f"{every} of {every} marks shown"
    browser.find_element("css selector", "[name=actor][data-name=Chile]").click()
    left = visible(browser, ".j")
    assert 0 < len(left) < every and "Chile" not in {e.get_attribute("data-actor") for e in left}
    assert len(visible(browser, ".ref")) == len(left)
    for box in browser.find_elements("css selector", "[name=label]:not([value=accuse])"):
        box.click()
    assert {e.get_attribute("data-label") for e in visible(browser, ".j")} == {"accuse"}
    sure = {e.get_attribute("id") for e in visible(browser, ".j") if float(e.get_attribute("data-p")) >= 0.9}
    slider = browser.find_element("name", "least")
    for _ in range(18):
        slider.send_keys("\ue014")  # arrow right
    assert {e.get_attribute("id") for e in visible(browser, ".j")} == sure and status.text == f"{len(sure)} of {every} marks shown"
    browser.find_element("css selector", "[name=label][value=accuse]").click()
    assert status.text == f"0 of {every} marks shown"
    assert len(browser.find_elements("css selector", ".s.off")) == len(browser.find_elements("css selector", ".s"))


def test_a_mark_opens_by_pointer_by_keyboard_and_by_its_sign_in_the_text(browser: Any, report: Path) -> None:
    from selenium.webdriver import ActionChains, Keys

    open_page(browser, report)
    mark = visible(browser, ".j")[1]
    panel = mark.find_element("class name", "panel")
    assert not panel.is_displayed()
    ActionChains(browser).move_to_element(mark).perform()
    assert panel.is_displayed() and "Words that decided" in panel.text
    ActionChains(browser).move_to_element(browser.find_element("tag name", "h1")).perform()
    assert not panel.is_displayed()
    summary = mark.find_element("tag name", "summary")
    summary.send_keys(Keys.ENTER)
    assert panel.is_displayed()
    summary.send_keys(Keys.ESCAPE)
    assert not panel.is_displayed()
    browser.find_element("css selector", f".ref[data-for={mark.get_attribute('id')}]").send_keys(Keys.ENTER)
    assert panel.is_displayed()


def test_the_page_reads_without_script(browser: Any, report: Path) -> None:
    open_page(browser, report, script=False)
    try:
        assert visible(browser, ".j") and not visible(browser, "form.filters")
        mark = visible(browser, ".j")[0]
        mark.find_element("tag name", "summary").click()
        assert mark.find_element("class name", "panel").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_it_prints_all_text_and_no_filter(browser: Any, report: Path) -> None:
    open_page(browser, report)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert visible(browser, ".j") and not visible(browser, "form.filters") and not visible(browser, ".panel")
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
