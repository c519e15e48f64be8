"""How many wrong labels corrections put right, and how many right ones they break: ``python -m
benchmarks.corrections --out runs/corrections --method clc_auto``.

Trains TREC with symmetric and pairwise noise, with clean labels and with weak labels of rules, and compares policies
with cleanlab's confident learning. True labels only count here; but the policies' numbers and some constants of
cross-fitting were settled while such counts were looked at, on these settings (recipes/sweeps/results/table4.md says
which). A run that is there is not trained again, so the command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import load
from clc_text.corrections.gather import gather, probs_of
from clc_text.corrections.outcome import outcome
from clc_text.corrections.policy import Policy, policy_named
from clc_text.corrections.predictions import RowPredictions, in_sample
from clc_text.corrections.second_opinion import if_followed, label_issues
from clc_text.runs.out_of_sample import predict_out_of_sample
from clc_text.runs.run import train
from clc_text.utils.files import write_json

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
METRICS = ("right_before", "right_after", "fixed", "broken", "broken_share", "altered", "precision")
FOLDS = 5


@dataclass(frozen=True)
class Setting:
    """One kind of noise on TREC: a recipe of `recipes/` and what is set in it, for so many seeds."""

    recipe: str
    seeds: int
    set: tuple[str, ...] = ()


SETTINGS = {
    "symmetric-0.5": Setting("trec_sym05.yaml", 5),
    "pairwise-0.45": Setting("trec_pair045.yaml", 5),
    "clean": Setting("trec_sym05.yaml", 3, ("noise.name=none",)),
    "weak": Setting(
        "trec_sym05.yaml",
        3,
        (
            "data.name=files",
            "data.text=text",
            "data.label=majority",
            "data.true_label=gold",
            "data.unlabelled=drop",
            "noise.name=none",
        ),
    ),
}
POLICIES: dict[str, tuple[Policy, str]] = {
    "posterior, out of sample": (policy_named("posterior"), "out of sample"),
    "posterior, doubt 0.5": (policy_named("posterior", min_doubt=0.5), "out of sample"),
    "posterior, doubt 0.9": (policy_named("posterior", min_doubt=0.9), "out of sample"),
    "targets, in sample": (policy_named("targets"), "in sample"),
    "agree, in sample": (policy_named("agree"), "in sample"),
    "confidence, in sample": (policy_named("confidence"), "in sample"),
    "posterior, in sample": (policy_named("posterior"), "in sample"),
}


def score(label: np.ndarray, given: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """`METRICS` of labels [N]; shares in percent, precision NaN where nothing was changed."""
    found = outcome(label, given, true)
    return {
        "right_before": 100 * found.right_before / found.rows,
        "right_after": 100 * found.right_after / found.rows,
        "fixed": found.fixed,
        "broken": found.broken,
        "broken_share": 100 * found.broken / max(found.right_before, 1),
        "altered": found.altered,
        "precision": 100 * found.fixed / found.changed if found.changed else float("nan"),
    }


def compare(run: RunDirectory, plain: Callable[[RunDirectory], np.ndarray]) -> dict[str, dict[str, float]]:
    """The figures of every policy, and of cleanlab on the same and on plain out-of-sample predictions.

    Args:
        plain: gives the probabilities [N, C] of ordinary networks, each row's by one that never saw its label.
    """
    labels = run.labels()
    given = labels.given
    assert labels.true is not None
    true = labels.true
    out, own = predict_out_of_sample(run), in_sample(run)
    found = {}
    for name, (policy, kind) in POLICIES.items():
        evidence = gather(out if kind == "out of sample" else own, labels, policy).rows
        changes = policy.changes(evidence, given) & ~labels.canary
        found[name] = score(np.where(changes, evidence.suggested, given), given, true)
    for name, probs in (
        ("cleanlab, the same predictions", _all(out)),
        ("cleanlab, plain networks", plain(run)),
    ):
        found[name] = score(if_followed(probs, label_issues(probs, given), given), given, true)
    return found


def _all(predictions: RowPredictions) -> np.ndarray:
    return probs_of(predictions, np.arange(predictions.rows))


def plain_networks(run: RunDirectory) -> np.ndarray:
    """Probabilities [N, C] of K networks trained by plain cross-entropy for the recipe's epochs; kept in the run."""
    kept = run.file("plain_folds.npy")
    if not kept.is_file():
        with tempfile.TemporaryDirectory() as folder:
            probs = _cross_validate(run, Path(folder))
        np.save(kept, probs)
    found: np.ndarray = np.load(kept, allow_pickle=False)
    return found


