"""The noise matrix where some true labels are known: counted from them, and from the other rows by expectation-
maximisation, each as far as the answers themselves bear it out."""

from __future__ import annotations

import numpy as np

from clc_text.data.labels import Labels
from clc_text.data.trusted import ERR
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.noise_fit import (
    SHARPNESS,
    NoiseFit,
    columns_of,
    fit_transition,
    log_likelihood,
    posterior_labels,
    shrunk,
    softmax,
)

# How much all counted answers weigh together, as a multiple of all rows. Which of them is right differs by the data
# (see recipes/results/answers.md): answers alone where the errors follow the texts, hardly any where they do not.
STRENGTHS = (0.0, 0.1, 0.3, 1.0, 3.0)
# Answers, all of one weight, from which a mean of theirs has an error that means something: with 12 of them networks
# were taught anew and ended 2.0 and 1.3 points lower in one seed, 0.4 lower to 3.0 higher in two others.
FEWEST = 20
FEWEST_A_CLASS = 2  # since a noise matrix has as many rows
POWERS = tuple(float(power) for power in np.geomspace(0.1, 4.0, 24))  # that a belief is raised to
_SMALLEST = 1e-12


class AnsweredNoise:
    """Fits T to given labels of which some are known to be right or wrong.

    Args:
        labels: of the rows, with the answers.
        classes: C.
        fold: int64 [N], of the networks' own predictions: whoever predicts a row has not seen its label or answer.
    """

    def __init__(self, labels: Labels, classes: int, fold: np.ndarray) -> None:
        trusted = labels.trusted
        assert trusted is not None
        self.labels, self.classes, self.fold = labels.learnt, classes, fold
        self.rows, self.told = trusted.rows, trusted.labels
        self.open = np.ones(len(labels), bool)
        self.open[trusted.rows] = False
        weights = trusted.weights
        self.counts_rows = weights > 0
        self.weights = weights / max(weights.sum(), _SMALLEST)  # shares of all rows; 0 where nobody knows
        self.strength = 0.0

    @property
    def counted(self) -> bool:
        """Whether any answer says how often labels are wrong."""
        return bool(self.counts_rows.any())

    def start(self) -> np.ndarray | None:
        """T [C, C] as the answers alone have it (Hendrycks et al., "Using Trusted Data to Train Deep Networks on
        Labels Corrupted by Severe Noise", NeurIPS 2018), each counted as often as it stands for; None without any."""
        return shrunk(self._counted()) if self.counted else None

    def fit(self, probs: np.ndarray, start: np.ndarray | None, rounds: int) -> np.ndarray:
        """float64 [C, C], T by expectation-maximisation from the open rows, with what is known of the others."""
        known = self._known() + self.strength * self._counted()
        return fit_transition(probs[self.open], self.labels[self.open], start, rounds, known)

    def choose_strength(self, probs: np.ndarray, start: np.ndarray | None, rounds: int = 5) -> None:
        """Takes the least strength by which answers of one fold are explained as well as by the best, to a standard
        error: by the other folds' answers, and by the open rows of this fold, whose predictions come of networks that
        saw none of its answers."""
        if not self.counted:
            return
        gains = np.zeros((len(STRENGTHS), len(self.rows)))
        for fold in np.unique(self.fold[self.rows[self.counts_rows]]):
            inside = self.fold[self.rows] == fold
            part = np.flatnonzero(self.open & (self.fold == fold))
            scale = len(self.labels) / max(len(part), 1)
            others = self._counted(~inside)
            for place, strength in enumerate(STRENGTHS):
                known = strength / scale * others
                fitted = fit_transition(probs[part], self.labels[part], start, rounds, known)
                likely = self._as_told(columns_of(fitted, self.labels[self.rows]))
                gains[place, inside] = np.log(np.maximum(likely, _SMALLEST))[inside]
        behind = gains[(gains @ self.weights).argmax()] - gains  # [strengths, n], nats
        mean = behind @ self.weights
        error = np.sqrt((behind - mean[:, None]) ** 2 @ self.weights**2)
        self.strength = STRENGTHS[int((mean <= error).argmax())]

    @property
    def enough(self) -> bool:
        """Whether so many answers count (`FEWEST`, `FEWEST_A_CLASS`) that a mean of theirs has an error that means
        something."""
        least = max(FEWEST, FEWEST_A_CLASS * self.classes)
        return self.counted and 1 / max(float((self.weights**2).sum()), _SMALLEST) >= least

    def held_out_belief(self, fit: NoiseFit) -> np.ndarray:
        """float64 [n, C], what is believed with answers of each answer's row while this answer is held out: by
        predictions that saw neither its label nor its answer, and a T without the answers of its fold, by which the
        given label is half trusted."""
        believed = np.zeros((len(self.rows), self.classes))
        for fold in np.unique(self.fold[self.rows]):
            inside = self.fold[self.rows] == fold
            known = self._known(~inside) + self.strength * self._counted(~inside)
            transition = fit_transition(fit.probs[self.open], self.labels[self.open], fit.transition, 8, known)
            rows = self.rows[inside]
            believed[inside] = half_trusted(fit.probs[rows], self.labels[rows], never_certain(transition))
        return believed

    def explained_better(
        self, believed: np.ndarray, other: np.ndarray, equally_sure: bool = False
    ) -> tuple[float, float]:
        """By how many nats an answer is likelier to one belief about the answers' rows than to another, both [n, C],
        and the standard error of that.

        Args:
            equally_sure: each belief is first raised to the power by which it explains the answers best, so that none
                is ahead by being less sure alone.
        """
        ours, theirs = (self._log_of_answers(one, equally_sure) for one in (believed, other))
        gained = ours - theirs
        mean = float(self.weights @ gained)
        return mean, float(np.sqrt(self.weights**2 @ (gained - mean) ** 2))

    def _log_of_answers(self, belief: np.ndarray, equally_sure: bool) -> np.ndarray:
        """[n], log-probability of each answer by a belief [n, C] about its row."""
        if not equally_sure:
            return np.log(self._as_told(belief))
        logs = np.log(np.maximum(belief, _SMALLEST))
        tried = [np.log(self._as_told(softmax(power * logs))) for power in POWERS]
        return max(tried, key=lambda one: float(self.weights @ one))

    def _as_told(self, values: np.ndarray) -> np.ndarray:
        """[n], what a value [n, C] of each class of the answers' rows comes to for what was answered, right but for
        `ERR` of the answers, which tell any other class."""
        other = ERR / (self.classes - 1)
        told = np.take_along_axis(values, self.told[:, None], 1)[:, 0]
        return np.asarray((1 - ERR - other) * told + other * values.sum(1))

    def fit_sharpness(self, logits: np.ndarray, start: np.ndarray | None, rounds: int = 8) -> NoiseFit:
        """As `noise_fit.fit_noise`, by the likelihood of given labels (of open rows) and of answers, a nat of the
        one counting as much as a nat of the other."""
        best: NoiseFit | None = None
        for power in SHARPNESS:
            probs = softmax(power * logits)
            transition = self.fit(probs, start, rounds)
            likelihood = self.likelihood(probs, transition)
            if best is None or likelihood > best.log_likelihood:
                best = NoiseFit(likelihood, power, transition, probs)
        assert best is not None
        return best

    def likelihood(self, probs: np.ndarray, transition: np.ndarray) -> float:
        """In nats: the mean over the open rows of log Σ_c p(c) T[c, y], and that over the answers of their
        log-probability, log p(c) if none could be wrong (`ERR`)."""
        given = log_likelihood(probs[self.open], self.labels[self.open], transition) if self.open.any() else 0.0
        return given + float(self.weights @ np.log(self._as_told(probs[self.rows])))

    def posterior(self, probs: np.ndarray, transition: np.ndarray) -> np.ndarray:
        """float64 [N, C], `posterior_labels`, and certainty where somebody has answered."""
        posterior = posterior_labels(probs, self.labels, transition)
        posterior[self.rows] = np.eye(self.classes)[self.told]
        return posterior

    def _known(self, among: np.ndarray | None = None) -> np.ndarray:
        """[C, C], the answered rows (bool [n]: some of them) by true and given class."""
        return self._told(np.ones(len(self.rows)) if among is None else among.astype(np.float64))

    def _counted(self, among: np.ndarray | None = None) -> np.ndarray:
        """[C, C], all rows by true and given class as the answers (bool [n]: some of them) stand for them."""
        weights = self.weights if among is None else np.where(among, self.weights, 0.0)
        return self._told(weights) * len(self.labels) / max(weights.sum(), _SMALLEST)

    def _told(self, weights: np.ndarray) -> np.ndarray:
        """[C, C], the answered rows, each as often as its weight [n], by true and given class."""
        counts, given = np.zeros((self.classes, self.classes)), self.labels[self.rows]
        if given.ndim == 2:
            np.add.at(counts, self.told, weights[:, None] * given)
        else:
            np.add.at(counts, (self.told, given), weights)
        return counts
