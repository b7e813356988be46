"""The network that the shipped model starts from: what a fine-tuned sentence encoder says of raw news, learnt by the small one.

    python models/distil.py tune --encoder FOLDER --work DIR [--data FILE.csv … --start WEIGHTS.pt]
    python models/distil.py label [--encoder FOLDER] --archive FILE.jsonl --model MODEL --work DIR [--again N] [--labels FILE.csv] [--actors FILE.csv]
    python models/distil.py learn --work DIR [--start NETWORK.npz [--kept SHARE] [--words FILE.npz] [--reports FOLDER] [--beside DIR]] -o FILE.npz
    python models/distil.py learn --labels FILE.csv --start NETWORK.npz [--kept SHARE] [--reports FOLDER] -o FILE.npz

Knowledge distillation (Hinton et al. 2015; from a transformer to a recurrent network on unlabelled text: Tang et al. 2019). `tune` trains the encoder
on the reports of `training_data` that are not held out (and with `--start` goes on with other labelled pairs: those of `news_labels.py`); `label`
takes pairs from an archive of raw news, and for each the mean of what the encoder and a model trained without `--start` say; `learn` trains the
network on these probabilities. A larger encoder is slow: with `--again` it labels a part of the pairs once more, mostly those that the smaller one
(or the model, where no encoder was given) was in doubt about, and `learn --start` goes on with these alone; `--labels` adds pairs that readers have
labelled, with the mean of what they and the encoder say; `--actors` takes pairs of the actors of that table (`names.py`) instead of states, and
`learn --beside` learns those labelled again in another folder too; with `--kept` a share of the parameters that it began with stays in what comes
out. With `--words` the vectors of the words learn as well, and are written there; with `--reports` the labelled pairs of reports that are not held
out are learnt among the others: alone, later, they would make it forget (rehearsal: Robins 1995). `learn --labels` needs no folder: the
network goes on with what readers say of real news, smoothed by what it says itself, and with reports that are new.
The first two need stance[embeddings]; DIR keeps what they made.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from news_labels import LABELS, read_labels
from numpy.typing import NDArray

import stance
from stance.actors import Pair, iter_readings, pairs
from stance.codebook import DEFAULT_HEADS, Head
from stance.encoders import find_folder, masked
from stance.features import Sequences, concat_sequences, prepare, sequences
from stance.lexicon import Lexicon, default_lexicon
from stance.model import Model, default_model, softmax
from stance.network import Goal, batches, load_network, train_network
from stance.text import sentences
from stance.training import Settings, balanced
from stance.words import default_words, taught_words

HEADS = tuple(DEFAULT_HEADS.values())
SCORES = sum(len(h.labels) for h in HEADS)
LABELLED, AGAIN = "labelled.npz", "again.npz"
EPOCHS, BATCH, RATE, TOP_RATE = 3, 32, 1e-4, 1e-3  # of the encoder, and of the layers on top of it
ARTICLES, LONGEST_ARTICLE, LONGEST_SENTENCE = 32_000, 15_000, 600  # characters
SURELY_NEUTRAL, KEPT = 0.9, 0.3  # of the pairs that the model holds to be neutral with so much probability, this share is kept
DOUBTED, TRUSTED = 0.75, 0.75  # of the pairs labelled again, the share that was labelled with most doubt; and the weight of the new label
READ, SURE = 0.6, 0.9  # weight of a reader's label beside the encoder's, and of a report's beside all labels alike
STUDENT_EPOCHS, WORD_RATE = 2, 3e-3  # the second one of the vectors of words, with `--words`
SEED = 1

Floats = NDArray[np.floating[Any]]


def main() -> None:
    """Run one of the three steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["tune", "label", "learn"], help="in this order: each takes what the one before left in --work")
    parser.add_argument("--encoder", help="folder or cached name of a sentence encoder (all-MiniLM-L6-v2, all-mpnet-base-v2); without: the model")
    parser.add_argument("--archive", type=Path, help="raw news, JSON lines with `text` and `date`")
    parser.add_argument("--model", help="a model trained without --start; default: the shipped one")
    parser.add_argument("--articles", type=int, default=ARTICLES, help="how many articles of the archive are read")
    parser.add_argument("--seed", type=int, default=SEED, help="of the draw of articles and pairs")
    parser.add_argument("--again", type=int, default=0, help="of the pairs that are labelled already, label so many once more")
    parser.add_argument("--labels", type=Path, help="a labelled CSV of real news: pairs added to those labelled again, or all that `learn` learns")
    parser.add_argument("--actors", type=Path, help="a table of actors, whose pairs are labelled instead of those of states")
    parser.add_argument("--beside", type=Path, nargs="+", default=[], help="further folders of pairs labelled again, learnt with those of --work")
    parser.add_argument("--data", type=Path, nargs="+", default=[Path("training_data")], help="labelled CSV that `tune` learns from")
    parser.add_argument("--epochs", type=float, default=0, help=f"passes over the pairs; default: {EPOCHS} of `tune`, {STUDENT_EPOCHS} of `learn`")
    parser.add_argument("--rate", type=float, default=RATE, help="of learning of the encoder")
    parser.add_argument("--frozen", type=int, default=0, help="layers of the encoder, from the first, that stay as they are with its embeddings")
    parser.add_argument("--start", type=Path, help="weights that `tune` has written, or a network that has learnt all pairs: what goes on learning")
    parser.add_argument("--kept", type=float, default=0.0, help="share of the parameters of --start in what comes out")
    parser.add_argument("--words", type=Path, help="where the vectors of words are written that have learnt with it")
    with_it = "labelled files or folders learnt with the archive, but for what is held out; one named twice is learnt twice"
    parser.add_argument("--reports", type=Path, nargs="+", default=[], help=with_it)
    parser.add_argument("--work", type=Path, help="folder that keeps what the steps made")
    parser.add_argument("-o", "--output", type=Path, default=Path("models/start.npz"), help="network that `learn` writes")
    args = parser.parse_args()
    if args.labels and not (args.encoder and args.again) and not (args.step == "learn" and args.start and not args.work):
        parser.error("--labels adds pairs to those that an --encoder labels --again, or stands with `learn --start` in place of --work")
    if not args.work and not (args.step == "learn" and args.labels):
        parser.error("--work is needed: the folder that keeps what the steps made")
    if args.reports and args.words:
        parser.error("with --reports the network is kept as it was before, over the same vectors: learn --words first")
    if args.beside and not (args.start and args.work):
        parser.error("--beside adds pairs that were labelled again to those of --work, which a network goes on with: give it and --start")
    if args.work:
        args.work.mkdir(exist_ok=True)
    if args.step == "tune":
        epochs = args.epochs or EPOCHS
        tune(args.encoder, args.data, args.work, epochs=epochs, rate=args.rate, frozen=args.frozen, start=args.start)
    elif args.step == "label":
        model = stance.load(args.model) if args.model else default_model()
        options = {"articles": args.articles, "again": args.again, "seed": args.seed, "labels": args.labels, "own": args.actors}
        label(args.encoder, args.archive, model, args.work, **options)
    else:
        folders, epochs = [args.work, *args.beside] if args.work else [], int(args.epochs) or STUDENT_EPOCHS
        learn(folders, args.output, epochs=epochs, start=args.start, kept=args.kept, own=args.words, reports=args.reports, labels=args.labels)


