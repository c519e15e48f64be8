"""Division by loss, SelfMix and DivideMix against slow, literal readings: loops over peers, rows and classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from literal import Table, ce, constant, drawn_labels, tempered
from refusals import refused
from sklearn.mixture import GaussianMixture
from torch import Tensor

from clc_text.methods.base import Looks, TrainingState
from clc_text.methods.dividemix import DivideMix
from clc_text.methods.division import LEAST_VARIANCE, ROUNDS, clean_probability
from clc_text.methods.selfmix import SelfMix, within_class

ROWS, CLASSES, TRAINING_ROWS, SHARE = 9, 4, 30, 0.7


def losses_of_two_kinds(rows: int = 200, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    small = 0.2 * torch.rand(rows, generator=generator, dtype=torch.float64)
    large = 0.7 + 0.1 * torch.randn(rows // 2, generator=generator, dtype=torch.float64)
    return torch.cat([small, large])


# ---- the mixture ----


def test_the_mixture_is_that_of_scikit_learn() -> None:
    losses = losses_of_two_kinds()
    fitted = GaussianMixture(2, max_iter=ROUNDS - 1, tol=0, reg_covar=LEAST_VARIANCE, random_state=0, n_init=1)
    with pytest.warns(Warning):  # as many rounds are not until nothing changes
        fitted.fit(losses[:, None])
    expected = fitted.predict_proba(losses[:, None])[:, fitted.means_.argmin()]
    np.testing.assert_allclose(clean_probability(losses).numpy(), expected, atol=1e-6)
    assert clean_probability(losses)[:200].min() > 0.5 > clean_probability(losses)[200:].max()


def test_several_mixtures_are_fitted_as_each_alone() -> None:
    together = torch.stack([losses_of_two_kinds(seed=seed) for seed in range(6)]).view(3, 2, -1)
    found = clean_probability(together)
    for s in range(3):
        for peer in range(2):
            torch.testing.assert_close(found[s, peer], clean_probability(together[s, peer]))


@pytest.mark.parametrize("losses", [[0.4] * 5, [0.4], [0.0, 1.0]])
def test_a_mixture_of_few_or_equal_losses_is_finite(losses: list[float]) -> None:
    found = clean_probability(torch.tensor(losses, dtype=torch.float64))
    assert found.isfinite().all() and found[0] >= 0.5
    assert len(set(losses)) > 1 or (found == 1).all()


def test_losses_within_a_class_by_hand() -> None:
    """Class 0: 1, 3 have mean 2 and variance 1; class 1: 10, 14, 18 mean 14, variance 32/3; class 2 has one row."""
    losses = torch.tensor([[1.0, 10.0, 3.0, 14.0, 18.0, 5.0]], dtype=torch.float64)
    found = within_class(losses, torch.tensor([0, 1, 0, 1, 1, 2]))
    torch.testing.assert_close(found, losses.new_tensor([[-1, -4 * 3 / 32, 1, 0, 4 * 3 / 32, 0]]))


# ---- the losses ----


def table(log_probs: Tensor) -> Table:
    return [[list(row) for row in peer] for peer in log_probs.exp()]


def kl(one: list[Any], other: list[Any]) -> Any:
    return sum(one[c] * (one[c].log() - other[c].log()) for c in range(CLASSES))


def mean(*rows: list[Any]) -> list[float]:
    each = [constant(row) for row in rows]
    return [sum(row[c] for row in each) / len(each) for c in range(CLASSES)]


def blend(targets: list[list[float]], n: int, partners: list[int]) -> list[float]:
    return [SHARE * targets[n][c] + (1 - SHARE) * targets[partners[n]][c] for c in range(CLASSES)]


def selfmix(p: Table, again: Table, mixed: Table, y: Any, state: TrainingState, partners: list[int]) -> list[Any]:
    assert state.rows is not None
    losses = []
    for f in range(len(p)):
        kept = [float(state.memory["clean"][f, row]) >= 0.5 for row in state.rows]
        targets = [y[n] if kept[n] else tempered(mean(p[f][n], again[f][n]), 0.5) for n in range(ROWS)]
        guessed = [n for n in range(ROWS) if not kept[n]]
        total: Any = 0.0
        for n in range(ROWS):
            total = total + ce(blend(targets, n, partners), mixed[f][n]) / ROWS
        for n in guessed:
            sure = sum(-max(row[f][n], key=lambda x: float(x.detach())).log() for row in (p, again)) / 2
            apart = (kl(p[f][n], again[f][n]) + kl(again[f][n], p[f][n])) / 2
            total = total + (0.2 * sure + 0.3 * apart) / len(guessed)
        losses.append(total)
    return losses


def dividemix(p: Table, again: Table, mixed: Table, y: Any, state: TrainingState, partners: list[int]) -> list[Any]:
    assert state.rows is not None
    peers, losses = len(p), []
    for f in range(peers):
        clean = [float(state.memory["clean"][(f - 1) % peers, row]) for row in state.rows]
        kept, targets = [w >= 0.5 for w in clean], []
        for n in range(ROWS):
            own = mean(p[f][n], again[f][n])
            if kept[n]:
                target = [clean[n] * y[n][c] + (1 - clean[n]) * own[c] for c in range(CLASSES)]
            else:
                target = mean(*(p[g][n] for g in range(peers)), *(again[g][n] for g in range(peers)))
            targets.append(tempered(target, 0.5))
        labelled: Any = 0.0
        guessed: Any = 0.0
        for n in range(ROWS):
            q = blend(targets, n, partners)
            if kept[n]:
                labelled = labelled + ce(q, mixed[f][n]) / sum(kept)
            else:
                squares = sum((q[c] - mixed[f][n][c]) ** 2 for c in range(CLASSES))
                guessed = guessed + squares / CLASSES / (ROWS - sum(kept))
        even: Any = 0.0
        for c in range(CLASSES):
            share = sum(mixed[f][n][c] for n in range(ROWS)) / ROWS
            even = even + (1 / CLASSES) * ((1 / CLASSES) / share).log()
        losses.append(labelled + 5 * min((state.epoch - state.began) / 16, 1) * guessed + even)
    return losses


@pytest.mark.parametrize("parts", ["both", "only kept", "only guessed"])
@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
@pytest.mark.parametrize("peers", [1, 2, 3])
@pytest.mark.parametrize(("built", "literal"), [(SelfMix(), selfmix), (DivideMix(), dividemix)])
def test_loss_and_gradients_equal_the_literal_formula(
    built: Any, literal: Any, peers: int, soft: bool, parts: str
) -> None:
    generator = torch.Generator().manual_seed(peers)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    labels, y = drawn_labels(ROWS, CLASSES, soft, generator)
    clean = torch.rand(peers, TRAINING_ROWS, generator=generator, dtype=torch.float64)
    clean = {"both": clean, "only kept": 0.5 + clean / 2, "only guessed": clean / 2.1}[parts]
    state = TrainingState(epoch=9, began=2, num_classes=CLASSES, memory={"clean": clean})
    state.rows = torch.randperm(TRAINING_ROWS, generator=generator)[:ROWS]
    logits = [(2 * normal(peers, ROWS, CLASSES)).requires_grad_() for _ in range(3)]
    once, again, mixed = (one.log_softmax(-1) for one in logits)
    partners = torch.randperm(ROWS, generator=generator)
    state.looks = Looks(again, mixed, partners, SHARE)

    expected = literal(table(once), table(again), table(mixed), y.tolist(), state, partners.tolist())
    expected_gradients = torch.autograd.grad(sum(expected), logits, allow_unused=True, retain_graph=True)
    found = built.supervise(once, labels, state)
    gradients = torch.autograd.grad(found.loss, logits, allow_unused=True)
    torch.testing.assert_close((found.losses * found.weights).sum(-1), torch.stack(expected))
    for one, other in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(
            torch.zeros(1) if one is None or not one.any() else one,
            torch.zeros(1) if other is None or not other.any() else other,
        )
    assert gradients[2].abs().max() > 1e-3
    judges = clean if built.name == "selfmix" else clean.roll(1, 0)
    assert torch.equal(found.selected, judges[:, state.rows] < 0.5)


def test_the_division_is_of_each_peer_s_own_losses() -> None:
    """Of 40 rows that are predicted as labelled the last ten are labelled otherwise, by the first peer's lights."""
    right = torch.tensor([0.9, 0.05, 0.05]).log().expand(40, 3)
    log_probs = torch.stack([right, right.roll(1, -1)]) + 1e-3 * torch.randn(2, 40, 3)
    labels = torch.cat([torch.zeros(30), torch.ones(10)]).long()
    for built in (DivideMix(), SelfMix(normalise="all")):
        state = TrainingState()
        built.prepare(log_probs.log_softmax(-1), labels, state)
        clean = state.memory["clean"]
        assert clean[0, :30].min() > 0.9 and clean[0, 30:].max() < 0.1
        assert clean[1, :30].max() < 0.1 and clean[1, 30:].min() > 0.9


