"""A BERT of a few thousand random parameters, with its tokenizer, as a folder like those of the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

WORDS = [
    "who",
    "what",
    "where",
    "when",
    "is",
    "the",
    "a",
    "of",
    "in",
    "how",
    "many",
    "people",
    "city",
    "river",
    "does",
    "cost",
    "far",
    "invented",
    "wrote",
    "name",
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
POSITIONS = 24


def tiny_config(vocab_size: int, dropout: float, **more: Any) -> BertConfig:
    """Of a BERT that is 16 numbers wide."""
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=16,
        num_attention_heads=2,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        **more,
    )


def write_tiny_bert(folder: Path, seed: int = 0, dropout: float = 0.1) -> Path:
    """Writes the model and its tokenizer; gives the folder."""
    known = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    plain = Tokenizer(WordLevel(known, unk_token="[UNK]"))
    plain.pre_tokenizer = WhitespaceSplit()
    plain.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", known["[CLS]"]), ("[SEP]", known["[SEP]"])]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    config = tiny_config(
        len(known),
        dropout,
        num_hidden_layers=2,
        intermediate_size=20,
        max_position_embeddings=POSITIONS,
        initializer_range=0.5,  # larger than usual: texts must differ in more than rounding
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
