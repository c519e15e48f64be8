"""Several labels a row, joined: ``python -m benchmarks.votes --out FOLDER`` (needs CLC_TEXT_DATA).

Each set is measured with the votes that five draws leave, beside the majority, Dawid and Skene's way and cleanlab's
CROWDLAB on the same votes: how many labels are right (a tie counts for its share), and how well a logistic regression
on frozen MiniLM features then does on test rows. The constants were chosen on draws 100 to 115 and on rules made of
words of newsgroups, which none of these are. A cell that is there is not measured again; ``--table`` writes
what is there as Markdown. Results: recipes/results/votes.md.

Sets: RTE (textual entailment) and isbook (reviews), k votes a row drawn at random of those there are; the three
annotators of CIFAR-10N, votes alone, and with 10,000 of the images, on the features of a small convolutional network;
TREC by 68 regular expressions, draws being the seeds of the folds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import cifar10n
from benchmarks.crowd import rows_of
from benchmarks.ranking import features_of
from benchmarks.trec_rules import trec_rules
from clc_text.data.copies import firsts
from clc_text.data.folds import assign_folds
from clc_text.data.votes import Votes
from clc_text.evidence.soft_linear import soft_linear, soft_logs
from clc_text.evidence.views.base import unit_rows
from clc_text.evidence.voted import blind_regressions, hears_words
from clc_text.noise.votes.cross_fit import cross_fit_votes
from clc_text.noise.votes.crowdlab import crowdlab
from clc_text.noise.votes.dawid_skene import dawid_skene
from clc_text.text.encoders.lexical.weighting import terms_of
from clc_text.utils.files import write_json

FOLDS = 5
CELLS = [
    *(("rte", k) for k in (1, 2, 3, 5, 10)),
    *(("isbook", k) for k in (1, 2, 3, 5)),
    ("cifar", 3),
    *(("images", k) for k in (1, 2, 3)),
    ("trec", 0),
]


@dataclass(frozen=True)
class Table:
    """A set: votes, true classes [N], features [N, D] (None: votes alone), a test (None: none), and sparse TF-IDF of
    the texts' words [N, M]."""

    votes: Votes
    true: np.ndarray
    features: np.ndarray | None
    test_features: np.ndarray | None = None
    test: np.ndarray | None = None
    words: Any | None = None


def table(name: str, kept: Path) -> Table:
    made: dict[str, Callable[[Path], Table]] = {
        "rte": _rte, "isbook": _isbook, "cifar": _cifar, "images": _images, "trec": _trec
    }  # fmt: skip
    return made[name](kept)


def _votes(
    texts: list[dict[str, str]], votes: list[dict[str, str]], names: tuple[str, str, str], classes: int
) -> Votes:
    key, of_row, label = names
    number = {row[key]: place for place, row in enumerate(texts)}
    source = np.array([int(vote["worker"]) for vote in votes])
    row = np.array([number[vote[of_row]] for vote in votes])
    said = np.array([int(vote[label]) for vote in votes])
    workers = [str(one) for one in range(source.max() + 1)]
    return Votes.of(row, source, said, len(texts), workers, classes)


def _rte(kept: Path) -> Table:
    rows = rows_of("rte_texts.csv")
    votes = _votes(rows, rows_of("rte_votes.csv"), ("id", "id", "vote"), 2)
    text = features_of("rte_text", [row["text"] for row in rows], kept)
    claim = features_of("rte_hyp", [row["hypothesis"] for row in rows], kept)
    features = np.concatenate([text, claim, np.abs(text - claim), text * claim], 1)
    words = terms_of([f"{row['text']} {row['hypothesis']}" for row in rows])
    return Table(votes, np.array([int(row["gold"] == "TRUE") for row in rows]), features, words=words)


def _isbook(kept: Path) -> Table:
    rows, tests = rows_of("isbook_texts.csv"), rows_of("isbook_test.csv")
    votes = _votes(rows, rows_of("isbook_votes.csv"), ("question", "question", "label"), 2)
    features = features_of("isbook_train", [row["text"] for row in rows], kept)
    tested = features_of("isbook_test", [row["text"] for row in tests], kept)
    true, test = (np.array([int(row["gold"]) for row in part]) for part in (rows, tests))
    return Table(votes, true, features, tested, test, terms_of([row["text"] for row in rows]))


def _cifar(kept: Path) -> Table:
    import pyarrow.parquet as pq

    path = Path(os.environ["CLC_TEXT_DATA"]) / "cifar10/cifar10n_human_labels.parquet"
    columns = pq.read_table(path)
    clean = next(name for name in columns.column_names if "clean" in name)
    people = [name for name in columns.column_names if "random" in name]
    said = np.stack([columns[name].to_numpy() for name in people], 1)
    return Table(Votes.of_table(said.astype(np.int64), 10, people), columns[clean].to_numpy().astype(np.int64), None)


def _images(kept: Path) -> Table:
    found = cifar10n.images(0, kept)
    said = np.stack([found.said[name] for name in cifar10n.PEOPLE], 1)
    votes = Votes.of_table(said, 10, list(cifar10n.PEOPLE))
    return Table(votes, found.true, found.features, found.test_features, found.test)


def _trec(kept: Path) -> Table:
    train, test = trec_rules(), trec_rules("test")
    fired = [
        (place, rule, train.names.index(said))
        for place, row in enumerate(train.rows)
        for rule, said in row["rules_fired"]
    ]
    row, source, label = np.array(fired).T
    rules = [str(one) for one in range(source.max() + 1)]
    parts = [features_of(f"trec_rules_{name}", of.texts, kept) for name, of in (("train", train), ("test", test))]
    votes = Votes.of(row, source, label, len(train.rows), rules, len(train.names))
    return Table(votes, train.true, parts[0], parts[1], test.true, terms_of(train.texts))


