"""What every registered method promises, whatever it computes."""

from __future__ import annotations

import copy
import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import refused
from safetensors.torch import load_file, save_file
from torch import Tensor

from clc_text.errors import InputError
from clc_text.methods.base import Method, Supervision, TrainingState, method

NAMES = method.names()
GUESSING = ["dividemix", "selfmix"]
SELECTING = ["clc", "clc_auto", "co_teaching", "decouple", *GUESSING, "jocor", "mentornet", "slc"]
PEERS, ROWS, CLASSES, TRAINING_ROWS = 2, 12, 5, 40


@dataclasses.dataclass
class Batch:
    log_probs: Tensor
    labels: Tensor
    state: TrainingState


def a_batch(
    built: Method,
    leading: tuple[int, ...] = (),
    *,
    peers: int = PEERS,
    rows: int = ROWS,
    classes: int = CLASSES,
    soft: bool = False,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Batch:
    """A batch of random logits, and the state of a training that is past its warm-up."""
    generator = torch.Generator().manual_seed(seed)

    def logits(*shape: int) -> Tensor:
        # Drawn in double precision, so that every type gets the same numbers.
        return (2 * torch.randn(*shape, generator=generator, dtype=torch.float64)).to(dtype)

    seen = logits(*leading, peers, TRAINING_ROWS, classes)
    given = torch.randint(classes, (*leading, TRAINING_ROWS), generator=generator)
    labels = torch.randint(classes, (*leading, rows), generator=generator)
    if soft:
        labels = logits(*leading, rows, classes).softmax(-1)
    batch = logits(*leading, peers, rows, classes)
    state = TrainingState(epoch=5, steps_per_epoch=4, num_classes=classes, noise_rate=0.5)
    state.logits = seen
    built.prepare(seen.log_softmax(-1), given, state)
    # Every peer has its own permutation of rows at every index of the leading dimensions.
    state.rows = torch.rand(*leading, TRAINING_ROWS, generator=generator).argsort(-1)[..., :rows]
    state.logits = batch
    return Batch(batch.log_softmax(-1).requires_grad_(), labels, state)


def supervise(built: Method, batch: Batch) -> Supervision:
    return built.supervise(batch.log_probs, batch.labels, batch.state)


def check_form(found: Supervision, log_probs: Tensor) -> None:
    assert found.losses.shape == found.weights.shape == found.selected.shape == log_probs.shape[:-1]
    assert found.targets.shape == log_probs.shape
    assert found.selected.dtype == torch.bool
    assert found.losses.dtype == found.weights.dtype == found.targets.dtype == log_probs.dtype
    assert found.losses.requires_grad
    assert not found.weights.requires_grad and not found.targets.requires_grad
    for part in (found.losses, found.weights, found.targets):
        assert part.isfinite().all()
    assert (found.weights >= 0).all()
    assert (found.targets >= 0).all()
    torch.testing.assert_close(found.targets.sum(-1), torch.ones_like(found.losses))
    (gradient,) = torch.autograd.grad(found.loss, log_probs, retain_graph=True)
    assert gradient.isfinite().all()


def assert_same(one: Supervision, other: Supervision, **tolerance: Any) -> None:
    for part in dataclasses.fields(Supervision):
        torch.testing.assert_close(getattr(one, part.name), getattr(other, part.name), **tolerance)


@pytest.fixture(params=NAMES)
def built(request: pytest.FixtureRequest) -> Method:
    return method.get(request.param)()


def test_all_methods_of_the_paper_are_there() -> None:
    paper = {"standard", "bootstrap", "forward", "decouple", "mentornet", "co_teaching", "co_distillation", "clc"}
    assert paper | {"slc", "gce", "elr", "sop", "jocor", "selfmix", "dividemix"} <= set(NAMES)


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
@pytest.mark.parametrize("peers", [2, 3])
def test_form(built: Method, peers: int, soft: bool) -> None:
    batch = a_batch(built, peers=peers, soft=soft)
    check_form(supervise(built, batch), batch.log_probs)


def test_a_peer_s_loss_reaches_no_other_peer(built: Method) -> None:
    batch = a_batch(built, peers=3)
    found = supervise(built, batch)
    for peer in range(3):
        loss = (found.losses * found.weights)[peer].sum()
        (gradient,) = torch.autograd.grad(loss, batch.log_probs, retain_graph=True)
        assert gradient[peer].abs().max() > 0
        assert gradient[[other for other in range(3) if other != peer]].abs().max() == 0


def test_the_same_batch_gives_the_same_supervision(built: Method) -> None:
    batch = a_batch(built)
    again = copy.deepcopy(batch.state)
    first = supervise(built, batch)
    assert_same(first, built.supervise(batch.log_probs, batch.labels, again), rtol=0, atol=0)


@pytest.mark.parametrize("name", [name for name in NAMES if method.get(name).default_peers == 1])
def test_a_method_of_one_network_treats_each_peer_as_if_it_were_alone(name: str) -> None:
    built = method.get(name)()
    batch = a_batch(built)
    alone = Batch(batch.log_probs[:1], batch.labels, copy.deepcopy(batch.state))
    alone.state.logits = batch.state.logits[:1]
    alone.state.memory = {name: values[:1].clone() for name, values in batch.state.memory.items()}
    both, one = supervise(built, batch), supervise(built, alone)
    torch.testing.assert_close(both.losses[:1], one.losses)
    torch.testing.assert_close(both.weights[:1], one.weights)


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
def test_one_class(built: Method, soft: bool) -> None:
    batch = a_batch(built, classes=1, soft=soft)
    check_form(supervise(built, batch), batch.log_probs)


def test_one_row(built: Method) -> None:
    batch = a_batch(built, rows=1)
    check_form(supervise(built, batch), batch.log_probs)


def test_one_peer(built: Method) -> None:
    batch = a_batch(built, peers=1)
    if built.name == "decouple":
        with refused(key="peers"):
            supervise(built, batch)
        return
    check_form(supervise(built, batch), batch.log_probs)


@pytest.mark.parametrize("name", SELECTING)
def test_an_empty_selection(name: str) -> None:
    """Peers that agree (decouple), a threshold no doubt is below (CLC), a batch with nothing left (small loss), no
    row that is likely to be wrong (division by loss)."""
    built = method.get(name)()
    batch = a_batch(built)
    log_probs = batch.log_probs.detach()[:1].repeat(2, 1, 1).requires_grad_()
    batch.state.epoch, batch.state.noise_rate = 100, 1.0
    if "threshold" in batch.state.memory:
        batch.state.memory["threshold"].fill_(-1.0)
    if "clean" in batch.state.memory:
        batch.state.memory["clean"].fill_(1.0)
    found = built.supervise(log_probs, batch.labels, batch.state)
    check_form(found, log_probs)
    assert not found.selected.any()
    if name not in ("clc", "clc_auto", "slc", *GUESSING):  # which still learn the given labels
        assert found.loss == 0 and found.weights.abs().max() == 0


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(SELECTING)))
def test_the_other_methods_select_every_row(name: str) -> None:
    built = method.get(name)()
    assert supervise(built, a_batch(built)).selected.all()


