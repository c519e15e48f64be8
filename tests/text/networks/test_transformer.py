"""Fine-tuned twins, and peers on one backbone, against plain models of `transformers` and peft."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import refused
from tiny_bert import POSITIONS, write_tiny_bert
from torch import Tensor, nn
from transformers import AutoModel, AutoModelForSequenceClassification, BertForSequenceClassification, pipeline

from clc_text.config.recipe import loads
from clc_text.text.encoders.tokens import Tokens
from clc_text.text.networks.transformer import Transformer

NAMES = ["place", "person", "number"]
TEXTS = ["who invented the city", "when", "what is the cost of a river in the city", "how many people", "where"]
BACKBONES = ["separate", "frozen", "lora", "lora mean"]


@pytest.fixture
def batch(tiny_bert: Path) -> dict[str, Tensor]:
    encoded = Tokens(model=str(tiny_bert), max_length=POSITIONS).fit(TEXTS, [], 0).encode(TEXTS)
    return {name: values[:] for name, values in encoded.items()}


def build(folder: Path, batch: dict[str, Tensor], backbone: str, peers: int = 2, seed: int = 0, **options: Any) -> Any:
    return network(folder, backbone, **options).build(batch, NAMES, peers, seed)


def network(folder: Path, backbone: str, **options: Any) -> Transformer:
    """Of a backbone's name, and the head's where it is not the one that goes without saying."""
    kind, _, head = backbone.partition(" ")
    if kind == "lora":
        pytest.importorskip("peft", reason="the extra peft is not installed")
    return Transformer(model=str(folder), backbone=kind, **({"head": head} if head else {}), **options)  # type: ignore[arg-type]


def literal_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    return torch.stack([row[: int(marks.sum())].mean(0) for row, marks in zip(hidden, mask, strict=True)])


def test_twins_are_the_pretrained_model_with_heads_of_their_own(tiny_bert: Path, batch: dict[str, Tensor]) -> None:
    model = build(tiny_bert, batch, "separate").eval()
    body = AutoModel.from_pretrained(tiny_bert).state_dict()
    for network in model.networks:
        assert isinstance(network, BertForSequenceClassification)
        assert network.config.id2label == dict(enumerate(NAMES))
        for name, values in network.bert.state_dict().items():
            assert torch.equal(values, body[name]), name
    assert not torch.equal(*(network.classifier.weight for network in model.networks))
    logits = model(**batch).peer_logits
    for peer, network in enumerate(model.networks):
        torch.testing.assert_close(logits[peer], network(**batch).logits)


def test_a_frozen_backbone_is_read_once_and_never_changed(tiny_bert: Path, batch: dict[str, Tensor]) -> None:
    model = build(tiny_bert, batch, "frozen", hidden=[7], dropout=0.0).train()
    plain = AutoModel.from_pretrained(tiny_bert).eval()
    with torch.no_grad():
        features = literal_mean(plain(**batch).last_hidden_state, batch["attention_mask"])
    read: list[int] = []
    model.backbone.register_forward_hook(lambda *_: read.append(1))
    out = model(**batch)
    assert read == [1], "once for both peers"
    for peer in range(2):
        hidden = torch.relu(features @ model.heads[0].weight[peer] + model.heads[0].bias[peer])
        torch.testing.assert_close(out.hidden[peer], hidden, rtol=1e-4, atol=1e-4)
        expected = hidden @ model.heads[1].weight[peer] + model.heads[1].bias[peer]
        torch.testing.assert_close(out.peer_logits[peer], expected, rtol=1e-4, atol=1e-4)
    out.peer_logits.sum().backward()
    assert all(parameter.grad is None for parameter in model.backbone.parameters())


def test_adapters_are_peft_s_own(tiny_bert: Path, batch: dict[str, Tensor]) -> None:
    """Each peer against a separate model with one adapter of the same numbers."""
    model = build(tiny_bert, batch, "lora mean", dropout=0.0, lora_rank=3, lora_alpha=6).eval()
    import peft

    logits = learnt(model)(**batch).peer_logits
    for peer in range(2):
        config = peft.LoraConfig(r=3, lora_alpha=6, target_modules="all-linear", exclude_modules=r".*\bpooler\b.*")
        plain = peft.get_peft_model(AutoModel.from_pretrained(tiny_bert), config).eval()
        own = model.backbone.state_dict()
        wanted = {
            "base_model.model." + name.replace(f".peer_{peer}.", ".default."): values
            for name, values in own.items()
            if f".peer_{1 - peer}." not in name
        }
        assert plain.load_state_dict(wanted).unexpected_keys == []
        features = literal_mean(plain(**batch).last_hidden_state, batch["attention_mask"])
        expected = features @ model.heads[0].weight[peer] + model.heads[0].bias[peer]
        torch.testing.assert_close(logits[peer], expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logits[0], logits[1])


def test_new_adapters_change_nothing_yet(tiny_bert: Path, batch: dict[str, Tensor]) -> None:
    frozen, lora = (build(tiny_bert, batch, backbone).eval() for backbone in ("frozen", "lora mean"))
    torch.testing.assert_close(frozen(**batch).peer_logits, lora(**batch).peer_logits)
    first, second = (
        [values for name, values in lora.backbone.named_parameters() if f"lora_A.peer_{peer}" in name]
        for peer in (0, 1)
    )
    assert first and all(not torch.equal(one, other) for one, other in zip(first, second, strict=True))


def learnt(model: Any) -> Any:
    """The model with adapters that do something: they start where they do nothing."""
    with torch.no_grad():
        for name, values in model.named_parameters():
            if "lora_B" in name:
                values.normal_(std=0.2)
    return model.eval()


def test_adapters_with_the_model_s_own_head(tiny_bert: Path, batch: dict[str, Tensor], tmp_path: Path) -> None:
    """Each peer against a plain model whose weights are W + α/r B A, and so is what is saved of it."""
    model = learnt(build(tiny_bert, batch, "lora", lora_rank=3, lora_alpha=6))
    model.save_alone(tmp_path)
    logits = model(**batch).peer_logits
    for peer, network in enumerate(model.networks):
        plain = BertForSequenceClassification.from_pretrained(tiny_bert, num_labels=3).eval()
        own = {name.removeprefix("base_model.model."): values for name, values in network.state_dict().items()}
        with torch.no_grad():
            for name, part in plain.named_modules():
                if f"{name}.lora_A.default.weight" in own:
                    part.weight += 2 * own[f"{name}.lora_B.default.weight"] @ own[f"{name}.lora_A.default.weight"]
            plain.classifier.weight.copy_(own["classifier.modules_to_save.default.weight"])
            plain.classifier.bias.copy_(own["classifier.modules_to_save.default.bias"])
        torch.testing.assert_close(logits[peer], plain(**batch).logits, rtol=1e-4, atol=1e-4)
        kept = AutoModelForSequenceClassification.from_pretrained(tmp_path / ("peers/1" if peer else "."))
        assert type(kept) is BertForSequenceClassification and kept.config.id2label == dict(enumerate(NAMES))
        torch.testing.assert_close(logits[peer], kept.eval()(**batch).logits, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logits[0], logits[1])
    assert torch.equal(model(**batch).peer_logits, logits), "saving has changed nothing"


def test_what_a_backbone_s_files_lack_is_learnt_whole(
    tiny_bert: Path, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    AutoModel.from_pretrained(tiny_bert, add_pooling_layer=False).save_pretrained(tmp_path)
    model = build(tmp_path, batch, "lora")
    for network in model.networks:
        trained = {name for name, values in network.named_parameters() if values.requires_grad}
        whole = {name for name in trained if "lora_" not in name}
        prefix, kept = "base_model.model.", ".modules_to_save.default."
        parts = ("bert.pooler.dense", "classifier")
        assert whole == {f"{prefix}{part}{kept}{kind}" for part in parts for kind in ("weight", "bias")}
        assert not any("pooler" in name for name in trained - whole), "and has no adapter"
    first, second = (network.base_model.model.bert.pooler.dense.weight for network in model.networks)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_no_gradient_reaches_another_peer(tiny_bert: Path, batch: dict[str, Tensor], backbone: str) -> None:
    model = build(tiny_bert, batch, backbone, peers=3).train()
    model(**batch).peer_logits[1].square().sum().backward()
    norms = model.peer_grad_norms()
    assert norms[1] > 0 and norms[[0, 2]].tolist() == [0, 0]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_each_peer_is_clipped_by_its_own_norm(tiny_bert: Path, batch: dict[str, Tensor], backbone: str) -> None:
    model = build(tiny_bert, batch, backbone).eval()
    out = model(**batch).peer_logits
    (out[0].sum() + 100 * out[1].sum()).backward()
    before = [[values.clone() for values in grads_of(model, peer)] for peer in range(2)]
    expected = torch.stack([torch.cat([values.flatten() for values in grads]).norm() for grads in before])
    torch.testing.assert_close(model.clip_peer_grad_norms_(1.0), expected)
    for peer in range(2):
        scale = min(1.0, 1.0 / float(expected[peer]))
        for after, values in zip(grads_of(model, peer), before[peer], strict=True):
            torch.testing.assert_close(after, scale * values, rtol=1e-3, atol=1e-5)
    assert expected.min() > 1


def grads_of(model: Any, peer: int) -> list[Tensor]:
    """The gradients of one peer, found by the parameters' names."""
    found = []
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            continue
        if name.startswith("heads."):
            found.append(parameter.grad[peer])
        elif name.startswith(f"peer_{peer}.") or f".peer_{peer}." in name:
            found.append(parameter.grad)
    return found


