"""Making a corrected dataset of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from clc_text.artifacts.cross_fit import has_learnt_nothing
from clc_text.artifacts.how_it_learnt import cross_fits
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.columns import SOURCE_ROW
from clc_text.corrections.dataset_files import Progress, silent
from clc_text.corrections.gather import Gathered, gather
from clc_text.corrections.log import Step
from clc_text.corrections.policy import Policy
from clc_text.corrections.predictions import OUT_OF_SAMPLE_FILE, RowPredictions
from clc_text.corrections.source import SourceRows, check_rows, numbered
from clc_text.corrections.state import GIVEN, METHOD, PERSON, State
from clc_text.corrections.store import Corrected, has_corrected, write_first
from clc_text.corrections.target_epochs import target_since
from clc_text.data.labels import Labels, sha256_of_labels
from clc_text.errors import InputError
from clc_text.noise.estimation.probabilities import MOST_CLASSES
from clc_text.utils.files import sha256_of_file


def correct(
    run: RunDirectory,
    policy: Policy,
    predictions: RowPredictions,
    source: SourceRows,
    include_person: bool = False,
    progress: Progress = silent,
    nothing_learnt: bool | None = None,
) -> Corrected:
    """Writes RUN/corrected by a policy; where there is one already, this is one step more of its history.

    Canaries get the label back that they had before they were flipped, and are never corrected. A person's labels
    stay, unless `include_person` says otherwise. Where those who judge have learnt nothing, the method changes
    nothing: whatever a policy makes of their predictions, or of networks that know these labels by heart, is a guess.

    Args:
        predictions: see `clc_text.corrections.predictions`.
        source: the rows that the run was trained on.
        nothing_learnt: whether those who judge can tell nothing of the labels; None: as the run's cross-fitting says.

    Raises:
        InputError: the run has no training dynamics, or its labels, rows and predictions do not belong together.
    """
    labels = run.labels()
    check_rows(run, source)
    _check_labels(run, labels, predictions)
    if predictions.kind != "views":
        asked = policy.least_ahead
        policy = policy.without_views()
        if predictions.ahead is not None:
            policy = replace(policy, least_ahead=asked)
    if predictions.rates is not None:
        policy = policy.of_pairs()
    policy = policy.resolve(_threshold(run)).of_noise(predictions.ahead)
    if policy.peers_agree and predictions.peers == 1:
        policy = replace(policy, peers_agree=False)  # a single prediction agrees with itself: no condition at all
    gathered = gather(predictions, labels, policy, progress)
    if nothing_learnt is None:
        nothing_learnt = predictions.kind != "views" and has_learnt_nothing(run.path)
    changes = np.zeros(len(labels.given), bool) if nothing_learnt else policy.changes(gathered.rows, labels.given)
    state = _decide(run, labels, changes, gathered)
    if not include_person:
        if labels.trusted is not None:  # what the run was trained with
            state = state.with_labels(labels.trusted.rows, labels.trusted.labels, PERSON)
        if has_corrected(run):
            earlier = Corrected(run).state()
            persons = earlier.source == PERSON
            state = state.with_labels(persons, earlier.label[persons], PERSON)
    kept = int((state.source == PERSON).sum())
    arguments = {**policy.to_dict(), "predictions": predictions.kind, "include_person": include_person}
    facts = _facts(run, labels, policy, predictions, gathered) | {"nothing_learnt": nothing_learnt}
    if nothing_learnt:
        facts["canaries"] = facts["canaries"] and facts["canaries"] | {"found": 0, "repaired": 0, "doubted": 0}
    if labels.source_row is not None and SOURCE_ROW not in source.features:
        source, facts["numbered"] = numbered(source, SOURCE_ROW, labels.source_row), True
    write_first(run, state, source, facts, Step("correct", arguments | {"kept_of_people": kept}, whole=True), progress)
    return Corrected(run)


def check_nothing_lost(run: RunDirectory) -> None:
    """Refuses a run whose out-of-sample predictions are missing: its own networks would judge otherwise, unnoticed.

    Raises:
        InputError: the run, or a later command, has made such predictions, and they are gone, or are still to come.
    """
    if cross_fits(run) and not run.complete and not run.file("crossfit.json").is_file():
        raise InputError(
            f"{run.path} has no {OUT_OF_SAMPLE_FILE}: the run has not ended; `clc-text train RECIPE --resume` goes on",
            where=run.path,
        )
    if run.file("crossfit.json").is_file() or cross_fits(run):
        raise InputError(
            f"{run.path} was cross-fitted, but has no {OUT_OF_SAMPLE_FILE} any more; bring it back, or say "
            "--out-of-sample, which makes it anew, or --in-sample",
            where=run.path,
        )


def _decide(run: RunDirectory, labels: Labels, changes: np.ndarray, gathered: Gathered) -> State:
    """Args: bool [N], the rows that the policy changes, canaries among them."""
    evidence = gathered.rows
    given = labels.given.astype(np.int32)
    changed = changes & ~labels.canary
    return State(
        label=np.where(changed, evidence.suggested, given).astype(np.int32),
        source=np.where(changed, METHOD, GIVEN).astype(np.int8),
        given=given,
        suggested=evidence.suggested,
        confidence=evidence.confidence,
        probability_given=evidence.probability_given,
        entropy=evidence.entropy,
        peers_agree=evidence.peers_agree,
        since=target_since(run, evidence.suggested),
        true=None if labels.true is None else labels.true.astype(np.int32),
    )


def _facts(
    run: RunDirectory, labels: Labels, policy: Policy, predictions: RowPredictions, gathered: Gathered
) -> dict[str, Any]:
    environment = run.environment()
    many = len(environment["label_names"]) > MOST_CLASSES  # a file of millions of numbers, which nobody reads
    return {
        "version": 2,
        "run_id": run.run_id,
        "recipe": run.name,
        "dataset": environment["dataset"],
        "label_names": environment["label_names"],
        "input_column": environment["input_column"],
        "label_column": environment["label_column"],
        "policy": policy.to_dict(predictions.kind),
        "predictions": {
            "kind": predictions.kind,
            "folds": predictions.folds,
            "views": list(predictions.views),
            "agree_with_given": gathered.agree_with_given,
            "confidence": gathered.mean_confidence,
            "entropy": float(gathered.rows.entropy.mean()),
        },
        "noise_matrix": None if gathered.matrix is None or many else gathered.matrix.round(6).tolist(),
        "canaries": _canaries(labels, policy, gathered),
        "sha256": {
            "predictions": sha256_of_file(predictions.path),
            "labels": sha256_of_labels(labels.given),
        },
    }


def _canaries(labels: Labels, policy: Policy, gathered: Gathered) -> dict[str, int] | None:
    """How many flipped labels the policy would have changed, and how many of them to what they were."""
    if gathered.canaries is None:
        return None
    flipped, before = labels.trained[labels.canary], labels.given[labels.canary]
    changed = policy.changes(gathered.canaries, flipped)
    return {
        "planted": len(flipped),
        "found": int(changed.sum()),
        "repaired": int((changed & (gathered.canaries.suggested == before)).sum()),
        "doubted": int((gathered.canaries.probability_given < 0.5).sum()),
    }


def _check_labels(run: RunDirectory, labels: Labels, predictions: RowPredictions) -> None:
    if predictions.rows != len(labels.given):
        raise InputError(
            f"{predictions.path} has predictions of {predictions.rows:,} rows, but the run has {len(labels.given):,} "
            "labels; the files do not belong together, train the run again",
            where=predictions.path,
        )
    expected = run.noise_manifest().get("sha256", {}).get("noisy_labels")
    if expected is not None and expected != sha256_of_labels(labels.given):
        raise InputError(
            f"{run.file('noise/labels.parquet')} was changed after the run wrote it (its labels have not the sha256 "
            "of the manifest); bring the file back or train again",
            where=run.file("noise/labels.parquet"),
        )


def _threshold(run: RunDirectory) -> float | None:
    """Γ of the run, the mean over its peers; None where its method has none that is an entropy in nats."""
    method = run.recipe().get("method", {})
    if method.get("criterion", "entropy") != "entropy" or method.get("temperature", 1) != 1:
        return None
    if not run.file("metrics.jsonl").is_file():
        return None
    entries = run.metrics()
    threshold = entries[-1]["threshold"] if entries else None
    return float(np.mean(threshold)) if threshold else None
