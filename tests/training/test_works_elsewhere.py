"""What a training leaves behind is a model wherever models of `transformers` are; asked of a Python without us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from drop_in_script import NAMES, bert, training_arguments
from refusals import refused
from transformers import (
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    TrainingArguments,
    pipeline,
    set_seed,
)

from clc_text import CLCTrainer, NoisyLabelTrainer
from clc_text.methods.clc import CLC
from clc_text.models.peers_folder import PEERS, place_of, read_peers
from clc_text.models.peers_of import PeersOf, PeersOfConfig

TEXTS = ["w1 w2", "w20 w3", "w4", "w15 w16 w17", "w11"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def base(folder: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A model that adapters can lie on, with other classes than theirs."""
    set_seed(1)
    network = bert()
    network.config.num_labels = 2
    BertForSequenceClassification(network.config).save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    return folder / "base"


@pytest.fixture(scope="module")
def pair(
    folder: Path, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset, test_rows: Dataset
) -> Iterator[CLCTrainer]:
    """A training of two networks by the paper's method, saved in every way."""
    set_seed(0)
    arguments = training_arguments(folder / "run", save_strategy="epoch", eval_strategy="epoch")
    trainer = CLCTrainer(
        bert(), TrainingArguments(**arguments), train_dataset=train_rows, eval_dataset=test_rows,
        processing_class=tokenizer, method=CLC(warmup_epochs=1),
    )  # fmt: skip
    trainer.train()
    trainer.save_model(str(folder / "saved"))
    trainer.model.save_pretrained(folder / "pretrained")
    tokenizer.save_pretrained(folder / "pretrained")
    yield trainer


@pytest.fixture(scope="module")
def one(folder: Path, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset) -> NoisyLabelTrainer:
    set_seed(0)
    trainer = NoisyLabelTrainer(
        bert(), TrainingArguments(**training_arguments(folder / "standard")), train_dataset=train_rows,
        processing_class=tokenizer, method="standard", peers=1,
    )  # fmt: skip
    trainer.train()
    trainer.save_model()
    return trainer


