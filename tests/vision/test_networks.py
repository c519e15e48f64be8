"""The networks for images against plain PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from refusals import refused
from torch import Tensor, nn
from transformers import AutoModelForImageClassification, ResNetConfig

from clc_text.vision.models.pretrained import build_peers
from clc_text.vision.models.stacked_cnn import StackedCNN
from clc_text.vision.networks.auto import Auto
from clc_text.vision.networks.cnn9 import CNN9
from clc_text.vision.networks.resnet50 import ResNet50
from clc_text.vision.normalisation import Normalise, channel_statistics

NAMES = [f"class {number}" for number in range(10)]


def images(count: int = 6, side: int = 32, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)


def cnn(peers: int = 2, seed: int = 0, **options: object) -> StackedCNN:
    chosen = {"width": 4, "dropout": 0.0, **options}
    return CNN9(**chosen).build({"pixels": images(64)}, NAMES, peers, seed)  # type: ignore[arg-type, return-value]


def plain(model: StackedCNN, peer: int) -> nn.Sequential:
    """The network of METHODS, layer by layer, with one peer's weights."""
    width = model.config.width
    sizes = [3, width, width, width, 2 * width, 2 * width, 2 * width, 4 * width, 2 * width, width]
    parts: list[nn.Module] = []
    for at in range(9):
        convolution = nn.Conv2d(sizes[at], sizes[at + 1], 3, padding=0 if at >= 6 else 1)
        norm = nn.BatchNorm2d(sizes[at + 1])
        layer = model.layers[at]
        convolution.weight.data, convolution.bias.data = layer.weight[peer].data, layer.bias[peer].data
        parts += [convolution, norm, nn.LeakyReLU(0.01)]
        if at in (2, 5):
            parts.append(nn.MaxPool2d(2, 2))
    linear = nn.Linear(width, 10)
    linear.weight.data = model.classifier.weight[peer].T.data
    linear.bias.data = model.classifier.bias[peer, 0].data
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)


def test_a_peer_has_4_434_570_parameters() -> None:
    model = CNN9().build({"pixels": images(4)}, NAMES, 2, 0)
    assert sum(values.numel() for values in model.parameters()) == 2 * 4_434_570
    assert sum(values.numel() for values in model.peer_parameters(1)) == 4_434_570


@pytest.mark.parametrize("grouped", [True, False])
def test_the_stacked_network_is_the_plain_one(grouped: bool) -> None:
    model = cnn(grouped=grouped)
    pixels = images(8)
    references = [plain(model, peer) for peer in range(2)]
    for training in (True, True, False):  # the third sees the running statistics of the first two
        model.train(training)
        found = model(pixels)
        assert found.peer_logits.shape == (2, 8, 10) and found.hidden.shape == (2, 8, 4)
        for peer, reference in enumerate(references):
            expected = reference.train(training)(model.normalise(pixels))
            torch.testing.assert_close(found.peer_logits[peer], expected, rtol=1e-4, atol=1e-4)
            hidden = reference[:-1](model.normalise(pixels)) if not training else None
            if hidden is not None:
                torch.testing.assert_close(found.hidden[peer], hidden, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found.peer_logits[0], found.peer_logits[1])


def test_a_peer_is_the_same_beside_others_and_alone() -> None:
    both, alone = cnn(2).eval(), cnn(1).eval()
    torch.testing.assert_close(both(images()).peer_logits[0], alone(images()).peer_logits[0])
    assert not torch.equal(cnn(1, seed=1)(images()).peer_logits, alone(images()).peer_logits)


def test_each_peer_is_clipped_by_its_own_norm() -> None:
    model = cnn().double()
    out = model(images())
    (out.peer_logits[0].sum() + 1000 * out.peer_logits[1].sum()).backward()
    expected = [torch.cat([g.grad[peer].flatten() for g in model.parameters()]).norm() for peer in range(2)]
    torch.testing.assert_close(model.peer_grad_norms(), torch.stack(expected))
    model.clip_peer_grad_norms_(0.5)
    assert model.peer_grad_norms().max() <= 0.5 + 1e-6


def test_dropout_drops_whole_channels_in_training_or_always() -> None:
    evaluated = cnn(dropout=0.5, width=16).eval()
    assert torch.equal(evaluated(images()).peer_logits, evaluated(images()).peer_logits)
    always = cnn(dropout=0.5, width=16, dropout_when="always").eval()
    torch.manual_seed(0)
    one, other = always(images()).peer_logits, always(images()).peer_logits
    assert not torch.equal(one, other)
    training = cnn(dropout=0.5, width=16).train()
    assert not torch.equal(training(images()).peer_logits, training(images()).peer_logits)


