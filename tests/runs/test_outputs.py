"""No command writes over what it reads, over a run's own files, or through a link out of a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from refusals import refused
from typer.testing import CliRunner

from clc_text.cli import app
from clc_text.errors import InputError
from clc_text.hub.contents import is_sent
from clc_text.runs.outputs import check_output
from clc_text.runs.run import WRITTEN
from clc_text.text.encoders.tfidf import Tfidf
from clc_text.text.encoders.word_vectors import WordVectors
from clc_text.utils.links import leading_out


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What is looked at of a run: the names of its files."""
    run = tmp_path / "run"
    for folder in ("noise", "dynamics", "figures", "model", "encoder", "data"):
        (run / folder).mkdir(parents=True)
    for name in ("recipe.yaml", "environment.json", "result.json"):
        (run / name).write_text("{}")
    return run


def invoke(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, (InputError, SystemExit)):
        raise result.exception
    refused = isinstance(result.exception, InputError)
    return 2 if refused else result.exit_code, str(result.exception) if refused else result.output


@pytest.mark.parametrize("name", sorted(WRITTEN - {"figures", "report.html"}))
def test_a_run_s_own_files_are_not_written_over(run: Path, name: str) -> None:
    for out in (run / name, run / name / "new.csv", run / "figures" / ".." / name):
        with refused(where=out):
            check_output(out)
        check_output(out, force=True)


def test_what_is_made_again_and_what_is_a_person_s_may_be_written(run: Path, tmp_path: Path) -> None:
    for out in (run / "figures" / "a.pdf", run / "report.html", run / "look_first.csv", tmp_path / "a.csv"):
        check_output(out)


def test_an_input_is_not_written_over_by_any_of_its_names(tmp_path: Path) -> None:
    source = tmp_path / "f.csv"
    source.write_text("text\na\n")
    (tmp_path / "link.csv").symlink_to(source)
    (tmp_path / "hard.csv").hardlink_to(source)
    (tmp_path / "sub").mkdir()
    for out in (source, tmp_path / "link.csv", tmp_path / "hard.csv", tmp_path / "sub" / ".." / "f.csv"):
        with refused(where=out):
            check_output(out, inputs=[None, source])
        check_output(out, inputs=[source], force=True)
    check_output(tmp_path / "g.csv", inputs=[source, None])


def test_nothing_is_written_through_a_link_out_of_a_run(run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (run / "figures").rmdir()
    (run / "figures").symlink_to(elsewhere)
    with refused(where=run / "figures"):
        check_output(run / "figures" / "entropy.pdf")


def test_links_within_a_folder_and_to_a_folder_are_no_way_out(run: Path, tmp_path: Path) -> None:
    (run / "model" / "a").symlink_to(run / "encoder")
    (tmp_path / "alias").symlink_to(run)
    assert leading_out(run, WRITTEN) is None
    assert leading_out(tmp_path / "alias", WRITTEN) is None
    (run / "dynamics" / "epoch-0001.parquet").symlink_to("/etc/hostname")
    assert leading_out(run, WRITTEN) == run / "dynamics" / "epoch-0001.parquet"


@pytest.mark.parametrize("linked", ["dynamics", "noise", "figures", "checkpoints", "environment.json"])
@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
def test_a_stranger_s_links_stop_resume_and_overwrite(
    tiny_run: Path, tiny_recipe: Path, tmp_path: Path, linked: str, flag: str
) -> None:
    copied = Path(shutil.copytree(tiny_run, tmp_path / "copied"))
    outside = tmp_path / "outside"
    (copied / linked).rename(outside) if (copied / linked).exists() else outside.mkdir()
    (copied / linked).symlink_to(outside)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    code, told = invoke("train", tiny_recipe, "--out", copied, flag, "--set", "canaries=0.02", "--set", "name=tiny")
    assert code == 2
    assert f"{copied / linked} is a link that leads out of the run" in told
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_every_command_with_a_file_to_write_asks(tiny_run: Path, tmp_path: Path) -> None:
    """In the run itself, where the answer must come before anything is computed."""
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    source = tmp_path / "f.csv"
    source.write_text("text,more\nWho ?,1\n")
    before = {path: path.read_bytes() for path in [*run.rglob("*"), source] if path.is_file()}
    for arguments in (
        ["predict", run, source, "--out", source],
        ["predict", run, source, "--out", run / "metrics.jsonl"],
        ["push", run, "--repo", "a/b", "--model", "--dry-run", "--card", run / "recipe.yaml"],
        ["plot", run, "--figure", "entropy", "--out", run / "model" / "x.pdf"],
        ["inspect", run, "--row", 1, "--plot", run / "data" / "x.png"],
        ["tsne", run, "--out", run / "result.png"],  # beside which result.json would be written
        ["report", run, "--out", run / "noise" / "x.html"],
    ):
        code, told = invoke(*arguments)
        assert code == 2
        assert "or say --force if that is meant" in told, arguments
    assert {path: path.read_bytes() for path in [*run.rglob("*"), source] if path.is_file()} == before


def test_force_writes_over_an_input(tiny_run: Path, tmp_path: Path) -> None:
    source = tmp_path / "f.csv"
    source.write_text("text\nWho ?\n")
    code, told = invoke("predict", tiny_run, source, "--out", source, "--force")
    assert code == 0, told
    assert source.read_text().startswith("row,text,label")


def test_all_that_encoders_and_networks_are_saved_as_is_sent(tiny_run: Path, tmp_path: Path) -> None:
    """So that what is downloaded again predicts; whoever adds a file to an encoder adds it to the list."""
    saved = [tiny_run / "model", tiny_run / "encoder"]
    for name, encoder in (("tfidf", Tfidf(dimension=2, word_vectors=3)), ("words", WordVectors(vectors="train"))):
        fitted = encoder.fit(["one two three four", "two three four five"] * 5, [], 0)
        (tmp_path / name).mkdir()
        fitted.save(tmp_path / name)
        saved.append(tmp_path / name)
    for folder in saved:
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files
        assert [path for path in files if not is_sent(path)] == []


def test_a_push_sends_a_list_of_files_and_nothing_that_a_link_leads_to(tiny_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    push = ["push", run, "--repo", "a/b", "--model", "--dry-run"]
    code, clean = invoke(*push)
    assert code == 0, clean
    for name in ("notes.txt", "training.pkl", ".secret.safetensors"):
        (run / "model" / name).write_text("mine")
    (run / "encoder" / "sub").mkdir()
    (run / "encoder" / "sub" / "id_rsa").write_text("mine")
    assert invoke(*push) == (0, clean)
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"password": 1}))
    for place in ("model/config.json", "encoder/more.safetensors", "result.json", "noise/labels.parquet"):
        (run / place).unlink(missing_ok=True)
        (run / place).symlink_to(secret)
        code, told = invoke(*push)
        assert code == 2
        assert f"{run / place} is a link that leads out of the run" in told
        (run / place).unlink()
        if (tiny_run / place).exists():
            shutil.copy(tiny_run / place, run / place)