def _cross_validate(run: RunDirectory, folder: Path) -> np.ndarray:
    import torch
    from transformers import PrinterCallback, TrainerCallback

    from clc_text.crossfit.trainer import NoisyLabelTrainer
    from clc_text.data.folds import assign_folds
    from clc_text.methods.fold_forward import FoldForward
    from clc_text.runs.build import build_trainer
    from clc_text.runs.prepare import prepare

    recipe = load(run.file("recipe.yaml"))
    like = build_trainer(recipe, folder, prepare(recipe))
    fold = torch.from_numpy(assign_folds(run.labels().trained, FOLDS, recipe.seeds.network))

    class TellFold(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            trainer.supervisor.state.memory["fold"] = fold.to(trainer.args.device)

    trainer = NoisyLabelTrainer(
        like.more_peers(FOLDS, recipe.seeds.network),
        like.args,
        like.data_collator,
        like.train_dataset,
        method=FoldForward(),  # without a noise matrix it is the plain cross-entropy
        callbacks=[TellFold()],
        optimizer_cls_and_kwargs=like.optimizer_cls_and_kwargs,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return trainer.predict_held_out(trainer.train_dataset, fold).double().softmax(-1).cpu().numpy()


def run_of(name: str, method: str, seed: int, out: Path, more: list[str]) -> RunDirectory:
    """The run of a setting; trained where it is not there yet."""
    setting = SETTINGS[name]
    directory = out / method / f"{name}-{seed}"
    if not (directory / "result.json").is_file():
        overrides = [*setting.set, f"method.name={method}", "training.checkpoint_epochs=0", *more]
        overrides += [f"seeds.{kind}={seed}" for kind in ("data", "noise", "network")]
        if name == "weak":
            overrides.append(f"data.train={os.environ['CLC_TEXT_DATA']}/trec_rules/weak_train_5500.jsonl")
        train(load(RECIPES / setting.recipe, overrides), directory, overwrite=True)
    return RunDirectory(directory)


def table(found: dict[str, list[dict[str, dict[str, float]]]]) -> str:
    """Markdown of the means over seeds, the deviation of the share of right labels beside it."""
    lines = []
    for setting, seeds in found.items():
        before = statistics.mean(next(iter(seed.values()))["right_before"] for seed in seeds)
        plural = "seed" if len(seeds) == 1 else "seeds"
        lines += [f"**{setting}**, {len(seeds)} {plural}, {before:.1f} % of the labels right before", ""]
        lines += ["| | right after, % | fixed | broken | of the right ones, % | altered | precision, % |"]
        lines += ["|---|---:|---:|---:|---:|---:|---:|"]
        for rule in seeds[0]:
            mean = {name: float(np.nanmean([seed[rule][name] for seed in seeds] or [0])) for name in METRICS[1:]}
            after = [seed[rule]["right_after"] for seed in seeds]
            spread = f" ± {statistics.stdev(after):.1f}" if len(after) > 1 else ""
            lines.append(
                f"| {rule} | {mean['right_after']:.1f}{spread} | {mean['fixed']:,.0f} | {mean['broken']:,.0f} "
                f"| {mean['broken_share']:.1f} | {mean['altered']:,.0f} | {mean['precision']:.1f} |"
            )
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Corrections of TREC's labels beside cleanlab's confident learning.")
    parser.add_argument("--out", type=Path, default=Path("runs/corrections"), help="where the runs and figures go")
    parser.add_argument("--method", default="clc_auto", help="of the recipes")
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--seeds", type=int, help="at most so many of each setting")
    parser.add_argument("--set", nargs="*", default=[], metavar="a.b=c", help="further settings of the recipes")
    chosen = parser.parse_args()
    found: dict[str, list[dict[str, dict[str, float]]]] = {}
    for name in chosen.settings:
        seeds = SETTINGS[name].seeds if chosen.seeds is None else min(chosen.seeds, SETTINGS[name].seeds)
        for seed in range(seeds):
            run = run_of(name, chosen.method, seed, chosen.out, chosen.set)
            found.setdefault(name, []).append(compare(run, plain_networks))
            sys.stderr.write(f"{name}, seed {seed}: {json.dumps(found[name][-1])}\n")
    write_json(chosen.out / f"{chosen.method}.json", found)
    sys.stdout.write(table(found))


if __name__ == "__main__":
    main()