def test_memory_that_was_saved_goes_on_the_same(built: Method, tmp_path: Path) -> None:
    batch = a_batch(built)
    supervise(built, batch)
    memory = {name: values.contiguous() for name, values in batch.state.memory.items()}
    save_file(memory, tmp_path / "state.safetensors")
    restored = dataclasses.replace(batch.state, memory=load_file(tmp_path / "state.safetensors"))
    there = built.supervise(batch.log_probs, batch.labels, restored)
    assert_same(supervise(built, batch), there, rtol=0, atol=0)


def test_double_precision_is_kept(built: Method) -> None:
    single, double = a_batch(built), a_batch(built, dtype=torch.float64)
    found = supervise(built, double)
    check_form(found, double.log_probs)
    torch.testing.assert_close(supervise(built, single).loss.double(), found.loss, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
def test_leading_dimensions_are_separate_trainings(built: Method, soft: bool) -> None:
    stacked = a_batch(built, (3,), soft=soft)
    separate = []
    for s in range(3):
        memory = {name: values[s].clone() for name, values in stacked.state.memory.items()}
        state = dataclasses.replace(
            stacked.state, memory=memory, rows=stacked.state.rows[s], logits=stacked.state.logits[s]
        )
        separate.append(built.supervise(stacked.log_probs[s], stacked.labels[s], state))
        stacked_memory = stacked.state.memory
        assert {name: values.shape for name, values in memory.items()} == {
            name: values.shape[1:] for name, values in stacked_memory.items()
        }
    found = supervise(built, stacked)
    check_form(found, stacked.log_probs)
    for s, alone in enumerate(separate):
        for part in dataclasses.fields(Supervision):
            torch.testing.assert_close(getattr(found, part.name)[s], getattr(alone, part.name))


def test_one_batch_of_rows_serves_all_leading_dimensions(built: Method) -> None:
    """Several seeds that see the same rows: labels [B] and rows [B] beside log-probabilities [S, P, B, C]."""
    stacked = a_batch(built, (2,))
    spread = copy.deepcopy(stacked.state)
    labels, rows = stacked.labels[0], stacked.state.rows[0]
    stacked.state.rows, spread.rows = rows, rows.expand(2, -1)
    one = built.supervise(stacked.log_probs, labels, stacked.state)
    assert_same(one, built.supervise(stacked.log_probs, labels.expand(2, -1), spread))


def test_prepare_with_leading_dimensions_is_prepare_of_each() -> None:
    generator = torch.Generator().manual_seed(4)
    log_probs = torch.randn(3, PEERS, TRAINING_ROWS, CLASSES, generator=generator).log_softmax(-1)
    labels = torch.randint(CLASSES, (3, TRAINING_ROWS), generator=generator)
    for name in NAMES:
        together = TrainingState()
        method.get(name)().prepare(log_probs, labels, together)
        for s in range(3):
            alone = TrainingState()
            method.get(name)().prepare(log_probs[s], labels[s], alone)
            assert alone.memory.keys() == together.memory.keys()
            for key, values in alone.memory.items():
                torch.testing.assert_close(together.memory[key][s], values)


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
def test_nothing_that_is_given_is_changed(built: Method, soft: bool) -> None:
    batch = a_batch(built, soft=soft)
    log_probs, labels, state = batch.log_probs.clone(), batch.labels.clone(), copy.deepcopy(batch.state)
    supervise(built, batch).loss.backward()
    assert torch.equal(batch.log_probs, log_probs) and torch.equal(batch.labels, labels)
    for part in dataclasses.fields(TrainingState):
        before, after = getattr(state, part.name), getattr(batch.state, part.name)
        if isinstance(before, Tensor):
            assert torch.equal(before, after)
        elif part.name != "memory":
            assert before == after
    assert state.memory.keys() == batch.state.memory.keys()
    if not built.row_memory:  # whoever has one remembers the batch
        assert all(torch.equal(values, batch.state.memory[key]) for key, values in state.memory.items())


def test_a_target_s_later_change_does_not_reach_the_next_step(built: Method) -> None:
    """Targets are kept for many steps until they are recorded, so no method may reuse their storage for its memory."""
    batch = a_batch(built)
    kept = supervise(built, batch)
    before = kept.targets.clone()
    supervise(built, batch)
    assert torch.equal(kept.targets, before)


def test_documentation(built: Method) -> None:
    kind = type(built)
    assert kind.__doc__ and "Source:" in kind.__doc__, "say what it computes, and where that was published"
    assert any(str(year) in built.citation for year in range(1980, 2030))
    for part in dataclasses.fields(built):
        assert part.metadata.get("help"), f"option {part.name} has no help text"


def test_only_the_methods_that_say_so_need_the_noise_rate(built: Method) -> None:
    batch = a_batch(built)
    batch.state.noise_rate = None
    if built.needs_noise_rate:
        with refused(key="noise_rate"):
            supervise(built, batch)
    else:
        check_form(supervise(built, batch), batch.log_probs)


def test_which_methods_need_the_noise_rate() -> None:
    assert [name for name in NAMES if method.get(name).needs_noise_rate] == ["co_teaching", "jocor", "mentornet"]


def test_a_prediction_of_certainty_gives_a_finite_loss(built: Method) -> None:
    batch = a_batch(built)
    sure = torch.full((PEERS, ROWS, CLASSES), -80.0)
    sure[..., 0] = 80.0
    sure[1] = sure[1].roll(1, -1)
    batch.state.logits = sure
    log_probs = sure.log_softmax(-1).requires_grad_()
    check_form(built.supervise(log_probs, batch.labels, batch.state), log_probs)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("clc", {"alpha": -0.1}, "method.alpha is -0.1; give at least 0"),
        ("clc", {"beta": math.nan}, "method.beta is nan; give at least 0"),
        ("clc", {"reduction": "subste"}, "method.reduction is 'subste'; did you mean 'subset'?"),
        ("clc", {"warmup_epochs": -1}, "method.warmup_epochs is -1; give at least 0"),
        (
            "clc",
            {"criterion": "energy", "threshold_scale": 0.9},
            "method.threshold_scale is 0.9 with criterion energy",
        ),
        ("bootstrap", {"b": 1.5}, "method.b is 1.5; give at most 1"),
        ("gce", {"q": 0.0}, "method.q is 0.0; give at least 1e-06"),
        ("forward", {"anchor_quantile": 97}, "method.anchor_quantile is 97; give at most 1"),
        ("mentornet", {"ramp_epochs": 0}, "method.ramp_epochs is 0; give at least 1"),
        ("co_distillation", {"lam": 2}, "method.lam is 2; give at most 1"),
    ],
)
def test_an_option_out_of_range(name: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as raised:
        method.get(name)(**options)
    assert str(raised.value).startswith(sentence)
