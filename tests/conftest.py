"""Fixtures: a small hand-written data set, the model trained on it, and the command line in this process."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray

from stance import classification
from stance.actors import Pair, pairs, read
from stance.dataset import Dataset, read_dataset
from stance.evaluation import HeadReport, group_numbers
from stance.lexicon import Lexicon, default_lexicon
from stance.model import Model
from stance.training import Settings, train

ROOT = Path(__file__).parent.parent
REPORTS = Path(__file__).parent / "data" / "reports.csv"
SETTINGS = Settings(folds=3, min_pairs=2, draws=50)

hypothesis.settings.register_profile("stance", deadline=None, derandomize=True, database=None)  # the same examples everywhere
hypothesis.settings.load_profile("stance")

# a shell ignores SIGINT for what it starts in the background, and so would the processes that tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)


def cases(name: str) -> list[Any]:
    """The golden cases of `tests/cases/NAME.json`, as parameters named after them."""
    found = json.loads((Path(__file__).parent / "cases" / f"{name}.json").read_text("utf-8"))
    return [pytest.param(c, id=c["name"]) for c in found]


def hold(case: dict[str, Any], got: object, want: object) -> None:
    """A golden case must hold; a known failure must still fail."""
    if case["expect"] == "fail":
        assert got != want, f"{case['name']!r} is a known failure that now passes: set its expect to pass"
    else:
        assert got == want


def pairs_of(text: str, lexicon: Lexicon | None = None) -> list[Pair]:
    """All pairs of a text."""
    return [p for r in read(text, lexicon=lexicon) for p in pairs(r)]


def write_csv(path: Path, rows: Iterable[dict[str, object]]) -> Path:
    """A CSV file of `rows`, with the first row's keys as its header."""
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, list(rows[0]), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def relabel(path: Path, column: str, names: dict[str, str], split: str = "train") -> Path:
    """The reports of one split with `column` for a label, made from their tone."""
    with REPORTS.open(encoding="utf-8", newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["split"] == split and r["tone"] in names]
    keep = ("article_id", "sentence_id", "text", "actor")
    return write_csv(path, [{**{k: r[k] for k in keep}, column: names[r["tone"]]} for r in rows])


@dataclass(frozen=True)
class Run:
    """What a command did: exit code, standard output and standard error."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return default_lexicon()


@pytest.fixture(scope="session")
def reports() -> Dataset:
    return read_dataset(REPORTS)


@pytest.fixture(scope="session")
def trained(reports: Dataset) -> tuple[Model, dict[str, HeadReport]]:
    return train(reports.split("test")[0], settings=SETTINGS)


@pytest.fixture(scope="session")
def model(trained: tuple[Model, dict[str, HeadReport]]) -> Model:
    return trained[0]


@pytest.fixture(scope="session")
def model_file(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.stance"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def unseen(reports: Dataset) -> list[Pair]:
    """Pairs of articles the model was not trained on, with one that has no mention at all."""
    held = list(reports.split("test")[1].pairs)
    return [*held, Pair(held[0].reading, "Nowhere", ())]


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """An article that speaks of poison cannot be read."""
    real = classification.iter_readings

    def fails(found: Any, *args: Any, **options: Any) -> Any:
        found = list(found)
        if any("poison" in s.text for s in found):
            raise ValueError("no reading of this")
        return real(found, *args, **options)

    monkeypatch.setattr(classification, "iter_readings", fails)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """`run("classify", "a.txt")`: the command line through `main`, in this process."""
    from stance import cli

    def call(*args: object) -> Run:
        monkeypatch.setattr(sys, "argv", ["stance", *map(str, args)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else int(bool(e.code))
        out, err = capsys.readouterr()
        return Run(code, out, err)

    return call


# --------------------------------------------------------------------------- other processes

LIMIT = 120  # seconds for what another process is to do, on a busy machine; then the test fails rather than hangs


@contextmanager
def popen(command: list[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process that is killed when its time is over or the block fails, so that reading from it ends too."""
    process = subprocess.Popen(command, **options)
    timer = threading.Timer(LIMIT, process.kill)
    timer.start()
    try:
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
    finally:
        timer.cancel()


def until(done: Callable[[], object]) -> None:
    """Wait for it. Fails when the time is over."""
    deadline = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < deadline, "it has not happened in time"
        time.sleep(0.01)


# --------------------------------------------------------------------------- web pages, in a real browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
CHROMEDRIVER = shutil.which("chromedriver") or ""
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage"
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium; without one (or without selenium) the tests that need it are skipped."""
    webdriver = pytest.importorskip("selenium.webdriver")
    if not CHROMIUM or not CHROMEDRIVER:
        pytest.skip("no chromium and chromedriver here")
    options = webdriver.ChromeOptions()
    for flag in [*_FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    yield driver
    driver.quit()


def open_page(browser: Any, path: Path, *, width: int = 1280, dark: bool = False, script: bool = True, anchor: str = "") -> None:
    """Open a page anew at this width, bright or dark, with or without scripts."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(path.resolve().as_uri() + anchor)


def complaints(browser: Any) -> list[str]:
    """What the page wrote to the console, and what axe-core finds that is serious or critical."""
    spec = importlib.util.find_spec("axe_core_python")
    assert spec and spec.origin, "axe-core-python is not installed"
    logged = [e["message"] for e in browser.get_log("browser")]
    browser.execute_script((Path(spec.origin).parent / "axe.min.js").read_text("utf-8"))
    found = browser.execute_async_script("const done = arguments[arguments.length - 1]; axe.run().then(r => done(r.violations), e => done([{id: String(e), impact: 'critical', nodes: []}]))")
    bad = [f"{v['id']}: {[n['html'][:90] for n in v['nodes'][:2]]}" for v in found if v["impact"] in ("serious", "critical")]
    return logged + bad


def first_and_last_in_one_fold(labels: Sequence[str], groups: Sequence[str], settings: Settings) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Two folds of eight groups in place of `training.group_folds`, whose draw is not the same in all versions of scikit-learn."""
    here = np.isin(group_numbers(groups), (0, 1, 2, 7))
    return [(np.flatnonzero(here), np.flatnonzero(~here)), (np.flatnonzero(~here), np.flatnonzero(here))]
