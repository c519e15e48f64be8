"""The command line: it answers at once, and a mistake is one sentence and exit code 2."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest


def clc_text(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in this process, without the seconds that a new one takes to import."""
    from clc_text import cli

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["clc-text", *arguments])
        for name, value in ({"COLUMNS": "160"} | environment).items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as left:
            cli.main()
    printed, said = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(["clc-text", *arguments], int(left.value.code or 0), printed, said)


def new_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clc_text", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "COLUMNS": "160"},
    )


def refusal(*arguments: str, **environment: str) -> str:
    found = clc_text(*arguments, **environment)
    assert found.returncode == 2, found.stderr + found.stdout
    assert "Traceback" not in found.stderr
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith("clc-text: ")
    return last


BARE = """
import typer
app = typer.Typer(rich_markup_mode="markdown")
@app.command()
def one(name: str): "Does one thing."
@app.command()
def two(name: str): "Does another."
app()
"""


def processor_seconds(*arguments: str) -> float:
    """Of a Python process: unlike the time that it takes, they do not grow with what else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True, env={**os.environ, "COLUMNS": "160"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_answers_at_once() -> None:
    """In twice the time of the smallest program with two commands: under half a second, where that takes a quarter."""
    assert "train" in new_process("--help").stdout
    ours, bare = [], []
    for _ in range(4):
        ours.append(processor_seconds("-m", "clc_text", "--help"))
        bare.append(processor_seconds("-c", BARE, "--help"))
    assert min(ours) < 2 * min(bare)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, clc_text.cli; heavy = {'torch', 'transformers', 'datasets', 'numpy', 'matplotlib', 'sklearn'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_recipe_is_read_without_what_trains_and_reads_data(recipes: Path) -> None:
    """Of the parts only those that it names are imported, and of a sweep nothing that runs its cells."""
    sweep = str(recipes / "sweeps" / "table4.yaml")
    code = (
        f"import sys; from clc_text.cli import app; app(['sweep', {sweep!r}, '--dry-run'], standalone_mode=False);"
        "heavy = {'transformers', 'datasets', 'matplotlib', 'sklearn', 'gensim', 'pandas'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    from clc_text import __version__

    assert new_process("--version").stdout.strip() == f"clc-text {__version__}"


def test_train_evaluate_and_predict(tiny_recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trained = clc_text("train", str(tiny_recipe), "--out", str(out))
    assert trained.returncode == 0, trained.stderr
    assert "last 5 epochs, mean" in trained.stdout  # of the five that there are
    assert f"run directory: {out}" in trained.stdout
    assert "epoch    5/5" in trained.stderr

    evaluated = json.loads(clc_text("evaluate", str(out), "--json").stdout)
    result = json.loads((out / "result.json").read_text())
    assert evaluated["accuracy"]["ensemble"] == pytest.approx(result["accuracy"]["last"]["ensemble"])
    assert sum(map(sum, evaluated["confusion"])) == evaluated["rows"] == 100

    predicted = clc_text("predict", str(out), "--text", "Who wrote Hamlet ?")
    entry = json.loads(predicted.stdout)
    assert entry["text"] == "Who wrote Hamlet ?"
    assert 0 < entry["confidence"] <= 1

    again = refusal("train", str(tiny_recipe), "--out", str(out))
    assert "exists" in again
    assert "--resume" in again
    finished = clc_text("train", str(tiny_recipe), "--out", str(out), "--resume", "--quiet")
    assert finished.returncode == 0
    assert json.loads((out / "result.json").read_text()) == result


def test_predictions_into_files_from_files(tiny_run: Path, tmp_path: Path) -> None:
    import csv

    source = tmp_path / "texts.csv"
    source.write_text('id,question\n1,"Where is Rome ?"\n2,"How many, then ?"\n')
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        found = clc_text("predict", str(tiny_run), str(source), "--column", "question", "--out", str(tmp_path / name))
        assert found.returncode == 0, found.stderr
    with open(tmp_path / "out.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["text"] for row in rows] == ["Where is Rome ?", "How many, then ?"]
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["label"] for line in lines] == [row["label"] for row in rows]


def test_evaluate_on_a_labelled_file(tiny_run: Path, tmp_path: Path) -> None:
    names = json.loads((tiny_run / "environment.json").read_text())["label_names"]
    source = tmp_path / "rows.csv"
    source.write_text(f"text,label\nWhere is Rome ?,{names[0]}\nWho was it ?,{names[1]}\n")
    assert json.loads(clc_text("evaluate", str(tiny_run), str(source), "--json").stdout)["rows"] == 2
    source.write_text("text,label\nWhere is Rome ?,nonsense\n")
    said = refusal("evaluate", str(tiny_run), str(source))
    assert (
        "no label ('nonsense') is a class of the run (ABBR, ENTY, DESC, HUM, LOC, NUM); name their column by" in said
    )


def in_process(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code and what was printed, without the seconds that a new process takes to import."""
    from clc_text import cli

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as left:
        patch.setattr(sys, "argv", ["clc-text", *arguments])
        cli.main()
    printed = capsys.readouterr()
    return int(left.value.code or 0), printed.out, printed.err


