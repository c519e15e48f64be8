"""What `push_to_hub` of a trainer and of a trained model sends: the folder of `save_pretrained`, and its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from fake_hub import FakeHub
from tiny_bert import tiny_config
from transformers import BertForSequenceClassification, TrainingArguments

from clc_text import CLCTrainer
from clc_text.methods.clc import CLC
from clc_text.models.peers_of import PeersOf

NETWORKS = {f"{place}{name}" for place in ("", "peers/1/") for name in ("config.json", "model.safetensors")}


def network() -> BertForSequenceClassification:
    return BertForSequenceClassification(tiny_config(8, 0.1, num_hidden_layers=1, intermediate_size=16, num_labels=3))


def as_it_lies_there(hub: FakeHub, folder: Path) -> Path:
    for name, content in hub.repo("model", "user/kept").files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def trainer(hub: FakeHub, tmp_path: Path) -> CLCTrainer:
    rows = Dataset.from_dict({"input_ids": [[2, 3]] * 8, "attention_mask": [[1, 1]] * 8, "labels": [0, 1, 2, 0] * 2})
    arguments: dict[str, Any] = {
        "num_train_epochs": 1, "disable_tqdm": True, "use_cpu": True, "report_to": "none", "save_strategy": "epoch",
        "push_to_hub": True, "hub_model_id": "user/kept", "hub_token": hub.token, "hub_strategy": "every_save",
    }  # fmt: skip
    made = CLCTrainer(
        network(), TrainingArguments(str(tmp_path / "out"), **arguments), train_dataset=rows, eval_dataset=rows,
        method=CLC(warmup_epochs=1),
    )  # fmt: skip
    made.train()
    return made


def test_a_trainer_sends_all_and_says_which_is_read(trainer: CLCTrainer, hub: FakeHub, tmp_path: Path) -> None:
    trainer._finish_current_push()
    assert hub.repo("model", "user/kept").files().keys() >= NETWORKS | {"peers.json"}  # of the last checkpoint
    trainer.evaluate()
    trainer.push_to_hub()
    folder = as_it_lies_there(hub, tmp_path / "there")
    loaded = PeersOf.from_pretrained(folder)
    for name, values in trainer.model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], values), name
    ordinary = BertForSequenceClassification.from_pretrained(folder)
    assert torch.equal(ordinary.classifier.weight, trainer.model.networks[trainer.model.main_peer].classifier.weight)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"read network {trainer.model.main_peer} of 2 that learnt side by side" in card
    assert 'PeersOf.from_pretrained("user/kept")' in card and "held-out rows" in card


def test_a_model_sends_itself(hub: FakeHub, tmp_path: Path) -> None:
    model = PeersOf.around([network(), network()])
    model.main_peer = 1
    model.save_pretrained(tmp_path / "kept", push_to_hub=True, repo_id="user/kept", token=hub.token)
    folder = as_it_lies_there(hub, tmp_path / "there")
    loaded = PeersOf.from_pretrained(folder)
    for name, values in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], values), name
    assert "read network 1 of 2" in (folder / "README.md").read_text(encoding="utf-8")