# --------------------------------------------------------------------------- the teacher


def teacher(encoder: str) -> tuple[Any, Any]:
    """(tokenizer, network): over the encoder's last states, at its first token, their mean, and their mean at the masks of the actor."""
    import torch
    import transformers

    class Teacher(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.enc = transformers.AutoModel.from_pretrained(folder)
            size = self.enc.config.hidden_size
            self.hid, self.out, self.drop = torch.nn.Linear(3 * size, size), torch.nn.Linear(size, SCORES), torch.nn.Dropout(0.2)

        def forward(self, ids: Any, there: Any, own: Any) -> Any:
            states = self.enc(input_ids=ids, attention_mask=there).last_hidden_state
            means = [(states * x[..., None]).sum(1) / x.sum(1, keepdim=True).clamp(min=1) for x in (there.to(states.dtype), own.to(states.dtype))]
            return self.out(self.drop(torch.nn.functional.gelu(self.hid(self.drop(torch.cat([states[:, 0], *means], 1))))))

    folder = find_folder(encoder)
    torch.manual_seed(SEED)
    return transformers.AutoTokenizer.from_pretrained(folder), Teacher()


def token_ids(some: Sequence[Pair], tokenizer: Any) -> list[list[int]]:
    """Token numbers of pairs, the actor masked; an actor without a word in the sentence is put in front of it, as if speaking."""
    mask = tokenizer.mask_token
    texts = [m.text if m.spans else f"{mask} : {m.text}" for m in (masked(p, mask) for p in some)]
    out: list[list[int]] = []
    for i in range(0, len(texts), 2000):
        out += tokenizer(texts[i : i + 2000], truncation=True, max_length=128)["input_ids"]
    return out


def side_by_side(ids: Sequence[Sequence[int]], mask: int) -> tuple[Any, Any, Any]:
    """Token numbers, whether they are there, and whether they mask the actor, shape (pairs, longest) each."""
    import torch

    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(x) for x in ids], batch_first=True)
    there = torch.arange(padded.shape[1]) < torch.tensor([len(x) for x in ids])[:, None]
    return padded, there.long(), padded == mask