def test_a_class_that_is_hard_is_not_held_to_be_wrong() -> None:
    """Class 1 is predicted by a half, of either class one in ten rows is labelled wrong."""
    probs = torch.tensor([[0.95, 0.05]] * 90 + [[0.05, 0.95]] * 10 + [[0.5, 0.5]] * 90 + [[0.9, 0.1]] * 10)
    labels = torch.tensor([0] * 100 + [1] * 100)
    kept = {}
    for normalise in ("class", "all"):
        state = TrainingState()
        SelfMix(normalise=normalise).prepare(probs.log()[None], labels, state)  # type: ignore[arg-type]
        kept[normalise] = state.memory["clean"][0] >= 0.5
    assert kept["class"][:90].all() and kept["class"][100:190].all()
    assert not kept["all"][100:].all()


def test_the_guesses_come_slowly() -> None:
    log_probs = torch.tensor([[[0.9, 0.1], [0.2, 0.8]]] * 2, dtype=torch.float64).log()
    memory = {"clean": torch.zeros(2, 2, dtype=torch.float64)}
    found = []
    for epoch in (3, 11, 19, 40):
        state = TrainingState(epoch=epoch, began=3, memory=memory, rows=torch.arange(2))
        found.append(float(DivideMix().supervise(log_probs, torch.tensor([0, 0]), state).loss))
    even = 2 * (-(math.log(0.55) + math.log(0.45)) / 2 - math.log(2))
    assert found[0] == pytest.approx(even)
    assert found[1] - even == pytest.approx((found[2] - even) / 2) and found[3] == found[2]


@pytest.mark.parametrize("built", [SelfMix(), DivideMix()])
def test_rows_without_numbers_are_refused(built: Any) -> None:
    with refused(says=built.name, key="index"):
        built.supervise(torch.zeros(2, 3, 2), torch.zeros(3).long(), TrainingState())
