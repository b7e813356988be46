"""Speed and memory beside peers: CPU seconds, interleaved in one run, medians; on text no table was warmed on.

    python benchmarks/speed.py --articles FILE.jsonl [--only abcdefg] [--rounds 5] [--count 100]

FILE holds one article a line with a `text` field. Peers are trained here on the same corpus; one that is not installed is named
and left out (`pip install "stance[bench]"`).

(a) articles to rows, beside the plain recipe: what a researcher writes first, nltk's Punkt with abbreviations, one compiled alias
    regex, and two scikit-learn pipelines (tf-idf of words 1-2 and characters 2-5, logistic regression), called once an article
(b) scoring alone, of pairs already found: the plain recipe's pipelines, words 1-2 only, fastText with and without subwords, spaCy's
    bag-of-words classifier, and VADER (which has no labels of ours, only a sentiment)
(c) one article from process start, and `--help`
(d) peak memory on 10 and 200 MB of articles, into a database
(e) one process and two: seconds on the clock
(f) what training costs by rows; beyond the corpus its reports are repeated under new names
(g) a dask cluster on this machine: what moves with a batch, and what that costs
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, groupby, islice
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"
ROOT = Path(__file__).parent.parent
STANCE = [sys.executable, "-m", "stance.cli"]
HEADS = ("stance", "tone")
Score = Callable[[Sequence[str]], object]  # masked sentences to labels

PLAIN = '''
import re, sys, joblib
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
def build(path):
    regex, pipes = joblib.load(path)
    parameters = PunktParameters()
    parameters.abbrev_types = set(
        "u.s u.k u.n e.u mr mrs ms dr gen sen rep gov col lt jan feb mar apr aug sept oct nov dec a.m p.m st no inc corp".split()
    )
    punkt = PunktSentenceTokenizer(parameters)
    compiled = re.compile(regex)
    def classify(text):
        rows = []
        for sentence in punkt.tokenize(text):
            for alias in {m.group() for m in compiled.finditer(sentence)}:
                rows.append((alias, sentence.replace(alias, "TARGET")))
        if rows:
            masked = [r[1] for r in rows]
            return [(*row, *labels) for row, labels in zip(rows, zip(*(p.predict(masked) for p in pipes)))]
        return rows
    return classify
'''
ONE = "if __name__ == '__main__':\n    print(build(sys.argv[1])(open(sys.argv[2]).read()))\n"


# --------------------------------------------------------------------------- measuring


def cpu(run: Callable[[], object]) -> float:
    """CPU seconds of a call in this process."""
    start = time.process_time()
    run()
    return time.process_time() - start


# A process of its own starts the measured one: Linux counts the peak of whoever starts a process as the process's own.
WATCH = """
import os, subprocess, sys, time
start = time.monotonic()
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(p.pid, 0)
print(used.ru_utime + used.ru_stime, time.monotonic() - start, used.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def child(command: list[str]) -> tuple[float, float, float]:
    """CPU seconds (of those it starts too), seconds on the clock and peak megabytes of a process."""
    r = subprocess.run([sys.executable, "-S", "-c", WATCH, *command], check=True, stdout=subprocess.PIPE, cwd=ROOT, text=True)
    used, clock, peak = map(float, r.stdout.split())
    return used, clock, peak


def interleaved(runs: dict[str, Callable[[int], float]], rounds: int) -> dict[str, float]:
    """The median of every run, all of them once a round; a run is told the round."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for k in range(rounds):
        for name, run in runs.items():
            found[name].append(run(k))
    return {name: statistics.median(v) for name, v in found.items()}


def show(title: str, medians: dict[str, float], unit: str = "s CPU") -> None:
    """One table, with ratios to the first row, which is ours."""
    print(f"\n{title}")
    ours = next(iter(medians.values()))
    for name, v in medians.items():
        print(f"  {name:<42}{v:10.3f} {unit}{v / ours:10.2f}x", flush=True)


# --------------------------------------------------------------------------- peers


class Corpus:
    """The training data as the peers see it: masked sentences and labels by head."""

    def __init__(self) -> None:
        import stance

        data = stance.read_dataset(ROOT / "training_data")
        self.texts = [p.text.replace(p.mentions[0].text, "TARGET") if p.mentions and p.mentions[0].text else p.text for p in data.pairs]
        self.labels = {h: data.labels[h] for h in HEADS}


def sklearn_pipes(corpus: Corpus, characters: bool) -> list[Any]:
    """A pipeline a head: tf-idf of words 1-2, with or without characters 2-5, and logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    parts = [TfidfVectorizer(ngram_range=(1, 2), min_df=2)]
    parts += [TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=5)] if characters else []

    def fit(head: str) -> Any:
        return make_pipeline(make_union(*parts), LogisticRegression(max_iter=50, tol=1e-2, solver="saga")).fit(corpus.texts, corpus.labels[head])

    return [fit(head) for head in HEADS]


