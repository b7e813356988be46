"""Speed beside the plain recipe: CPU seconds, interleaved in one run, medians.

    python benchmarks/speed.py --articles FILE.jsonl [--rounds 5] [--count 100]

The plain recipe is what a researcher writes first: nltk's Punkt with abbreviations, one compiled alias regex, and two
scikit-learn pipelines (tf-idf of words 1-2 and characters 2-5, logistic regression), called once an article; a joblib file loaded
at the start. It is trained here on the same corpus. FILE holds one article a line with a `text` field. Measured: (a) articles to
rows, (b) the scoring of pairs alone, (c) one article from process start, and `--help`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
ROOT = Path(__file__).parent.parent

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


def train_plain(folder: Path, path: Path) -> None:
    """Fit the plain recipe on the corpus and dump it."""
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    import stance
    from stance.actors import default_lexicon

    data = stance.read_dataset(folder)
    texts = [p.text.replace(p.mentions[0].text, "TARGET") if p.mentions and p.mentions[0].text else p.text for p in data.pairs]
    pipes = []
    for head in ("stance", "tone"):
        union = make_union(TfidfVectorizer(ngram_range=(1, 2), min_df=2), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=5))
        pipes.append(make_pipeline(union, LogisticRegression(max_iter=50, tol=1e-2, solver="saga")).fit(texts, data.labels[head]))
    aliases = sorted({a.text for a in default_lexicon().aliases if a.actor}, key=len, reverse=True)[-3000:]
    joblib.dump((r"\b(?:" + "|".join(map(re.escape, aliases)) + r")\b", pipes), path)


def cpu(run: Callable[[], object]) -> float:
    """CPU seconds of a call in this process."""
    start = time.process_time()
    run()
    return time.process_time() - start


def child_cpu(command: list[str]) -> float:
    """CPU seconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(title: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> None:
    """Interleaved medians and their ratio."""
    mine, plain = [], []
    for _ in range(rounds):
        mine.append(ours())
        plain.append(theirs())
    a, b = statistics.median(mine), statistics.median(plain)
    print(f"{title:<44}{a:9.3f} s {b:9.3f} s   {b / a:5.1f}x", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=100)
    args = parser.parse_args()
    import sklearn

    import stance

    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "stance")], check=True)
    texts = [json.loads(x)["text"] for x, _ in zip(args.articles.open(encoding="utf-8"), range(args.count * (args.rounds + 1)), strict=False)]
    warm, timed = texts[: args.count], texts[args.count :]
    with tempfile.TemporaryDirectory() as folder:
        plain_file, script = Path(folder, "plain.joblib"), Path(folder, "plain.py")
        train_plain(ROOT / "training_data", plain_file)
        script.write_text(PLAIN + "if __name__ == '__main__':\n    print(build(sys.argv[1])(open(sys.argv[2]).read()))\n")
        sys.path.insert(0, folder)
        import plain  # type: ignore[import-not-found]

        classify = plain.build(plain_file)
        list(stance.classify(warm))
        for text in warm[:10]:
            classify(text)
        print(f"Python {platform.python_version()}, scikit-learn {sklearn.__version__}, {platform.machine()}, {os.cpu_count()} cores; CPU seconds")
        print(f"{'':<44}{'stance':>11} {'plain recipe':>11}   ratio")
        parts = iter([timed[i : i + args.count] for i in range(0, len(timed), args.count)] * 2)
        batch: list[str] = []

        def ours() -> float:
            batch[:] = next(parts)
            return cpu(lambda: list(stance.classify(batch)))

        compare(f"{args.count} articles to rows", ours, lambda: cpu(lambda: [classify(t) for t in batch]), args.rounds)
        pairs = [(p, p.text) for t in warm for r in stance.read(t) for p in stance.pairs(r)][:1000]
        model = stance.default_model()
        regex, pipes = __import__("joblib").load(plain_file)
        masked = [x for _, x in pairs]
        compare(
            f"scoring of {len(pairs)} pairs alone", lambda: cpu(lambda: model.predict_proba([p for p, _ in pairs])),
            lambda: cpu(lambda: [p.predict_proba(masked) for p in pipes]), args.rounds,
        )  # fmt: skip
        article = str(ROOT / "examples/balloon.txt")
        compare(
            "one article from process start", lambda: child_cpu([sys.executable, "-m", "stance.cli", "classify", article, "-f", "jsonl"]),
            lambda: child_cpu([sys.executable, str(script), str(plain_file), article]), args.rounds,
        )  # fmt: skip
        helps = statistics.median(child_cpu([sys.executable, "-m", "stance.cli", "--help"]) for _ in range(args.rounds))
        print(f"{'stance --help':<44}{helps:9.3f} s")


if __name__ == "__main__":
    main()
