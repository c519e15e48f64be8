"""`clc_text.clean` of lists, data frames, datasets and files is what `clc-text clean` makes of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from refusals import refused

import clc_text
from clc_text.api.given_table import as_file, given_rows, with_annotators

WORDS = {
    "billing": "invoice refund charge card payment euro receipt tax",
    "login": "password account locked reset token sign browser code",
}
SMALL = ["encoder.name=tfidf", "encoder.word_vectors=0", "training.epochs=3", "method.fold_epochs=3",
         "method.fold_rounds=2", "network.hidden=[20]"]  # fmt: skip


def rows(count: int = 300) -> tuple[list[str], list[str], list[str]]:
    """Texts, given labels of which 15 % are wrong, and the true ones."""
    random, names = np.random.default_rng(0), list(WORDS)
    true = [names[number] for number in random.integers(0, 2, count)]
    wrong = random.random(count) < 0.15
    given = [names[1 - names.index(name)] if flip else name for name, flip in zip(true, wrong, strict=True)]
    texts = [f"{' '.join(random.choice(WORDS[name].split(), 4))} n{row}" for row, name in enumerate(true)]
    return texts, given, true


@pytest.fixture(scope="module")
def undrawn() -> Iterator[None]:
    """The pictures of the reports are made and not drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clc_text.report.pictures.as_bytes", lambda figure, kind: b"<svg/>")
        yield


pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def cleaned(undrawn: None, tmp_path_factory: pytest.TempPathFactory) -> clc_text.Cleaned:
    texts, given, _ = rows()
    return clc_text.clean(texts, given, out=tmp_path_factory.mktemp("runs") / "tickets", overrides=SMALL)


def test_what_it_finds(cleaned: clc_text.Cleaned) -> None:
    texts, given, true = rows()
    wrong = np.array([one != other for one, other in zip(given, true, strict=True)])
    ranking = cleaned.ranking
    assert list(ranking.columns) == [
        "row",
        "given",
        "suggested",
        "label",
        "doubt",
        "confidence",
        "why",
        "kind",
        "rank",
        "text",
    ]
    assert sorted(ranking["row"]) == list(range(300)) and ranking["doubt"].is_monotonic_decreasing
    assert [texts[row] for row in ranking["row"]] == list(ranking["text"])
    assert [given[row] for row in ranking["row"]] == list(ranking["given"])
    assert wrong[ranking["row"][:20]].mean() > 0.9
    assert (cleaned.issues["doubt"] > 0.5).all() and len(cleaned.issues) < 300
    assert ((ranking["doubt"] > 0.5) == ranking["kind"].str.contains("label")).all()
    assert (cleaned.labels == true).mean() >= (np.array(given) == true).mean()
    low, high = cleaned.interval
    assert low <= cleaned.noise_rate <= high
    assert cleaned.transition is not None and cleaned.transition.shape == (2, 2)
    assert cleaned.verdict in ("trust", "look first", "do not use")


def test_where_nothing_learnt_the_labels_no_noise_is_told(cleaned: clc_text.Cleaned) -> None:
    noise: Any = {**cleaned.audit["noise"], "nothing_learnt": True}
    audit: Any = {**cleaned.audit, "noise": noise}
    found = replace(cleaned, audit=audit)
    assert np.isnan(found.noise_rate) and found.interval == (0.0, 1.0) and found.transition is None
    assert "nothing is known" in repr(found)
    noise["told_wrong"] = 0.3
    assert found.interval == (0.3, 1.0)


def test_rows_with_flawed_texts_are_issues_whatever_their_labels(
    cleaned: clc_text.Cleaned, monkeypatch: pytest.MonkeyPatch
) -> None:
    sure = cleaned.ranking["row"].tolist()[-2:]  # labels that nobody doubts
    doubted = cleaned.ranking["row"].tolist()[0]
    flaws = {"texts": 300, "garbled": {"a": [sure[0]], "b": [sure[0], doubted]}, "drift": None,
             "outliers": {"rows": [sure[1]], "surprise": [20.0], "by": ["words"]},
             "copies": {"conflicting": sure, "leaked": 0}}  # fmt: skip
    monkeypatch.setattr(type(cleaned.run), "flaws", lambda run: flaws)
    issues = cleaned.issues.set_index("row")
    assert issues.loc[sure, "kind"].tolist() == ["garbled, copy", "outlier, copy"]
    assert issues.loc[doubted, "kind"] == "label, garbled"
    assert list(issues.index[-2:]) == sure and (issues["doubt"][:-2] > 0.5).all()