def words_only(corpus: Corpus) -> Score:
    """scikit-learn, words 1-2 only."""
    pipes = sklearn_pipes(corpus, characters=False)
    return lambda texts: [p.predict_proba(texts) for p in pipes]


def fasttext(corpus: Corpus, subwords: bool) -> Score:
    """fastText (Joulin et al. 2016), a model a head, word 1-2-grams, with or without character 2-5-grams."""
    import fasttext as ft

    models = []
    for head in HEADS:
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", delete=False) as f:
            for text, label in zip(corpus.texts, corpus.labels[head], strict=True):
                f.write(f"__label__{label} {' '.join(text.split())}\n")
        options = {"minn": 2, "maxn": 5} if subwords else {"maxn": 0}
        models.append(ft.train_supervised(f.name, wordNgrams=2, thread=1, verbose=0, epoch=5, bucket=200_000, **options))
        Path(f.name).unlink()
    return lambda texts: [m.predict([" ".join(t.split()) for t in texts], k=1) for m in models]


def spacy_bow(corpus: Corpus) -> Score:
    """spaCy, blank English with TextCatBOW, a component a head; trained on a part, which does not change its speed."""
    import spacy
    from spacy.training import Example
    from spacy.util import minibatch

    settings = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": True, "ngram_size": 2, "no_output_layer": False, "length": 262144}

    def fit(head: str) -> Any:
        nlp = spacy.blank("en")
        nlp.add_pipe("textcat", config={"model": settings})
        some, labels = list(zip(corpus.texts, corpus.labels[head], strict=True))[:3000], sorted(set(corpus.labels[head]))
        examples = [Example.from_dict(nlp.make_doc(t), {"cats": {x: float(x == label) for x in labels}}) for t, label in some]
        optimizer = nlp.initialize(lambda: examples)
        for batch in minibatch(examples, 64):
            nlp.update(batch, sgd=optimizer)
        return nlp

    first, second = map(fit, HEADS)
    return lambda texts: [dict(d.cats) for d in second.pipe(first.pipe(texts, batch_size=256), batch_size=256)]  # tokenised once


