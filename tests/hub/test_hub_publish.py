"""Files as they are published: nothing of this machine, no label flipped on purpose, splits with the same columns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from filelock import FileLock, Timeout
from refusals import refused

from clc_text.artifacts.folders import without_folders
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.audit import VERSION
from clc_text.corrections.existing_audit import read_audit
from clc_text.corrections.revert import Selection, revert
from clc_text.corrections.store import LOCK, Corrected
from clc_text.data.labels import Labels
from clc_text.hub import contents, images, publish
from clc_text.hub.card import Stated
from clc_text.hub.contents import dataset_bundle


@pytest.mark.parametrize(
    ("value", "published"),
    [
        ("/home/alice/secret project/train.csv", "train.csv"),
        ("~/corpora/glove.txt", "glove.txt"),
        ("C:\\Users\\alice\\train.csv", "train.csv"),
        ("\\\\server\\share\\train.csv", "train.csv"),
        ("/data/folder/", "folder"),
        ("../../clients/acme/train.csv", "train.csv"),
        ("./acme/", "acme"),
        ("..\\acme\\train.csv", "train.csv"),
        ("../..", ".."),
        ("file:///home/alice/train.csv", "train.csv"),
        ("train.csv", "train.csv"),
        ("owner/name", "owner/name"),
        ("https://huggingface.co/owner/name", "https://huggingface.co/owner/name"),
        ("glove.6B.50d", "glove.6B.50d"),
        ("\t", "\t"),
        (3, 3),
        (None, None),
        (["/home/alice/a.csv", ["~/b.csv"]], ["a.csv", ["b.csv"]]),
        ({"deep": {"deeper": "/home/alice/a.csv"}}, {"deep": {"deeper": "a.csv"}}),
    ],
)
def test_folders_of_this_machine_are_left_out(value: object, published: object) -> None:
    assert without_folders({"key": value}) == {"key": published}


@pytest.mark.parametrize(
    ("key", "value", "published"),
    [
        ("train", "clients/acme.csv", "acme.csv"),  # never a name of the Hub
        ("train", "acme/rows", "rows"),
        ("train", ["clients/a.csv", {"more": "clients/b.csv"}], ["a.csv", {"more": "b.csv"}]),
        ("matrix_file", "acme\\matrix.npy", "matrix.npy"),
        ("model", "BAAI/bge-small-en-v1.5", "BAAI/bge-small-en-v1.5"),
        ("model", "clients/acme/encoder", "encoder"),
        ("path", "owner/name", "owner/name"),
        ("path", "clients/acme.parquet", "acme.parquet"),
        ("vectors", "glove.6B.50d", "glove.6B.50d"),
        ("label_names", ["/r/politics", "a/b/c", "../x"], ["/r/politics", "a/b/c", "../x"]),
        ("map", {"/r/a": "/r/b"}, {"/r/a": "/r/b"}),
        ("text", ["subject/long", "body"], ["subject/long", "body"]),
        ("revision", "refs/pr/1", "refs/pr/1"),
    ],
)
def test_the_option_says_what_is_a_path(key: str, value: object, published: object) -> None:
    assert without_folders({key: value}) == {key: published}


def test_what_lies_here_is_a_path_whatever_it_looks_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme" / "encoder").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    options = {"model": "acme/encoder", "own_option": ["acme/encoder", "acme/other"]}
    assert without_folders(options) == {"model": "encoder", "own_option": ["encoder", "acme/other"]}


def test_the_published_recipe_is_a_recipe_without_folders(odd_run: Path, tmp_path: Path) -> None:
    from clc_text.config.recipe import load

    publish.write_recipe(RunDirectory(odd_run), tmp_path / "recipe.yaml")
    text = (tmp_path / "recipe.yaml").read_text(encoding="utf-8")
    assert str(odd_run.parent) not in text
    recipe = load(tmp_path / "recipe.yaml")
    assert (recipe.data.train, recipe.data.test) == ("train.jsonl", "test.jsonl")
    before = yaml.safe_load((odd_run / "recipe.yaml").read_text(encoding="utf-8"))
    before["data"] |= {"train": "train.jsonl", "test": "test.jsonl"}
    assert yaml.safe_load(text) == before


def test_published_labels_have_no_flipped_ones(odd_run: Path, tmp_path: Path) -> None:
    run = RunDirectory(odd_run)
    labels = run.labels()
    assert labels.canary.sum() == 6
    publish.write_labels(run, tmp_path / "labels.parquet")
    table = pq.read_table(tmp_path / "labels.parquet")
    assert table.column_names == ["row", "given", "true", "canary", "source_row"]
    assert table["given"].to_numpy().tolist() == labels.given.tolist()
    assert table["canary"].to_numpy().tolist() == labels.canary.tolist()


def _shards(folder: Path, given: np.ndarray, at: int) -> list[Path]:
    paths = []
    for number, part in enumerate((given[:at], given[at:])):
        paths.append(folder / f"train-{number}.parquet")
        pq.write_table(pa.table({"label_given": part}), paths[-1])
    return paths


def test_given_labels_are_compared_with_the_runs(tmp_path: Path) -> None:
    given = np.array([0, 1, 2, 1, 0])
    trained = np.array([0, 1, 2, 1, 2])
    labels = Labels(given, trained, None, given != trained)
    publish.check_given(_shards(tmp_path, given, 3), labels.given)
    with refused(row=4):
        publish.check_given(_shards(tmp_path, trained, 3), labels.given)
    with refused(key="rows"):
        publish.check_given(_shards(tmp_path, given[:4], 3), labels.given)


@pytest.mark.parametrize("kept", [0, 60, -40])
def test_damaged_test_rows_are_told(odd_run: Path, tmp_path: Path, kept: int) -> None:
    run = RunDirectory(shutil.copytree(odd_run, tmp_path / "run"))
    path = run.file("data/test.parquet")
    path.write_bytes(path.read_bytes()[:kept])
    with refused(where=path):
        publish.write_test(run, {}, pa.schema([("label", pa.int64())]), tmp_path / "test.parquet")
    assert not (tmp_path / "test.parquet").exists()


def test_test_rows_get_the_columns_of_the_training_rows(odd_run: Path, tmp_path: Path) -> None:
    from datasets import ClassLabel, Features, Value

    run = RunDirectory(odd_run)
    names = run.label_names
    features = Features(
        text=Value("string"), kind=ClassLabel(names=names), source_run_id=Value("string"),
        only_in_train=Value("int64"), label=ClassLabel(names=names), label_given=ClassLabel(names=names),
        label_true=ClassLabel(names=names), label_source=Value("string"), confidence=Value("float32"),
        rank=Value("int32"), run_id=Value("string"),
    )  # fmt: skip
    schema = features.arrow_schema
    publish.write_test(run, {"run_id": "source_run_id"}, schema, tmp_path / "test.parquet")
    table = pq.read_table(tmp_path / "test.parquet")
    assert table.schema.equals(schema)
    source = pq.read_table(odd_run / "data" / "test.parquet")
    assert table["text"].to_pylist() == source["text"].to_pylist()
    assert table["source_run_id"].to_pylist() == source["run_id"].to_pylist() == [f"source {row}" for row in range(60)]
    for name in ("kind", "label", "label_given", "label_true"):
        assert table[name].to_pylist() == source["kind"].to_pylist()
    assert set(table["label_source"].to_pylist()) == {"given"}
    for name in ("only_in_train", "confidence", "rank", "run_id"):
        assert table[name].null_count == 60


def _audited(corrected_run: Path, tmp_path: Path, **changed: object) -> tuple[RunDirectory, int, dict[str, int]]:
    """A copy of the run whose audit says something else, and what its corrected dataset is."""
    run = RunDirectory(shutil.copytree(corrected_run, tmp_path / "run"))
    audit = json.loads(run.file("audit.json").read_text())
    run.file("audit.json").write_text(json.dumps(audit | changed))
    facts = Corrected(run).facts
    return run, facts["changed"], facts["labels"]


def test_an_audit_of_these_corrections_is_read(corrected_run: Path, tmp_path: Path) -> None:
    run, *about = _audited(corrected_run, tmp_path)
    audit = read_audit(run, *about)
    assert audit is not None
    assert audit["run_id"] == run.run_id


def test_without_an_audit(corrected_run: Path, tmp_path: Path) -> None:
    run, *about = _audited(corrected_run, tmp_path)
    run.file("audit.json").unlink()
    assert read_audit(run, *about) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"run_id": "of another"},
        {"corrections": {"rows": 1}},
        {"labels": {"given": 300}},
        {"step": 2},
        {"labels_sha256": "of others"},
        {"labels_sha256": None},
    ],
)
def test_an_audit_of_other_corrections_is_refused(
    corrected_run: Path, tmp_path: Path, changed: dict[str, object]
) -> None:
    run, *about = _audited(corrected_run, tmp_path, **changed)
    with refused(where=run.path / "audit.json"):
        read_audit(run, *about)


def test_an_audit_of_another_version_is_refused(corrected_run: Path, tmp_path: Path) -> None:
    run, *about = _audited(corrected_run, tmp_path, version=VERSION - 1)
    with refused(where=run.path / "audit.json"):
        read_audit(run, *about)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"run_id": "x", "corrections": 3}'])
def test_what_is_no_audit_is_refused(corrected_run: Path, tmp_path: Path, text: str) -> None:
    run, *about = _audited(corrected_run, tmp_path)
    run.file("audit.json").write_text(text)
    with refused(where=run.path / "audit.json"):
        read_audit(run, *about)


IMAGE_PATHS = ["/home/alice/food/pie/1.jpg", "C:\\food\\pie\\2.jpg", "3.jpg"]


def _image_shard(folder: Path, contents: list[bytes | None]) -> tuple[Path, object]:
    from datasets import ClassLabel, Features, Image

    features = Features(image=Image(), label=ClassLabel(names=["a", "b"]))
    images = [{"bytes": content, "path": path} for content, path in zip(contents, IMAGE_PATHS, strict=True)]
    path = folder / "shard.parquet"
    pq.write_table(pa.table({"image": images, "label": [0, 1, 0]}).cast(features.arrow_schema), path)
    return path, features


def test_images_in_files_of_their_own_are_published_by_name(tmp_path: Path) -> None:
    """The first batch decides; of such sets the authors give out the images themselves."""
    from datasets import Value

    shard, features = _image_shard(tmp_path, [None, None, None])
    published = images.published_features(features, [shard])
    assert published["image"] == Value("string")
    assert published["label"] == features["label"]
    images.write_shard(shard, published, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["image"].to_pylist() == ["1.jpg", "2.jpg", "3.jpg"]
    assert table["label"].to_pylist() == [0, 1, 0]
    assert b"alice" not in (tmp_path / "out.parquet").read_bytes()


def test_images_in_the_rows_are_published_without_folders(tmp_path: Path) -> None:
    shard, features = _image_shard(tmp_path, [b"one", b"two", b"three"])
    published = images.published_features(features, [shard])
    assert published == features
    images.write_shard(shard, published, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["image"].to_pylist() == [
        {"bytes": b"one", "path": "1.jpg"}, {"bytes": b"two", "path": "2.jpg"}, {"bytes": b"three", "path": "3.jpg"},
    ]  # fmt: skip


def test_texts_are_no_images(corrected_run: Path) -> None:
    """So their shards are sent as they are, without a copy."""
    from datasets import Features

    [shard] = (corrected_run / "corrected" / "data").glob("*.parquet")
    assert images.image_columns(Features.from_arrow_schema(pq.read_schema(shard))) == []


def content(files: dict[str, Path]) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files.items()}


def test_a_bundle_is_of_one_state_whatever_is_corrected_meanwhile(
    corrected_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who changes the corrections waits while they are gathered, and what was gathered stays as it was."""
    run = RunDirectory(shutil.copytree(corrected_run, tmp_path / "run"))
    gathered: list[bool] = []

    def gather(asked: Any) -> Any:
        def instead(*given: Any, **more: Any) -> Any:
            lock = FileLock(run.file(LOCK))
            with pytest.raises(Timeout):
                lock.acquire(blocking=False)
            gathered.append(True)
            return asked(*given, **more)

        return instead

    for module, name in ((publish, "check_given"), (contents, "read_audit"), (publish, "write_labels")):
        monkeypatch.setattr(module, name, gather(getattr(module, name)))
    (folder := tmp_path / "sent").mkdir()
    bundle = dataset_bundle(run, "user/name", Stated(), folder, columns="all")
    assert len(gathered) == 3
    before = content(bundle.files)
    assert all(folder in path.parents for path in bundle.files.values())
    revert(Corrected(run), Selection(everything=True))
    assert content(bundle.files) == before
    assert json.loads(before["corrected.json"])["step"] == 1 and Corrected(run).facts["step"] == 2
