"""A results database as the contract has it, for the report's tests: plain sqlite3, no code of the package's own writer."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from stance.articles import Article
from stance.classification import Judgement, classify
from stance.model import Model


def write_results(
    path: Path, articles: Sequence[Article], model: Model, *, min_confidence: float = 0.0, skipped: Iterable[tuple[str, str]] = (), append: bool = False
) -> Path:
    """Classify the articles into a database of one run (one more with `append`)."""
    heads = [h.head.name for h in model.heads]
    columns = "".join(f', "{h}" TEXT, "{h}_p" REAL, "{h}_probs" TEXT' for h in heads)
    with closing(sqlite3.connect(path)) as db, db:
        if not append:
            db.executescript(f"""
                PRAGMA user_version = 1;
                CREATE TABLE run(id INTEGER PRIMARY KEY, started TEXT, finished TEXT, version TEXT, model TEXT, model_name TEXT, lexicon TEXT,
                    settings TEXT, manifest TEXT);
                CREATE TABLE article(id INTEGER PRIMARY KEY, run_id INTEGER REFERENCES run, position INTEGER, key TEXT, input TEXT, title TEXT,
                    date TEXT, source TEXT, sha256 TEXT, skipped TEXT);
                CREATE TABLE sentence(id INTEGER PRIMARY KEY, article_id INTEGER REFERENCES article, number INTEGER, paragraph INTEGER,
                    start INTEGER, "end" INTEGER, text TEXT);
                CREATE TABLE judgement(id INTEGER PRIMARY KEY, sentence_id INTEGER REFERENCES sentence, actor TEXT, mentions TEXT, target TEXT{columns});
            """)
        run = db.execute(
            "INSERT INTO run(started, finished, version, model, model_name, manifest) VALUES (?,?,?,?,?,?)",
            ("2031-06-01T10:00:00", "2031-06-01T10:00:02", "0.2.0", model.fingerprint, "default.stance", json.dumps(model.manifest)),
        ).lastrowid
        for n, a in enumerate(articles):
            digest = hashlib.sha256(a.text.encode()).hexdigest()
            row = db.execute(
                "INSERT INTO article(run_id, position, key, input, title, date, source, sha256) VALUES (?,?,?,?,?,?,?,?)",
                (run, n, a.id, "in.jsonl", a.title, a.date, a.source, digest),
            ).lastrowid
            _sentences(db, row, list(classify(a, model, min_confidence=min_confidence)), heads)
        for n, (key, why) in enumerate(skipped, len(articles)):
            db.execute("INSERT INTO article(run_id, position, key, input, skipped) VALUES (?,?,?,?,?)", (run, n, key, key, why))
    return path


def _sentences(db: sqlite3.Connection, article: int | None, judgements: Sequence[Judgement], heads: Sequence[str]) -> None:
    ids: dict[int, int | None] = {}
    for j in judgements:
        if j.index not in ids:
            values = (article, j.index, j.paragraph, j.start, j.end, j.text)
            ids[j.index] = db.execute("INSERT INTO sentence(article_id, number, paragraph, start, \"end\", text) VALUES (?,?,?,?,?,?)", values).lastrowid
        row = [ids[j.index], j.actor, json.dumps(j.as_dict()["mentions"]), ";".join(j.target)]
        for h in heads:
            row += [j.labels[h], j.confidence(h), json.dumps(j.probabilities[h])]
        names = "".join(f', "{h}", "{h}_p", "{h}_probs"' for h in heads)
        db.execute(f"INSERT INTO judgement(sentence_id, actor, mentions, target{names}) VALUES ({','.join('?' * len(row))})", row)
