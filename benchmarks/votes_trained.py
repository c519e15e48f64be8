"""Networks trained on several labels a row: ``python -m benchmarks.votes_trained --out FOLDER`` (needs CLC_TEXT_DATA).

The sets with test rows of `benchmarks.votes`, k labels a row drawn at random, joined in each way of `data.join`;
`standard` and `clc_auto` learn what comes out, as ``clc-text train`` has it. ``one label`` is one of the labels of a
row, drawn at random, as a table with one column would hold it; ``true`` are the true labels; ``crowdlab`` asks for
two labels on some row. A cell that is there is
not measured again; ``--table`` writes what is there as Markdown. Results: recipes/results/votes.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import real_noise
from benchmarks import votes as joining
from benchmarks.training import encoded_table, trained
from clc_text.data.votes import Votes
from clc_text.utils.files import write_json

SETS = {"isbook": (1, 2, 3, 5), "images": (1, 2, 3), "trec": (0,)}
JOINS = ("majority", "dawid_skene", "crowdlab", "cross_fit")
WAYS = ("one label", *JOINS, "true")
METHODS = ("standard", "clc_auto")
LAST = 10  # epochs whose mean is told
RECIPE = """
data: {name: files, train: rows.csv, text: text, label: [one, two], join: JOIN}
encoder: {name: tfidf}
network: {name: mlp, hidden: [300]}
method: {name: METHOD}
training: {epochs: 40, batch_size: 128, learning_rate: 3.0e-4, checkpoint_epochs: 0, dynamics_epochs: 1000}
seeds: {network: SEED}
"""


@dataclass(frozen=True)
class Table:
    """A set: all votes, the training texts [N], or what stands for them, true classes [N], features [N, D] as networks
    read them and as the encoder's model makes them, and a test [M]."""

    votes: Votes
    texts: list[Any]
    true: np.ndarray
    features: np.ndarray
    frozen: np.ndarray
    test_features: np.ndarray
    test: np.ndarray


def table(name: str, kept: Path) -> Table:
    """A set of `SETS`."""
    rows = joining.table(name, kept)
    assert rows.features is not None and rows.test_features is not None and rows.test is not None
    if name == "images":
        numbers = list(range(rows.votes.rows))
        return Table(rows.votes, numbers, rows.true, rows.features, rows.features, rows.test_features, rows.test)
    texts, tests = joining.texts(name)
    train, frozen, test = real_noise.encoded("minilm", f"votes-{name}", texts, tests, kept)
    return Table(rows.votes, texts, rows.true, train, frozen, test, rows.test)


def measure(rows: Table, k: int, way: str, method: str, seed: int) -> dict[str, Any]:
    """The cell: last-10 accuracy, how often each test row was right in those epochs, processor seconds in all and of
    joining."""
    from clc_text.config.recipe import loads
    from clc_text.runs.prepare import Memo, prepare

    votes = joining.drawn(rows.votes, k, seed)
    used, given = np.arange(votes.rows), rows.true
    if way == "one label":
        first = joining.drawn(votes, 1, seed)
        used, given = first.row, first.label
    elif way in JOINS:
        given = votes.majority.argmax(1)
    text = RECIPE.replace("JOIN", way if way in JOINS else "majority").replace("METHOD", method)
    recipe = loads(text.replace("SEED", str(seed)))
    made = encoded_table(
        recipe, [rows.texts[number] for number in used], rows.features[used], rows.frozen[used], given,
        rows.test_features, rows.test, votes.classes, votes if way in JOINS else None,
    )  # fmt: skip
    memo: Any = Memo()
    memo.encoded = lambda *_: made
    begun = time.process_time()
    prepared = prepare(recipe, memo=memo)
    joined = time.process_time() - begun
    right, _ = trained(recipe, prepared, rows.test)
    last = np.mean(right[-LAST:], axis=0)
    return {
        "accuracy": 100 * float(last.mean()),
        "right": [round(float(one), 3) for one in last],
        "seconds": time.process_time() - begun,
        "joining": joined,
    }


def cell(out: Path, name: str, k: int, way: str, method: str, seed: int) -> Path:
    return out / f"{name}-{k}-{way.replace(' ', '_')}-{method}-{seed}.json"


def _there(out: Path, name: str, k: int, way: str, method: str, key: str) -> list[float]:
    """A figure of every draw that was measured."""
    paths = (cell(out, name, k, way, method, seed) for seed in range(100))
    return [json.loads(path.read_text())[key] for path in paths if path.is_file()]


def as_text(out: Path) -> str:
    """What is there as Markdown: accuracy, mean ± standard deviation over the draws, and processor seconds."""
    blocks = []
    for key, title in (("accuracy", "Right on test rows, %"), ("seconds", "Processor seconds")):
        lines = [f"| {title} | | draws | {' | '.join(WAYS)} |", f"|---|---|---:|{'---:|' * len(WAYS)}"]
        for name, ks in SETS.items():
            for k in ks:
                for method in METHODS:
                    found = {way: _there(out, name, k, way, method, key) for way in WAYS}
                    draws = max(map(len, found.values()))
                    if draws:
                        shown = [f"{np.mean(of):.1f} ± {np.std(of):.1f}" if of else "" for of in found.values()]
                        lines.append(f"| {name}, {k or 'all'} a row | {method} | {draws} | {' | '.join(shown)} |")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def main() -> None:
    parser = argparse.ArgumentParser(description="Networks trained on several labels a row.")
    parser.add_argument("--out", type=Path, default=Path("runs/votes_trained"), help="where figures and features go")
    parser.add_argument("--draws", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--table", action="store_true", help="writes what is there as Markdown, and measures nothing")
    chosen = parser.parse_args()
    if chosen.table:
        sys.stdout.write(as_text(chosen.out) + "\n")
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.sets:
        rows = table(name, chosen.out / "features")
        for seed in chosen.draws:
            for k in SETS[name]:
                for way in chosen.ways:
                    if way not in JOINS and k != SETS[name][0]:  # the same for every k
                        continue
                    if way == "crowdlab" and k == 1:
                        continue
                    for method in chosen.methods:
                        path = cell(chosen.out, name, k, way, method, seed)
                        if not path.is_file():
                            write_json(path, measure(rows, k, way, method, seed))
                            sys.stderr.write(f"{path.stem} {json.loads(path.read_text())['accuracy']:.1f}\n")


if __name__ == "__main__":
    main()