def vader(_: Corpus) -> Score:
    """VADER (Hutto & Gilbert 2014): a sentiment, no labels."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    scorer = SentimentIntensityAnalyzer()
    return lambda texts: [scorer.polarity_scores(t) for t in texts]


PEERS: dict[str, Callable[[Corpus], Score]] = {
    "scikit-learn, words 1-2": words_only,
    "fastText with subwords": lambda c: fasttext(c, True),
    "fastText without subwords": lambda c: fasttext(c, False),
    "spaCy blank, TextCatBOW": spacy_bow,
    "VADER": vader,
}


def installed(corpus: Corpus) -> Iterator[tuple[str, Score]]:
    """The peers that can be had; the others are named."""
    for name, build in PEERS.items():
        try:
            yield name, build(corpus)
        except ImportError as e:
            print(f"  left out: {name} ({e})")


# --------------------------------------------------------------------------- the tables


class Bench:
    """What the tables share: texts, the trained plain recipe, a folder."""

    def __init__(self, articles: Path, rounds: int, count: int, folder: Path) -> None:
        self.articles, self.rounds, self.count, self.folder = articles, rounds, count, folder
        with articles.open(encoding="utf-8") as f:
            texts = [json.loads(x)["text"] for x in islice(f, count * (rounds + 1))]
        self.warm = texts[:count]
        self.parts = [texts[count * (k + 1) : count * (k + 2)] for k in range(rounds)]
        if not self.parts[-1:] or len(self.parts[-1]) < count:
            raise SystemExit(f"{articles}: {len(texts)} articles, {count * (rounds + 1)} are needed; give more, or a smaller --count")
        self._corpus: Corpus | None = None
        self._pipes: list[Any] = []

    @property
    def corpus(self) -> Corpus:
        """The training data, read once."""
        self._corpus = self._corpus or Corpus()
        return self._corpus

    def plain(self) -> tuple[Path, Path, list[Any]]:
        """The plain recipe: its script, its joblib file, its pipelines."""
        script, dumped = self.folder / "plain.py", self.folder / "plain.joblib"
        if not self._pipes:
            import joblib

            from stance.lexicon import default_lexicon

            self._pipes = sklearn_pipes(self.corpus, characters=True)
            aliases = sorted({a.text for a in default_lexicon().aliases if a.actor}, key=len, reverse=True)[-3000:]
            joblib.dump((r"\b(?:" + "|".join(map(re.escape, aliases)) + r")\b", self._pipes), dumped)
            script.write_text(PLAIN + ONE)
            sys.path.insert(0, str(self.folder))
        return script, dumped, self._pipes


def table_a(b: Bench) -> None:
    """Articles to rows."""
    import stance

    _, dumped, _ = b.plain()
    import plain  # type: ignore[import-not-found]

    classify = plain.build(dumped)
    list(stance.classify(b.warm))
    for text in b.warm[:10]:
        classify(text)
    runs = {
        "stance": lambda k: cpu(lambda: list(stance.classify(b.parts[k]))),
        "plain recipe": lambda k: cpu(lambda: [classify(t) for t in b.parts[k]]),
    }
    medians = interleaved(runs, b.rounds)
    show(f"(a) {b.count} articles to rows", medians)
    mega = statistics.median(sum(map(len, p)) for p in b.parts) / 1e6
    sentences = statistics.median(sum(1 for t in p for _ in stance.read(t)) for p in b.parts)
    print(f"  stance: {medians['stance'] / mega:.2f} s CPU a megabyte, {medians['stance'] / sentences * 1e6:.0f} a million sentences")


def table_b(b: Bench) -> None:
    """Scoring alone."""
    import stance

    def pairs(texts: Sequence[str]) -> list[Any]:
        return list(islice((p for t in texts for r in stance.read(t) for p in stance.pairs(r)), 1000))

    def masked(found: list[Any]) -> list[str]:
        return [p.text.replace(p.mentions[0].text, "TARGET") if p.mentions[0].text else p.text for p in found]

    _, _, pipes = b.plain()
    peers: dict[str, Score] = {"plain recipe, words 1-2 and characters 2-5": lambda texts: [p.predict_proba(texts) for p in pipes]}
    peers |= dict(installed(b.corpus))
    model, warm = stance.default_model(), pairs(b.warm)
    for score in peers.values():
        score(masked(warm))
    timed = [pairs(p) for p in b.parts]
    model.predict_proba(warm)
    texts = [masked(t) for t in timed]
    runs: dict[str, Callable[[int], float]] = {"stance": lambda k: cpu(lambda: model.predict_proba(timed[k]))}
    for name, score in peers.items():
        runs[name] = lambda k, score=score: cpu(lambda: score(texts[k]))  # type: ignore[misc]
    show(f"(b) scoring of {len(timed[0])} pairs alone", interleaved(runs, b.rounds))


def table_c(b: Bench) -> None:
    """From process start."""
    script, dumped, _ = b.plain()
    article = str(ROOT / "examples/balloon.txt")
    commands = {
        "stance classify": [*STANCE, "classify", article, "-f", "jsonl"],
        "plain recipe (nltk, joblib, scikit-learn)": [sys.executable, str(script), str(dumped), article],
        "stance --help": [*STANCE, "--help"],
    }
    for c in commands.values():
        child(c)  # files into the cache, byte code written
    show("(c) one article from process start", interleaved({n: lambda _, c=c: child(c)[0] for n, c in commands.items()}, b.rounds))  # type: ignore[misc]


def table_d(b: Bench) -> None:
    """Peak memory."""
    peaks = {}
    for megabytes in (10, 200):
        part, out = b.folder / f"{megabytes}.jsonl", b.folder / f"{megabytes}.sqlite"
        size = 0
        with b.articles.open("rb") as f, part.open("wb") as g:
            for line in f:
                size += g.write(line)
                if size >= megabytes * 1_000_000:
                    break
        used, _, peaks[f"stance, {size / 1e6:.0f} MB of articles"] = child([*STANCE, "classify", str(part), "-o", str(out)])
        print(f"  {size / 1e6:.0f} MB: {used:.0f} s CPU, database {out.stat().st_size / 1e6:.0f} MB", flush=True)
        part.unlink()
        out.unlink()
    show("(d) peak memory", peaks, "MB")


def table_e(b: Bench) -> None:
    """One process and two."""
    part = b.folder / "jobs.jsonl"
    with b.articles.open("rb") as f:
        part.write_bytes(b"".join(islice(f, 15 * b.count)))

    cpus: dict[int, list[float]] = {1: [], 2: []}

    def run(jobs: int) -> float:
        out = b.folder / "jobs.sqlite"
        out.unlink(missing_ok=True)
        used, clock, _ = child([*STANCE, "classify", str(part), "-o", str(out), "-j", str(jobs)])
        cpus[jobs].append(used)
        return clock

    medians = interleaved({f"--jobs {j}": lambda _, j=j: run(j) for j in (1, 2)}, b.rounds)  # type: ignore[misc]
    show(f"(e) {15 * b.count} articles into a database, on the clock", medians, "s")
    show("    the same, of all processes together", {f"--jobs {j}": statistics.median(v) for j, v in cpus.items()})


def table_f(b: Bench) -> None:
    """Training by rows; once each."""
    rows = []
    for path in sorted((ROOT / "training_data").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as f:
            rows += list(csv.DictReader(f))
    reports = [list(g) for _, g in groupby(rows, key=lambda r: r["article_id"])]
    print("\n(f) training with 5-fold cross-validation, by rows")
    for wanted in (1000, 3000, 10_000, len(rows), 100_000):
        path, count = b.folder / "train.csv", 0
        with path.open("w", encoding="utf-8", newline="") as f:
            writer = csv.DictWriter(f, list(rows[0]), extrasaction="ignore", restval="")
            writer.writeheader()
            for n, report in enumerate(cycle(reports)):
                name = f"{report[0]['article_id']}-{n // len(reports)}"
                writer.writerows({**r, "article_id": name} for r in report)
                count += len(report)
                if count >= wanted:
                    break
        used, clock, peak = child([*STANCE, "train", str(path), "--min-pairs", "10", "-o", str(b.folder / "train.stance")])
        print(f"  {count:>7} rows {used:10.1f} s CPU {clock:10.1f} s {peak:8.0f} MB   {used / count * 1000:6.2f} s CPU a thousand rows", flush=True)


def table_g(b: Bench) -> None:
    """A dask cluster of two worker processes on this machine: what moves, and what that costs beside the work."""
    import pickle

    import cloudpickle
    from distributed import LocalCluster

    import stance
    from stance.articles import scan_articles
    from stance.classification import BATCH, classify_archive
    from stance.lexicon import default_lexicon
    from stance.parallel import on_cluster
    from stance.store import describe_run, record, rows_of

    model, lexicon = stance.default_model(), default_lexicon()
    with b.articles.open(encoding="utf-8") as f:
        records = [json.loads(x) for x in islice(f, 20 * BATCH)]
    articles = [stance.Article(str(r.get("id", n)), r["text"], date=r.get("date", "")) for n, r in enumerate(records)]
    start = time.process_time()
    run = describe_run(model, lexicon, {})
    done = list(classify_archive(articles[: 5 * BATCH], model, lexicon=lexicon, finish=partial(rows_of, heads=run.heads)))
    work = (time.process_time() - start) / len(done)
    out = statistics.mean(len(pickle.dumps(articles[k * BATCH : (k + 1) * BATCH])) for k in range(5))
    back = statistics.mean(len(pickle.dumps(d, pickle.HIGHEST_PROTOCOL)) for d in done)
    print(f"\n(g) a dask cluster, batches of {BATCH} articles; a batch takes {work:.3f} s CPU to classify")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address, batches = cluster.scheduler_address, [articles[k : k + BATCH] for k in range(0, len(articles), BATCH)]

        def canned(batch: list[Any], held: list[Any] = done[0]) -> list[Any]:
            return held  # what a batch gives, without its work

        def in_batches(items: Iterator[Any]) -> Iterator[list[Any]]:
            rest = iter(items)
            return iter(lambda: list(islice(rest, BATCH)), [])

        for _ in range(2):  # the first round sends the function
            clock, used = time.monotonic(), time.process_time()
            count = sum(1 for _ in on_cluster(canned, iter(batches), address, lambda x: x))
            clock, used = time.monotonic() - clock, time.process_time() - used
        print(f"  sent once a worker: {len(cloudpickle.dumps((replace(model, pipeline_bytes=b''), lexicon))) / 1e6:.1f} MB")
        print(f"  a batch: {out / 1e3:.0f} kB sent, {back / 1e3:.0f} kB given back")
        print(f"  transport alone: {clock / count:.3f} s a batch on the clock, {used / count:.3f} s CPU here")

        part = b.folder / "dask.jsonl"
        with b.articles.open("rb") as f:
            part.write_bytes(b"".join(islice(f, len(articles))))
        used = time.process_time()
        record(b.folder / "dask.db", scan_articles(part), lambda items, _: on_cluster(canned, in_batches(items), address, lambda x: x), run)
        used = (time.process_time() - used) / count
        print(f"  reading, transport and writing into a database: {used:.3f} s CPU here, so one such process feeds {work / used:.0f} cores")

        def whole(**options: Any) -> float:
            begin = time.monotonic()
            for _ in classify_archive(articles, model, lexicon=lexicon, **options):
                pass
            return time.monotonic() - begin

        runs = {"--jobs 2": lambda _: whole(jobs=2), "--dask, two workers": lambda _: whole(cluster=address)}
        show(f"    {len(articles)} articles, on the clock", interleaved(runs, b.rounds), "s")


TABLES = {"a": table_a, "b": table_b, "c": table_c, "d": table_d, "e": table_e, "f": table_f, "g": table_g}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=Path, required=True, help="an article a line, with a field `text`")
    parser.add_argument("--only", default="abcde", help="which tables; f (long) and g (needs stance[dask]) only when named")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median is told")
    parser.add_argument("--count", type=int, default=100, help="articles of a round")
    args = parser.parse_args()
    import sklearn

    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "stance")], check=True)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"Python {platform.python_version()}, scikit-learn {sklearn.__version__}, {platform.machine()}, {cores} cores; medians of {args.rounds}")
    with tempfile.TemporaryDirectory() as folder:
        b = Bench(args.articles, args.rounds, args.count, Path(folder))
        for name in args.only:
            TABLES[name](b)


if __name__ == "__main__":
    main()
