"""`clc-text plot`, `tsne`, `compare` and `inspect` as a user calls them."""

from __future__ import annotations

import json
import shutil

from refusals import refused
from typer.testing import CliRunner

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.errors import InputError


def call(*arguments: object):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_plot_writes_below_the_run_and_says_where(make_run):
    run = make_run(epochs=4)
    result = call("plot", run.path, "--figure", "entropy", "--gamma", "0.8")
    assert result.exit_code == 0
    assert result.stdout.strip() == str(run.path / "figures" / "entropy.pdf")
    assert (run.path / "figures" / "entropy.pdf").read_bytes().startswith(b"%PDF")


def test_plot_of_several_runs_and_of_one_that_goes_on(make_run, tmp_path):
    runs = [make_run(seed=0, epochs=4), make_run(seed=1, epochs=3, planned=4)]
    result = call("plot", *(run.path for run in runs), "--figure", "accuracy", "--out", tmp_path / "a.svg")
    assert result.exit_code == 0
    assert "has not ended: 3 of 4 epochs so far" in result.stderr
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


def test_plot_refuses_before_it_draws(make_run, tmp_path):
    run = make_run(epochs=4)
    with refused(key="confusoin"):
        call("plot", run.path, "--figure", "confusoin")
    with refused(where=tmp_path / "nowhere"):
        call("plot", tmp_path / "nowhere", "--figure", "entropy")
    with refused(where=tmp_path, key="recipe.yaml"):
        call("plot", tmp_path, "--figure", "entropy")
    with refused(where=tmp_path / "a.gif"):
        call("plot", run.path, "--figure", "entropy", "--out", tmp_path / "a.gif")
    assert not (run.path / "figures").exists()


def test_inspect_prints_and_draws(make_run, tmp_path):
    run = make_run(epochs=4)
    result = call("inspect", run.path, "--row", "3", "--plot", tmp_path / "row.png")
    assert "row 3: What is number 3" in result.stdout
    assert (tmp_path / "row.png").read_bytes().startswith(b"\x89PNG")
    with refused(where=run.path, row=999):
        call("inspect", run.path, "--row", "999")


def test_compare_prints_each_format(make_run):
    runs = [make_run(seed=0, epochs=4).path, make_run(method="standard", seed=0, epochs=4).path]
    assert "CLC" in call("compare", *runs).stdout
    assert call("compare", *runs, "--markdown").stdout.startswith("| runs | n |")
    assert call("compare", *runs, "--csv").stdout.startswith("runs,n,last10_mean")
    assert len(json.loads(call("compare", *runs, "--json").stdout)["groups"]) == 2
    with refused(key="--markdown"):
        call("compare", *runs, "--csv", "--json")


def test_tsne_writes_picture_page_and_numbers_and_repeats_itself(tiny_run, tmp_path):
    options = ("--sample", 150, "--perplexity", 12, "--iterations", 300)
    first = call("tsne", tiny_run, *options, "--out", tmp_path / "one.png")
    assert first.exit_code == 0
    assert "k-NN" in first.stdout
    endings = (".png", ".html", ".json", ".parquet")
    assert [(tmp_path / f"one{ending}").is_file() for ending in endings] == [True] * 4
    call("tsne", tiny_run, *options, "--out", tmp_path / "two.png")
    for ending in endings:
        assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()
    panels = json.loads((tmp_path / "one.json").read_text())["panels"]
    assert [panel["peer"] for panel in panels] == [0, 1]
    assert panels[0]["quality"]["true"]["rows"] == 150


def test_tsne_of_few_rows_lowers_its_perplexity_and_says_so(tiny_run, tmp_path):
    result = call("tsne", tiny_run, "--peer", 0, "--sample", 16, "--iterations", 300, "--out", tmp_path / "few.png")
    assert result.exit_code == 0 and "the perplexity is 5, as there are few rows" in result.stdout
    assert json.loads((tmp_path / "few.json").read_text())["settings"]["perplexity"] == 5
    with refused(key="--perplexity"):
        call("tsne", tiny_run, "--peer", 0, "--sample", 16, "--perplexity", 30, "--out", tmp_path / "no.png")


def test_tsne_of_two_runs_side_by_side(tiny_run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(tiny_run, other)
    result = call("tsne", tiny_run, other, "--labels", "given,true", "--sample", 60, "--perplexity", 8, "--iterations",
                  300, "--out", tmp_path / "two.pdf")  # fmt: skip
    assert result.exit_code == 0
    panels = json.loads((tmp_path / "two.json").read_text())["panels"]
    assert [panel["peer"] for panel in panels] == [0, 0]
    assert panels[0]["quality"] == panels[1]["quality"]


def test_every_figure_of_a_trained_run(tiny_run, tmp_path):
    for name in ("accuracy", "confusion", "corrections", "entropy", "selection", "threshold"):
        path = tmp_path / f"{name}.svg"
        assert call("plot", tiny_run, "--figure", name, "--out", path).exit_code == 0
        assert path.stat().st_size > 5000
    assert RunDirectory(tiny_run).complete
