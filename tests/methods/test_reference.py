"""Every method against a slow, literal reading of its formula: loops over peers, rows and classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from literal import Table, ce, constant, drawn_labels, tempered
from torch import Tensor

from clc_text.methods.base import TrainingState, method

ROWS, CLASSES, TRAINING_ROWS = 9, 4, 30


def entropy(p: list[Any]) -> Any:
    return -sum(x * x.log() for x in p)


def first(p: list[Tensor]) -> int:
    values = constant(p)
    return values.index(max(values))


def teacher(peer: int, peers: int) -> int:
    return (peer - 1) % peers


def standard(p: Table, y: Any, state: TrainingState) -> list[Any]:
    return [sum(ce(y[n], p[f][n]) for n in range(ROWS)) / ROWS for f in range(len(p))]


def bootstrap(p: Table, y: Any, state: TrainingState, kind: str, b: float, flows: bool) -> list[Any]:
    losses = []
    for own in p:
        total: Any = 0.0
        for n in range(ROWS):
            if kind == "hard":
                mixed: list[Any] = [1.0 if c == first(own[n]) else 0.0 for c in range(CLASSES)]
            else:
                mixed = own[n] if flows else constant(own[n])
            total = total + ce([b * y[n][c] + (1 - b) * mixed[c] for c in range(CLASSES)], own[n])
        losses.append(total / ROWS)
    return losses


def forward(p: Table, y: Any, state: TrainingState) -> list[Any]:
    losses = []
    for f, own in enumerate(p):
        if "transition" in state.memory:
            matrix = state.memory["transition"].tolist()
        else:
            matrix = state.memory["estimated_transition"][f].tolist()
        total: Any = 0.0
        for n in range(ROWS):
            noisy = [sum(own[n][i] * matrix[i][j] for i in range(CLASSES)) for j in range(CLASSES)]
            total = total + ce(y[n], noisy)
        losses.append(total / ROWS)
    return losses


def decouple(p: Table, y: Any, state: TrainingState) -> list[Any]:
    losses = []
    for f, own in enumerate(p):
        other = p[teacher(f, len(p))]
        rows = [n for n in range(ROWS) if first(own[n]) != first(other[n])]
        losses.append(sum(ce(y[n], own[n]) for n in rows) / max(0.1 * ROWS, len(rows)))
    return losses


def small_loss(p: Table, y: Any, state: TrainingState, from_peer: bool, scale: float = 1.0) -> list[Any]:
    assert state.noise_rate is not None
    left_out = state.noise_rate * scale * min(state.epoch / 10, 1)
    keep = int((1 - left_out) * ROWS)
    losses = []
    for f, own in enumerate(p):
        judge = p[teacher(f, len(p))] if from_peer else own
        rows = sorted(range(ROWS), key=lambda n: float(ce(y[n], judge[n]).detach()))[:keep]
        losses.append(sum(ce(y[n], own[n]) for n in rows) / keep)
    return losses


def co_distillation(p: Table, y: Any, state: TrainingState, lam: float, temperature: float) -> list[Any]:
    losses = []
    for f, own in enumerate(p):
        other = p[teacher(f, len(p))]
        total: Any = 0.0
        for n in range(ROWS):
            peer = constant(tempered(other[n], temperature))
            total = total + lam * ce(y[n], own[n]) + (1 - lam) * ce(peer, tempered(own[n], temperature))
        losses.append(total / ROWS)
    return losses


def clc(
    p: Table,
    y: Any,
    state: TrainingState,
    self_taught: bool = False,
    subset: bool = False,
    hard: bool = False,
    doubt: Callable[[list[Any]], Any] = entropy,
) -> list[Any]:
    alpha, beta = 0.1, 0.5
    threshold = state.memory["threshold"].tolist()
    low = [
        {n for n in range(ROWS) if float(torch.as_tensor(doubt(p[f][n])).detach()) <= threshold[f]}
        for f in range(len(p))
    ]
    losses = []
    for f, own in enumerate(p):
        g = f if self_taught else teacher(f, len(p))
        high = set(range(ROWS)) - low[g]
        taught: Any = 0.0
        for n in low[g]:
            lesson = constant(p[g][n])
            if hard:
                lesson = [1.0 if c == first(p[g][n]) else 0.0 for c in range(CLASSES)]
            taught = taught + ce(lesson, own[n])
        sharpened = sum((entropy(own[n]) for n in low[f]), start=torch.zeros(()))
        given = sum((ce(y[n], own[n]) for n in high), start=torch.zeros(()))
        if subset:
            parts = (len(low[g]), len(low[f]), len(high))
            losses.append(
                taught / max(parts[0], 1) + alpha * sharpened / max(parts[1], 1) + beta * given / max(parts[2], 1)
            )
        else:
            losses.append((taught + alpha * sharpened + beta * given) / ROWS)
    return losses


def margin(p: list[Any]) -> float:
    best, second = sorted(constant(p), reverse=True)[:2]
    return 1 - (best - second)


def confidence(p: list[Any]) -> float:
    return 1 - max(constant(p))


def gce(p: Table, y: Any, state: TrainingState, q: float) -> list[Any]:
    def loss(target: list[float], row: list[Any]) -> Any:
        return sum(target[c] * (1 - row[c] ** q) / q for c in range(CLASSES))

    return [sum(loss(y[n], own[n]) for n in range(ROWS)) / ROWS for own in p]


def elr(p: Table, y: Any, state: TrainingState) -> list[Any]:
    beta, lam = 0.7, 3.0
    assert state.rows is not None
    memory = state.memory["average"].tolist()
    losses = []
    for f, own in enumerate(p):
        total: Any = 0.0
        for n in range(ROWS):
            now = [x.clamp(1e-4, 1 - 1e-4) for x in own[n]]
            old = memory[f][int(state.rows[n])]
            mass = sum(constant(now))
            average = [beta * old[c] + (1 - beta) * constant(now)[c] / mass for c in range(CLASSES)]
            inner = sum(average[c] * now[c] for c in range(CLASSES))
            total = total + ce(y[n], own[n]) + lam * (1 - inner).log()
        losses.append(total / ROWS)
    return losses


def sop(p: Table, y: Any, state: TrainingState) -> list[Any]:
    assert state.rows is not None
    u, v = state.memory["u"].tolist(), state.memory["v"].tolist()
    losses = []
    for f, own in enumerate(p):
        total: Any = 0.0
        for n in range(ROWS):
            row = int(state.rows[n])
            s = [u[f][row][c] ** 2 * y[n][c] - v[f][row][c] ** 2 * (1 - y[n][c]) for c in range(CLASSES)]
            raised = [(own[n][c] + s[c]).clamp(min=1e-4) for c in range(CLASSES)]
            total = total + ce(y[n], [one / sum(raised) for one in raised])
        losses.append(total / ROWS)
    return losses


def jocor(p: Table, y: Any, state: TrainingState, lam: float) -> list[Any]:
    """The joint loss, gradients flowing through both networks, dealt out to the peers."""
    peers = len(p)

    def kl(one: list[Tensor], other: list[Tensor]) -> Any:
        return sum(one[c] * (one[c].log() - other[c].log()) for c in range(CLASSES))

    shares = []
    for f in range(peers):
        rows = []
        for n in range(ROWS):
            agreement: Any = 0.0
            for g in range(peers):
                if g != f:
                    agreement = agreement + (kl(p[f][n], p[g][n]) + kl(p[g][n], p[f][n])) / (peers - 1)
            rows.append((1 - lam) * ce(y[n], p[f][n]) + lam * agreement / 2)
        shares.append(rows)
    assert state.noise_rate is not None
    count = int((1 - state.noise_rate * min(state.epoch / 10, 1)) * ROWS)
    joint = [float(sum(torch.as_tensor(shares[f][n]).detach() for f in range(peers))) for n in range(ROWS)]
    kept = sorted(range(ROWS), key=lambda n: joint[n])[:count]
    return [sum(shares[f][n] for n in kept) / count for f in range(peers)]


CASES: list[tuple[str, dict[str, Any], Callable[..., list[Any]], dict[str, Any]]] = [
    ("standard", {}, standard, {}),
    ("bootstrap", {}, bootstrap, {"kind": "soft", "b": 0.95, "flows": True}),
    ("bootstrap", {"target_gradient": False}, bootstrap, {"kind": "soft", "b": 0.95, "flows": False}),
    ("bootstrap", {"kind": "hard"}, bootstrap, {"kind": "hard", "b": 0.8, "flows": False}),
    ("bootstrap", {"b": 0.3}, bootstrap, {"kind": "soft", "b": 0.3, "flows": True}),
    ("forward", {}, forward, {}),
    ("decouple", {}, decouple, {}),
    ("mentornet", {}, small_loss, {"from_peer": False}),
    ("co_teaching", {}, small_loss, {"from_peer": True}),
    ("co_teaching", {"rate_scale": 0.5}, small_loss, {"from_peer": True, "scale": 0.5}),
    ("co_distillation", {}, co_distillation, {"lam": 0.5, "temperature": 1.0}),
    ("co_distillation", {"lam": 0.3, "temperature": 2.0}, co_distillation, {"lam": 0.3, "temperature": 2.0}),
    ("clc", {}, clc, {}),
    ("clc", {"reduction": "subset"}, clc, {"subset": True}),
    ("clc", {"supervision": "hard"}, clc, {"hard": True}),
    ("clc", {"criterion": "margin"}, clc, {"doubt": margin}),
    ("clc", {"criterion": "confidence"}, clc, {"doubt": confidence}),
    ("slc", {}, clc, {"self_taught": True}),
    ("gce", {}, gce, {"q": 0.7}),
    ("gce", {"q": 0.2}, gce, {"q": 0.2}),
    ("elr", {}, elr, {}),
    ("sop", {}, sop, {}),
    ("jocor", {}, jocor, {"lam": 0.9}),
    ("jocor", {"lam": 0.3}, jocor, {"lam": 0.3}),
]


# Decoupling compares networks, so it has no meaning for one.
RUNS = [(case, peers) for case in CASES for peers in (1, 2, 3) if (case[0], peers) != ("decouple", 1)]


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
@pytest.mark.parametrize(
    ("case", "peers"), RUNS, ids=["-".join([case[0], *map(str, case[1].values()), str(peers)]) for case, peers in RUNS]
)
def test_loss_and_gradient_equal_the_literal_formula(case: Any, peers: int, soft: bool) -> None:
    name, options, literal, arguments = case
    generator = torch.Generator().manual_seed(peers)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    labels, y = drawn_labels(ROWS, CLASSES, soft, generator)
    rows = torch.randperm(TRAINING_ROWS, generator=generator)[:ROWS]
    state = TrainingState(epoch=6, num_classes=CLASSES, noise_rate=0.45, rows=rows)
    built = method.get(name)(**options)
    trained = normal(peers, TRAINING_ROWS, CLASSES).log_softmax(-1)
    built.prepare(trained, torch.randint(CLASSES, (TRAINING_ROWS,), generator=generator), state)
    if name == "elr":
        state.memory["average"] = 0.6 * normal(peers, TRAINING_ROWS, CLASSES).softmax(-1)
    if name == "sop":
        for numbers in ("u", "v"):
            state.memory[numbers] = 0.3 * normal(peers, TRAINING_ROWS, CLASSES).clamp(-3, 3)

    logits = (2 * normal(peers, ROWS, CLASSES)).requires_grad_()
    probabilities = [[list(row) for row in peer] for peer in logits.softmax(-1)]
    expected = literal(probabilities, y.tolist(), state, **arguments)
    (expected_gradient,) = torch.autograd.grad(sum(expected), logits)

    supervision = built.supervise(logits.log_softmax(-1), labels, state)
    (gradient,) = torch.autograd.grad(supervision.loss, logits)
    found = (supervision.losses * supervision.weights).sum(-1)
    torch.testing.assert_close(found, torch.stack(expected))
    torch.testing.assert_close(gradient, expected_gradient)
    assert gradient.abs().max() > 1e-3


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
def test_the_numbers_of_sop_go_down_the_gradients_that_autograd_finds(soft: bool) -> None:
    generator = torch.Generator().manual_seed(7)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    labels, y = drawn_labels(ROWS, CLASSES, soft, generator)
    rows = torch.randperm(TRAINING_ROWS, generator=generator)[:ROWS]
    built = method.get("sop")(rate_u=0.7, rate_v=0.4)
    state = TrainingState(rows=rows)
    state.memory = {name: 0.3 * normal(2, TRAINING_ROWS, CLASSES) for name in ("u", "v")}
    before = {name: values.clone() for name, values in state.memory.items()}
    log_probs = (2 * normal(2, ROWS, CLASSES)).log_softmax(-1)

    u, v = (before[name][:, rows].clone().requires_grad_() for name in ("u", "v"))
    p = log_probs.exp()
    raised = (p + u**2 * y - (v**2 * (1 - y)).detach()).clamp(min=1e-4)
    explained = -(y * (raised / raised.sum(-1, keepdim=True)).log()).sum(-1)
    first = torch.eye(CLASSES, dtype=torch.float64)[p.argmax(-1)]
    missed = (first + (u**2 * y).detach() - v**2 * (1 - y) - y).square().sum(-1)
    (down_u,) = torch.autograd.grad(explained.mean(-1).sum(), u)
    (down_v,) = torch.autograd.grad(missed.mean(-1).sum(), v)

    built.supervise(log_probs.requires_grad_(), labels, state)
    for name, values, down, rate in (("u", u, down_u, 0.7), ("v", v, down_v, 0.4)):
        expected = before[name].clone()
        expected[:, rows] = (values.detach() - rate * down).clamp(-1, 1)
        torch.testing.assert_close(state.memory[name], expected)
        assert not torch.equal(state.memory[name], before[name])


def test_a_label_that_the_network_keeps_denying_is_explained_away() -> None:
    """Of two rows whose class the network is sure of, one is labelled otherwise: its u grows first."""
    built = method.get("sop")()
    state = TrainingState(rows=torch.tensor([0, 1]))
    log_probs = torch.tensor([[[0.95, 0.05], [0.95, 0.05]]]).log().requires_grad_()
    built.prepare(torch.zeros(1, 2, 2), torch.tensor([0, 1]), state)
    u, losses = state.memory["u"][0], []
    while u[1, 1] < 0.3 and len(losses) < 100:
        losses.append(built.supervise(log_probs, torch.tensor([0, 1]), state).losses.detach()[0, 1])
    losses.append(built.supervise(log_probs, torch.tensor([0, 1]), state).losses.detach()[0, 1])
    assert losses[0] > 2.9 and losses[-1] < 0.7 * losses[0]
    assert u[1, 1] > 0.3 and u[0].abs().max() < 0.01


def test_forward_reads_a_given_matrix() -> None:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, ROWS, CLASSES, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(CLASSES, (ROWS,), generator=generator)
    matrix = torch.eye(CLASSES, dtype=torch.float64) * 0.6 + 0.1
    state = TrainingState(memory={"transition": matrix})
    built = method.get("forward")()
    built.prepare(logits.detach().log_softmax(-1), labels, state)
    assert set(state.memory) == {"transition"}
    expected = forward([[list(row) for row in peer] for peer in logits.softmax(-1)], torch.eye(4)[labels], state)
    found = built.supervise(logits.log_softmax(-1), labels, state)
    torch.testing.assert_close(found.loss, sum(expected))
    soft = built.supervise(logits.log_softmax(-1), torch.eye(4)[labels], state)
    torch.testing.assert_close(soft.losses, found.losses)


def test_the_memory_of_elr_is_the_running_average_of_its_own_rows() -> None:
    generator = torch.Generator().manual_seed(6)
    built = method.get("elr")()
    state = TrainingState()
    built.prepare(torch.zeros(2, 6, 3, dtype=torch.float64), torch.zeros(6, dtype=torch.int64), state)
    expected = [[[0.0] * 3 for _ in range(6)] for _ in range(2)]
    for rows in ([4, 1], [1, 0], [4, 1]):
        log_probs = torch.randn(2, 2, 3, generator=generator, dtype=torch.float64).log_softmax(-1)
        state.rows = torch.tensor(rows)
        built.supervise(log_probs, torch.tensor([0, 2]), state)
        for peer in range(2):
            for place, row in enumerate(rows):
                for c in range(3):
                    now = math.exp(log_probs[peer, place, c])
                    expected[peer][row][c] = 0.7 * expected[peer][row][c] + 0.3 * now
    torch.testing.assert_close(state.memory["average"], torch.tensor(expected, dtype=torch.float64))