def texts(name: str) -> tuple[list[str], list[str]]:
    """The training and the test texts of a set that has both: isbook or trec."""
    if name == "isbook":
        parts = [[row["text"] for row in rows_of(f"isbook_{part}.csv")] for part in ("texts", "test")]
    else:
        parts = [trec_rules(part).texts for part in ("train_5500", "test")]
    return parts[0], parts[1]


def drawn(votes: Votes, k: int, seed: int) -> Votes:
    """At most k votes a row, drawn at random; all where k is 0."""
    if not k:
        return votes
    order = np.lexsort((np.random.default_rng(seed).random(len(votes)), votes.row))
    place = np.arange(len(order)) - np.searchsorted(votes.row[order], votes.row[order])
    return votes.part(np.sort(order[place < k]))


def right(belief: np.ndarray, true: np.ndarray) -> float:
    """Percent of the rows; where several classes are as likely, the share of a row that chance would win."""
    best = belief >= belief.max(1, keepdims=True) - 1e-9
    return float(100 * (best[np.arange(len(true)), true] / best.sum(1)).mean())


def tested(rows: Table, belief: np.ndarray, seen: np.ndarray) -> float | None:
    """Percent right on test rows of a regression on the belief about the rows `seen`; None without a test."""
    if rows.features is None or rows.test_features is None or rows.test is None:
        return None
    weights = soft_linear(unit_rows(rows.features)[seen].astype(np.float64), belief[seen])
    found = soft_logs(unit_rows(rows.test_features).astype(np.float64), weights).argmax(1)
    return float(100 * (found == rows.test).mean())


def measure(rows: Table, k: int, seed: int) -> dict[str, Any]:
    votes = drawn(rows.votes, k, seed)
    seen = votes.per_row > 0
    beliefs = {"majority": votes.majority, "dawid_skene": dawid_skene(votes).posterior}
    facts: dict[str, Any] = {}
    begun = time.process_time()
    if rows.features is None:
        found = cross_fit_votes(votes, None, seed)
    else:
        features = rows.features
        first = firsts((row.tobytes() for row in features), len(features))
        most = votes.majority.argmax(1)

        inputs = [features, rows.words] if hears_words(votes) and rows.words is not None else [features]
        dealt = np.stack([assign_folds(most, FOLDS, 10 * seed + number, first) for number in range(2)])
        held_out = blind_regressions(inputs, dealt)
        found = cross_fit_votes(votes, held_out, seed)
        facts["seconds"] = time.process_time() - begun
        beliefs["votes alone"] = cross_fit_votes(votes, None, seed).posterior
        if votes.per_row.min() > 0 and votes.per_row.max() > 1:  # what cleanlab asks for
            plain = held_out(votes.majority, 0)
            beliefs["crowdlab"] = np.eye(votes.classes)[crowdlab(votes, plain).posterior.argmax(1)]
    beliefs["cross_fit"] = found.posterior
    known = np.eye(votes.classes)[rows.true]
    everywhere = np.ones(votes.rows, bool)
    test = {
        name: tested(rows, belief, everywhere if name in ("cross_fit", "votes alone") else seen)
        for name, belief in (beliefs | {"true labels": known}).items()
    }
    return {
        "right": {name: right(belief, rows.true) for name, belief in beliefs.items()},
        "test": {name: value for name, value in test.items() if value is not None},
        "facts": facts | found.facts,
    }


def written(out: Path) -> str:
    """The cells that are there as Markdown: mean ± standard deviation over the draws."""
    ways = ["majority", "dawid_skene", "crowdlab", "votes alone", "cross_fit", "true labels"]
    lines: list[str] = []
    for key, title in (("right", "Right labels, %"), ("test", "Right on test rows, %")):
        lines += [f"| {title} | draws | {' | '.join(ways)} |", f"|---|---:|{'---:|' * len(ways)}"]
        for name, k in CELLS:
            found = [json.loads(path.read_text()) for path in sorted(out.glob(f"{name}-{k}-*.json"))]
            if not found or not found[0][key]:
                continue
            cells = []
            for way in ways:
                values = [one[key][way] for one in found if way in one[key]]
                cells.append(f"{np.mean(values):.1f} ± {np.std(values):.1f}" if values else "")
            shown = f"{name}, {k} a row" if k else name
            lines.append(f"| {shown} | {len(found)} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="How well several labels a row are joined.")
    parser.add_argument("--out", type=Path, default=Path("runs/votes"), help="where figures and features go")
    parser.add_argument("--draws", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--sets", nargs="+", default=list(dict.fromkeys(name for name, _ in CELLS)))
    parser.add_argument("--table", action="store_true", help="writes what is there as Markdown, and measures nothing")
    chosen = parser.parse_args()
    if chosen.table:
        sys.stdout.write(written(chosen.out))
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.sets:
        rows = table(name, chosen.out / "features")
        for of, k in CELLS:
            for seed in chosen.draws if name != "cifar" else chosen.draws[:1]:
                path = chosen.out / f"{name}-{k}-{seed}.json"
                if of == name and not path.is_file():
                    write_json(path, measure(rows, k, seed))
                    sys.stderr.write(f"{path.stem}\n")


if __name__ == "__main__":
    main()