def test_what_it_writes(cleaned: clc_text.Cleaned) -> None:
    frame, found = cleaned.to_pandas(), cleaned.to_dataset()
    assert len(frame) == len(found) == 300
    assert found.features["label"].names == ["billing", "login"]
    assert [found.features["label"].names[number] for number in found["label"]] == list(cleaned.labels)
    assert cleaned.table.suffix == ".parquet" and list(pd.read_parquet(cleaned.table)["label"]) == list(cleaned.labels)
    assert "<html" in cleaned.report.read_text(encoding="utf-8")
    assert cleaned.verdict in repr(cleaned) and cleaned._repr_html_().startswith("<p>")


def test_other_kinds_of_data_are_the_same_rows(tmp_path: Path) -> None:
    texts, given, _ = rows()
    frame = pd.DataFrame({"text": texts, "label": given}, index=range(500, 800))
    features = Features({"text": Value("string"), "label": ClassLabel(names=["billing", "login"])})
    numbered = Dataset.from_dict({"text": texts, "label": [int(name == "login") for name in given]}, features=features)
    for number, (data, labels) in enumerate(
        ((texts, given), (iter(texts), iter(given)), (frame, None), (numbered, None))
    ):
        path, given_frame, _, _ = as_file(data, labels, None, None, tmp_path / f"run{number}", overwrite=False)
        with given_rows(given_frame, path, tmp_path / f"run{number}"):
            found = pd.read_parquet(path)
        assert list(found.columns) == ["text", "label"]
        assert list(found["text"]) == texts and list(found["label"]) == given


def test_annotators_beside_texts_are_columns(tmp_path: Path) -> None:
    said = {"ann": ["x", None, "y"], "bob": ["x", "y", None]}
    frame = pd.DataFrame({"body": ["a", "b", "c"], "n": [1, 2, 3]}, index=[7, 8, 9])
    features = Features(
        {"body": Value("string"), "ann": ClassLabel(names=["x", "y"]), "bob": ClassLabel(names=["x", "y"])}
    )
    numbered = Dataset.from_dict({"body": ["a", "b", "c"], "ann": [0, None, 1], "bob": [0, 1, -1]}, features=features)
    for number, (data, annotators) in enumerate(
        (
            (["a", "b", "c"], said),
            (frame, pd.DataFrame(said)),
            (frame.assign(**{key: pd.array(value) for key, value in said.items()}), ["ann", "bob"]),
            (numbered, ["ann", "bob"]),
        )
    ):
        made, names, text = with_annotators(data, annotators, None)
        path, given_frame, _, label = as_file(made, None, text, names, tmp_path / f"run{number}", overwrite=False)
        with given_rows(given_frame, path, tmp_path / f"run{number}"):
            found = pd.read_parquet(path)
        assert label == ["ann", "bob"] and len(found) == 3
        for name, values in said.items():
            assert [None if pd.isna(one) else one for one in found[name]] == values


def test_annotators_may_give_probabilities(tmp_path: Path) -> None:
    """In each form that `find_issues` takes; a file holds them as JSON, whatever else a source says."""
    shares = np.array([[[0.9, 0.1], [np.nan, np.nan]], [[0.2, 0.8], [1, 0]], [[0.5, 0.5], [0, 1]]])
    names = [{"x": 0.9, "y": 0.1}, "y", None], ["x", "x", "y"]
    for number, (annotators, written) in enumerate(
        (
            (shares, [['{"0": 0.9, "1": 0.1}', '{"0": 0.2, "1": 0.8}', '{"0": 0.5, "1": 0.5}'],
                      [None, '{"0": 1.0}', '{"1": 1.0}']]),
            ({"ann": names[0], "bob": names[1]}, [['{"x": 0.9, "y": 0.1}', '{"y": 1.0}', None], names[1]]),
        )
    ):  # fmt: skip
        made, columns, text = with_annotators(["a", "b", "c"], annotators, None)
        path, frame, _, _ = as_file(made, None, text, columns, tmp_path / f"run{number}", overwrite=False)
        with given_rows(frame, path, tmp_path / f"run{number}"):
            found = pd.read_parquet(path)
        assert [[None if pd.isna(one) else one for one in found[name]] for name in columns] == written


