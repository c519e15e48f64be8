"""Peers with batch normalisation and Softsign: each is the ordinary network that it is called."""

from __future__ import annotations

from pathlib import Path

import torch
from small_training import CLASSES, FEATURES
from torch import Tensor, nn

from clc_text.text.networks.stacked_mlp import StackedMLP, StackedMLPConfig

HIDDEN = [12, 10]


def stacked(peers: int = 2) -> StackedMLP:
    config = StackedMLPConfig(
        FEATURES, HIDDEN, num_labels=CLASSES, peers=peers, activation="softsign", normalization="batch"
    )
    return StackedMLP(config)


def ordinary(model: StackedMLP, peer: int) -> nn.Sequential:
    """One peer of torch's own modules, with the same weights."""
    layers: list[nn.Module] = []
    for number, layer in enumerate(model.layers):
        linear = nn.Linear(*layer.weight.shape[1:])
        linear.weight.data, linear.bias.data = layer.weight[peer].T.clone(), layer.bias[peer, 0].clone()
        layers.append(linear)
        if number < len(HIDDEN):
            layers += [nn.BatchNorm1d(HIDDEN[number]), nn.Softsign()]
    return nn.Sequential(*layers)


def batches(count: int, rows: int = 9) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(rows, FEATURES, generator=generator) * 3 + 1 for _ in range(count)]


def test_each_peer_learns_and_answers_as_torch_s_modules_do() -> None:
    model = stacked()
    nets = [ordinary(model, peer) for peer in range(model.peers)]
    labels = torch.arange(9) % CLASSES
    optimizers = [
        torch.optim.SGD(parts, 0.1) for parts in (model.parameters(), nets[0].parameters(), nets[1].parameters())
    ]
    for inputs in batches(4):
        model.zero_grad()
        model.train()
        sum(nn.functional.cross_entropy(logits, labels) for logits in model(inputs).peer_logits).backward()
        for net, optimizer in zip(nets, optimizers[1:], strict=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs), labels).backward()
            optimizer.step()
        optimizers[0].step()
    asked = batches(1, rows=5)[0]
    logits = model.eval()(asked).peer_logits
    for peer, net in enumerate(nets):
        torch.testing.assert_close(logits[peer], net.eval()(asked))
        torch.testing.assert_close(model.peer_logits(peer, features=asked), net(asked))
    torch.testing.assert_close(logits[:, :1], model(asked[:1]).peer_logits)  # an answer does not depend on its batch


def test_a_peer_s_statistics_are_of_its_own_inputs() -> None:
    model, alone = stacked(), stacked()
    one, other = batches(2)
    logits = model(torch.stack([one, other])).peer_logits
    torch.testing.assert_close(logits[1], alone(other).peer_logits[1])
    torch.testing.assert_close(model.norms[0].running_var[1], alone.norms[0].running_var[1])


def test_a_batch_of_one_row_leaves_the_statistics() -> None:
    model = stacked()
    model(batches(1)[0])
    before = {name: values.clone() for name, values in model.state_dict().items()}
    logits = model(batches(1)[0][:1]).peer_logits
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())
    torch.testing.assert_close(logits, model.eval()(batches(1)[0][:1]).peer_logits)


def test_running_statistics_are_saved(tmp_path: Path) -> None:
    model, inputs = stacked(3), batches(1)[0]
    model(inputs)
    model.save_pretrained(tmp_path)
    loaded = StackedMLP.from_pretrained(tmp_path)
    assert torch.equal(loaded.eval()(inputs).peer_logits, model.eval()(inputs).peer_logits)
