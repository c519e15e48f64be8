"""`clc-text table`: what a sweep's directory says, beside the paper."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
import statistics
from pathlib import Path

import pytest
import yaml
from refusals import refused
from scipy import stats
from typer.testing import CliRunner

from clc_text.analysis.paper import paper_accuracy
from clc_text.analysis.significance import holm
from clc_text.analysis.sweep_table import read_table
from clc_text.artifacts.how_it_learnt import told_the_noise
from clc_text.artifacts.sweep_plan import write_plan
from clc_text.cli import app
from clc_text.config.recipe import loads
from clc_text.errors import InputError

SWEEP = """
recipes: [../trec_sym05.yaml, ../own.yaml]
seeds: [0, 1, 2]
variants: {standard: {}, co_teaching: {}, clc: {}}
"""
# recipe -> variant -> last-10 mean of the peers by seed
FIGURES = {
    "trec_sym05": {"standard": [50.0, 51.0, 49.0], "co_teaching": [70.0, 72.0, 71.5], "clc": [73.0, 74.5, 73.5]},
    "own": {"standard": [80.0, 82.0], "clc": [79.0, 81.5]},
}


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    directory = tmp_path / "sweep"
    for recipe, variants in FIGURES.items():
        for variant, values in variants.items():
            for seed, value in enumerate(values):
                run = directory / recipe / variant / f"seed-{seed}"
                run.mkdir(parents=True)
                rate = "'true'" if variant == "co_teaching" else "null"
                data = "trec" if recipe == "trec_sym05" else "files"
                (run / "recipe.yaml").write_text(
                    f"data: {{name: {data}}}\nnoise_rate: {rate}\nmethod: {{name: {variant}}}\n"
                )
                accuracy = {
                    measure: {"peers_mean": value + more, "ensemble": value + more + 1}
                    for measure, more in (("last10", 0), ("last", 0.5), ("best_oracle", 2))
                }
                result = {
                    "run_id": f"{variant}-{seed}",
                    "method": variant,
                    "dataset": "trec" if recipe == "trec_sym05" else "own",
                    "noise": {"name": "symmetric", "rate": 0.5, "realised_rate": 0.5},
                    "accuracy": accuracy,
                }
                (run / "result.json").write_text(json.dumps(result))
    (directory / "own" / "co_teaching" / "seed-0").mkdir(parents=True)  # under way
    (directory / "sweep.yaml").write_text(SWEEP)
    return directory


def shown(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["table", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def test_mean_and_deviation_over_seeds(sweep: Path) -> None:
    table = read_table(sweep)
    assert (table.recipes, table.variants) == (["trec_sym05", "own"], ["standard", "co_teaching", "clc"])
    for recipe, variants in FIGURES.items():
        for variant, values in variants.items():
            cell = table.cells[variant, recipe]
            assert cell.mean("last10") == pytest.approx(statistics.fmean(values))
            assert cell.deviation("last10") == pytest.approx(statistics.stdev(values))
            assert cell.mean("best_oracle") == pytest.approx(statistics.fmean(values) + 2)
    assert table.missing == 18 - 13
    assert read_table(sweep, "ensemble").cells["clc", "own"].mean("last") == pytest.approx(81.75)


def test_the_lead_is_a_paired_test_against_the_best_of_the_others(sweep: Path) -> None:
    table = read_table(sweep)
    lead = table.lead("trec_sym05", "clc")
    figures = FIGURES["trec_sym05"]
    assert lead is not None and (lead.other, lead.test.kind) == ("co_teaching", "paired")
    assert lead.test.p == pytest.approx(stats.ttest_rel(figures["clc"], figures["co_teaching"]).pvalue)
    # Which of the two others is the best was read off the same figures.
    rest = stats.ttest_rel(figures["clc"], figures["standard"]).pvalue
    assert lead.p == pytest.approx(holm([lead.test.p, rest])[0])
    assert lead.difference == pytest.approx(2.5)
    assert table.lead("own", "co_teaching") is None  # it has no run there


def test_the_lead_is_of_the_measure_that_is_shown(sweep: Path) -> None:
    result = sweep / "trec_sym05/standard/seed-0/result.json"
    plain = json.loads(result.read_text())
    plain["accuracy"]["best_oracle"]["peers_mean"] = 200.0
    result.write_text(json.dumps(plain))
    lead = read_table(sweep).lead("trec_sym05", "clc", "best_oracle")
    values = [200.0, 53.0, 51.0]
    assert lead is not None and lead.other == "standard"
    assert lead.difference == pytest.approx(
        statistics.fmean(FIGURES["trec_sym05"]["clc"]) + 2 - statistics.fmean(values)
    )
    assert "trec_sym05: clc is 25.67 points below standard" in shown(sweep, "--measure", "best_oracle", "--markdown")
    assert "trec_sym05: clc is 2.50 points above co_teaching" in shown(sweep, "--markdown")


def test_runs_that_the_sweep_no_longer_names_are_counted_apart_and_not_mixed_in(sweep: Path) -> None:
    (sweep / "sweep.yaml").write_text(SWEEP.replace("[0, 1, 2]", "[2, 8]").replace("clc: {}", "new: {}"))
    table = read_table(sweep)
    assert {key: list(cell.values) for key, cell in table.cells.items()} == {
        ("standard", "trec_sym05"): [2], ("co_teaching", "trec_sym05"): [2],
    }  # fmt: skip
    assert table.variants == ["standard", "co_teaching", "new"]
    assert table.missing == 12 - 2
    assert table.others == 13 + 1 - 2  # one of them is under way
    assert "12 further runs here are not of this sweep." in shown(sweep, "--markdown")
    (sweep / "sweep.yaml").write_text(SWEEP.replace("[0, 1, 2]", "[7, 8]"))
    with pytest.raises(InputError, match=r"no run in .* has ended .*\(12 planned runs have no result yet; 14 further"):
        read_table(sweep)


def test_folders_that_somebody_put_aside_are_no_runs(sweep: Path) -> None:
    for name in ("seed-0.bak", "seed-old", "seed-"):
        shutil.copytree(sweep / "own/clc/seed-0", sweep / "own/clc" / name)
    table = read_table(sweep)
    assert len(table.cells["clc", "own"].values) == 2
    assert table.others == 0


@pytest.mark.parametrize("damage", ["", '{"method": "cl', "{}", "[1]", '{"accuracy": 7}'])
def test_a_damaged_result_is_named(sweep: Path, damage: str) -> None:
    result = sweep / "own/clc/seed-1/result.json"
    result.write_text(damage)
    with refused(where=result):
        read_table(sweep)


def test_a_damaged_recipe_is_named(sweep: Path) -> None:
    (sweep / "own/clc/seed-0/recipe.yaml").write_text("name: {")
    with refused(where=sweep / "own/clc/seed-0/recipe.yaml"):
        read_table(sweep)


def test_names_are_the_written_ones_whatever_yaml_makes_of_them(sweep: Path) -> None:
    """To YAML 1.1 `on` is true and 0.10 is 0.1."""
    for recipe in ("trec_sym05", "own"):
        (sweep / recipe / "standard").rename(sweep / recipe / "on")
        (sweep / recipe / "clc").rename(sweep / recipe / "0.10")
    (sweep / "sweep.yaml").write_text(SWEEP.replace("standard:", "on:").replace("clc:", "0.10:"))
    table = read_table(sweep)
    assert table.variants == ["on", "co_teaching", "0.10"]
    assert (table.missing, table.others) == (5, 0)


def test_what_is_missing_is_said_apart(sweep: Path) -> None:
    shutil.rmtree(sweep / "own/standard/seed-0")
    (sweep / "own/standard/seed-0.error.txt").write_text("the data is nowhere\n")
    for seed in (0, 1):
        result = sweep / f"own/clc/seed-{seed}/result.json"
        result.write_text(json.dumps(json.loads(result.read_text()) | {"accuracy": None}))
    (sweep / "own/clc/seed-1.error.txt").write_text("of an earlier attempt\n")
    (sweep / "sweep.yaml").write_text(SWEEP.replace("clc: {}", "clc: {}, bad: {}"))
    for recipe in ("own", "trec_sym05"):
        (sweep / recipe / "bad").mkdir()
        for seed in range(3):
            (sweep / recipe / "bad" / f"seed-{seed}.error.txt").write_text("it fails\n")
    table = read_table(sweep)
    assert (table.missing, table.failed, table.untested, table.others) == (5, 7, 2, 0)
    text = shown(sweep, "--markdown")
    assert "| bad | – |  | – |" in text
    assert "5 planned runs have no result yet. 7 have failed (the *.error.txt beside their folders say why)." in text
    assert "2 have ended without test rows." in text
    assert "bad" in shown(sweep) and "bad" in shown(sweep, "--latex")


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ("{noise_rate: 'true', method: {name: co_teaching}}", True),
        ("{noise_rate: 'true', method: {name: standard}}", False),
        ("{noise_rate: 'true', method: {name: somebodys_own}}", True),
        ("{noise_rate: estimate, method: {name: co_teaching}}", False),
        ("{noise_rate: 0.385, method: {name: co_teaching}}", True),
        ("{noise_rate: 0.385, method: {name: standard}}", False),
        ("{method: {name: forward, matrix_file: t.csv}}", True),
        ("{method: {name: forward, matrix: 'true'}}", True),
        ("{method: {name: forward, matrix: estimate}}", False),
        ("{}", False),
    ],
)
def test_who_was_told_the_noise(recipe: str, told: bool) -> None:
    assert told_the_noise(yaml.safe_load(recipe)) == told


def test_markdown_has_the_best_in_bold_and_the_paper_beside(sweep: Path) -> None:
    text = shown(sweep, "--markdown")
    assert "| variant | trec_sym05 | paper | own |" in text
    assert "| **73.67 ± 0.76** | 73.42 | 80.25 ± 1.77 (2) |" in text
    assert "| co_teaching † | 71.17 ± 1.04 | 71.54 | – |" in text
    assert "5 planned runs have no result yet" in text
    assert "* trec_sym05: clc is 2.50 points above co_teaching" in text
    assert "* own: clc is 0.75 points below standard" in text


@pytest.mark.parametrize("other", ["encoder: {name: sentence}", "data: {name: trec, labels: fine}"])
def test_the_paper_is_not_beside_what_it_did_not_do(sweep: Path, other: str) -> None:
    for recipe in (sweep / "trec_sym05").glob("*/*/recipe.yaml"):
        recipe.write_text(f"{recipe.read_text()}{other}\n")
    assert "paper" not in shown(sweep, "--markdown")


@pytest.mark.parametrize(
    "own", ["{name: files, train: own.csv, title: trec}", "{name: hub, id: CogComp/trec, label: fine_label}"]
)
def test_the_paper_is_not_beside_other_data_of_the_same_title(sweep: Path, own: str) -> None:
    for recipe in (sweep / "trec_sym05").glob("*/*/recipe.yaml"):
        recipe.write_text(recipe.read_text().replace("{name: trec}", own))
    assert "paper" not in shown(sweep, "--markdown")


@pytest.mark.parametrize("other", [("--measure", "last"), ("--measure", "best_oracle"), ("--of", "ensemble")])
def test_the_paper_s_mean_of_ten_epochs_is_not_beside_another_figure(sweep: Path, other: tuple[str, str]) -> None:
    for form in ("--markdown", "--latex"):
        assert "73.42" in shown(sweep, form)
        text = shown(sweep, form, *other)
        assert "73.42" not in text and "paper's figure (Wu" not in text


def test_cells_with_fewer_seeds_than_the_rest_say_so(sweep: Path) -> None:
    text = shown(sweep, "--markdown")
    assert "over 3 seeds, or over as many as stand in brackets." in text
    assert "| **81.00 ± 1.41 (2)** |" in text and "51.00 ± 1.00 (" not in text
    assert r"80.25 $\pm$ 1.77 (2)" in shown(sweep, "--latex")
    for run in sweep.glob("*/*/seed-2"):
        shutil.rmtree(run)
    text = shown(sweep, "--markdown")
    assert "over 2 seeds." in text and "brackets" not in text and "(2)" not in text


def test_without_a_test_the_sentence_says_why(sweep: Path) -> None:
    def leads() -> list[str]:
        return [line for line in shown(sweep, "--markdown").splitlines() if line.startswith("* ")]

    for seed, value in enumerate(FIGURES["own"]["standard"]):
        result = sweep / f"own/clc/seed-{seed}/result.json"
        plain = json.loads(result.read_text())
        plain["accuracy"]["last10"]["peers_mean"] = value + 1
        result.write_text(json.dumps(plain))
    assert leads()[1].endswith(
        "1.00 points above standard, the best of the others (no test, since seeds do not change it)"
    )
    for run in sweep.glob("*/*/seed-[12]"):
        shutil.rmtree(run)
    assert leads() == [
        "* trec_sym05: clc is 3.00 points above co_teaching, the best of the others (one seed, no test)",
        "* own: clc is 1.00 points above standard, the best of the others (one seed, no test)",
    ]


def run_on(run: Path, **sha256: str) -> None:
    """Writes down that the run has read these files."""
    sources = [{"path": f"{name}.csv", "sha256": digest * 8} for name, digest in sha256.items()]
    (run / "environment.json").write_text(json.dumps({"run_id": "own", "sources": sources}))


def test_runs_on_different_data_are_not_compared(sweep: Path) -> None:
    for run in sweep.glob("own/*/seed-[01]"):
        run_on(run, train="01234567", test="89abcdef")
    for run in sweep.glob("trec_sym05/*/seed-*"):
        run_on(run, train="another")
    assert len(read_table(sweep).cells) == 5  # recipes differ in their data as they like
    for seed in (0, 1):
        run_on(sweep / f"own/clc/seed-{seed}", train="fedcba98", test="89abcdef")
    with pytest.raises(InputError) as caught:
        read_table(sweep)
    assert str(caught.value) == (
        f"the runs in {sweep / 'own'} were not made on the same data (standard/seed-0, standard/seed-1: train.csv "
        "01234567; clc/seed-0, clc/seed-1: train.csv fedcba98), and their figures cannot be compared; remove the "
        "folders of all but one kind, and `clc-text sweep` runs those cells anew"
    )
    for run in sweep.glob("own/clc/seed-*"):  # a variant that names other data means to
        (run / "recipe.yaml").write_text("data: {name: files, train: corrected.csv}\nmethod: {name: clc}\n")
    assert len(read_table(sweep).cells) == 5
    run_on(sweep / "own/clc/seed-1", train="01234567", test="89abcdef")
    with refused(where=sweep / "own", key="data", says="clc/seed-1: train.csv 01234567"):
        read_table(sweep)


def test_runs_of_another_recipe_than_the_sweep_gives_are_left_out(sweep: Path) -> None:
    recipes = {
        f"own/{variant}/seed-{seed}": loads(f"data: quickstart\nmethod: {variant}\nseeds: {{noise: {seed}}}\n")
        for variant in ("standard", "clc") for seed in (0, 1)
    }  # fmt: skip
    for path, recipe in recipes.items():
        (sweep / path / "recipe.yaml").write_text(recipe.dump())
    write_plan(sweep, recipes)
    assert read_table(sweep).foreign == []
    renamed = dataclasses.replace(recipes["own/clc/seed-0"], name="renamed")  # which changes no result
    (sweep / "own/clc/seed-0/recipe.yaml").write_text(renamed.dump())
    (sweep / "own/clc/seed-1/recipe.yaml").write_text(recipes["own/clc/seed-0"].dump())
    table = read_table(sweep)
    assert (table.foreign, table.missing) == (["own/clc/seed-1"], 5)
    assert list(table.cells["clc", "own"].values) == [0]
    assert (
        "1 were run from another recipe than the sweep now gives, such as own/clc/seed-1 (remove their folders, and "
        "`clc-text sweep` runs them anew)."
    ) in shown(sweep, "--markdown")
    (sweep / "own/clc/seed-1/recipe.yaml").write_text("data: {name: from_a_plug-in}\n")
    assert read_table(sweep).foreign == ["own/clc/seed-1"]
    (sweep / "cells.json").write_text("[")
    with refused(where=sweep / "cells.json"):
        read_table(sweep)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--reference", "cocl_teaching"), "the sweep has no variant 'cocl_teaching'; did you mean 'co_teaching'?"),
        (("--out", "x.pdf"), "--out names the file of --over's picture"),
        (("--over", "method.alpha", "--csv"), "--over draws a picture, and --markdown, --csv and --latex print"),
        (("--over", "method.alpha", "--markdown"), "give one of them"),
    ],
)
def test_what_would_be_ignored_is_refused(sweep: Path, arguments: tuple[str, ...], sentence: str) -> None:
    result = CliRunner().invoke(app, ["table", str(sweep), *arguments])
    assert isinstance(result.exception, InputError) and sentence in str(result.exception)


def test_a_sweep_need_not_have_the_reference_that_nobody_named(sweep: Path) -> None:
    (sweep / "sweep.yaml").write_text(SWEEP.replace(", clc: {}", ""))
    assert "points" not in shown(sweep, "--markdown")
    assert "standard is" in shown(sweep, "--markdown", "--reference", "standard")


def test_csv_has_every_seed(sweep: Path) -> None:
    lines = list(csv.DictReader(io.StringIO(shown(sweep, "--csv"))))
    assert len(lines) == 5
    [line] = [line for line in lines if (line["recipe"], line["variant"]) == ("trec_sym05", "clc")]
    assert line["last10_by_seed"] == "73.0000 74.5000 73.5000"
    assert (line["paper"], line["seeds"], line["last_mean"]) == ("73.42", "0 1 2", "74.1667")


def test_latex_is_a_tabular(sweep: Path) -> None:
    text = shown(sweep, "--latex", "--measure", "last")
    assert r"\textbf{74.17 $\pm$ 0.76}" in text and r"trec\_sym05" in text
    assert text.count(r"\\") == 4 and text.rstrip().endswith(r"\end{tabular}")


@pytest.mark.parametrize(
    ("asked", "figure"),
    [
        (("trec", "symmetric", 0.5, "clc"), 73.42),
        (("news", "pairwise", 0.45, "mentornet"), 44.96),
        (("cifar10", "pairwise", 0.45, "co_teaching"), 72.74),
        (("clothing1m", "none", None, "clc"), 69.86),
        (("food101n", "none", None, "standard"), 75.45),
        (("trec", "symmetric", 0.4, "clc"), None),
        (("trec", "symmetric", 0.5, "slc"), None),
    ],
)
def test_the_paper_s_figures(asked: tuple[str, str, float | None, str], figure: float | None) -> None:
    assert paper_accuracy(*asked) == figure


def test_what_is_no_sweep(tmp_path: Path, sweep: Path) -> None:
    with refused(where=tmp_path / "nowhere", key="sweep.yaml"):
        read_table(tmp_path / "nowhere")
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    with refused(where=tmp_path, key="test rows"):
        read_table(tmp_path)
    (sweep / "sweep.yaml").write_text("recipes: {")
    with refused(where=sweep / "sweep.yaml"):
        read_table(sweep)
    result = CliRunner().invoke(app, ["table", str(sweep), "--measure", "last20"])
    assert isinstance(result.exception, InputError) and "did you mean 'last10'" in str(result.exception)


def test_a_picture_over_a_key(sweep: Path, tmp_path: Path) -> None:
    from clc_text.plots.sweep_figure import points_over

    for recipe in sweep.glob("*/clc/seed-*/recipe.yaml"):
        recipe.write_text("noise_rate: null\nmethod: {name: clc, warmup_epochs: 7}\n")
    for recipe in sweep.glob("*/[sc][to]*/seed-*/recipe.yaml"):
        recipe.write_text("noise_rate: null\nmethod: {name: standard, warmup_epochs: 3}\n")
    found = points_over(read_table(sweep), sweep, "method.warmup_epochs", "last10")
    assert found["own"] == {"standard": {3.0: [80.0, 82.0]}, "clc": {7.0: [79.0, 81.5]}}
    target = tmp_path / "over.svg"
    assert shown(sweep, "--over", "method.warmup_epochs", "--out", target).strip() == str(target)
    assert target.read_text().startswith("<?xml")

    for key, sentence in (
        ("method.warmup", "did you mean 'warmup_epochs'"),
        ("method.name", "a key that is a number"),
    ):
        result = CliRunner().invoke(app, ["table", str(sweep), "--over", key])
        assert isinstance(result.exception, InputError) and sentence in str(result.exception)