def test_the_model_survives_its_file(tmp_path: Path) -> None:
    model = cnn(image_size=30)
    model.train()(images(8, 34))
    model.eval().save_pretrained(tmp_path)
    assert [file.suffix for file in tmp_path.glob("*.safetensors")] == [".safetensors"]
    again = CNN9().load(tmp_path).eval()
    assert torch.equal(model(images(4, 34)).peer_logits, again(images(4, 34)).peer_logits)


def test_normalisation_is_that_of_the_training_rows() -> None:
    pixels = images(50)
    mean, std = channel_statistics(pixels)
    share = pixels.double() / 255
    torch.testing.assert_close(torch.tensor(mean), share.mean((0, 2, 3)), check_dtype=False)
    torch.testing.assert_close(torch.tensor(std), share.std((0, 2, 3), unbiased=False), check_dtype=False)
    values = Normalise(mean, std, None)(pixels)
    torch.testing.assert_close(values.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    middle = Normalise(mean, std, 20)(pixels)
    assert torch.equal(middle, values[:, :, 6:26, 6:26])


def test_images_that_are_too_small_are_refused() -> None:
    with refused(key="encoder.size"):
        CNN9().build({"pixels": images(2, 16)}, NAMES, 1, 0)
    with refused(key="network.image_size"):
        cnn(image_size=64)(images())
    with refused(key="network.dropout"):
        CNN9(dropout=1.5)


# ---- networks of transformers ----


def tiny_resnet() -> ResNetConfig:
    return ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1], id2label=dict(enumerate(NAMES)),
        label2id={name: number for number, name in enumerate(NAMES)},
    )  # fmt: skip


def test_separate_peers(tmp_path: Path) -> None:
    model = build_peers({"pixels": images()}, NAMES, 2, 0, None, weights=None, config=tiny_resnet()).eval()
    out = model(images())
    assert out.peer_logits.shape == (2, 6, 10) and out.hidden.shape == (2, 6, 16)
    for peer in range(2):
        own = model.networks[peer](pixel_values=model.normalise(images()))
        assert own.logits.shape == (6, 10)
        head = model.networks[peer].classifier[-1]
        torch.testing.assert_close(head(out.hidden[peer]), out.peer_logits[peer])
    assert not torch.allclose(out.peer_logits[0], out.peer_logits[1])
    (out.peer_logits[0].sum() + 100 * out.peer_logits[1].sum()).backward()
    expected = [torch.cat([p.grad.flatten() for p in network.parameters()]).norm() for network in model.networks]
    torch.testing.assert_close(model.peer_grad_norms(), torch.stack(expected))
    before = model.clip_peer_grad_norms_(0.5)
    torch.testing.assert_close(before, torch.stack(expected))
    torch.testing.assert_close(model.peer_grad_norms(), torch.full((2,), 0.5), rtol=1e-3, atol=0)
    model.eval().save_pretrained(tmp_path)
    again = ResNet50().load(tmp_path).eval()
    assert torch.equal(model(images()).peer_logits, again(images()).peer_logits)


def test_pretrained_weights_come_from_safetensors_and_each_peer_has_a_last_layer_of_its_own(tmp_path: Path) -> None:
    config = tiny_resnet()
    config.id2label, config.label2id = {0: "a", 1: "b", 2: "c"}, {"a": 0, "b": 1, "c": 2}
    source = AutoModelForImageClassification.from_config(config)
    source.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.1] * 3, "image_std": [0.2] * 3}))
    model = Auto(weights=str(tmp_path)).build({"pixels": images()}, NAMES, 2, 0)
    for network in model.networks:
        assert torch.equal(
            network.resnet.embedder.embedder.convolution.weight, source.resnet.embedder.embedder.convolution.weight
        )
    heads = [network.classifier[-1].weight for network in model.networks]
    assert heads[0].shape == (10, 16) and not torch.equal(*heads)
    torch.testing.assert_close(model.normalise.mean.flatten(), torch.full((3,), 25.5))


def test_a_pickled_model_is_refused(tmp_path: Path) -> None:
    tiny_resnet().save_pretrained(tmp_path)
    torch.save({}, tmp_path / "pytorch_model.bin")
    with refused(where=tmp_path, key="network.weights"):
        ResNet50(weights=str(tmp_path)).build({"pixels": images()}, NAMES, 1, 0)
