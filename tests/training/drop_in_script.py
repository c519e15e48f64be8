"""A classic text-classification script's parts, with a network of a few thousand parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset
from tiny_bert import tiny_config
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast, set_seed

WORDS = [f"w{number}" for number in range(30)]
NAMES = ["place", "person", "number"]


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    known = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    plain = Tokenizer(WordLevel(known, unk_token="[UNK]"))
    plain.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]")


def questions(tokenizer: PreTrainedTokenizerFast, count: int, seed: int) -> Dataset:
    """Texts of 3 to 9 words, each class with words of its own; a fifth of the labels is drawn anew."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=count)
    texts = [
        " ".join(random.choice(WORDS[10 * label : 10 * label + 10]) for _ in range(random.integers(3, 10)))
        for label in labels
    ]
    labels = np.where(random.random(count) < 0.2, random.integers(3, size=count), labels)
    rows = Dataset.from_dict({"text": texts, "label": labels, "number": list(range(count))})
    rows = rows.cast_column("label", ClassLabel(names=NAMES))
    return rows.map(lambda batch: tokenizer(batch["text"]), batched=True)


@pytest.fixture(scope="session")
def train_rows(tokenizer: PreTrainedTokenizerFast) -> Dataset:
    return questions(tokenizer, 50, 0)


@pytest.fixture(scope="session")
def test_rows(tokenizer: PreTrainedTokenizerFast) -> Dataset:
    return questions(tokenizer, 21, 1)


def bert(dropout: float = 0.1) -> BertForSequenceClassification:
    config = tiny_config(
        len(WORDS) + 2,
        dropout,
        num_hidden_layers=1,
        intermediate_size=16,
        max_position_embeddings=16,
        id2label=dict(enumerate(NAMES)),
        label2id={name: number for number, name in enumerate(NAMES)},
    )
    return BertForSequenceClassification(config)


@pytest.fixture
def model() -> BertForSequenceClassification:
    set_seed(0)
    return bert()


def training_arguments(folder: Path, **more: Any) -> dict[str, Any]:
    """Keyword arguments of a plain `TrainingArguments`."""
    return {
        "output_dir": str(folder),
        "num_train_epochs": 2,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 8,
        "learning_rate": 5e-3,
        "logging_strategy": "no",
        "save_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": True,
        "report_to": "none",
        "seed": 0,
        "data_seed": 0,
    } | more