@pytest.mark.parametrize("backbone", BACKBONES)
def test_peer_parameters_are_all_that_is_trained(tiny_bert: Path, batch: dict[str, Tensor], backbone: str) -> None:
    model = build(tiny_bert, batch, backbone)
    trained = sum(values.numel() for values in model.parameters() if values.requires_grad)
    assert sum(values.numel() for peer in range(2) for values in model.peer_parameters(peer)) == trained
    body = sum(values.numel() for values in AutoModel.from_pretrained(tiny_bert).parameters())
    total = sum(values.numel() for values in model.parameters())
    head = 16 * 3 + 3 if backbone == "lora" else 0  # peft keeps the one that the model came with
    assert total > 2 * body if backbone == "separate" else total == body + trained + head, "one backbone in memory"


@pytest.mark.parametrize("backbone", BACKBONES)
def test_saved_and_loaded(tiny_bert: Path, batch: dict[str, Tensor], backbone: str, tmp_path: Path) -> None:
    model = build(tiny_bert, batch, backbone).train()
    optimizer = torch.optim.SGD([values for values in model.parameters() if values.requires_grad], lr=0.01)
    for _ in range(2):
        model(**batch).peer_logits.square().sum().backward()
        optimizer.step()
    model.eval().save_alone(tmp_path)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".json", ".safetensors"}
    assert not any(str(tiny_bert).encode() in path.read_bytes() for path in tmp_path.rglob("*.json"))
    again = network(Path("not needed any more"), backbone).load(tmp_path).eval()
    if backbone == "lora":  # merged, it is one sum of matrices where there were two products
        torch.testing.assert_close(model(**batch).peer_logits, again(**batch).peer_logits, rtol=1e-4, atol=1e-4)
        return
    assert torch.equal(model(**batch).peer_logits, again(**batch).peer_logits)
    assert [name for name, values in model.named_parameters() if values.requires_grad] == [
        name for name, values in again.named_parameters() if values.requires_grad
    ]