def tuned(encoder: str, work: Path) -> Path:
    """Where its weights are kept."""
    return work / f"{Path(encoder).name}.pt"


def tuned_teacher(encoder: str, weights: Path) -> tuple[Any, Any]:
    """As `teacher`, with the weights that `tune` wrote."""
    import torch

    tokenizer, net = teacher(encoder)
    net.load_state_dict(torch.load(weights, weights_only=True))
    return tokenizer, net


def tune(encoder: str, data: Sequence[Path], work: Path, *, epochs: float, rate: float, frozen: int, start: Path | None) -> None:
    """Train the encoder and the layers on top of it, from `start` if there is one, and say how good it is on what is held out of the data."""
    import torch

    rest, held = stance.read_dataset(list(data), heads=list(DEFAULT_HEADS)).split("test")
    tokenizer, net = tuned_teacher(encoder, start) if start else teacher(encoder)
    ids, truth = token_ids(rest.pairs, tokenizer), torch.tensor(numbers(rest))
    sizes = np.array([len(x) for x in ids])
    for layer in [net.enc.embeddings, *net.enc.encoder.layer[:frozen]] if frozen else []:
        layer.requires_grad_(False)
    top = [p for name, p in net.named_parameters() if not name.startswith("enc.")]
    below = [p for p in net.enc.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([{"params": below, "lr": rate}, {"params": top, "lr": TOP_RATE}], weight_decay=0.01)
    steps = int(epochs * (len(ids) // BATCH))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1, (s + 1) / (0.1 * steps)) * (steps - s) / steps)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.05)
    rng = np.random.default_rng(SEED)
    queue: list[NDArray[Any]] = []
    net.train()
    for step in range(steps):
        queue = queue or batches(sizes, rng, together=BATCH)
        at = queue.pop()
        with torch.autocast("cpu", torch.bfloat16):
            out = net(*side_by_side([ids[i] for i in at], tokenizer.mask_token_id)).float()
        loss = sum(loss_of(out[:, part], truth[at, k]) for k, part in enumerate(parts()))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            print(f"{step + 1} of {steps} steps", flush=True)
    torch.save(net.state_dict(), tuned(encoder, work))
    if held.pairs:
        scores = predict(net, token_ids(held.pairs, tokenizer), tokenizer.mask_token_id)
        for k, part in enumerate(parts()):
            print(f"{HEADS[k].name}, held out: accuracy {(scores[:, part].argmax(1) == numbers(held)[:, k]).mean():.3f}")


def predict(net: Any, ids: Sequence[Sequence[int]], mask: int) -> Floats:
    """Scores of all heads, shape (pairs, SCORES), in half precision (bfloat16), which takes half the time."""
    import torch

    quick = net.eval().to(torch.bfloat16)
    out = np.zeros((len(ids), SCORES), np.float32)
    order = np.argsort([len(x) for x in ids])
    with torch.inference_mode():
        for i in range(0, len(order), 64):
            at = order[i : i + 64]
            out[at] = quick(*side_by_side([ids[j] for j in at], mask)).float().numpy()
    return out


# --------------------------------------------------------------------------- raw news


def label(
    encoder: str | None, archive: Path, model: Model, work: Path, *,
    articles: int = ARTICLES, again: int = 0, seed: int = SEED, labels: Path | None = None, own: Path | None = None,
) -> None:  # fmt: skip
    """Pairs of the archive as token sequences, and the mean of the probabilities of the tuned encoder and of the model; without one, the model's.

    They are of states, with `own` of the actors in that table.

    With `again`, so many of the pairs that were labelled so before, and the mean of that and of what this encoder says, `TRUSTED` of it; behind them
    those of `labels`, and the mean of what the readers and the encoder say, `READ` of the former. Raises ValueError where the pairs are others than
    those labelled before: with another archive, `articles`, `seed`, model or table.
    """
    tokenizer, net = tuned_teacher(encoder, tuned(encoder, work)) if encoder else (None, None)
    before, known = load_labelled(work / LABELLED) if again else (None, None)
    chosen = doubted(known, again) if known is not None else None
    tokens, wanted = [], []
    read = 0
    lexicon = stance.load_lexicon(own, extend=False) if own else default_lexicon()
    for some, probs in news_pairs(archive, model, articles, seed, lexicon):
        here, share = np.hstack([probs[h.name] for h in HEADS]), 0.5
        if before is not None and known is not None and chosen is not None:
            mine = np.flatnonzero(chosen[read : read + len(some)])
            some, at, read = [some[i] for i in mine], read + mine, read + len(some)
            here, share = known[at], TRUSTED
            if not np.array_equal(sequences(prepare(some, cues=model.cues)).word, before.take(at).word):
                raise ValueError("these are not the pairs that were labelled before: give archive, --articles, --seed, --model, --actors of then")
        if tokenizer:
            here = (1 - share) * here + share * opinion(net, tokenizer, some)
        wanted.append(here)
        tokens.append(sequences(prepare(some, cues=model.cues)))
        print(f"{sum(map(len, wanted))} pairs", flush=True)
    if labels:
        data = stance.read_dataset(labels, heads=list(DEFAULT_HEADS))
        wanted.append(READ * np.hstack(labels_of(data)) + (1 - READ) * opinion(net, tokenizer, data.pairs))
        tokens.append(sequences(prepare(data.pairs, cues=model.cues)))
    save_labelled(work / (AGAIN if again else LABELLED), concat_sequences(tokens), np.concatenate(wanted))


def opinion(net: Any, tokenizer: Any, some: Sequence[Pair]) -> Floats:
    """The encoder's probabilities of all heads, side by side."""
    scores = predict(net, token_ids(some, tokenizer), tokenizer.mask_token_id).astype(np.float64)
    return np.hstack([softmax(scores[:, part]) for part in parts()])


def doubted(known: NDArray[np.float64], number: int) -> NDArray[np.bool_]:
    """Which pairs to label again: `DOUBTED` of them those whose stance is least sure, the others at random."""
    order = np.argsort(known[:, parts()[0]].max(1), kind="stable")
    first = int(DOUBTED * number)
    chosen = np.zeros(len(known), bool)
    chosen[order[:first]] = True
    chosen[np.random.default_rng(SEED).permutation(order[first:])[: number - first]] = True
    return chosen


def news_pairs(archive: Path, model: Model, articles: int, seed: int, lexicon: Lexicon) -> Iterator[tuple[list[Pair], dict[str, Floats]]]:
    """Pairs of the lexicon's actors in articles at random, in batches, with the model's probabilities; most that are surely neutral are left out.

    So are the articles that measure: those of `news_labels.csv` in `dev` and `test`.
    """
    rng = random.Random(seed)
    measuring = {article for (article, _, _), row in read_labels(LABELS).items() if row["split"] != "train"}
    lines = [line for line in archive.read_text("utf-8").splitlines() if json.loads(line).get("id") not in measuring]
    rng.shuffle(lines)
    batch: list[Pair] = []
    for n, line in enumerate(lines[:articles], 1):
        article = json.loads(line)
        for reading in iter_readings(sentences(article["text"][:LONGEST_ARTICLE]), lexicon, date=article.get("date") or ""):
            if len(reading.sentence.text) <= LONGEST_SENTENCE:
                batch += pairs(reading)
        if batch and (len(batch) >= 2000 or n == min(articles, len(lines))):
            probs = model.predict_proba(batch)
            neutral = probs["stance"][:, HEADS[0].index("neutral")]
            kept = [i for i, p in enumerate(neutral) if p < SURELY_NEUTRAL or rng.random() < KEPT]
            yield [batch[i] for i in kept], {h: p[kept] for h, p in probs.items()}
            batch = []


def save_labelled(path: Path, tokens: Sequences, wanted: Floats) -> None:
    """Sequences and what is wanted of them, in one file."""
    np.savez(path, wanted=wanted.astype(np.float32), **{f.name: getattr(tokens, f.name) for f in fields(tokens)})


def load_labelled(path: Path) -> tuple[Sequences, NDArray[np.float64]]:
    """What `save_labelled` wrote."""
    with np.load(path) as file:
        return Sequences(**{f.name: file[f.name] for f in fields(Sequences)}), file["wanted"].astype(np.float64)


# --------------------------------------------------------------------------- the student


def learn(
    folders: Sequence[Path], output: Path, *,
    epochs: int = STUDENT_EPOCHS, start: Path | None = None, kept: float = 0.0, own: Path | None = None, reports: Sequence[Path] = (),
    labels: Path | None = None,
) -> None:  # fmt: skip
    """A network that says of the archive's pairs what `label` noted in the folders, as a model of nothing else. A `start` goes on with those
    labelled again.

    With `labels` it learns of those pairs the mean of what the readers and the `start` say, `READ` of the former.
    With `own` its vectors of words learn too, and are written there; the network's file holds them unless they ship with the package. Of `reports`
    it learns the labels, `SURE` of each, and keeps what it was before for those that are to be tested on them, as one does that goes on from it.
    Raises ValueError for `labels` without a `start`, and for `own` with one that has learnt reports.
    """
    before = load_network(start) if start else None
    unread = before and (before.before or (before if reports else None))
    if labels and not before:
        raise ValueError("labels are smoothed by what a network says of them: give one to start from")
    if own and unread:
        raise ValueError("what a network was before it learnt reports is kept over the same vectors: learn those of the words first")
    found = [load_labelled(folder / (AGAIN if start else LABELLED)) for folder in folders]
    if labels and before:
        data = stance.read_dataset(labels, heads=list(DEFAULT_HEADS))
        tokens = tokens_of(data.pairs)
        scores = before.scores(tokens)
        found.append((tokens, READ * np.hstack(labels_of(data)) + (1 - READ) * np.hstack([softmax(scores[:, part]) for part in parts()])))
    for path in reports:
        data = stance.read_dataset(path, heads=list(DEFAULT_HEADS)).split("test")[0]
        found.append((tokens_of(data.pairs), np.hstack([(1 - SURE) / x.shape[1] + SURE * x for x in labels_of(data)])))
    tokens, wanted = concat_sequences([x for x, _ in found]), np.concatenate([x for _, x in found])
    goals = [goal(h, wanted[:, part]) for h, part in zip(HEADS, parts(), strict=True)]

    def told(_: str, steps: int) -> Iterator[int]:
        for step in range(steps):
            if step % 500 == 499:
                print(f"{step + 1} of {steps} steps", flush=True)
            yield step

    words, rate = before.words if before else default_words(), WORD_RATE if own else 0.0
    network = train_network(tokens, goals, words, seed=SEED, start=before, epochs=epochs, drop=0, kept=kept, word_rate=rate, progress=told)
    if own:
        own.write_bytes(network.words.to_bytes())
        taught_words.cache_clear()
    replace(network, before=unread).save(output)
    print(f"{output}: learnt from {len(tokens)} pairs")


def tokens_of(some: Sequence[Pair]) -> Sequences:
    """What the network reads of pairs."""
    return concat_sequences(sequences(prepare(some[i : i + 2000], cues=default_model().cues)) for i in range(0, len(some), 2000))


def goal(head: Head, wanted: NDArray[np.float64]) -> Goal:
    """These probabilities, shape (pairs, labels); a pair weighs as its labels do, rare ones more (as `Settings.balance` has it)."""
    return Goal(wanted, wanted @ np.array(balanced(wanted.sum(0), Settings().balance)), head.named)


def parts() -> list[slice]:
    """The columns of each head among the scores of all."""
    ends = np.cumsum([len(h.labels) for h in HEADS])
    return [slice(int(b) - len(h.labels), int(b)) for h, b in zip(HEADS, ends, strict=True)]


def numbers(data: stance.Dataset) -> NDArray[np.int64]:
    """Label numbers, shape (pairs, heads)."""
    return np.array([[h.index(x) for x in data.labels[h.name]] for h in HEADS]).T


def labels_of(data: stance.Dataset) -> list[Floats]:
    """By head a one for each label and zeros else, shape (pairs, labels)."""
    return [np.eye(len(h.labels))[column] for h, column in zip(HEADS, numbers(data).T, strict=True)]


if __name__ == "__main__":
    main()
