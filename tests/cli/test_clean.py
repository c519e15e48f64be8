"""From a table to the same table with corrected labels in one line, and the recipe that would do the same."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest
from refusals import refused

from clc_text.cli import app
from clc_text.config.length import FEWEST, FEWEST_OF_MANY, MANY, MOST, ROWS_OF_AN_EPOCH, VERY_MANY
from clc_text.config.recipe import load, loads
from clc_text.errors import InputError
from clc_text.methods.clc_auto import CLCAuto
from clc_text.runs.starting import canary_share, corrected_table, recipe_text, run_name
from clc_text.text.datasets.guess import Guessed
from clc_text.text.datasets.hub import Hub

WORDS = {
    "billing": "invoice refund charge card payment euro receipt tax",
    "login": "password account locked reset token sign browser code",
    "shipping": "parcel delivery courier address late box street tracking",
}
SMALL = ["--set", "encoder.name=tfidf", "--set", "encoder.word_vectors=0", "--set", "training.epochs=3",
         "--set", "method.fold_epochs=3", "--set", "method.fold_rounds=2", "--set", "network.hidden=[20]"]  # fmt: skip


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """400 tickets, 15 % of them in a wrong queue, and the true queues beside in truth.csv."""
    monkeypatch.chdir(tmp_path)
    random, names = np.random.default_rng(0), list(WORDS)
    true = random.integers(0, 3, 400)
    given = np.where(random.random(400) < 0.15, (true + random.integers(1, 3, 400)) % 3, true)
    with open("tickets.csv", "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", "message", "queue"])
        for row in range(400):
            words = [
                *random.choice(WORDS[names[true[row]]].split(), 4),
                *random.choice(["please", "help", "it", "is"], 3),
            ]
            writer.writerow([f"T{row}", " ".join(words), names[given[row]]])
    Path("truth.csv").write_text("\n".join(names[label] for label in true))
    return Path("tickets.csv")


@pytest.fixture
def clc_text(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: object) -> str:
        capsys.readouterr()
        app([str(argument) for argument in arguments], standalone_mode=False)
        return capsys.readouterr().out

    return run


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("undrawn")
def test_one_line(
    table: Path, clc_text: Callable[..., str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = table.read_bytes()
    with monkeypatch.context() as patched:  # stopped while it corrects: --resume goes on
        patched.setattr("clc_text.corrections.correct.correct", _stop)
        assert app(["clean", str(table), *SMALL], standalone_mode=False) == 130
    assert "stopped; go on with --resume, or begin anew with --overwrite" in capsys.readouterr().err
    trained = Path("runs/tickets/result.json").stat().st_mtime_ns
    told = clc_text("clean", table, *SMALL, "--resume")
    assert Path("runs/tickets/result.json").stat().st_mtime_ns == trained
    with open("runs/tickets_corrected.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    with open(table, newline="") as handle:
        given = [row["queue"] for row in csv.DictReader(handle)]
    truth = Path("truth.csv").read_text().split("\n")
    assert list(rows[0]) == ["id", "message", "queue", "queue_given"] and [row["queue_given"] for row in rows] == given
    right = sum(row["queue"] == true for row, true in zip(rows, truth, strict=True))
    assert right > sum(one == true for one, true in zip(given, truth, strict=True))
    assert table.read_bytes() == before
    assert "worth a look first" in told and "runs/tickets_corrected.csv" in told and "labels are wrong" in told
    assert "T" in told and Path("runs/tickets/report.html").stat().st_size > 10_000
    for more in ([], ["--resume"]):
        with refused(where="runs/tickets_corrected.csv"):
            clc_text("clean", table, *SMALL, *more)
    with refused(where="runs/tickets_corrected.csv"):
        clc_text("clean", "runs/tickets_corrected.csv", "--label", "queue", "--out", "runs/tickets", "--overwrite")
    again = "clc-text export runs/tickets --format table --out runs/tickets_corrected.csv --force"
    assert again in told
    clc_text(*again.split()[1:])
    # What people have answered since stays when it is resumed once more.
    Path("runs/tickets_corrected.csv").unlink()
    Path("answers.csv").write_text("row,answer\n0,billing\n1,login\n")
    clc_text("apply", "runs/tickets", "answers.csv")
    clc_text("clean", table, *SMALL, "--resume")
    with open("runs/tickets_corrected.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["queue"] for row in rows[:2]] == ["billing", "login"] and [row["queue_given"] for row in rows] == given


@pytest.mark.usefixtures("undrawn")
def test_several_annotators(table: Path, clc_text: Callable[..., str]) -> None:
    """Columns, and a second table, of what three people say: all is kept, and who is good is told."""
    random, names = np.random.default_rng(1), list(WORDS)
    truth = Path("truth.csv").read_text().split("\n")
    with open(table, newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row, true in zip(rows, truth, strict=True):
        for person, right in (("ann", 0.95), ("bob", 0.8), ("cid", 0.5)):
            row[person] = true if random.random() < right else str(random.choice(names))
    with open("wide.csv", "w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    with open("votes.csv", "w", newline="") as handle:
        writer_of_votes = csv.writer(handle)
        writer_of_votes.writerow(["id", "annotator", "label"])
        writer_of_votes.writerows([row["id"], person, row[person]] for row in rows for person in ("ann", "bob", "cid"))
    people = ("--label", "ann", "--label", "bob", "--label", "cid")
    told = clc_text("clean", "wide.csv", *people, *SMALL)
    assert "1,200 labels by 3 sources are joined to 400" in told and "cid" in told and "right" in told
    with open("runs/wide_corrected.csv", newline="") as handle:
        written = list(csv.DictReader(handle))
    assert [[row[name] for name in rows[0]] for row in written] == [[row[name] for name in rows[0]] for row in rows]
    right = [row["joined_label"] == true for row, true in zip(written, truth, strict=True)]
    assert np.mean(right) > np.mean([row["ann"] == true for row, true in zip(rows, truth, strict=True)])
    clc_text("init", "wide.csv", *people)
    clc_text("init", table, "--votes", "votes.csv", "--out", "long.yaml")
    wide, long = load("wide.yaml").data.load(0), load("long.yaml").data.load(0)
    assert wide.votes is not None and long.votes is not None and wide.votes.sources == long.votes.sources
    assert wide.votes.counts.tolist() == long.votes.counts.tolist()


def test_one_that_was_cut_off_is_told_the_options_that_it_has(table: Path, clc_text: Callable[..., str]) -> None:
    Path("runs/tickets").mkdir(parents=True)
    Path("runs/tickets/environment.json").write_text('{"run_id": "of-a-killed-one"}')
    with refused(where="runs/tickets", key="--resume"):
        clc_text("clean", table, *SMALL)
    with refused(key="--resume"):
        clc_text("clean", table, *SMALL, "--resume", "--overwrite")


def test_init_writes_what_clean_uses(table: Path, clc_text: Callable[..., str]) -> None:
    told = clc_text("init", table)
    recipe = load("tickets.yaml")
    assert "queue" in told and (recipe.data.text, recipe.data.label) == ("message", "queue")
    assert recipe.method.name == "clc_auto" and recipe.training.epochs == MOST and recipe.canaries == 0.08
    with refused(where="tickets.yaml"):
        clc_text("init", table)
    clc_text("init", table, "--force", "--id", "id")
    assert load("tickets.yaml").data.id == "id"
    clc_text("init", table, "--force", "--set", "data.encoding=latin-1", "--set", "data.unlabelled=drop")
    assert (load("tickets.yaml").data.encoding, load("tickets.yaml").data.unlabelled) == ("latin-1", "drop")
    with refused(where="--set training.epochs=3"):
        clc_text("init", table, "--force", "--set", "training.epochs=3")
    with refused(where=table, key="--set"):
        clc_text("init", table, "--force", "--set", "data.train=other.csv")
    with pytest.raises(InputError):
        clc_text("init", table, "--out", table, "--force", "--label", "nothing")


@pytest.mark.usefixtures("undrawn")
def test_a_dataset_of_the_hub(table: Path, clc_text: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load_dataset(*arguments: Any, **options: Any) -> datasets.DatasetDict:
        asked.append((*arguments, options["revision"]))
        frame = pd.read_csv(table)
        return datasets.DatasetDict(train=datasets.Dataset.from_pandas(frame).class_encode_column("queue"))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    told = clc_text("init", "hf://datasets/me/tickets", "--set", "data.config=small", "--set", "data.revision=v1")
    recipe = load("tickets.yaml").data
    assert "label: queue (3 values)" in told and isinstance(recipe, Hub) and asked == [("me/tickets", "small", "v1")]
    assert (recipe.id, recipe.text, recipe.label, recipe.config) == ("me/tickets", "message", "queue", "small")
    clc_text("clean", "hf://datasets/me/tickets", "--id", "id", *SMALL)
    with open("runs/tickets_corrected.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    with open(table, newline="") as handle:
        assert [row["queue_given"] for row in rows] == [row["queue"] for row in csv.DictReader(handle)]
    assert {row["queue"] for row in rows} == set(WORDS) and load("runs/tickets/recipe.yaml").data.id_column == "id"
    with refused(key="--votes"):
        clc_text("init", "hf://datasets/me/tickets", "--votes", table, "--force")
    with refused(where="me/tickets", key="data.train"):  # it may be a mistyped path, of which the Hub is not to hear
        clc_text("init", "me/tickets", "--force")
    assert len(asked) < 5


@pytest.mark.parametrize("value", ['a "quoted" name', "yes", "1e3", "a: b", "ä #x", "{x}"])
def test_names_that_yaml_would_read_otherwise(value: str) -> None:
    recipe = loads(recipe_text("t.csv", Guessed(value, "label", {"separator": ";"}, 10, ()), value))
    assert (recipe.data.text, recipe.data.id, recipe.data.separator) == (value, value, ";")


def test_epochs_by_size_and_names_by_file() -> None:
    epochs = [loads(recipe_text("t.csv", Guessed("t", "l", {}, rows, ()))).training.epochs
              for rows in (1, 5_000, 10**5, 250_000, 10**6)]  # fmt: skip
    assert epochs == [MOST, 30, FEWEST, 6, FEWEST_OF_MANY]
    methods = [loads(recipe_text("t.csv", Guessed("t", "l", {}, rows, ()))).method
               for rows in (MANY, MANY + 1, VERY_MANY, VERY_MANY + 1)]  # fmt: skip
    assert [method.fold_patience for method in methods] == [CLCAuto().fold_patience, 1, 1, 1]
    assert [method.fold_epoch_rows for method in methods] == [None, None, None, ROWS_OF_AN_EPOCH]
    assert [canary_share(rows) for rows in (0, 100, 800, 10**6)] == [0.1, 0.1, 0.04, 0.02]
    assert run_name("data/../my tickets (2).csv.gz") == "my_tickets__2" and run_name("§§.csv") == "table"
    assert corrected_table(Path("runs/t"), "no/such/folder") == Path("runs/t_corrected.csv")


def test_the_commands_that_a_verdict_names_name_the_run() -> None:
    """They can be copied as they stand, where the folder's name has a blank, too."""
    from rich.console import Console

    from clc_text.corrections.tables import show_cleaned

    console = Console(record=True, width=400)
    asked = "`clc-text next RUN --k 50` writes them"
    found: Any = {
        "noise": {"nothing_learnt": True}, "rows": 10, "corrections": {"rows": 0},
        "verdict": {
            "trust": "look first", "summary": asked,
            "reasons": [f"nothing measures it: {asked}", "`clc-text correct RUN --policy doubt` changes"],
        },
    }  # fmt: skip
    rows = [{"row": 1, "given": "a", "suggested": "b", "doubt": 0.9, "text": "one"}]
    run = Path("runs/my tickets")
    show_cleaned(found, rows, run=run, table=Path("t.csv"), page=Path("r.html"), console=console)
    told = console.export_text()
    assert told.count("clc-text next 'runs/my tickets' --k 50") == 2 and "RUN" not in told
    assert "clc-text correct 'runs/my tickets' --policy doubt" in told
    assert "nothing is known" in told and "0.90" not in told, "then no row is more doubtful than another"
