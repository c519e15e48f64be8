"""One value a method, worked out by hand; the arithmetic stands in each docstring.

The probabilities are halves and quarters: ln 2 = 0.693147, ln 4 = 1.386294, ln 4/3 = 0.287682.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from clc_text.methods.base import TrainingState, method


def losses(name: str, probs: list, labels: list[int], state: TrainingState | None = None, **options: object) -> list:
    """The loss of every peer: [P][B][C] probabilities -> [P]."""
    log_probs: Tensor = torch.tensor(probs, dtype=torch.float64).log()
    found = method.get(name)(**options).supervise(log_probs, torch.tensor(labels), state or TrainingState())
    return (found.losses * found.weights).sum(-1).tolist()


def close(*values: float) -> object:
    return pytest.approx(values, abs=1e-6)


HALF, LEFT, RIGHT = [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]


def test_standard() -> None:
    """(ln 2 + ln 4) / 2 = 1.039721."""
    assert losses("standard", [[HALF, RIGHT]], [0, 0]) == close(1.039721)


def test_bootstrap_hard() -> None:
    """Row 1 is predicted as labelled: ln 4/3. Row 2 is not: target 0.8, 0.2, so 0.8 ln 4 + 0.2 ln 4/3 = 1.166571.

    (0.287682 + 1.166571) / 2 = 0.727127.
    """
    assert losses("bootstrap", [[LEFT, RIGHT]], [0, 0], kind="hard") == close(0.727127)


def test_bootstrap_soft() -> None:
    """Target 0.95 + 0.05/4 = 0.9625 and 0.0375: 0.9625 ln 4 + 0.0375 ln 4/3 = 1.334308 + 0.010788 = 1.345096."""
    assert losses("bootstrap", [[RIGHT]], [0]) == close(1.345096)


def test_forward() -> None:
    """p T = (0.5·0.8 + 0.5·0.4, 0.5·0.2 + 0.5·0.6) = (0.6, 0.4); label 1: -ln 0.4 = 0.916291."""
    state = TrainingState(memory={"transition": torch.tensor([[0.8, 0.2], [0.4, 0.6]], dtype=torch.float64)})
    assert losses("forward", [[HALF]], [1], state) == close(0.916291)


def test_decouple() -> None:
    """Only row 1 is predicted differently; the divisor is max(0.1·2, 1) = 1: ln 4/3 for f, ln 4 for g."""
    assert losses("decouple", [[LEFT, RIGHT], [RIGHT, RIGHT]], [0, 0]) == close(0.287682, 1.386294)


def test_decouple_divides_a_few_rows_by_a_tenth_of_the_batch() -> None:
    """Row 1 of 20 differs; the divisor is max(0.1·20, 1) = 2: ln 4/3 / 2 = 0.143841 and ln 4 / 2 = 0.693147."""
    found = losses("decouple", [[LEFT] + [LEFT] * 19, [RIGHT] + [LEFT] * 19], [0] * 20)
    assert found == close(0.143841, 0.693147)


def test_mentornet() -> None:
    """R(5) = 0.5·5/10 = 0.25, so int(0.75·4) = 3 rows: ln 2, ln 4, ln 4/3; the row of ln 8 is left out.

    (0.693147 + 1.386294 + 0.287682) / 3 = 0.789041.
    """
    state = TrainingState(epoch=5, noise_rate=0.5)
    found = losses("mentornet", [[HALF, RIGHT, LEFT, [0.125, 0.875]]], [0] * 4, state)
    assert found == close(0.789041)


def test_co_teaching() -> None:
    """R(10) = 0.5 keeps one row of two. g finds row 2 easier (ln 4/3), so f learns that: ln 4.

    f finds row 1 easier (ln 2), so g learns that: ln 4. Their own choices would give ln 2 and ln 4/3.
    """
    state = TrainingState(epoch=10, noise_rate=0.5)
    found = losses("co_teaching", [[HALF, RIGHT], [RIGHT, LEFT]], [0, 0], state)
    assert found == close(1.386294, 1.386294)


def test_co_distillation() -> None:
    """f: 0.5 ln 2 + 0.5 (ln 2) = 0.693147. g: 0.5 ln 4 + 0.5 (0.5 ln 4 + 0.5 ln 4/3) = 0.693147 + 0.418494."""
    assert losses("co_distillation", [[HALF], [RIGHT]], [0]) == close(0.693147, 1.111641)


def test_co_distillation_at_temperature_two() -> None:
    """p ** (1/2), normalised: (0.1, 0.9) becomes (1/4, 3/4), a half stays a half; λ = 0.

    f = (1/2, 1/2) learns (1/4, 3/4): ln 2. g learns (1/2, 1/2): 0.5 ln 4 + 0.5 ln 4/3 = 0.836988.
    """
    found = losses("co_distillation", [[HALF], [[0.1, 0.9]]], [0], lam=0.0, temperature=2.0)
    assert found == close(0.693147, 0.836988)


CLC_STATE = TrainingState(memory={"threshold": torch.tensor([0.6, 0.6], dtype=torch.float64)})


def test_clc() -> None:
    """H of a half is 0.693147 > Γ = 0.6, high; H(1/4, 3/4) = 0.25 ln 4 + 0.75 ln 4/3 = 0.562335, low.

    So low(f) = {2}, low(g) = {1}; α = 0.1, β = 0.5, B = 2.
    f: CE(g, f) on row 1 = ln 2; α H on row 2 = 0.056234; β CE(y, f) on row 2 = 0.5 ln 4. Half of 1.442528: 0.721264.
    g: CE(f, g) on row 2 = ln 2; α H on row 1 = 0.056234; β CE(y, g) on row 1 = 0.5 ln 4/3. Half of it: 0.446611.
    """
    assert losses("clc", [[HALF, RIGHT], [LEFT, HALF]], [0, 0], CLC_STATE) == close(0.721264, 0.446611)


def test_clc_with_each_sum_over_its_own_subset() -> None:
    """Rows 2 and 3 of f are high in g: β (ln 4 + ln 2) / 2 = 0.519860. Row 1 is low: ln 2. low(f) = {2}: 0.056234.

    The sum is 1.269241; divided by the batch it would be (0.693147 + 0.056234 + 1.039721) / 3 = 0.596367.
    """
    probs = [[HALF, RIGHT, HALF], [LEFT, HALF, HALF]]
    assert losses("clc", probs, [0, 0, 0], CLC_STATE, reduction="subset")[0] == pytest.approx(1.269241, abs=1e-6)
    assert losses("clc", probs, [0, 0, 0], CLC_STATE)[0] == pytest.approx(0.596367, abs=1e-6)


def test_slc() -> None:
    """Row 1 is high: 0.5 ln 2. Row 2 is low: CE(p, p) = H = 0.562335, and α H = 0.056234. Half of 0.965142."""
    state = TrainingState(memory={"threshold": torch.tensor([0.6], dtype=torch.float64)})
    assert losses("slc", [[HALF, RIGHT]], [0, 0], state) == close(0.482571)


def test_gce() -> None:
    """q = 0.5: (1 - √(1/4)) / 0.5 = 1 and (1 - √(9/16)) / 0.5 = 0.5; their mean is 0.75."""
    assert losses("gce", [[RIGHT, [0.5625, 0.4375]]], [0, 0], q=0.5) == close(0.75)


def test_sop() -> None:
    """u² = 0.25 on the label 0: (0.25 + 0.25, 0.75) / 1.25 = (0.4, 0.6); without it ln 4, with it -ln 0.4."""
    zeros = torch.zeros(1, 5, 2, dtype=torch.float64)
    u = zeros.clone()
    u[0, 3, 0] = 0.5
    options = {"rate_u": 0.0, "rate_v": 0.0}
    state = TrainingState(rows=torch.tensor([3]), memory={"u": u, "v": zeros.clone()})
    assert losses("sop", [[[0.25, 0.75]]], [0], state, **options) == close(-math.log(0.4))
    plain = TrainingState(rows=torch.tensor([2]), memory={"u": u, "v": zeros})
    assert losses("sop", [[[0.25, 0.75]]], [0], plain, **options) == close(math.log(4))


def test_elr() -> None:
    """First visit: t = 0.3 p, <t, p> = 0.3·0.625 = 0.1875: ln 4 + 3 ln 0.8125 = 1.386294 - 0.622918 = 0.763376.

    Second visit: t = 0.7·0.3 p + 0.3 p = 0.51 p, <t, p> = 0.31875: ln 4 + 3 ln 0.68125 = 1.386294 - 1.151478.
    """
    state = TrainingState(rows=torch.tensor([3]), memory={"average": torch.zeros(1, 5, 2, dtype=torch.float64)})
    assert losses("elr", [[RIGHT]], [0], state) == close(0.763376)
    assert losses("elr", [[RIGHT]], [0], state) == close(0.234816)


def test_selfmix() -> None:
    """Row 1 keeps its label: ln 4/3. Row 2 is guessed: (1/16, 9/16) / (10/16) = (0.1, 0.9), 0.1 ln 4 + 0.9 ln 4/3.

    (0.287682 + 0.397543) / 2 = 0.342613, and 0.2 ln 4/3 = 0.057536 for the guessed row; nothing is dropped or mixed.
    """
    memory = {"clean": torch.tensor([[0.0, 1.0]], dtype=torch.float64)}
    state = TrainingState(rows=torch.tensor([1, 0]), memory=memory)
    assert losses("selfmix", [[LEFT, RIGHT]], [0, 0], state) == close(0.400149)


def test_dividemix() -> None:
    """f learns by w of g. Row 1: (1, 0) / 2 + (0.75, 0.25) / 2 = (7/8, 1/8), sharpened (0.98, 0.02): 0.309655. Row 2:
    both guess (3/8, 5/8), sharpened (9/34, 25/34): ((9/34 - 1/4)² + (25/34 - 3/4)²) / 2 = 0.000216, twice 0.000433.

    g learns by w of f, 1 for both rows: ln 2. Both predict both classes as often in the mean, so L_reg is 0.
    """
    memory = {"clean": torch.tensor([[1.0, 1.0], [0.5, 0.0]], dtype=torch.float64)}
    state = TrainingState(epoch=16, rows=torch.tensor([0, 1]), memory=memory)
    found = losses("dividemix", [[LEFT, RIGHT], [HALF, HALF]], [0, 0], state, lam_u=2.0)
    assert found == close(0.310087, 0.693147)