def test_dropout_strikes_each_peer_differently(tiny_bert: Path, batch: dict[str, Tensor]) -> None:
    for backbone in BACKBONES:
        model = build(tiny_bert, batch, backbone, dropout=0.5)
        own = backbone in ("separate", "lora")
        heads = [network.classifier for network in model.networks] if own else [model.heads[0]]
        with torch.no_grad():
            for head in heads:  # heads that are alike, so that dropout alone makes a difference
                for values in head.parameters():
                    values.copy_(torch.ones_like(values) / 7 if own else values[0].clone())
        evaluated, trained = model.eval()(**batch).peer_logits, model.train()(**batch).peer_logits
        torch.testing.assert_close(evaluated[0], evaluated[1])
        assert not torch.allclose(trained[0], trained[1]), backbone


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"model": ""}, "network.model"),
        ({"hidden": [0]}, "network.hidden"),
        ({"dropout": 1.0}, "network.dropout"),
        ({"lora_rank": 0}, "network.lora_rank"),
        ({"head": "mean"}, "network.head"),
        ({"backbone": "frozen", "head": "own"}, "network.head"),
        ({"backbone": "lora", "head": "own", "hidden": [4]}, "network.hidden"),
    ],
)
def test_bad_options(options: dict[str, Any], key: str) -> None:
    with refused(key=key):
        Transformer(**options)


def test_what_does_not_fit_together(tiny_bert: Path, batch: dict[str, Tensor], tmp_path: Path) -> None:
    with refused(key="encoder"):
        Transformer(model=str(tiny_bert)).build({"features": torch.zeros(3, 4)}, NAMES, 2, 0)
    with refused(key="network.model"):
        build(tiny_bert, batch | {"input_ids": batch["input_ids"] + 1000}, "separate")
    with refused(where="no/such/folder/here", key="network.model"):
        build(Path("no/such/folder/here"), batch, "separate")
    for backbone in ("lora", "lora mean"):
        with refused(key="network.lora_layers"):
            build(tiny_bert, batch, backbone, lora_layers=["no_such_layer"])