def test_rows_that_nobody_labels_keep_their_places(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What is told of a row names it as the caller's table does, whose rows without labels are not learnt."""
    texts, given, true = rows(120)
    bare = [0, 7, 8, 50, 119]
    said = pd.DataFrame({"ann": given, "bob": true, "cid": true})
    said.loc[bare] = None
    said.loc[3, ["bob", "cid"]] = None
    found = clc_text.clean(texts, annotators=said, out=tmp_path / "run", overrides=SMALL)
    ranking, asked, unlabelled = found.ranking, found.ask_again, found.unlabelled
    assert unlabelled is not None and asked is not None and unlabelled["row"].tolist() == bare
    assert sorted([*ranking["row"], *bare]) == list(range(120)) and not {*asked["row"]} & {*bare}
    assert [texts[row] for row in ranking["row"]] == ranking["text"].tolist()
    alone = ranking[ranking["row"] == 3].iloc[0]
    assert alone["said"] == f"ann: {given[3]}"
    for line in ranking.itertuples():
        alike = said.loc[line.row].dropna().nunique() == 1 and line.given == said.loc[line.row].dropna().iloc[0]
        assert (line.why == "all labels say what is given") == alike
    shown = capfd.readouterr()
    assert "train split" not in shown.err and "note" not in shown.err, "quiet is the default"


@pytest.mark.parametrize(
    ("data", "more", "told"),
    [
        (["a", "b"], {"labels": ["x"]}, {"key": "labels"}),
        ("t.csv", {"labels": ["x"]}, {"key": "labels"}),
        (3, {}, {"key": "data"}),
        (["a", "b"], {"annotators": ["x", "y"], "labels": ["x", "y"]}, {"key": "annotators"}),
        (["a", "b"], {"annotators": [["x", "y"]]}, {"key": "annotators"}),
        ("t.csv", {"annotators": [["x", "y"]]}, {"key": "annotators"}),
        (pd.DataFrame({"text": ["a"], "x": ["b"]}), {"annotators": {"x": ["b"]}}, {"key": "x"}),
        ("there-is-no.csv", {}, {"where": "there-is-no.csv"}),
        (pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"]}), {"policy": "bold"}, {"key": "bold"}),
        (pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"]}), {"text": "body"}, {"key": "data.text"}),
        (pd.DataFrame({"text": ["a"], "ann": ["x"]}), {"annotators": "ann"}, {"key": "annotators"}),
        (pd.DataFrame([["a", "x", "y"]], columns=["text", "label", "label"]), {}, {"key": "label"}),
        (pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"], "more": [1, "z"]}), {}, {"key": "more"}),
        (["a", "b"], {"annotators": [[0, 1], [0]]}, {"key": "annotators", "row": 1}),
        (["a", "b"], {"annotators": np.ones((2, 3, 2))}, {"row": 0}),
    ],
)
def test_bad_input(tmp_path: Path, data: Any, more: dict[str, Any], told: dict[str, Any]) -> None:
    with refused(**told):
        clc_text.clean(data, out=tmp_path / "run", **more)
    assert not list(tmp_path.iterdir()), "nothing stays of what was refused"


def test_a_table_that_is_no_file_is_refused_as_a_table(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["a b", "c d", "e f"] * 10, "label": ["x", "y", "x"] * 10})
    frame.loc[4, "label"] = None
    with refused(key="label", row=5) as found:
        clc_text.clean(frame, out=tmp_path / "run")
    assert str(found.value).startswith("the table: ") and "counted from 1" in str(found.value)
    assert found.value.where is None and not list(tmp_path.iterdir())


def test_what_an_earlier_call_has_given_stays_where_the_next_is_refused(tmp_path: Path) -> None:
    """Also where that was to replace it; the file of a run that has begun stays, too, since that run needs it."""
    frame = pd.DataFrame({"text": rows(40)[0], "ann": ["x", "y"] * 20, "bob": ["x", "y"] * 20})
    given = tmp_path / "run_given.parquet"
    given.write_bytes(b"of an earlier call")
    with refused(key="data.label"):
        clc_text.clean(frame, annotators=["ann", "zoe"], out=tmp_path / "run", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == [given.name]
    assert given.read_bytes() == b"of an earlier call"
    given.unlink()
    with pytest.raises(ZeroDivisionError), pytest.MonkeyPatch.context() as patch:
        patch.setattr("clc_text.corrections.correct.correct", lambda *_: 1 // 0)
        clc_text.clean(frame, annotators=["ann", "bob"], out=tmp_path / "run", overrides=SMALL)
    assert given.is_file() and (tmp_path / "run" / "recipe.yaml").is_file()


def test_a_second_call_is_refused_or_replaces(tmp_path: Path) -> None:
    (tmp_path / "run_given.parquet").write_bytes(b"")
    with refused(where=tmp_path / "run_given.parquet"):
        clc_text.clean(["a", "b"], ["x", "y"], out=tmp_path / "run")


def test_columns_are_named_by_texts(tmp_path: Path) -> None:
    with refused(key="label"):
        as_file(pd.DataFrame({0: ["a"], 1: ["b"]}), None, None, 1, tmp_path / "run", False)  # type: ignore[arg-type]
