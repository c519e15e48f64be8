"""What cross-fitting finds, and its two files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.artifacts.names import current
from clc_text.artifacts.run_files import CrossFitFacts, CrossFitGain, CrossFitRounds
from clc_text.data.best_classes import BestClasses, from_tensors, keeps_best, logs_of, of_labels, some_rows, tensors_of
from clc_text.data.class_shares import ClassShares, weighed
from clc_text.data.labels import Labels
from clc_text.errors import InputError
from clc_text.noise.canaries import before_flips
from clc_text.noise.estimation.gain import NOTHING, is_nothing
from clc_text.noise.estimation.noise_fit import matrix_of, posterior_labels
from clc_text.noise.estimation.plateau import of_given
from clc_text.utils.damage import undamaged
from clc_text.utils.files import sha256_of_file, write_json, write_with
from clc_text.utils.typed_json import read_json

TENSORS, FACTS = "crossfit.safetensors", "crossfit.json"
WITHOUT_ANSWERS = "without_answers"  # a folder in a run with answers, of both files as they are without them
_ANEW = f"remove both, {FACTS} and {TENSORS}, and they are made anew"


@dataclass(frozen=True)
class CrossFit:
    """Out-of-sample predictions of every training row, and the noise that they show.

    Tables of very many rows and classes keep the best classes of a row (`data.best_classes`).

    Attributes:
        folds: int64 [R, N], in each of the rounds the fold whose network never saw the row's label.
        probs: float64 [N, C], those networks' mean probabilities of the true class.
        transition: float64 [C, C], T[c, k] = P(given k | true c).
        posterior: float64 [N, C], q ∝ p · T[:, y]: the true class, given the text and the given label.
        targets: float64 [N, C], what networks are to be taught of the rows, where a method learns it: its given label
            counts for less there (`noise.estimation.half_trust`), and other views are heard; None: the posterior.
        each: float64 [K, 2, 2], where several of K classes may hold: T of each. The N rows are then pairs of a row and
            a class (row · K + class), C is 2, and `transition` is that of all pairs together.
        of_rows: float64 [N, C, C], T of each row, where noise follows the rows (`crossfit.by_rows`; with answers
            `crossfit.answered_targets`); `posterior` is by it, and `transition` its mean. Not kept in the files.
        facts: plain values: ``rate`` (estimated share of wrong given labels), ``folds``, ``seeds`` (how those of
            rounds come from the run's, `crossfit.seeds`; runs of earlier versions do not say), ``sharpness``,
            ``log_likelihood`` in nats, ``gain`` and ``gain_error`` (`noise.estimation.gain`), ``copies`` (rows with
            the inputs of an earlier one), ``rounds`` (one a round: ``epochs``, ``best_epoch``, ``log_likelihood``,
            ``sharpness``, ``rate`` by it alone, ``used``), ``renamed`` [C], ``names_tried``; of several classes whose
            noise was known beforehand ``rates_of_each`` [3, K] (`Plateau.rates`); ``row_gain`` and
            ``row_gain_error``, where it was asked whether noise follows the rows (`NoiseOfRows`), and ``by_rows``,
            whether it does; with answers of people
            ``answers``, ``answers_counted`` (of these, that say how often labels are wrong), ``strength`` (what they
            weigh in T, in all rows) and ``weight_without`` (of networks that know no answer), ``answers_gain`` and
            ``answers_gain_error`` (`AnsweredNoise.explained_better`), ``in_targets`` (whether what is believed with
            them is taught), ``targets_of`` (whose belief: `crossfit.answered_targets`) and ``warm_up``; in a
            training ``labels``, the sha256 of the given labels, where these are distributions ``distribution``, and
            ``trusted``, that of the answers; ``class_shares`` [[low] * C, [high] * C], where somebody has told how
            common the classes truly are, and ``shares_by_answers``, where people's answers have.
    """

    folds: np.ndarray
    probs: Any
    transition: np.ndarray
    posterior: Any
    facts: CrossFitFacts
    targets: Any = None
    each: np.ndarray | None = None
    of_rows: np.ndarray | None = None

    @property
    def warm_up(self) -> int:
        """Epochs for which networks learn what is taught before they teach each other: as many as the likelihood of
        held-out labels rose in round 2, and with answers not fewer than without them. Where answers decide the end of
        a round it may be its first epoch: networks that taught each other from then on lost 3.8 points in one run."""
        rounds = self.facts.get("rounds", [])
        return int(self.facts.get("warm_up", rounds[1]["best_epoch"] if len(rounds) > 1 else 0))

    @classmethod
    def of_problems(
        cls,
        folds: np.ndarray,
        probs: np.ndarray,
        each: np.ndarray,
        posterior: np.ndarray,
        facts: CrossFitFacts,
        targets: np.ndarray | None = None,
    ) -> CrossFit:
        """Of K problems: [R, N], [N, K, 2], [K, 2, 2], [N, K, 2], and [N, K, 2] of what is to be taught."""
        problems = len(each)
        true = posterior.mean(0)  # [K, 2], the share of each problem's rows that are so in truth
        true = true / np.maximum(true.sum(0), 1e-12)
        together = np.einsum("kc,kcy->cy", true, each)
        return cls(
            folds.repeat(problems, axis=1),
            probs.reshape(-1, 2),
            together / together.sum(1, keepdims=True),
            posterior.reshape(-1, 2),
            facts,
            None if targets is None else targets.reshape(-1, 2),
            each,
        )

    def of_problem(self, problem: int) -> CrossFit:
        """That of one class among several that may hold: of N rows, not of pairs."""
        assert self.each is not None
        part = slice(problem, None, len(self.each))
        targets = None if self.targets is None else self.targets[part]
        return CrossFit(
            self.folds[:, part], self.probs[part], self.each[problem], self.posterior[part], self.facts, targets
        )

    def known_of_given(self, labels: Labels) -> tuple[np.ndarray, np.ndarray] | None:
        """`plateau.of_given`, T [K, 2, 2] and rates [3, K] without the canaries; None where they were not known."""
        if not self.knows_noise or self.each is None:
            return None
        return of_given(self.each, np.asarray(self.facts["rates_of_each"]), float(labels.canary.mean()))

    @property
    def knows_noise(self) -> bool:
        """Whether T was known before there were predictions, so that none may change it (`crossfit.cross_fit`)."""
        return "rates_of_each" in self.facts

    @property
    def row_targets(self) -> Any:
        """float64 [N, C], what a method that cross-fits is to be taught of the rows."""
        return self.posterior if self.targets is None else self.targets

    def with_shares(self, shares: ClassShares, labels: Labels, by_answers: bool = False) -> CrossFit:
        """What is believed, moved as little as may be so that the classes are as common as somebody has told, or as
        answers say; answered rows stay as they are answered, of one class a row. What networks predict, which knows no
        label of its row, is moved by weights of its own: those of a belief that repeats the labels would leave nothing
        of the class that most rows are given. Where nothing has been learnt nothing is moved."""
        facts: CrossFitFacts = {**self.facts}
        if by_answers:
            facts["shares_by_answers"] = shares.ends
        else:
            facts["class_shares"] = shares.ends
        if self.learnt_nothing:
            return replace(self, facts=facts)
        targets = None if self.targets is None else shares.applied(self.targets)
        weights = shares.weights(self.posterior)
        if (weights == 1).all():
            return replace(self, targets=targets, facts=facts)
        posterior = weighed(self.posterior, weights)
        facts["rate"] = float(1 - of_labels(posterior, labels.trained).mean())
        return replace(
            self, probs=shares.applied(self.probs), posterior=posterior, targets=targets, facts=facts,
            transition=matrix_of(posterior, labels.learnt),
        )  # fmt: skip

    @property
    def shares(self) -> ClassShares | None:
        """How common the classes truly are, as somebody has told, else as answers say; None: neither."""
        return _shares(self.facts)

    @property
    def rate(self) -> float:
        return float(self.facts["rate"])

    @property
    def learnt_nothing(self) -> bool:
        """Whether the predictions tell nothing of the labels; the noise that they seem to show is then a fiction."""
        return _nothing(self.facts)

    def rate_for_a_method(self) -> float:
        """The rate, for a method that is told it.

        Raises:
            InputError: the networks have learnt nothing that it could follow from.
        """
        if self.learnt_nothing:
            raise InputError(
                f"the noise rate cannot be estimated: {NOTHING}; choose a better encoder or a higher learning rate, "
                "or give a number"
            )
        return self.rate

    def noise_of_given(self, labels: Labels) -> tuple[float, np.ndarray]:
        """Rate and matrix [C, C] of the labels as they were given: without the canaries, which were flipped here."""
        if self.each is not None:
            return self._noise_of_pairs(labels)
        rows = ~labels.canary
        given, posterior = labels.trained[rows], some_rows(self.posterior, rows)
        transition = self.transition_of_given(labels)
        if labels.canary.any():
            posterior = posterior_labels(some_rows(self.probs, rows), given, transition)
        return float(1 - of_labels(posterior, given).mean()), transition

    def _noise_of_pairs(self, labels: Labels) -> tuple[float, np.ndarray]:
        assert self.each is not None
        shape, share = (-1, len(self.each)), float(labels.canary.mean())
        each = np.stack([before_flips(one, share) for one in self.each])
        posterior = self.posterior
        if share:
            probs, trained = self.probs.reshape(*shape, 2), labels.trained.reshape(shape)
            posterior = posterior_labels(probs, trained, each).reshape(-1, 2)
        rows = np.flatnonzero(~labels.canary)
        return float(1 - posterior[rows, labels.trained[rows]].mean()), before_flips(self.transition, share)

    def transition_of_given(self, labels: Labels) -> np.ndarray:
        """T [C, C] likewise."""
        return before_flips(self.transition, float(labels.canary.mean()))

    def save(self, directory: Path) -> None:
        """Writes both files, the facts last: their presence says that the pair is whole."""
        from safetensors.numpy import save_file

        directory.mkdir(parents=True, exist_ok=True)
        tensors = {"folds": np.ascontiguousarray(self.folds), "transition": np.ascontiguousarray(self.transition)}
        for name, table in {"posterior": self.posterior, "targets": self.targets}.items():
            if isinstance(table, BestClasses):
                tensors |= tensors_of(name, [table])
            elif table is not None:
                tensors[name] = np.ascontiguousarray(table)
        if self.each is not None:
            tensors["each"] = np.ascontiguousarray(self.each)
        # As one peer's log-probabilities, which is how corrections and audits read any predictions of a run.
        log_probs = logs_of(self.probs, 1e-30)
        if isinstance(log_probs, BestClasses):
            tensors |= tensors_of("train", [log_probs])
        else:
            tensors["train"] = log_probs.astype(np.float32)[None]
        facts = {"folds": str(self.facts["folds"])}
        write_with(directory / TENSORS, lambda aside: save_file(tensors, aside, metadata=facts))
        write_json(directory / FACTS, self.facts)

    @staticmethod
    def sha256_of(directory: Path) -> dict[str, str]:
        """Of the files that `save` wrote, by name."""
        files = [directory / name for name in (TENSORS, FACTS)]
        return {path.name: sha256_of_file(path) for path in files if path.is_file()}

    @classmethod
    def load(cls, directory: Path) -> CrossFit | None:
        """What `save` wrote; None where there is nothing whole.

        Raises:
            InputError: the files are damaged.
        """
        from safetensors.numpy import load_file

        if not (directory / FACTS).is_file():
            return None
        facts = read_json(directory / FACTS, CrossFitFacts, _ANEW, current)
        with undamaged(directory / TENSORS, _ANEW):
            tensors = load_file(directory / TENSORS)
            transition, probs = tensors["transition"], _table_of(tensors, "train")
            probs = (
                probs.mapped(np.exp, False) if isinstance(probs, BestClasses) else np.exp(probs[0].astype(np.float64))
            )
            cross_fit = cls(
                tensors["folds"], probs, transition, _table_of(tensors, "posterior"), facts,
                _table_of(tensors, "targets"), tensors.get("each"),
            )  # fmt: skip
            rows, classes = probs.shape
            shapes = [cross_fit.folds.shape[1:], cross_fit.transition.shape, cross_fit.posterior.shape]
            shapes += [] if cross_fit.targets is None else [cross_fit.targets.shape]
            expected = [(rows,), (classes, classes), (rows, classes), (rows, classes)][: len(shapes)]
            if cross_fit.each is not None and (cross_fit.each.shape[1:] != (2, 2) or rows % len(cross_fit.each)):
                raise ValueError("its tensors do not belong together")
            if shapes != expected or len(facts["rounds"]) < 2:
                raise ValueError("its tensors do not belong together")
            return cross_fit


def _table_of(tensors: dict[str, np.ndarray], name: str) -> Any:
    """A table of a file's tensors, of either kind; None: it has no such one."""
    if keeps_best(tensors, name):
        return from_tensors(tensors, name, len(tensors["transition"]), name == "train")[0]
    return tensors[name] if name != "targets" else tensors.get(name)


def rates_of_rounds(directory: Path) -> list[float]:
    """The share of wrong labels by each round alone whose networks a run's predictions are of; none where the run was
    not cross-fitted, or by an earlier version.

    Raises:
        InputError: the file that says so is damaged.
    """
    return of_rounds(_rounds_of(directory))


def rates_told(directory: Path) -> np.ndarray | None:
    """`Plateau.rates` [3, K] of a multi-label run, where its noise was known before there were predictions; else None.

    Raises:
        InputError: the file that says so is damaged.
    """
    rates = _rounds_of(directory).get("rates_of_each")
    return None if rates is None else np.array(rates)


def shares_told(directory: Path) -> ClassShares | None:
    """`CrossFit.shares` of a run; None where it was not cross-fitted, too.

    Raises:
        InputError: the file that says so is damaged.
    """
    return _shares(_rounds_of(directory))


def _rounds_of(directory: Path) -> CrossFitRounds:
    """Empty where the run was not cross-fitted."""
    path = directory / FACTS
    return read_json(path, CrossFitRounds, _ANEW) if path.is_file() else {}


def _shares(facts: CrossFitRounds | CrossFitFacts) -> ClassShares | None:
    ends = facts.get("class_shares", facts.get("shares_by_answers"))
    return None if ends is None else ClassShares(*np.array(ends))


def of_rounds(facts: CrossFitRounds | CrossFitFacts) -> list[float]:
    """`rates_of_rounds` by the facts themselves."""
    return [one["rate"] for one in facts.get("rounds", ()) if one["used"] and "rate" in one]


def has_learnt_nothing(directory: Path) -> bool:
    """Whether a run was cross-fitted, by networks that learnt nothing (`CrossFit.learnt_nothing`).

    Raises:
        InputError: the file that says so is damaged.
    """
    path = directory / FACTS
    if not path.is_file():
        return False
    return _nothing(read_json(path, CrossFitGain, _ANEW))


def estimated_rate(directory: Path) -> float | None:
    """The share of wrong labels by a run's cross-fitting; None where there is none yet, or it has learnt nothing.

    Raises:
        InputError: the file that says so is damaged.
    """
    path = directory / FACTS
    if not path.is_file():
        return None
    facts = read_json(path, CrossFitFacts, _ANEW, current)
    return None if _nothing(facts) else float(facts["rate"])


def _nothing(facts: CrossFitGain) -> bool:
    return {"gain", "gain_error"} <= facts.keys() and is_nothing(facts["gain"], facts["gain_error"])