def test_without_peft(tiny_bert: Path, batch: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("peft", reason="the extra peft is not installed")
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    for head in ("own", "mean"):
        with refused(key="peft"):
            Transformer(model=str(tiny_bert), backbone="lora", head=head).build(batch, NAMES, 2, 0)  # type: ignore[arg-type]


# ---- through a run ----

RUN = """
data: {{name: quickstart, rows: 100, test_rows: 40}}
noise: {{name: symmetric, rate: 0.3}}
encoder: {{name: tokens, model: "{model}", max_length: 20}}
network: {{name: transformer, model: "{model}", backbone: {backbone}, head: {head}}}
method: {{name: clc, warmup_epochs: 1}}
training: {{epochs: 3, batch_size: 50, device: cpu, checkpoint_epochs: 1, optimizer: adamw, max_grad_norm: 1.0}}
"""


class Cut(Exception):
    pass


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_run_cut_short_goes_on_to_the_bit(tiny_bert: Path, tmp_path: Path, backbone: str) -> None:
    from clc_text.inference.predictor import Predictor
    from clc_text.runs.observer import Silent
    from clc_text.runs.run import train

    kind, _, head = backbone.partition(" ")
    if kind == "lora":
        pytest.importorskip("peft", reason="the extra peft is not installed")
    recipe = loads(RUN.format(model=tiny_bert, backbone=kind, head=head or "null"))
    whole = train(recipe, tmp_path / "whole")

    class Cutting(Silent):
        def epoch(self, entry: dict[str, Any], notices: list[Any]) -> None:
            if entry["epoch"] == 3:
                raise Cut

    with pytest.raises(Cut):
        train(recipe, tmp_path / "cut", observer=Cutting())
    again = train(recipe, tmp_path / "cut", resume=True)
    assert (again.log_probs("test") == whole.log_probs("test")).all()
    first, second = (
        [json.loads(line)["loss"] for line in (run.path / "metrics.jsonl").read_text().splitlines()]
        for run in (whole, again)
    )
    assert first == second and len(first) == 3
    # Predictions of the saved parts; batches of other widths differ in rounding only.
    texts = list(whole.data("test")["text"])
    found = Predictor(whole, block=7).predict(texts, hidden=True)
    torch.testing.assert_close(
        torch.from_numpy(found.log_probs), torch.from_numpy(whole.log_probs("test")), rtol=1e-3, atol=1e-4
    )
    assert found.hidden is not None and found.hidden.shape == (2, 40, 16)
    if backbone in ("separate", "lora"):
        ordinary = pipeline("text-classification", model=str(whole.path / "model"))
        answers = ordinary(texts, top_k=None, truncation=True)
        main = json.loads((whole.path / "model" / "peers.json").read_text())["main"]
        by_name = [{one["label"]: one["score"] for one in answer} for answer in answers]
        scores = [[scores[name] for name in whole.label_names] for scores in by_name]
        torch.testing.assert_close(
            torch.tensor(scores), torch.from_numpy(whole.log_probs("test")[main]).exp(), rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize("backbone", ["frozen", "lora"])
def test_what_a_recovery_keeps_is_what_learns(tiny_bert: Path, batch: dict[str, Tensor], backbone: str) -> None:
    from clc_text.training.recovery import Recovery

    model = build(tiny_bert, batch, backbone)
    recovery, before = Recovery(), {name: values.clone() for name, values in model.state_dict().items()}
    recovery.remember(model, 1, torch.zeros(2, 5, 3), torch.tensor([2, 2, 1]))
    learns = {name for name, values in model.named_parameters() if values.requires_grad}
    kept = {name.removeprefix("sound.") for name in recovery.tensors}
    assert learns <= kept and not any("encoder" in name and "lora_" not in name for name in kept)
    with torch.no_grad():
        for values in model.parameters():
            if values.requires_grad:
                values += 1
    recovery.restore(model, torch.optim.SGD(model.parameters()))
    assert all(torch.equal(before[name], values) for name, values in model.state_dict().items())


def test_a_recipe_is_another_where_its_head_is(tmp_path: Path) -> None:
    """What an earlier version wrote of a recipe holds where the networks are as they were, and nowhere else."""

    def told(*overrides: str) -> str:
        recipe = RUN.format(model="m", backbone="lora", head="null")
        return loads(recipe, overrides=[f"network.{one}" for one in overrides]).fingerprint()

    assert told() == told("head=own") != told("head=mean")
    assert told("hidden=[3]") == told("hidden=[3]", "head=mean")
    assert told("backbone=frozen") == told("backbone=frozen", "head=mean")


def test_twins_learn(batch: dict[str, Tensor], tmp_path: Path) -> None:
    """Every backbone can fit five texts: what is trained is what the logits depend on.

    Without the model's own dropout, and in steps so small that rounding changes the last digits alone.
    """
    plain, labels = write_tiny_bert(tmp_path / "plain", dropout=0.0), torch.tensor([0, 1, 2, 1, 0])
    for backbone in BACKBONES:
        model = build(plain, batch, backbone, dropout=0.0).train()
        optimizer = torch.optim.Adam([values for values in model.parameters() if values.requires_grad], lr=0.01)
        for _ in range(60):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(**batch).peer_logits.flatten(0, 1), labels.repeat(2))
            loss.backward()
            optimizer.step()
        right = model.eval()(**batch).peer_logits.argmax(-1) == labels
        assert right.all() and loss.item() < 0.5, backbone  # 0.26 at most, of log 3 = 1.1 in the beginning
