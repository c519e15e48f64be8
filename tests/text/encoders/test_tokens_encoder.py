"""Texts as token numbers: the same as the tokenizer's own, padded batch by batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from refusals import refused
from tiny_bert import POSITIONS
from transformers import AutoTokenizer

from clc_text.config.recipe import loads
from clc_text.data.rows import Rows
from clc_text.noise.inject import inject
from clc_text.runs.prepare import noise_input
from clc_text.text.encoders.base import load_encoder
from clc_text.text.encoders.features.ragged import Ragged
from clc_text.text.encoders.tokens import FittedTokens, Tokens

TEXTS = ["who invented the city", "when", "", "what is the cost of a river in the city", "who"]


def fit(folder: Path, **options: Any) -> FittedTokens:
    return Tokens(model=str(folder), **({"max_length": POSITIONS} | options)).fit(TEXTS, ["when"], 0)


def test_ragged_rows_against_a_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(50, (int(size),), generator=generator).tolist() for size in (3, 0, 5, 1, 4, 0)]
    ragged = Ragged.of(rows, fill=-1)
    for index in (slice(None), slice(1, 4), slice(1, 2), torch.tensor([4, 2, 4]), [5, 1], [0], slice(2, 2)):
        chosen = rows[index] if isinstance(index, slice) else [rows[int(row)] for row in index]
        width = max([len(row) for row in chosen] + [1])
        assert ragged[index].tolist() == [row + [-1] * (width - len(row)) for row in chosen]
        assert ragged.mask()[index].tolist() == [[1] * len(row) + [0] * (width - len(row)) for row in chosen]
    assert Ragged.of([[], []], fill=7)[:].tolist() == [[7], [7]]
    assert len(ragged) == 6


def test_batches_are_what_the_tokenizer_makes(tiny_bert: Path) -> None:
    tokenizer, inputs = AutoTokenizer.from_pretrained(tiny_bert), fit(tiny_bert).encode(TEXTS)
    batch = Rows(inputs, torch.arange(5)).__getitems__([1, 4, 0])
    expected = tokenizer([TEXTS[row] for row in (1, 4, 0)], padding=True, return_tensors="pt")
    for name in ("input_ids", "attention_mask"):
        assert torch.equal(batch[name], expected[name]), name
    assert batch["input_ids"].shape == (3, 6), "as wide as its own longest text"


def test_long_texts_are_cut(tiny_bert: Path) -> None:
    fitted = fit(tiny_bert, max_length=5)
    assert fitted.encode(TEXTS)["input_ids"][:].shape == (5, 5)
    # The tokenizer adds two: the lengths are 6, 3, 2, 12 and 3.
    assert fitted.facts["texts_cut_off"] == 2 and fitted.facts["share_read"] == round((5 + 3 + 2 + 5 + 3) / 26, 4)
    assert "2 of 5 texts (40%) are longer than the first 5 tokens" in fitted.facts["cut_off"]
    assert fit(tiny_bert).facts["texts_cut_off"] == 0 and "cut_off" not in fit(tiny_bert).facts
    assert fitted.facts["empty_texts"] == 1
    with refused(where=tiny_bert, key="encoder.max_length"):
        fit(tiny_bert, max_length=99)


def test_saved_and_loaded(tiny_bert: Path, tmp_path: Path) -> None:
    fitted = fit(tiny_bert)
    fitted.save(tmp_path / "e")
    assert {path.suffix for path in (tmp_path / "e").iterdir()} <= {".json", ".txt"}
    loaded = load_encoder(tmp_path / "e")
    assert torch.equal(loaded.encode(TEXTS)["input_ids"][:], fitted.encode(TEXTS)["input_ids"][:])
    assert loaded.facts == fitted.facts
    (tmp_path / "e" / "tokenizer.json").unlink()
    with refused(where=tmp_path / "e", key="the run's encoder"):
        load_encoder(tmp_path / "e")
    (tmp_path / "e" / "encoder.json").write_text(json.dumps({"encoder": "tokens"}))
    with refused(where=tmp_path / "e"):
        load_encoder(tmp_path / "e")


def test_token_numbers_are_no_features(tiny_bert: Path) -> None:
    recipe = loads(
        f"data: {{name: quickstart, rows: 50, test_rows: 10}}\nnoise: {{name: instance, rate: 0.3}}\n"
        f"encoder: {{name: tokens, model: '{tiny_bert}', max_length: 20}}\n"
    )
    with refused(key="encoder"):
        inject(recipe.noise, noise_input(recipe, recipe.data.load(0)), 0)