def predicted(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    code, out, err = in_process(capsys, "predict", *arguments)
    assert code == 0, err
    return [json.loads(line)["text"] for line in out.split("\n") if line]


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out, err = in_process(capsys, "evaluate", *arguments, "--json")
    assert code == 0, err
    return dict(json.loads(out))


@pytest.fixture(scope="module")
def files_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a file that only its recipe can read: no header row, `;`, no quotes, Latin 1, two columns of texts."""
    from clc_text.config.recipe import loads
    from clc_text.runs.run import train

    folder = tmp_path_factory.mktemp("files")
    lines = [
        f'{kind};ca"fé {row};{word} {row % 7} ?;{kind if row % 9 else other}'
        for row in range(60)
        for kind, other, word in (("place", "count", "Where is"), ("count", "place", "How many"))
    ]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="iso-8859-1")
    recipe = f"""
data:
  name: files
  train: {folder / "rows.csv"}
  test_share: 0.2
  text: [subject, body]
  label: queue
  true_label: truth
  separator: ";"
  quote: ""
  encoding: iso-8859-1
  header: [truth, subject, body, queue]
encoder: {{name: word_vectors, vectors: train, pooling: [concat], length: 8}}
network: {{name: mlp, hidden: [8]}}
method: standard
training: {{epochs: 1, batch_size: 32, device: cpu}}
"""
    train(loads(recipe), folder / "run")
    return folder / "run"


def test_a_file_is_read_as_the_recipe_read_its_own(
    files_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, source = str(files_run), tmp_path / "new.csv"
    source.write_text('place;ca"fé;Where ?;count\ncount;;How many ?;count\n', encoding="iso-8859-1")
    texts = ['ca"fé Where ?', " How many ?"]
    assert predicted(capsys, run, str(source)) == texts
    assert predicted(capsys, run, str(source), "--column", "body") == ["Where ?", "How many ?"]
    # The test rows are tested on the true labels, and so are those of a file that has them.
    by_class = [entry["rows"] for entry in evaluated(capsys, run, str(source))["classes"]]
    assert by_class == [1, 1]
    by_class = [entry["rows"] for entry in evaluated(capsys, run, str(source), "--label", "queue")["classes"]]
    assert by_class == [2, 0]
    # New rows may name their columns after all, and need not have all of them.
    source.write_text('body;subject\nWhere ?;ca"fé\nHow many ?;\n', encoding="iso-8859-1")
    assert predicted(capsys, run, str(source)) == texts
    code, _, err = in_process(capsys, "evaluate", run, str(source))
    assert (code, err) == (
        2,
        f"clc-text: {source} has no column 'queue'; known: body, subject; name it by an option\n",
    )
    table = tmp_path / "new.jsonl"
    table.write_text('{"subject": null, "body": "Ü ?"}\n', encoding="iso-8859-1")
    assert predicted(capsys, run, str(table)) == [" Ü ?"]


def test_numbers_are_asked_for_and_rows_without_a_class_are_named(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "rows.jsonl"
    rows = [("Where is Rome ?", 4), ("Who ?", None), ("How many ?", 0), ("Why ?", 7)]
    source.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    code, _, err = in_process(capsys, "evaluate", str(tiny_run), str(source))
    assert code == 2
    assert "the labels are numbers ('4', '0', '7') and the classes are words (ABBR, ENTY, DESC, HUM, LOC, NUM)" in err
    assert "write it as --label-map 0=?,4=?,7=? with a class for each ?" in err
    found = evaluated(capsys, str(tiny_run), str(source), "--label-map", "0=NUM,4=LOC")
    assert [entry["rows"] for entry in found["classes"]] == [0, 0, 0, 0, 1, 1]
    assert found["read_as"] == {"0": "NUM", "4": "LOC"} and found["left_out"] == 2
    code, out, err = in_process(capsys, "evaluate", str(tiny_run), str(source), "--label-map", "0=NUM,4=LOC")
    out = " ".join(out.split())
    assert "note labels read: '4' as 'LOC', '0' as 'NUM'" in out
    assert (
        "2 rows are left out, whose class the run does not know: no label (1 row: line 2), '7' (1 row: line 4)" in out
    )
    for wrong, sentence in (
        ("0=LOCS", "which is no class; did you mean 'LOC'?"),
        ("0", "--label-map: '0' is no new pair; write it as 0=billing,1=login"),
        ("0=LOC,0=NUM", "'0=NUM' is no new pair"),
    ):
        code, _, err = in_process(capsys, "evaluate", str(tiny_run), str(source), "--label-map", wrong)
        assert code == 2 and sentence in err
    code, _, err = in_process(capsys, "evaluate", str(tiny_run), "--label-map", "0=LOC")
    assert code == 2 and "name the file" in err


def test_tables_as_people_have_them(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the recipe knows nothing of: other separators, workbooks, packed files, columns in objects."""
    import gzip

    import openpyxl

    run, texts, labels = str(tiny_run), ["Where, oh where ?", "Who ?"], ["LOC", "HUM"]
    semicolons = "text;label\n" + "".join(f"{text};{label}\n" for text, label in zip(texts, labels, strict=True))
    (tmp_path / "a.csv").write_text(semicolons)
    (tmp_path / "b.csv").write_text("sep=;\n" + semicolons)
    (tmp_path / "c.csv").write_bytes(gzip.compress(semicolons.encode()))
    book = openpyxl.Workbook()
    for row in (["text", "label"], *zip(texts, labels, strict=True)):
        book.active.append(row)
    other = book.create_sheet("other")
    for row in (["text", "label"], ["What ?", "DESC"]):
        other.append(row)
    book.save(tmp_path / "d.xlsx")
    rows = {"text": dict(enumerate(texts)), "label": dict(enumerate(labels))}
    (tmp_path / "e.json").write_text(json.dumps(rows))
    for name in ("a.csv", "b.csv", "c.csv", "d.xlsx", "e.json"):
        assert predicted(capsys, run, str(tmp_path / name)) == texts, name
        by_class = [entry["rows"] for entry in evaluated(capsys, run, str(tmp_path / name))["classes"]]
        assert by_class == [0, 0, 0, 1, 1, 0], name
    assert evaluated(capsys, run, str(tmp_path / "d.xlsx"))["notes"] == [
        "sheet 'Sheet', the first of 2; --sheet names another"
    ]
    assert predicted(capsys, run, str(tmp_path / "d.xlsx"), "--sheet", "other") == ["What ?"]
    (tmp_path / "f.csv").write_text("body~label\na;b~LOC\n")
    assert predicted(capsys, run, str(tmp_path / "f.csv"), "--separator", "~", "--column", "body") == ["a;b"]
    (tmp_path / "g.csv").write_text("body\tlabel\na,b\tLOC\n")
    assert predicted(capsys, run, str(tmp_path / "g.csv"), "--separator", "\\t", "--column", "body") == ["a,b"]
    code, _, err = in_process(capsys, "predict", run, str(tmp_path / "g.csv"))
    assert code == 2 and r"give --separator '\t'" in err
    (tmp_path / "h.jsonl").write_text(json.dumps({"content": {"text": "Who ?"}, "meta": {"label": "HUM"}}) + "\n")
    nested = ["--column", "content.text", "--label", "meta.label"]
    assert evaluated(capsys, run, str(tmp_path / "h.jsonl"), *nested)["rows"] == 1


def test_a_line_of_a_text_file_ends_where_other_programs_end_it(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "texts.txt"
    source.write_bytes("\ufeffWhere\u2028is\x0cit ?\r\n\nWho\x85was\rit ?\n".encode())
    assert predicted(capsys, str(tiny_run), str(source)) == ["Where\u2028is\x0cit ?", "", "Who\x85was\rit ?"]
    source.write_bytes(b"Who ?\n\xff\n")
    code, _, err = in_process(capsys, "predict", str(tiny_run), str(source))
    assert code == 2
    assert err.startswith(f"clc-text: {source}: line 2 is not utf-8")


def test_a_text_is_no_formula_in_a_spreadsheet(tiny_run: Path, tmp_path: Path) -> None:
    import csv

    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.inference.prediction_file import write_predictions

    texts = ["=1+1", "@x", "-y", "z"]
    for name in ("out.csv", "out.jsonl"):
        write_predictions(RunDirectory(tiny_run), texts, tmp_path / name)
    with open(tmp_path / "out.csv", newline="") as handle:
        assert [row["text"] for row in csv.DictReader(handle)] == ["'=1+1", "'@x", "'-y", "z"]
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in lines] == texts


def test_an_output_that_cannot_be_written_is_one_sentence(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, folder = str(tiny_run), tmp_path / "folder.csv"
    folder.mkdir()
    (tmp_path / "figure.pdf").mkdir()
    (tmp_path / "file").write_text("")
    for out, reason in (
        (folder, "it is a folder; name a file"),
        (tmp_path / "file" / "x.csv", "what should be a folder there is a file; name another place"),
        (Path("/proc/x.csv"), "nothing can be made there; name another place"),
    ):
        code, printed, err = in_process(capsys, "predict", run, "--text", "x", "--out", str(out))
        assert (code, printed, err) == (2, "", f"clc-text: {out} cannot be written: {reason}\n")
    picture = str(tmp_path / "figure.pdf")
    code, _, err = in_process(capsys, "plot", run, "--figure", "confusion", "--out", picture)
    assert (code, err) == (2, f"clc-text: {picture} cannot be written: it is a folder; name a file\n")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "caught"),
    [
        (OSError(errno.EROFS, "x", "/some/.lock"), "/some/.lock: read-only file system"),
        (PermissionError(errno.EACCES, "x", "/some/file"), "/some/file: permission denied"),
        (FileNotFoundError(errno.ENOENT, "x", "/proc/run"), "/proc/run: no such file or directory"),
        (OSError(errno.ENOSPC, "x", "/some/file"), "/some/file: no space left on device"),
        (OSError(errno.EFBIG, "x", "/some/file"), "/some/file: file too large"),
        (OSError(errno.EROFS, "x"), None),  # of which file?
        (OSError(errno.EBADF, "x", "/some/file"), None),
        (OSError("x"), None),
    ],
)
def test_what_the_system_refuses_is_one_sentence_and_a_defect_a_traceback(
    error: OSError, caught: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from clc_text import cli

    def fails() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fails)
    if caught is None:
        with pytest.raises(OSError, match="x"):
            cli.main()
    else:
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert left.value.code == 2
        assert capsys.readouterr().err.startswith(f"clc-text: cannot open or write {caught}; check the path")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_in_the_middle_of_writing_names_no_file(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from clc_text import cli

    def fails() -> None:
        raise OSError(number, "x")

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    reason = os.strerror(number).lower()
    assert capsys.readouterr().err.lower().startswith(f"clc-text: a file could not be written: {reason}; make room")


def test_a_command_that_is_stopped_before_it_began_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from clc_text import cli

    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", stopped)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 130
    assert capsys.readouterr() == ("", "")


def test_a_wrong_recipe_leaves_nothing_behind(tmp_path: Path) -> None:
    recipe = tmp_path / "wrong.yaml"
    recipe.write_text("data: {name: quickstart, rows: 50}\ntraining: {class_weights: [1, 2]}\n")
    sentence = refusal("train", str(recipe), "--out", str(tmp_path / "run"))
    assert "class_weights has 2 numbers" in sentence
    assert "each of 6" in sentence
    assert not (tmp_path / "run").exists()


def test_no_data_is_one_sentence(recipes: Path, tmp_path: Path) -> None:
    empty = tmp_path / "nothing"
    empty.mkdir()
    sentence = refusal(
        "train", str(recipes / "trec_sym05.yaml"), "--out", str(tmp_path / "run"), CLC_TEXT_DATA=str(empty)
    )
    assert "train_5500.label" in sentence
    assert str(empty) in sentence
    assert "quickstart" in sentence


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_what_is_no_run_directory_is_said(command: str, tmp_path: Path) -> None:
    more = ["--text", "x"] if command == "predict" else []
    assert "there is no run directory" in refusal(command, str(tmp_path / "no"), *more)
    assert "it has no recipe.yaml" in refusal(command, str(tmp_path), *more)


@pytest.mark.parametrize("command", [("audit",), ("diff",), ("export",), ("revert", "--all")])
def test_of_a_run_that_has_not_ended_that_is_said_first(
    command: tuple[str, ...], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`correct`, which makes a corrected dataset, would refuse it."""
    run = tmp_path / "run"
    run.mkdir()
    for name in ("recipe.yaml", "environment.json"):
        (run / name).write_bytes((tiny_run / name).read_bytes())
    code, _, err = in_process(capsys, command[0], str(run), *command[1:])
    said = "has no result.json: the run has not ended; `clc-text train RECIPE --resume` goes on"
    assert (code, err) == (2, f"clc-text: {run} {said}\n")


def test_recipe_show_gives_a_recipe(tiny_recipe: Path) -> None:
    from clc_text.config.recipe import load, loads

    shown = clc_text("recipe", "show", str(tiny_recipe))
    assert loads(shown.stdout) == load(tiny_recipe)
    assert "# step size of the optimizer" in shown.stdout


def test_lists(recipes: Path) -> None:
    assert "quickstart" in clc_text("data", "list").stdout
    assert "trec_sym05" in clc_text("recipe", "list", str(recipes)).stdout
    assert "warmup_epochs" in clc_text("recipe", "parts", "methods", "clc").stdout


def test_noise_inject_and_replay(tiny_recipe: Path, tmp_path: Path) -> None:
    import numpy as np

    from clc_text.data.labels import Labels

    first, second = tmp_path / "first", tmp_path / "second"
    assert clc_text("noise", "inject", str(tiny_recipe), "--out", str(first)).returncode == 0
    manifest = first / "noise" / "manifest.json"
    assert clc_text("noise", "replay", str(manifest), str(tiny_recipe), "--out", str(second)).returncode == 0
    one, other = (Labels.read(folder / "noise" / "labels.parquet") for folder in (first, second))
    assert np.array_equal(one.given, other.given)
    assert (one.given != one.true).mean() == pytest.approx(json.loads(manifest.read_text())["realised_rate"])
    other_rows = ["--set", "data.rows=401"]
    assert "400 rows" in refusal(
        "noise", "replay", str(manifest), str(tiny_recipe), "--out", str(tmp_path / "third"), *other_rows
    )


def test_a_path_that_is_there_from_the_recipe_s_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/rows.csv").write_text("text,label\na,b\nc,d\n")
    (tmp_path / "sub/recipe.yaml").write_text("data: {name: files, train: rows.csv}\n")
    said = refusal("data", "check", "sub/recipe.yaml")
    assert f"'rows.csv' does not exist, looked for from the current folder, {tmp_path}" in said
    assert "sub/rows.csv lies beside the recipe" in said
    said = refusal("data", "check", "sub/recipe.yaml", "--set", "data.train=other.csv")
    assert "current folder" in said and "beside" not in said
    said = refusal("data", "check", "sub/recipe.yaml", "--set", f"data.train={tmp_path / 'other.csv'}")
    assert "current folder" not in said and "beside" not in said
