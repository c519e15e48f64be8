"""What the pages of docs/ show is run."""

from __future__ import annotations

import csv
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from datasets import load_dataset
from forked import Forked
from tiny_bert import write_tiny_bert

import clc_text.methods
from clc_text.cli import app
from clc_text.config.recipe import loads
from clc_text.methods.base import method as methods
from clc_text.text.datasets.quickstart import Quickstart

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def contract_and_training(folder: Path, tests: list[str]) -> None:
    """The tests of methods, then the recipe, where a method's file lies in one more folder."""
    clc_text.methods.__path__.append(str(folder / "methods"))
    methods._loaded = False  # nor has a new process looked into the folder
    sys.modules.pop("test_contract", None)
    assert pytest.main(["-q", "-p", "no:cacheprovider", "-k", "symmetric_cross_entropy", *tests]) == 0
    os.chdir(folder)
    app(["train", "recipe.yaml", "--out", "run"], standalone_mode=False)


def test_from_trainer_to_clc_trainer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's script, with a tiny model in the place of the one from the Hub."""
    script, all_of_them = blocks("trainer.md", "python")
    name = "sentence-transformers/all-MiniLM-L6-v2"
    assert script.count(name) == 1
    script = script.replace(name, str(write_tiny_bert(tmp_path / "model")))
    script += "\nbest = AutoModelForSequenceClassification.from_pretrained('out/best')\n" + all_of_them
    script += "\nprint(sorted(metrics), model.peers, type(best).__name__)"
    monkeypatch.chdir(tmp_path)
    exec(compile(script, "trainer.md", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    assert "'eval_accuracy_peer_1'" in printed and "'eval_right'" in printed
    assert printed.endswith("2 BertForSequenceClassification")
    assert (tmp_path / "out" / "best" / "model.safetensors").is_file()


def test_the_three_lines_are_those_of_the_script() -> None:
    (difference,) = blocks("trainer.md", "diff")
    script = blocks("trainer.md", "python")[0]
    lines = difference.splitlines()
    assert sum(line.startswith("+") for line in lines) == 3
    for line in lines:
        if line.startswith("+"):
            assert line[1:].split("  #")[0] in script


@pytest.mark.usefixtures("undrawn")
def test_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of the page on a table of 300 questions, a third of whose labels is wrong."""
    monkeypatch.chdir(tmp_path)
    task = Quickstart(rows=300, test_rows=0).load(0)
    with open("tickets.csv", "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        for row, (text, label) in enumerate(zip(task.train["text"], task.given_labels, strict=True)):
            writer.writerow([text, f"class {(label + (row % 3 == 0)) % 6}"])
    recipe, with_encoder = blocks("own_data.md", "yaml")
    assert loads(recipe).encoder.name == "auto" and loads(recipe + with_encoder).encoder.name == "sentence"
    for usual, small in (
        ("epochs: 15", "epochs: 3"),
        ("  name: clc_auto  ", "  name: clc_auto\n  folds: 2\n  fold_rounds: 2\n  fold_epochs: 2\n  "),
    ):
        assert recipe.count(usual) == 1
        recipe = recipe.replace(usual, small)
    Path("recipe.yaml").write_text(recipe)
    lines = [line for block in blocks("own_data.md", "bash") for line in block.splitlines()]
    calls = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("clc-text ")]
    assert len(calls) == 17 and ["review", "run"] in calls
    answered = set()
    for call in calls:
        if call[0] == "review":  # waits for a browser
            continue
        if call[0] == "apply":  # a person answers the first three rows, later all that are asked for
            with open(call[2], encoding="utf-8", newline="") as handle:
                rows = list(csv.DictReader(handle))
            for row in rows if call[2] == "asked.csv" else rows[:3]:
                row["answer"] = f"class {task.given_labels[int(row['row'])]}"
                answered.add(row["row"])
            with open(call[2], "w", encoding="utf-8", newline="") as handle:
                table = csv.DictWriter(handle, list(rows[0]))
                table.writeheader()
                table.writerows(rows)
        app(call, standalone_mode=False)
    corrected = load_dataset("run/corrected", split="train")
    people = sum(source in (2, "person") for source in corrected["label_source"])
    assert people == len(answered) > 90 and len(corrected) == 300


def test_adding_a_method(tmp_path: Path) -> None:
    """The example is found in its folder, keeps the contract, trains by its recipe, has the numbers of its test."""
    source, by_hand = blocks("methods.md", "python")
    (recipe,) = blocks("methods.md", "yaml")
    folder = tmp_path / "methods"
    folder.mkdir()
    (folder / "symmetric_cross_entropy.py").write_text(source, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    header = (
        "import math\nimport pytest\nimport torch\nfrom clc_text.methods.base import TrainingState\n"
        "from clc_text.methods.symmetric_cross_entropy import SymmetricCrossEntropy\n\n\n"
    )
    (tmp_path / "test_by_hand_of_docs.py").write_text(header + by_hand, encoding="utf-8")
    tests = [str(ROOT / "tests" / "methods" / "test_contract.py"), str(tmp_path / "test_by_hand_of_docs.py")]
    printed = Forked(tmp_path / "printed", contract_and_training, tmp_path, tests).printed()
    assert int(re.findall(r"(\d+) passed", printed)[0]) > 20
    assert "symmetric_cross_entropy on quickstart" in printed