@pytest.fixture(scope="module")
def adapted(base: Path, folder: Path, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset) -> CLCTrainer:
    """Two networks that are adapters on one pre-trained model."""
    peft = pytest.importorskip("peft", reason="the extra peft is not installed")

    def make() -> Any:
        network = BertForSequenceClassification.from_pretrained(
            base, num_labels=3, id2label=dict(enumerate(NAMES)), ignore_mismatched_sizes=True
        )
        return peft.get_peft_model(network, peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"]))

    arguments = training_arguments(folder / "lora", save_strategy="epoch")
    trainer = CLCTrainer(
        model_init=make, args=TrainingArguments(**arguments), train_dataset=train_rows, processing_class=tokenizer,
        method=CLC(warmup_epochs=1),
    )  # fmt: skip
    trainer.train()
    trainer.save_model()
    return trainer


def places(folder: Path) -> dict[str, Path]:
    return {
        "save_model": folder / "saved",
        "save_pretrained": folder / "pretrained",
        "checkpoint": folder / "run" / "checkpoint-8",
        "one": folder / "standard",
    }


@pytest.fixture(scope="module")
def merged(folder: Path, adapted: CLCTrainer, tokenizer: PreTrainedTokenizerFast) -> Path:
    adapted.model.save_pretrained(folder / "merged", merge_adapters=True)
    tokenizer.save_pretrained(folder / "merged")
    return folder / "merged"


@pytest.fixture(scope="module")
def elsewhere(
    folder: Path, pair: CLCTrainer, one: NoisyLabelTrainer, request: pytest.FixtureRequest
) -> dict[str, Any]:
    """What another Python makes of all the folders."""
    folders = [*places(folder).values()]
    if find_spec("peft"):
        folders.append(request.getfixturevalue("merged"))
    script = Path(__file__).with_name("without_this_package.py")
    command = [sys.executable, "-P", str(script), json.dumps(TEXTS), *map(str, folders)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=600,
        env={**os.environ, "PYTHONPATH": "", "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def probs(answers: list[dict[str, Any]]) -> list[float]:
    by_name = {answer["label"]: answer["score"] for answer in answers}
    return [by_name[name] for name in NAMES]


def encoded(tokenizer: PreTrainedTokenizerFast, text: str) -> dict[str, torch.Tensor]:
    return dict(tokenizer(text, return_tensors="pt"))


@pytest.mark.parametrize("written", ["save_model", "save_pretrained", "checkpoint", "one"])
def test_a_folder_is_an_ordinary_model(
    folder: Path, elsewhere: dict[str, Any], pair: CLCTrainer, one: NoisyLabelTrainer, written: str,
    tokenizer: PreTrainedTokenizerFast,
) -> None:  # fmt: skip
    found = elsewhere[str(places(folder)[written])]
    assert found["class"] == "BertForSequenceClassification"
    model = (one if written == "one" else pair).model
    network = model.networks[model.main_peer].eval()
    for text, answers in zip(TEXTS, found["answers"], strict=True):
        expected = network(**encoded(tokenizer, text)).logits.softmax(-1)[0].tolist()
        assert probs(answers) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("written", ["save_model", "save_pretrained", "checkpoint", "one"])
def test_all_networks_come_back_as_they_were(
    folder: Path, pair: CLCTrainer, one: NoisyLabelTrainer, written: str
) -> None:
    trained = (one if written == "one" else pair).model
    loaded = PeersOf.from_pretrained(places(folder)[written])
    assert (loaded.peers, loaded.main_peer, loaded.chosen) == (trained.peers, trained.main_peer, trained.chosen)
    assert not loaded.training
    state = loaded.state_dict()
    for name, values in trained.state_dict().items():
        assert torch.equal(state[name], values), name


def test_the_network_that_agrees_most_with_all_is_the_folders(
    folder: Path, pair: CLCTrainer, test_rows: Dataset
) -> None:
    logits = pair.predict_logits(test_rows).cpu()
    together = logits.softmax(-1).mean(0).argmax(-1)
    shares = (logits.argmax(-1) == together).double().mean(-1).tolist()
    facts = read_peers(folder / "saved")
    assert facts is not None and shares[facts["main"]] == max(shares)
    assert f"on {max(shares):.1%} of 21 held-out rows" in facts["chosen"]


def test_the_choice_is_by_agreement_and_says_so() -> None:
    model = PeersOf.around([bert(), bert(), bert()])
    assert (model.main_peer, "nothing was held out" in model.chosen) == (0, True)
    together = torch.tensor([0, 1, 2, 0]).numpy()
    classes = torch.tensor([[0, 0, 0], [1, 1, 2], [0, 2, 1], [0, 1, 1]]).numpy()
    model.choose_main(classes, together)
    assert model.main_peer == 0  # of 3, 3 and 1 right, the first
    classes[3, 0] = 1
    model.choose_main(classes, together)
    assert model.main_peer == 1 and "on 75.0% of 4 held-out rows; the others on 50.0%, 25.0%" in model.chosen
    model.config.problem_type = "multi_label_classification"
    model.choose_main(classes, together)
    assert "on 75.0% of 4 held-out pairs of a text and a class; the others" in model.chosen


def test_another_main_network_leaves_nothing_of_the_one_before(tmp_path: Path) -> None:
    model = PeersOf.around([bert(), bert(), bert()])
    for main in (0, 2, 1):
        model.main_peer = main
        model.save_pretrained(tmp_path)
        assert sorted(path.name for path in (tmp_path / "peers").iterdir()) == sorted({"0", "1", "2"} - {str(main)})
        loaded = PeersOf.from_pretrained(tmp_path)
        for name, values in model.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], values), name
    PeersOf.around([bert()]).save_pretrained(tmp_path)
    assert not (tmp_path / "peers").exists() and PeersOf.from_pretrained(tmp_path).peers == 1


def test_what_a_user_keeps_beside_stays(tmp_path: Path) -> None:
    kept = [tmp_path / "peers" / "1" / "letter.txt", tmp_path / "peers" / "note.txt"]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    PeersOf.around([bert()]).save_pretrained(tmp_path)
    assert all(path.read_text() == "mine" for path in kept), "nothing here is a network of ours"
    PeersOf.around([bert(), bert()]).save_pretrained(tmp_path)
    PeersOf.around([bert()]).save_pretrained(tmp_path)
    assert kept[1].read_text() == "mine" and not (tmp_path / "peers" / "1").exists()


def test_adapters_are_saved_as_adapters(
    folder: Path, base: Path, adapted: CLCTrainer, tokenizer: PreTrainedTokenizerFast
) -> None:
    from peft import PeftModel

    for main in (folder / "lora", folder / "lora" / "checkpoint-8"):
        for peer in range(2):
            place = main / place_of(peer, adapted.model.main_peer)
            assert (place / "adapter_model.safetensors").is_file() and not (place / "model.safetensors").exists()
    loaded = PeersOf.from_pretrained(folder / "lora")
    adapted.model.eval()
    for text in TEXTS:
        batch = encoded(tokenizer, text)
        torch.testing.assert_close(loaded(**batch).peer_logits, adapted.model(**batch).peer_logits)
    # As peft's own users read it, with no word of this package.
    below = BertForSequenceClassification.from_pretrained(base, num_labels=3, ignore_mismatched_sizes=True)
    own = PeftModel.from_pretrained(below, folder / "lora").eval()
    batch = encoded(tokenizer, TEXTS[0])
    torch.testing.assert_close(own(**batch).logits, adapted.model.networks[0](**batch).logits)


def test_adapters_begin_as_they_were_made(base: Path) -> None:
    peft = pytest.importorskip("peft", reason="the extra peft is not installed")
    networks = []
    for _ in range(2):
        body = BertForSequenceClassification.from_pretrained(base)
        networks.append(peft.get_peft_model(body, peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"])))
    before = [{name: values.clone() for name, values in network.state_dict().items()} for network in networks]
    PeersOf.around(networks)
    for network, values in zip(networks, before, strict=True):
        assert all(torch.equal(values[name], now) for name, now in network.state_dict().items())


def test_adapters_are_merged_where_that_is_asked_for(
    merged: Path, elsewhere: dict[str, Any], adapted: CLCTrainer, tokenizer: PreTrainedTokenizerFast
) -> None:
    found = elsewhere[str(merged)]
    assert found["class"] == "BertForSequenceClassification"
    network = adapted.model.networks[adapted.model.main_peer].eval()
    for text, answers in zip(TEXTS, found["answers"], strict=True):
        expected = network(**encoded(tokenizer, text)).logits.softmax(-1)[0].tolist()
        assert probs(answers) == pytest.approx(expected, abs=1e-5)


def test_a_training_of_adapters_goes_on_where_it_was_cut(
    folder: Path, adapted: CLCTrainer, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    arguments = training_arguments(folder / "lora", save_strategy="no")
    again = CLCTrainer(
        model_init=adapted.model_init, args=TrainingArguments(**arguments), train_dataset=train_rows,
        processing_class=tokenizer, method=CLC(warmup_epochs=1),
    )  # fmt: skip
    again.train(resume_from_checkpoint=str(folder / "lora" / "checkpoint-4"))
    for name, values in adapted.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], values), name


def test_a_folder_of_an_earlier_version_still_loads(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    before = PeersOf.around([bert(), bert()])
    first = before.networks[0]
    PeersOfConfig(inner=first.config.to_dict(), architecture="BertForSequenceClassification", peers=2).save_pretrained(
        tmp_path
    )
    save_file(dict(before.state_dict()), tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert not (tmp_path / PEERS).exists()
    for told in ({}, {"network_class": BertForSequenceClassification}):
        loaded = PeersOf.from_pretrained(tmp_path, **told)
        for name, values in before.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], values), name
        assert loaded.config.hidden_size == first.config.hidden_size


def test_a_folder_of_one_ordinary_network_is_not_several(tmp_path: Path) -> None:
    bert().save_pretrained(tmp_path)
    with refused(where=tmp_path, key="peers.json"):
        PeersOf.from_pretrained(tmp_path)


@pytest.mark.parametrize("content", ["{", '{"peers": 2}', '{"peers": 2, "main": 2, "chosen": "", "classes": []}'])
def test_a_damaged_list_of_the_peers_is_named(tmp_path: Path, content: str) -> None:
    PeersOf.around([bert(), bert()]).save_pretrained(tmp_path)
    (tmp_path / PEERS).write_text(content)
    with refused(where=tmp_path / PEERS):
        PeersOf.from_pretrained(tmp_path)


def test_a_trained_model_in_a_pipeline_speaks_for_all(
    pair: CLCTrainer, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("transformers.pipelines.base.logger.error", said.append)
    answers = pipeline("text-classification", model=pair.model, tokenizer=tokenizer)(TEXTS, top_k=None)
    assert not said  # that it is no model for this
    assert len(answers) == len(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        batch = encoded(tokenizer, text)
        expected = torch.stack([network.eval()(**batch).logits.softmax(-1) for network in pair.model.networks]).mean(0)
        assert probs(answer) == pytest.approx(expected[0].tolist(), abs=1e-5)


def test_a_model_that_was_not_evaluated_speaks_for_all_too(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    """Without an evaluation set nothing else puts the networks into evaluation mode."""
    trainer = CLCTrainer(
        bert(), TrainingArguments(**training_arguments(tmp_path)), train_dataset=train_rows,
        processing_class=tokenizer, method=CLC(warmup_epochs=1),
    )  # fmt: skip
    trainer.train()
    assert not trainer.model.training
    assert len(pipeline("text-classification", model=trainer.model, tokenizer=tokenizer)(TEXTS)) == len(TEXTS)


def test_outputs_outside_of_training(pair: CLCTrainer, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast) -> None:
    model = pair.model.eval()
    batch = tokenizer.pad([{"input_ids": ids} for ids in test_rows["input_ids"]], return_tensors="pt")
    labels = torch.tensor(test_rows["label"])
    found = model(**batch, labels=labels)
    assert found.logits.shape == (21, 3) and found.peer_logits.shape == (2, 21, 3)
    torch.testing.assert_close(found.logits.exp(), found.peer_logits.softmax(-1).mean(0))
    torch.testing.assert_close(found.loss, torch.nn.functional.cross_entropy(found.logits, labels))
    assert model(**batch).loss is None
    loss, logits = model(**batch, labels=labels, return_dict=False)
    assert torch.equal(loss, found.loss) and torch.equal(logits, found.logits)
    assert model.train()(**batch).logits.shape == (2, 21, 3)
    model.eval()


def test_the_configuration_and_the_body(pair: CLCTrainer, one: NoisyLabelTrainer) -> None:
    config = pair.model.config
    assert (config.hidden_size, config.model_type, config.pad_token_id) == (16, "bert", 0)
    assert list(config.id2label.values()) == NAMES
    with pytest.raises(
        AttributeError, match=r"each of the 2 networks has a 'bert' of its own: model.networks\[0\].bert"
    ):
        pair.model.bert  # noqa: B018
    with pytest.raises(AttributeError, match="neither PeersOf nor its networks have an attribute 'roberta'"):
        pair.model.roberta  # noqa: B018
    assert one.model.bert is one.model.networks[0].bert
    assert pair.model.num_labels == one.model.num_labels == len(NAMES)
    assert one.model.get_input_embeddings() is one.model.bert.embeddings.word_embeddings
    with pytest.raises(NotImplementedError, match=r"model.networks\[0\].get_input_embeddings"):
        pair.model.get_input_embeddings()
