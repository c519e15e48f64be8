"""Class weights weigh what a row is taught as torch does, and nothing else of a method's loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from clc_text.methods.base import Method, TrainingState, method
from clc_text.methods.clc import CLC
from clc_text.methods.co_teaching import CoTeaching
from clc_text.methods.standard import Standard

WEIGHTS = torch.tensor([0.5, 2.0, 1.5], dtype=torch.float64)
WEIGHING = [name for name in method.names() if method.get(name).weighs_classes]


def drawn(peers: int = 2, rows: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Log-probabilities [P, B, C], distributions [B, C] and classes [B]."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(peers, rows, 3, generator=generator, dtype=torch.float64)
    soft = torch.rand(rows, 3, generator=generator, dtype=torch.float64)
    return logits.log_softmax(-1), soft / soft.sum(-1, keepdim=True), torch.randint(0, 3, (rows,), generator=generator)


def state(weights: torch.Tensor | None) -> TrainingState:
    average = torch.zeros(2, 12, 3, dtype=torch.float64)
    memory = {"threshold": torch.tensor([0.9, 0.9], dtype=torch.float64), "average": average}
    return TrainingState(5, 4, 3, 0.3, memory, torch.arange(12), weights)


def test_distributions_are_weighed_as_torch_weighs_them() -> None:
    log_probs, soft, _ = drawn()
    found = Standard().supervise(log_probs, soft, state(WEIGHTS))
    for peer in range(2):
        expected = cross_entropy(log_probs[peer], soft, weight=WEIGHTS, reduction="none")
        torch.testing.assert_close(found.losses[peer], expected)
    assert found.targets.equal(soft.expand_as(log_probs))  # what is recorded as taught is not weighed


@pytest.mark.parametrize("name", WEIGHING)
def test_of_one_class_it_is_the_weight_of_the_row(name: str) -> None:
    log_probs, _, classes = drawn()
    plain, weighed, even = (
        made(name).supervise(log_probs, classes, state(weights)) for weights in (None, WEIGHTS, torch.ones(3))
    )
    assert even.losses.equal(plain.losses)
    assert weighed.weights.equal(plain.weights) and weighed.selected.equal(plain.selected)
    if name in ("standard", "decouple", "co_teaching", "mentornet"):
        torch.testing.assert_close(weighed.losses, plain.losses * WEIGHTS[classes])
    else:
        assert not torch.allclose(weighed.losses, plain.losses)


def made(name: str) -> Method:
    return method.get(name)()


def test_the_entropy_of_clc_is_not_weighed() -> None:
    log_probs, soft, _ = drawn()
    nothing = CLC(warmup_epochs=1).supervise(log_probs, soft, state(torch.zeros(3, dtype=torch.float64)))
    entropy = -(log_probs.exp() * log_probs).sum(-1)
    low = entropy <= 0.9
    assert low.any() and not low.all()
    torch.testing.assert_close(nothing.losses, CLC(warmup_epochs=1).alpha * torch.where(low, entropy, 0.0))


def test_rows_are_chosen_by_their_plain_loss() -> None:
    log_probs, _, classes = drawn()
    one, other = (CoTeaching(ramp_epochs=1).supervise(log_probs, classes, state(w)) for w in (None, 100 * WEIGHTS))
    assert one.selected.equal(other.selected) and 0 < int(one.selected.sum()) < one.selected.numel()


@pytest.mark.parametrize("name", ["clc", "clc_auto", "slc", "co_distillation", "bootstrap"])
def test_what_networks_teach_is_weighed_by_the_rows_label_alone(name: str) -> None:
    """Where predictions are all that is learnt, networks that predict what they are taught stay as they are: the
    gradient is 0. By class, a prediction would be drawn to the classes of large weight, turn after turn."""
    log_probs, _, classes = drawn()
    own = log_probs[:1].expand(2, -1, -1).clone().requires_grad_()
    options: dict[str, Any] = {
        "co_distillation": {"lam": 0.0},
        "bootstrap": {"b": 0.0, "target_gradient": False},
    }.get(name, {"warmup_epochs": 1, "alpha": 0.0, "threshold_scale": 10.0})
    sure = state(WEIGHTS)
    sure.memory["threshold"] = torch.tensor([99.0, 99.0], dtype=torch.float64)
    found = method.get(name)(**options).supervise(own.log_softmax(-1), classes, sure)
    found.losses.sum().backward()
    torch.testing.assert_close(own.grad, torch.zeros_like(own))
    literal = [
        -WEIGHTS[classes[row]] * (own[peer, row].exp() * own[peer, row]).sum()
        for peer in range(2)
        for row in range(12)
    ]
    torch.testing.assert_close(found.losses.flatten(), torch.stack(literal))
