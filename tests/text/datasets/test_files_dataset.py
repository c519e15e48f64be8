"""Any user's file: formats that all give the same task, and bad input against its sentence."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from refusals import refused

from clc_text.data.task import Task
from clc_text.errors import InputError
from clc_text.text.datasets.files import Files

TEXTS = ["good film", "bad film", 'a "fine", film\nof two lines', "awful", "good film", "dull"]
LABELS = ["pos", "neg", "pos", "neg", "pos", "neg"]
IDS = ["007", "1", "2", "3", "4", "5"]


def write_csv(path: Path, separator: str = ",") -> Path:
    def quoted(value: str) -> str:
        return '"' + value.replace('"', '""') + '"'

    rows = [separator.join(map(quoted, row)) for row in zip(IDS, TEXTS, LABELS, strict=True)]
    path.write_text("\n".join([separator.join(["id", "text", "label"]), *rows]) + "\n")
    return path


def write_jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def records() -> list[dict[str, Any]]:
    return [{"id": i, "text": t, "label": y} for i, t, y in zip(IDS, TEXTS, LABELS, strict=True)]


def write(kind: str, folder: Path) -> Path:
    if kind in ("csv", "tsv"):
        return write_csv(folder / f"data.{kind}", "," if kind == "csv" else "\t")
    if kind == "csv.gz":
        packed = folder / "data.csv.gz"
        packed.write_bytes(gzip.compress(write_csv(folder / "plain.csv").read_bytes()))
        return packed
    if kind == "latin-1":
        return write_csv(folder / "data.csv")
    if kind == "jsonl":
        return write_jsonl(folder / "data.jsonl", records())
    if kind == "json":
        (folder / "data.json").write_text(json.dumps(records(), indent=2))
        return folder / "data.json"
    table = pa.table({"id": IDS, "text": TEXTS, "label": LABELS})
    if kind == "parquet":
        parquet.write_table(table, folder / "data.parquet")
        return folder / "data.parquet"
    if kind == "shards":
        (folder / "shards").mkdir()
        parquet.write_table(table.slice(0, 2), folder / "shards" / "a-0.parquet")
        parquet.write_table(table.slice(2), folder / "shards" / "a-1.parquet")
        return folder / "shards"
    datasets.Dataset(table).save_to_disk(str(folder / "saved"))
    return folder / "saved"


KINDS = ["csv", "tsv", "csv.gz", "jsonl", "json", "parquet", "shards", "saved"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_the_same_task(kind: str, tmp_path: Path) -> None:
    task = Files(train=str(write(kind, tmp_path))).load(0)
    assert task.train.column_names == ["id", "text", "label"]
    assert list(task.train["text"]) == TEXTS
    assert list(task.train["id"]) == IDS, "'007' is no number and stays as it is written"
    assert task.label_names == ["neg", "pos"]
    assert task.given_labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert task.true_labels is None and task.test is None
    assert task.facts["duplicate_texts"] == 1
    assert all(len(entry["sha256"]) == 64 and "/" not in entry["path"] for entry in task.sources)


def test_class_folders(tmp_path: Path) -> None:
    for label, texts in {"pos": ["good", "fine"], "neg": ["bad"]}.items():
        (tmp_path / "reviews" / label).mkdir(parents=True)
        for number, text in enumerate(texts):
            (tmp_path / "reviews" / label / f"{number}.txt").write_text(text)
    task = Files(train=str(tmp_path / "reviews")).load(0)
    assert list(task.train["text"]) == ["bad", "good", "fine"]
    assert list(task.train["file"]) == ["neg/0.txt", "pos/0.txt", "pos/1.txt"]
    assert task.given_labels.tolist() == [0, 1, 1]
    assert task.sources[0]["files"] == 3
    (tmp_path / "reviews" / "pos" / "1.txt").write_bytes(b"one\ntw\xff")
    with refused(where=tmp_path / "reviews" / "pos" / "1.txt", row=2):
        Files(train=str(tmp_path / "reviews")).load(0)


def test_of_class_folders_every_text_and_nothing_hidden(tmp_path: Path) -> None:
    for name in ("pos/1.TXT", "pos/.2.txt", "neg/1.txt", ".ipynb_checkpoints/1.txt", "neg/read.me"):
        path = tmp_path / "reviews" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"the text of {name}")
    task = Files(train=str(tmp_path / "reviews")).load(0)
    assert list(task.train["file"]) == ["neg/1.txt", "pos/1.TXT"]
    assert task.label_names == ["neg", "pos"]


def test_a_byte_order_mark_is_no_part_of_a_text_in_a_folder(tmp_path: Path) -> None:
    for label in ("neg", "pos"):
        (tmp_path / "reviews" / label).mkdir(parents=True)
        (tmp_path / "reviews" / label / "1.txt").write_text(f"one\n{label}", encoding="utf-8-sig")
    assert list(Files(train=str(tmp_path / "reviews")).load(0).train["text"]) == ["one\nneg", "one\npos"]


def test_an_object_without_keys_is_kept_as_text(tmp_path: Path) -> None:
    rows = [row | {"meta": {}, "deep": [{"more": {}}]} for row in rows_of(["a", "b", "a"])]
    task = load(tmp_path, rows)
    assert list(task.train["meta"]) == ["{}"] * 3
    assert json.loads(task.train["deep"][0]) == [{"more": {}}]
    task.train.to_parquet(tmp_path / "out.parquet")


def test_labels_of_one_number_have_one_order(tmp_path: Path) -> None:
    labels = ["1", "1.0", "01", "2", "2.0", "3"]
    orders = {tuple(load(tmp_path, rows_of(labels[k:] + labels[:k])).label_names) for k in range(6)}
    assert orders == {("01", "1", "1.0", "2", "2.0", "3")}


@pytest.mark.parametrize("missing", [float("nan"), None])
def test_a_number_that_is_none_is_no_class(tmp_path: Path, missing: float | None) -> None:
    with refused(row=3, key="label"):
        load(tmp_path, rows_of([0.0, 1.0, missing, 1.0]))
    task = load(tmp_path, rows_of([0.0, 1.0, missing, 1.0]), unlabelled="drop")
    assert task.label_names == ["0", "1"] and len(task.train) == 3


@pytest.mark.parametrize("label", [float("inf"), -float("inf"), 2.0**63, 1e300])
@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_a_number_beyond_all_integers_is_no_class(tmp_path: Path, label: float, kind: pa.DataType) -> None:
    table = pa.table({"text": ["a", "b", "c", "d"], "label": pa.array([1.0, None, label, 0.5]).cast(kind, safe=False)})
    parquet.write_table(table, tmp_path / "rows.parquet")
    with refused(where=tmp_path / "rows.parquet", key="label", row=3):
        Files(train=str(tmp_path / "rows.parquet"), unlabelled="drop").load(0)


@pytest.mark.parametrize("kind", [pa.float16(), pa.decimal128(4, 1), pa.decimal256(60, 2)])
def test_numbers_of_rare_kinds_are_numbers(tmp_path: Path, kind: pa.DataType) -> None:
    for values, names in (([10.0, 2.0, None, 2.0], ["2", "10"]), ([0.5, 1.0, None, 1.0], ["0.5", "1"])):
        table = pa.table({"text": ["a", "b", "c", "d"], "label": pa.array(values).cast(kind)})
        parquet.write_table(table, tmp_path / "rows.parquet")
        task = Files(train=str(tmp_path / "rows.parquet"), unlabelled="drop").load(0)
        assert task.label_names == names and len(task.train) == 3


def test_an_infinite_number_in_json_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a", "label": 1}\n{"text": "b", "label": 1e999}\n{"text": "c", "label": 2}\n')
    with refused(where=path, row=2, key="label"):
        Files(train=str(path)).load(0)


def test_classes_that_look_the_same_are_alike(tmp_path: Path) -> None:
    alike = load(tmp_path, rows_of(["caf\u00e9", "cafe\u0301", "Caf\u00c9", "tea"])).facts["classes_alike"]
    assert str(alike).count("' and '") == 2
    many = load(tmp_path, rows_of([f"{case}{n}" for n in range(9) for case in "xX"])).facts["classes_alike"]
    assert str(many).count("' and '") == 5 and "; and 4 more pairs differ" in str(many)


def test_blanks_are_no_class(tmp_path: Path) -> None:
    with refused(row=3, key="label"):
        load(tmp_path, rows_of(["a", "b", " "]))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"text": "a", "label": ["HUM", 1]}, {"text": "b", "label": ["a", "b"]}], {"row": 1}),
        ([{"text": {"a": 1}, "label": "x"}, {"text": {"a": "x"}, "label": "y"}], {"row": 1}),
        ([{"text": "a", "label": 1}, {"text": "b", "label": 2**70}], {"row": 1}),
        ([{"text": "a", "label": "x"}, {"text": "cut \ud83d", "label": "y"}], {"key": "text", "row": 2}),
    ],
)
def test_json_that_no_column_can_hold(tmp_path: Path, rows: list[Any], told: dict[str, Any]) -> None:
    with refused(where=tmp_path / "rows.jsonl", **told):
        load(tmp_path, rows)


def test_a_map_in_a_table_is_said(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "b"], "label": ["x", "y"]})
    table = table.append_column("tags", pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())))
    parquet.write_table(table, tmp_path / "rows.parquet")
    with refused(where=tmp_path / "rows.parquet", key="tags"):
        Files(train=str(tmp_path / "rows.parquet")).load(0)


def load(tmp_path: Path, rows: list[Any], **options: Any) -> Task:
    return Files(train=str(write_jsonl(tmp_path / "rows.jsonl", rows)), **options).load(0)


def rows_of(labels: list[Any], key: str = "label") -> list[dict[str, Any]]:
    return [{"text": f"text {number}", key: label} for number, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([10, 9, 10, 2], ["2", "9", "10"]),
        (["10", "9", "2", "2"], ["2", "9", "10"]),
        ([1.0, 0.0, 1.0], ["0", "1"]),
        ([0.5, 1.5, 0.5], ["0.5", "1.5"]),
        ([True, False, True], ["false", "true"]),
        (["b", "a10", "a9"], ["a10", "a9", "b"]),
    ],
)
def test_label_order(labels: list[Any], names: list[str], tmp_path: Path) -> None:
    task = load(tmp_path, rows_of(labels))
    assert task.label_names == names
    expected = [names.index(f"{label:g}" if isinstance(label, float) else str(label).replace("True", "true")
                            .replace("False", "false")) for label in labels]  # fmt: skip
    assert task.given_labels.tolist() == expected


def test_a_label_map_joins_the_variants_of_a_class(tmp_path: Path) -> None:
    gold = ["Mac", "tea", "tea", "MAC"]
    rows = [row | {"gold": true} for row, true in zip(rows_of(["Mac", "mac ", "tea", "MAC"]), gold, strict=True)]
    task = load(tmp_path, rows, label_map={"mac ": "Mac", "MAC": "Mac", "never": "tea"}, true_label="gold")
    assert task.label_names == ["Mac", "tea"] and task.given_labels.tolist() == [0, 0, 1, 0]
    assert task.true_labels is not None and task.true_labels.tolist() == [0, 1, 1, 0]
    assert "classes_alike" not in task.facts
    with refused(key="data.label_map"):
        load(tmp_path, rows, label_map={"a": "b", "b": "c"})
    with refused(key="data.label_map"):
        load(tmp_path, rows, label_map={"a": " "})


def test_a_label_map_joins_classes_that_the_source_has_named(tmp_path: Path) -> None:
    features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["x", "X", "y"]))
    datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, 2]}, features=features).save_to_disk(
        tmp_path / "saved"
    )
    task = Files(train=str(tmp_path / "saved"), label_map={"X": "x"}).load(0)
    assert task.label_names == ["x", "y"] and task.given_labels.tolist() == [0, 0, 1]


def test_label_names_set_the_order(tmp_path: Path) -> None:
    task = load(tmp_path, rows_of(["a", "b", "a"]), label_names=["b", "a", "never"])
    assert task.given_labels.tolist() == [1, 0, 1]
    assert task.facts["classes_without_rows"] == "never"
    with refused(where=tmp_path / "rows.jsonl", key="data.label_names"):
        load(tmp_path, rows_of(["a", "b", "a"]), label_names=["a", "c"])
    with refused(key="data.label_names"):
        load(tmp_path, rows_of(["a", "b"]), label_names=["a", "a"])


def test_class_label_keeps_its_names_and_minus_one_is_no_label(tmp_path: Path) -> None:
    features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["z", "a"]))
    rows = datasets.Dataset.from_dict({"text": ["x", "y", "w"], "label": [0, 1, -1]}, features=features)
    rows.to_parquet(str(tmp_path / "rows.parquet"))
    with refused(row=3, key="label"):
        Files(train=str(tmp_path / "rows.parquet")).load(0)
    task = Files(train=str(tmp_path / "rows.parquet"), unlabelled="drop").load(0)
    assert task.label_names == ["z", "a"] and task.given_labels.tolist() == [0, 1]


def test_true_labels_and_trusted_test_labels(tmp_path: Path) -> None:
    train = [{"text": f"t{i}", "weak": w, "gold": g} for i, (w, g) in enumerate(zip("aabb", "abcb", strict=True))]
    test = write_jsonl(tmp_path / "test.jsonl", [{"text": "u", "weak": "a", "gold": "c"}])
    task = load(tmp_path, train, test=str(test), label="weak", true_label="gold")
    assert task.label_names == ["a", "b", "c"], "a class that is never given is still one that is true"
    assert task.given_labels.tolist() == [0, 0, 1, 1]
    assert task.true_labels is not None and task.true_labels.tolist() == [0, 1, 2, 1]
    assert task.test_labels is not None and task.test_labels.tolist() == [2], "tested on the true label"
    assert list(task.train["gold"]) == list("abcb")
    train[2]["gold"] = None  # type: ignore[assignment]
    with refused(row=3, key="gold"):
        load(tmp_path, train, label="weak", true_label="gold")


def test_unlabelled_rows_are_refused_with_their_numbers_or_dropped(tmp_path: Path) -> None:
    rows = rows_of(["a", None, "b", "", "a", *[None] * 5])
    with refused(where=tmp_path / "rows.jsonl", key="label", row=2):
        load(tmp_path, rows)
    task = load(tmp_path, rows, unlabelled="drop")
    assert list(task.train["text"]) == ["text 0", "text 2", "text 4"]
    assert task.facts["unlabelled_rows_dropped"] == 7
    with refused(key="label"):
        load(tmp_path, rows_of([None, None]), unlabelled="drop")


def test_held_out_part_is_stratified_seeded_and_complete(tmp_path: Path) -> None:
    path = str(write_jsonl(tmp_path / "rows.jsonl", rows_of(["a"] * 40 + ["b"] * 20 + ["c"])))
    task = Files(train=path, test_share=0.25).load(3)
    assert task.test is not None and task.test_labels is not None
    assert np.bincount(task.test_labels).tolist() == [10, 5], "a class with one row stays in training"
    both = [*task.train["text"], *task.test["text"]]
    assert sorted(both) == sorted(f"text {i}" for i in range(61))
    order = [int(text.split()[1]) for text in task.train["text"]]
    assert order == sorted(order), "the source's order stays"
    assert list(Files(train=path, test_share=0.25).load(3).test["text"]) == list(task.test["text"])  # type: ignore[index]
    assert list(Files(train=path, test_share=0.25).load(4).test["text"]) != list(task.test["text"])  # type: ignore[index]


def test_equal_texts_are_held_out_together(tmp_path: Path) -> None:
    def parts(name: str, rows: list[Any]) -> tuple[list[str], list[str]]:
        task = Files(train=str(write_jsonl(tmp_path / name, rows)), test_share=0.25).load(3)
        assert task.test is not None
        assert not set(task.train["text"]) & set(task.test["text"])
        return list(task.train["text"]), list(task.test["text"])

    rows = rows_of(["a"] * 40 + ["b"] * 20)
    train, tripled = parts("tripled.jsonl", rows * 3)
    assert len(train) + len(tripled) == 180 and 25 < len(tripled) < 65
    same = [{"text": "the same", "label": "c"}] * 8  # a class with one text, drawn or not, stays in training
    for name, more in (("same.jsonl", same), ("torn.jsonl", [*same, {"text": "the same", "label": "a"}])):
        train, _ = parts(name, rows + more)
        assert train.count("the same") == len(more)


def test_columns_are_joined_and_the_source_stays(tmp_path: Path) -> None:
    rows = [{"title": "a", "body": "b", "y": 0}, {"title": "c", "body": None, "y": 1}]
    task = load(tmp_path, rows, text=["title", "body"], label="y")
    assert task.input_column == "text" and list(task.train["text"]) == ["a b", "c "]
    assert task.train.column_names == ["title", "body", "y", "text"]
    assert list(task.train["body"]) == ["b", None]
    assert task.facts["missing_texts"] == 1


def test_mixed_json_columns_pass_through_as_json_text(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": 0, "rules": [[1, "X"]]}, {"text": "b", "label": 1, "rules": []}]
    task = load(tmp_path, rows)
    assert [json.loads(value) for value in task.train["rules"]] == [[[1, "X"]], []]


def test_json_columns_that_begin_late_or_widen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clc_text.data.reading.json_rows.BATCH", 1)
    rows = [
        {"text": "a", "label": 0, "tied": []},
        {"text": "b", "label": 1, "tied": ["x"], "late": 1},
        {"text": "c", "label": 1, "tied": None, "late": 2.5},
        {"text": "d", "label": 0, "mixed": 1},
        {"text": "e", "label": 0, "mixed": "one"},
    ]
    task = load(tmp_path, rows)
    assert list(task.train["tied"]) == [[], ["x"], None, None, None]
    assert list(task.train["late"]) == [None, 1.0, 2.5, None, None]
    assert list(task.train["mixed"]) == [None, None, None, "1", '"one"']
    with refused(where=tmp_path / "rows.jsonl", key="text", row=2):
        load(tmp_path, [{"text": "a", "label": 0}, {"text": 5, "label": 1}])


def test_facts_count_what_no_single_row_shows(tmp_path: Path) -> None:
    test = write_jsonl(tmp_path / "test.jsonl", [{"text": "a", "label": "x"}, {"text": "new", "label": "y"}])
    texts = ["a", "a", "a", "b", "b", " ", "", "c"]
    train = [{"text": t, "label": y} for t, y in zip(texts, ["x", "x", "y", "x", "x", "y", "X ", "y"], strict=True)]
    facts = load(tmp_path, train, test=str(test)).facts
    assert facts == {
        "classes_alike": "the classes 'X ' and 'x' differ only in case or blanks",
        "empty_texts": 2,
        "duplicate_texts": 3,
        "conflicting_texts": 3,
        "empty_test_texts": 0,
        "leaked_test_texts": 1,
    }


def test_other_encodings_separators_and_headerless_files(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes('caf\xe9;1\n"tea;2\n'.encode("latin-1"))
    task = Files(train=str(path), encoding="iso-8859-1", separator=";", quote="", header=["text", "label"]).load(0)
    assert list(task.train["text"]) == ["café", '"tea']
    with refused(where=path, key="data.encoding", row=1):
        Files(train=str(path)).load(0)
    with refused(key="encoding"):
        Files(train=str(path), encoding="utf-77").load(0)
    path.write_text("text,label\ncafé,1\ntea,2\n", encoding="utf-16")
    with refused(where=path, key="data.encoding", says="data.encoding=utf-16"):
        Files(train=str(path)).load(0)
    assert list(Files(train=str(path), encoding="utf-16").load(0).train["text"]) == ["café", "tea"]


def test_the_place_of_a_wrong_byte_is_right_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clc_text.data.reading.text_files.BLOCK", 7)
    content = "text,label\nzwölf,1\nöl,2\n".encode() + b"x\xc3,3\n"
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    place = content.index(b"x\xc3") + 1
    with refused(where=path, key="data.encoding", row=4) as caught:
        Files(train=str(path)).load(0)
    assert f"position {place}" in str(caught.value)


def bad(path: Path, content: bytes | str) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "", "a.csv: the file is empty"),
        ("a.csv", "text,label\n", "a.csv: there are no rows"),
        ("a.csv", "text,label\nx,1\n", "1 row is too few to train on"),
        ("a.csv", "text,label\nx,1\ny,1\n", "every row has the label '1'; training needs at least two classes"),
        ("a.csv", "text,label\nx,1\ny,2,3\n", "row 3 has 3 columns where 2 are expected"),
        ("a.csv", "text,label\nx,1\ny\n", "row 3 has 1 columns where 2 are expected"),
        ("a.csv", "text,text,label\nx,x,1\ny,y,2\n", "two columns are called 'text'"),
        ("a.csv", "texts,label\nx,1\ny,2\n", "no column 'text' for data.text; did you mean 'texts'"),
        ("a.csv", "text,class\nx,1\ny,2\n", "no column 'label' for data.label"),
        ("a.csv", "text,label\n" + "".join(f"x{i},{i}\n" for i in range(30)), "has 30 values in 30 rows"),
        ("a.csv.gz", gzip.compress(b"text,label\nx,1\ny,2\n" * 50, mtime=0)[:-12], "the packed file ends too early"),
        ("a.csv.gz", b"text,label\nx,1\n", "not a sound gzip file"),
        (
            "a.jsonl",
            '{"text": "x", "label": 1}\n{"text": "y", "la',
            "line 2 is not JSON: .*; the file was probably cut off",
        ),
        ("a.jsonl", '{"text": "x", "label": 1}\nfoo\n', "line 2 is not JSON: at its beginning a value is missing, or"),
        (
            "a.jsonl",
            '{"text": "x", "label": 1}\n{"text": "y" "label": 1}\n',
            'line 2 is not JSON: after {"text": "y" a comma or the closing bracket is missing; mend that line',
        ),
        (
            "a.json",
            '[{"text": "x", "label": 1},\n{"text": "y"',
            "not JSON: line 2, after .* a comma or the closing brac",
        ),
        (
            "a.csv",
            'text,label\nx,1\n"open,1\nz,2\n',
            "row 3 has 1 columns where 2 are expected, and goes on over 2 lines; it begins with '\"open,1 z,2'",
        ),
        ("a.jsonl", '{"text": "x", "label": 1}\n[1]\n', "line 2 is not an object in braces"),
        ("a.jsonl", '{"text": "x", "label": 1}\n\n{"text": "y", "label": 2}\n', "line 2 is empty"),
        ("a.jsonl", "\n", "the file holds no rows"),
        ("a.jsonl", '{"text": 1, "label": 1}\n{"text": 2, "label": 2}\n', "the column 'text' holds int64, not text"),
        ("a.jsonl", '{"text": "x", "label": [1]}\n{"text": "y", "label": [2]}\n', "a class is a word or a number"),
        ("a.json", '[{"text": "x", "label": 1}', "not JSON: .*was the file cut off"),
        ("a.json", "[1]", "entry 1 of the list is not an object"),
        ("a.parquet", b"PAR1 and then nothing", "a.parquet: not a whole Parquet file"),
        ("a.xlsx", b"PK", "a.xlsx: not a whole Excel workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "of workbooks .xlsx is read; save it as .xlsx"),
        ("a.doc", b"PK", "the name does not tell the format"),
    ],
)
def test_bad_files(name: str, content: bytes | str, sentence: str, tmp_path: Path) -> None:
    path = bad(tmp_path / name, content)
    with pytest.raises(InputError, match=sentence) as raised:
        Files(train=path).load(0)
    assert "\n" not in str(raised.value)


def test_truncated_parquet_and_saved_dataset(tmp_path: Path) -> None:
    whole = write("parquet", tmp_path).read_bytes()
    with refused(where=tmp_path / "cut.parquet"):
        Files(train=bad(tmp_path / "cut.parquet", whole[: len(whole) // 2])).load(0)
    saved = write("saved", tmp_path)
    (arrow,) = saved.glob("*.arrow")
    arrow.write_bytes(arrow.read_bytes()[:100])
    with refused(where=saved):
        Files(train=str(saved)).load(0)


def test_missing_files_folders_and_splits(tmp_path: Path) -> None:
    with refused(where=tmp_path / "none.csv"):
        Files(train=str(tmp_path / "none.csv")).load(0)
    with refused(where=tmp_path / "none.csv"):
        Files(train=str(write("csv", tmp_path)), test=str(tmp_path / "none.csv")).load(0)
    (tmp_path / "empty").mkdir()
    with refused(where=tmp_path / "empty"):
        Files(train=str(tmp_path / "empty")).load(0)
    rows = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]})
    datasets.DatasetDict(train=rows, test=rows).save_to_disk(str(tmp_path / "dict"))
    with refused(where=tmp_path / "dict", says=f"several splits; name one of them: {tmp_path / 'dict/test'}"):
        Files(train=str(tmp_path / "dict")).load(0)


def test_a_training_file_is_no_test_file(tmp_path: Path) -> None:
    path = write("csv", tmp_path)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    with refused(where=copy, key="data.test_share"):
        Files(train=str(path), test=str(copy)).load(0)


def test_a_class_of_the_test_rows_alone_is_named(tmp_path: Path) -> None:
    test = write_jsonl(tmp_path / "test.jsonl", rows_of(["a", "new", "newer"]))
    with refused(where=test):
        load(tmp_path, rows_of(["a", "b"]), test=str(test))


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"test_share": 1.0}, "data.test_share"),
        ({"test_share": 0.1, "test": "y.csv"}, "data.test"),
        ({"true_label": "label"}, "data.true_label"),
        ({"text": []}, "data.text"),
    ],
)
def test_bad_options(options: dict[str, Any], key: str) -> None:
    with refused(key=key):
        Files(train="x.csv", **options)


def test_a_share_that_holds_nothing_out_is_named(tmp_path: Path) -> None:
    with refused(key="data.test_share"):
        load(tmp_path, rows_of(["a", "b", "a", "b"]), test_share=0.01)


def test_a_bad_separator_is_named(tmp_path: Path) -> None:
    with refused(key="data.separator"):
        Files(train=str(write("csv", tmp_path)), separator="::").load(0)


def test_a_pipe_and_a_header_of_very_many_columns_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "wide.csv").write_bytes(b",".join(b"c%d" % number for number in range(300_000)) + b"\n")
    for name in ("pipe.csv", "wide.csv"):
        with refused(where=tmp_path / name):
            Files(train=str(tmp_path / name)).load(0)


def test_the_home_of_nobody_is_a_sentence() -> None:
    with refused(where="~nobody-is-called-so/x.csv"):
        Files(train="~nobody-is-called-so/x.csv").load(0)
