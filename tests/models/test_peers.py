"""Peers behind one model: independence, norms, clipping, the ensemble."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_training import CLASSES, FEATURES, peers_model
from torch import nn

from clc_text.models.peers import StackedLinear, ensemble_log_probs, peer_generators
from clc_text.text.networks.stacked_mlp import StackedMLP


def plain_networks(model: StackedMLP) -> list[nn.Sequential]:
    """Every peer as an ordinary PyTorch network with the same weights."""
    nets = []
    for peer in range(model.peers):
        layers: list[nn.Module] = []
        for number, stacked in enumerate(model.layers):
            layer = nn.Linear(stacked.weight.shape[1], stacked.weight.shape[2])
            with torch.no_grad():
                layer.weight.copy_(stacked.weight[peer].T)
                layer.bias.copy_(stacked.bias[peer, 0])
            layers += [layer] if number == len(model.layers) - 1 else [layer, nn.ReLU()]
        nets.append(nn.Sequential(*layers))
    return nets


@pytest.mark.parametrize("peers", [1, 2, 3])
def test_stacked_peers_are_ordinary_networks_side_by_side(peers: int) -> None:
    model, inputs = peers_model(peers), torch.randn(7, FEATURES)
    logits = model(inputs).peer_logits
    assert logits.shape == (peers, 7, CLASSES)
    for peer, net in enumerate(plain_networks(model)):
        torch.testing.assert_close(logits[peer], net(inputs))


def test_a_peer_may_have_inputs_of_its_own() -> None:
    model, inputs = peers_model(2), torch.randn(2, 7, FEATURES)
    logits = model(inputs).peer_logits
    for peer in (0, 1):
        torch.testing.assert_close(logits[peer], model(inputs[peer]).peer_logits[peer])


def test_no_gradient_reaches_another_peer() -> None:
    model = peers_model(3)
    model(torch.randn(5, FEATURES)).peer_logits[1].square().sum().backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        reached = parameter.grad.flatten(1).abs().sum(1) > 0
        assert not reached[0] and not reached[2]
    assert model.peer_grad_norms()[[0, 2]].tolist() == [0, 0]


@pytest.mark.parametrize("max_norm", [0.01, 1.0, 100.0])
def test_each_peer_is_clipped_by_its_own_norm(max_norm: float) -> None:
    """Against `torch.nn.utils.clip_grad_norm_` of separate networks; the first one's gradients are 50 times larger."""
    model, inputs, labels = peers_model(2), torch.randn(9, FEATURES), torch.randint(CLASSES, (9,))
    nets = plain_networks(model)
    scale = (50.0, 1.0)
    for peer, logits in enumerate(model(inputs).peer_logits):
        (scale[peer] * nn.functional.cross_entropy(logits, labels)).backward(retain_graph=True)
    literal = []
    for peer, net in enumerate(nets):
        (scale[peer] * nn.functional.cross_entropy(net(inputs), labels)).backward()
        literal.append(nn.utils.clip_grad_norm_(net.parameters(), max_norm))
    torch.testing.assert_close(model.clip_peer_grad_norms_(max_norm), torch.stack(literal))
    for peer, net in enumerate(nets):
        for stacked, layer in zip(model.layers, [layer for layer in net if isinstance(layer, nn.Linear)], strict=True):
            torch.testing.assert_close(stacked.weight.grad[peer].T, layer.weight.grad)
            torch.testing.assert_close(stacked.bias.grad[peer, 0], layer.bias.grad)


def test_without_gradients_there_is_nothing_to_clip() -> None:
    assert peers_model(2).clip_peer_grad_norms_(1.0).tolist() == [0, 0]


def test_peer_k_starts_the_same_alone_or_beside_others() -> None:
    pair, triple = peers_model(2, seed=5).state_dict(), peers_model(3, seed=5).state_dict()
    for name, value in pair.items():
        assert torch.equal(value, triple[name][:2]), name
        assert not torch.equal(value[0], value[1]), name
    assert not torch.equal(pair["layers.0.weight"], peers_model(2, seed=6).state_dict()["layers.0.weight"])


def test_weights_are_drawn_as_torch_draws_them() -> None:
    layer = StackedLinear(peer_generators(0, 2), 400, 300)
    for values in (*layer.weight, *layer.bias):
        assert values.abs().max() <= 1 / 20
        assert values.std().item() == pytest.approx(1 / 20 / 3**0.5, rel=0.1)


def test_the_ensemble_is_the_mean_probability() -> None:
    log_probs = torch.randn(3, 6, CLASSES).log_softmax(-1)
    torch.testing.assert_close(ensemble_log_probs(log_probs).exp(), log_probs.exp().mean(0))
    certain = torch.tensor([[[0.0, -1e4]], [[-1e4, 0.0]]])
    torch.testing.assert_close(ensemble_log_probs(certain).exp(), torch.tensor([[0.5, 0.5]]))


def test_save_and_load(tmp_path: Path) -> None:
    model = peers_model(2, dropout=0.2)
    model.save_pretrained(tmp_path)
    assert not list(tmp_path.glob("*.bin"))
    loaded = StackedMLP.from_pretrained(tmp_path)
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    assert loaded.config.dropout == 0.2
    inputs = torch.randn(4, FEATURES)
    assert torch.equal(model.eval()(inputs).peer_logits, loaded.eval()(inputs).peer_logits)
