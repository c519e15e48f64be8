"""The views of a run's training rows, made once and kept in its directory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clc_text.artifacts.cross_fit import CrossFit, has_learnt_nothing
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import joined_with_texts
from clc_text.corrections.correct import check_nothing_lost
from clc_text.corrections.dataset_files import Progress, silent
from clc_text.corrections.policy import Policy
from clc_text.corrections.predictions import (
    OUT_OF_SAMPLE_FILE,
    VIEWS_FILE,
    RowPredictions,
    in_sample,
    out_of_sample,
    views,
)
from clc_text.data.class_shares import ClassShares
from clc_text.data.labels import Labels, sha256_of_labels
from clc_text.errors import InputError
from clc_text.evidence.evidence import Mixture, mixture_of, save_of_each, too_large
from clc_text.evidence.heard import FILE, KeptViews
from clc_text.evidence.several_classes import OF_EACH, mixtures_of_each
from clc_text.evidence.views import VIEWS
from clc_text.noise.estimation.half_trust import never_certain
from clc_text.noise.estimation.plateau import of_given, plateau
from clc_text.runs.frozen_features import features_and_words_of_run
from clc_text.runs.out_of_sample import predict_out_of_sample
from clc_text.utils.files import sha256_of_file


@dataclass(frozen=True)
class Judges:
    """Who judges the labels of a run.

    Attributes:
        policy: the rule, for these judges.
        predictions: theirs.
        nothing_learnt: they can tell nothing of the labels, so that none may be changed.
        note: a sentence for people, where it is not who the policy asked for; else None.
    """

    policy: Policy
    predictions: RowPredictions
    nothing_learnt: bool = False
    note: str | None = None


def judges_of_run(
    run: RunDirectory, policy: Policy, held_out: bool | None = None, progress: Progress = silent
) -> Judges:
    """Those that the policy asks for, as far as they can be had.

    Args:
        held_out: True: networks that never saw the row, trained now where the run has none; False: the run's own;
            None: as the policy says.

    Raises:
        InputError: the run has not ended, or its out-of-sample predictions are gone.
    """
    note, nothing = None, False
    if policy.views and held_out is None and joined_with_texts(run.path):
        note = "judged by the belief of all labels of a row together with its text"
    elif policy.views and held_out is None:
        try:
            predictions = views_of_run(run, progress)
        except InputError as error:
            note = f"judged by networks alone, since other views cannot be had: {error}"
        else:
            if predictions is not None:
                return Judges(policy, predictions)
            nothing = True
    policy = policy.without_views()
    if held_out:
        made: RowPredictions | None = predict_out_of_sample(run, progress)
    else:
        own = policy.in_sample if held_out is None else True
        made = None if own else out_of_sample(run)
        if made is None and not own:
            check_nothing_lost(run)
    return Judges(policy, made or in_sample(run), nothing or has_learnt_nothing(run.path), note)


def views_of_run(run: RunDirectory, progress: Progress = silent) -> RowPredictions | None:
    """What several views say of the run's rows; None where none of them has learnt anything.

    They are kept in `VIEWS_FILE`, and made anew where labels or cross-fitted predictions have changed since.

    Raises:
        InputError: the run has not ended; there are too many rows and classes; or there are no features of the rows.
    """
    if not run.complete:
        raise InputError(
            f"{run.path} has not ended, so there is nothing to judge; `--resume` goes on with it", where=run.path
        )
    labels = run.labels()
    shares = None if run.asked else _shares(run, labels)
    path, mark = run.file(VIEWS_FILE), _mark(run, labels, shares)
    if _marked(run) == mark:
        return views(run)
    too_large(len(labels.given), len(run.label_names))
    crossfit = CrossFit.load(run.path)
    if run.asked:
        if not _of_each_class(run, labels, crossfit, mark, progress):
            path.unlink(missing_ok=True)
            return None
        return views(run)
    predictions = _made(run, labels, crossfit, shares, progress)
    if predictions is None:
        path.unlink(missing_ok=True)
        return None
    predictions.save(path, mark)
    KeptViews(run.file(FILE)).forget()
    return views(run)


def _of_each_class(
    run: RunDirectory, labels: Labels, crossfit: CrossFit | None, mark: str, progress: Progress
) -> bool:
    """Writes what is said of the K classes that may hold of a text, through the noise that cross-fitting was told or
    else that the features show; whether there is anything. What is told of noise is that of the given labels: views
    learn canaries, too, whose flips are no noise of what is judged."""
    progress("encoding", 0, 1)
    features, words = features_and_words_of_run(run)
    known = None if crossfit is None or crossfit.learnt_nothing else crossfit
    seed, held = int(run.environment()["seeds"]["network"]), labels.trained.reshape(-1, len(run.asked))
    told = None if labels.told is None else labels.told.reshape(held.shape)
    networks = None
    if known is not None and known.knows_noise and known.each is not None:
        each, rates = known.each, np.asarray(known.facts["rates_of_each"])
        networks = known.probs.reshape(*held.shape, 2)[..., 1]
    else:  # networks that took the noise for doubt would hide it again
        progress("finding how often classes are left out", 0, 1)
        shown = plateau(features, held, seed)
        each, rates = shown.transition, shown.rates(held)
    made = mixtures_of_each(features, words, networks, held, each, seed, progress, told=told)
    if made is None:
        return False
    given, rates = of_given(each, rates, float(labels.canary.mean()))
    of_labels = [
        replace(one, noise=replace(one.noise, transition=never_certain(noise)))
        for one, noise in zip(made, given, strict=True)
    ]
    save_of_each(of_labels, run.file(VIEWS_FILE), mark, rates)
    return True


def _made(
    run: RunDirectory, labels: Labels, crossfit: CrossFit | None, shares: ClassShares | None, progress: Progress
) -> Mixture | None:
    progress("encoding", 0, 1)
    features, words = features_and_words_of_run(run)
    networks = None if crossfit is None or crossfit.learnt_nothing else crossfit.probs
    seed = int(run.environment()["seeds"]["network"])
    kept = KeptViews(run.file(FILE))
    return mixture_of(
        features, labels, len(run.label_names), seed, networks, words, progress, kept=kept, shares=shares
    )


def _shares(run: RunDirectory, labels: Labels) -> ClassShares | None:
    """How common the true classes are: as the run's recipe tells, else as answers to random rows do that it learnt."""
    told = run.recipe().get("class_shares")
    if told is not None:
        return ClassShares.of(told, run.label_names)
    if labels.trusted is None:
        return None
    return ClassShares.of_answers(labels.trusted, len(labels), len(run.label_names))


def _mark(run: RunDirectory, labels: Labels, shares: ClassShares | None) -> str:
    """What the views were made from."""
    crossfit = run.file(OUT_OF_SAMPLE_FILE)
    parts = [
        ",".join(["weighed", *OF_EACH] if run.asked else ["near, ahead", *VIEWS]),
        sha256_of_labels(labels.as_answered if run.asked else labels.trained),
        sha256_of_file(crossfit) if crossfit.is_file() else "none",
    ]
    if shares is not None:
        parts.append("{} {}".format(*shares.ends))
    return " ".join(parts)


def _marked(run: RunDirectory) -> str | None:
    from safetensors import SafetensorError, safe_open

    path = run.file(VIEWS_FILE)
    if not path.is_file():
        return None
    try:
        with safe_open(path, "np") as opened:
            return (opened.metadata() or {}).get("made_from")
    except (SafetensorError, OSError):
        return None  # a damaged file is made anew
