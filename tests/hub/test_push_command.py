"""`clc-text push` from end to end: what is pushed is what `datasets` loads and what `clc-text predict` runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from fake_hub import TOKEN, FakeHub, Repo
from refusals import refused
from typer.testing import CliRunner, Result

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_lock import alone_in, untouched
from clc_text.errors import InputError


@pytest.fixture
def run(corrected_run: Path, tmp_path: Path) -> Path:
    """A copy of the corrected run that a test may change."""
    return Path(shutil.copytree(corrected_run, tmp_path / "run"))


def command(*arguments: object) -> Result:
    from clc_text.cli import app

    result = CliRunner().invoke(app, ["push", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, (InputError, SystemExit)):
        raise result.exception
    assert TOKEN not in result.output + str(result.exception)
    return result


def sentence(result: Result) -> str:
    assert isinstance(result.exception, InputError)
    return str(result.exception)


def test_what_was_pushed_is_what_datasets_loads(corrected_run: Path, hub: FakeHub, tmp_path: Path) -> None:
    """In processes of their own, as users have them: push, push again, load."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | {
        "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    program = f"""
import json, sys
from clc_text.cli import main
sys.argv = ["clc-text", "push", {str(corrected_run)!r}, "--repo", "user/odd", "--language", "en", "--columns", "all"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
from datasets import load_dataset
loaded = load_dataset("user/odd")
rows = {{name: part.to_dict() for name, part in loaded.items()}}
names = {{name: {{key: value.names for key, value in part.features.items() if hasattr(value, "names")}}
         for name, part in loaded.items()}}
print(json.dumps({{"rows": rows, "names": names}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    address, found = done.stdout.splitlines()[-2:]
    assert address == f"{hub.url}/datasets/user/odd"
    loaded = json.loads(found)

    run = RunDirectory(corrected_run)
    labels, train, test = run.labels(), loaded["rows"]["train"], loaded["rows"]["test"]
    for split in ("train", "test"):
        for column in ("kind", "label", "label_given", "label_true", "label_suggested"):
            assert loaded["names"][split][column] == run.label_names
    source = run.data("train")
    assert train["text"] == list(source["text"])
    assert train["source_run_id"] == list(source["run_id"])
    assert train["label_given"] == labels.given.tolist()
    assert train["label_true"] == labels.true.tolist()
    assert set(train["run_id"]) == {run.run_id}
    changed = np.asarray(train["label"]) != np.asarray(train["label_given"])
    assert changed.sum() > 10
    assert (np.asarray(train["label_source"])[changed] == "method").all()
    assert test["text"] == list(run.data("test")["text"])
    assert test["label"] == test["label_given"] == test["kind"] == list(run.data("test")["kind"])
    assert set(test["confidence"]) == {None}


def test_everything_that_was_promised_is_there(run: Path, hub: FakeHub) -> None:
    result = command(run, "--repo", "user/odd")
    assert result.exit_code == 0
    files = hub.repo("dataset", "user/odd").files()
    assert set(files) == {
        ".gitattributes", "README.md", "audit.json", "corrected.json", "data/test-00000-of-00001.parquet",
        "data/train-00000-of-00001.parquet", "environment.json", "notices.json", "noise/labels.parquet",
        "noise/manifest.json", "recipe.yaml", "result.json",
    }  # fmt: skip
    assert files["result.json"] == (run / "result.json").read_bytes()
    assert json.loads(files["noise/manifest.json"]) == RunDirectory(run).noise_manifest()
    for path, content in files.items():
        assert str(run.parent).encode() not in content, path
        assert TOKEN.encode() not in content, path


def test_a_dry_run_shows_everything_and_sends_nothing(run: Path, hub: FakeHub, tmp_path: Path) -> None:
    result = command(run, "--repo", "user/odd", "--dry-run", "--card", tmp_path / "card.md")
    assert result.exit_code == 0
    assert not hub.requests
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert card in result.output
    command(run, "--repo", "user/odd")
    sent = {path: len(content) for path, content in hub.repo("dataset", "user/odd").files().items()}
    sent.pop(".gitattributes")
    for path, size in sent.items():
        assert any(line.split() == [path, f"{size:,}", "bytes"] for line in result.output.splitlines()), path
    assert f"{sum(sent.values()):,} bytes" in result.output
    assert hub.repo("dataset", "user/odd").files()["README.md"].decode() == card


def test_a_dry_run_needs_no_token(run: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert command(run, "--repo", "user/odd", "--dry-run").exit_code == 0


def test_a_second_push_without_the_test_rows_removes_them(run: Path, hub: FakeHub) -> None:
    command(run, "--repo", "user/odd")
    (run / "data" / "test.parquet").unlink()
    result = command(run, "--repo", "user/odd")
    assert result.exit_code == 0
    files = hub.repo("dataset", "user/odd").files()
    assert [path for path in files if path.startswith("data/")] == ["data/train-00000-of-00001.parquet"]
    metadata = yaml.safe_load(files["README.md"].decode().split("---\n")[1])
    assert metadata["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]
    assert "up to date already" in command(run, "--repo", "user/odd").output


def test_a_pushed_model_is_a_run_that_predicts(run: Path, hub: FakeHub, tmp_path: Path) -> None:
    from clc_text.inference.predictor import Predictor

    result = command(run, "--repo", "user/odd-model", "--model", "--license", "apache-2.0")
    assert result.exit_code == 0
    assert ("dataset", "user/odd-model") not in hub.repos
    for path, content in hub.repo("model", "user/odd-model").files().items():
        assert str(run.parent).encode() not in content, path
        target = tmp_path / "download" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    texts = ["word10 word11 word12", "word33 word34 nothing"]
    there, here = (Predictor(RunDirectory(folder)).predict(texts) for folder in (tmp_path / "download", run))
    assert np.array_equal(there.log_probs, here.log_probs)
    card = (tmp_path / "download" / "README.md").read_text(encoding="utf-8")
    metadata = yaml.safe_load(card.split("---\n")[1])
    accuracy = RunDirectory(run).result()["accuracy"]["last"]
    assert metadata["model-index"][0]["results"][0]["metrics"][0]["value"] == round(accuracy["ensemble"] / 100, 4)
    assert metadata["license"] == "apache-2.0"
    assert metadata["pipeline_tag"] == "text-classification"
    assert f"| the last epoch | {accuracy['ensemble']:.2f} % | {accuracy['peers_mean']:.2f} % |" in card


def test_the_folder_of_a_pretrained_model_is_left_out(run: Path, hub: FakeHub) -> None:
    config = run / "model" / "config.json"
    known = json.loads(config.read_text(encoding="utf-8")) | {"label2id": {"/r/politics": 0}}
    config.write_text(json.dumps(known | {"inner": {"_name_or_path": "/home/alice/bert", "hidden_size": 8}}))
    assert command(run, "--repo", "user/odd-model", "--model").exit_code == 0
    sent = json.loads(hub.repo("model", "user/odd-model").files()["model/config.json"])
    assert sent == known | {"inner": {"hidden_size": 8}}, "and nothing else is touched"


def test_a_pull_request_of_the_command(run: Path, hub: FakeHub) -> None:
    hub.repos["dataset", "other/theirs"] = Repo(private=False)
    result = command(run, "--repo", "other/theirs", "--create-pr", "--public")
    assert result.output.splitlines()[-1] == f"pull request: {hub.url}/datasets/other/theirs/discussions/1"


@pytest.mark.parametrize("failure", [
    ("GET", "/api/", {"status": 401, "body": {"error": f"not {TOKEN}"}}),
    ("POST", "/create", {"status": 403, "headers": {"X-Error-Message": f"not {TOKEN}"}}),
    ("POST", "/commit/", {"status": 409, "body": {"error": f"not {TOKEN}"}}),
    ("POST", "/preupload", {"status": 418, "body": {"error": f"not {TOKEN}"}}),
    ("PUT", "/lfs/", {"status": 500, "body": {"error": f"not {TOKEN}"}, "times": 99}),
    ("POST", "/validate-yaml", {"status": 400, "body": {"errors": [{"message": TOKEN}]}}),
    ("POST", "/preupload", {"reset": True, "times": 99}),
])  # fmt: skip
def test_no_failure_shows_the_token(
    run: Path, hub: FakeHub, failure: tuple[str, str, dict], caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:  # fmt: skip
    """Even where the server repeats it."""
    caplog.set_level("DEBUG")
    method, part, how = failure
    hub.fail(method, part, **how)
    hub.fail("POST", "/validate-yaml", status=200, body={"warnings": [{"message": TOKEN}]}, times=2)
    said = sentence(command(run, "--repo", "user/odd"))
    assert "\n" not in said
    assert TOKEN not in said + caplog.text + "".join(str(warning.message) for warning in recwarn)
    assert "SIGNED" not in said + caplog.text
    assert all(TOKEN.encode() not in path.read_bytes() for path in run.rglob("*") if path.is_file())


def test_a_licence_that_the_hub_does_not_know_leaves_no_empty_repository(run: Path, hub: FakeHub) -> None:
    """Only the Hub knows which names it takes, so it is asked before anything is created."""
    for kind in ([], ["--model"]):
        said = sentence(command(run, "--repo", "user/odd", "--license", "my-own-licence", *kind))
        assert said == '127.0.0.1 does not accept the card\'s metadata: - "license" must not be my-own-licence'
    assert hub.repos == {}
    assert hub.count("POST", "/create") == 0


def test_a_hub_that_cannot_be_asked_about_a_card_is_pushed_to(run: Path, hub: FakeHub) -> None:
    hub.fail("POST", "/validate-yaml", status=404)
    assert command(run, "--repo", "user/odd").exit_code == 0


def test_a_run_that_has_not_ended(run: Path) -> None:
    (run / "result.json").unlink()
    assert "the run has not ended" in sentence(command(run, "--repo", "user/odd"))


def test_a_run_without_a_corrected_dataset(run: Path) -> None:
    shutil.rmtree(run / "corrected")
    assert "has no corrected dataset yet; `clc-text correct" in sentence(command(run, "--repo", "user/odd"))


def test_a_model_that_is_not_there(run: Path) -> None:
    shutil.rmtree(run / "model")
    assert sentence(command(run, "--repo", "user/odd", "--model")).endswith("has no model/; train the run again")


@pytest.mark.parametrize("option", [["--license", "Apache 2"], ["--license", "mit\nx: y"], ["--language", "English"]])
def test_what_the_hub_would_not_understand(run: Path, hub: FakeHub, option: list[str]) -> None:
    said = sentence(command(run, "--repo", "user/odd", *option))
    assert "is no licence of the Hub" in said or "is no language code" in said
    assert not hub.requests


def with_columns(run: Path, columns: dict[str, list[str]]) -> None:
    """Gives the corrected rows further columns of the source."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features, Value

    (shard,) = (run / "corrected" / "data").glob("*.parquet")
    table = pq.read_table(shard)
    features = Features.from_arrow_schema(table.schema)
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
        features[name] = Value("string")
    pq.write_table(table.cast(features.arrow_schema), shard)


def columns_of(hub: FakeHub) -> set[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = hub.repo("dataset", "user/odd").files()
    parts = [pq.read_table(pa.BufferReader(files[path])) for path in files if path.endswith("-of-00001.parquet")]
    assert len(parts) == 2 and parts[0].schema.equals(parts[1].schema)
    return set(parts[0].column_names)


def test_texts_labels_and_ids_are_sent_and_others_as_they_are_asked_for(run: Path, hub: FakeHub) -> None:
    size = len(RunDirectory(run).labels().given)
    with_columns(run, {"customer": ["Jane"] * size, "phone": ["+49 30 901820"] * size})
    told = command(run, "--repo", "user/odd", "--dry-run").output
    assert told.startswith("One commit to the private dataset user/odd")
    assert "columns of the source that are not: source_run_id, customer, phone" in told
    sent = next(line for line in told.splitlines() if line.startswith("columns that are sent: "))
    assert "+49" not in told
    command(run, "--repo", "user/odd")
    assert hub.repo("dataset", "user/odd").private
    plain = columns_of(hub)
    assert set(sent.removeprefix("columns that are sent: ").split(", ")) == plain
    assert {"text", "kind", "label", "label_given", "source_row"} <= plain
    assert not {"customer", "phone", "source_run_id"} & plain
    assert b"Jane" not in b"".join(hub.repo("dataset", "user/odd").files().values())
    told = command(run, "--repo", "user/odd", "--columns", "phone, run_id").output
    assert "column 'phone': 300 rows with what looks like a phone number, such as +49…" in told
    assert "901820" not in told
    assert columns_of(hub) == plain | {"phone", "source_run_id"}
    command(run, "--repo", "user/odd", "--columns", "all")
    assert columns_of(hub) == plain | {"phone", "source_run_id", "customer"}
    said = sentence(command(run, "--repo", "user/odd", "--columns", "fone"))
    assert "--columns names 'fone'" in said and "did you mean 'phone'?" in said
    assert "--model sends none" in sentence(command(run, "--repo", "user/odd", "--model", "--columns", "all"))


@pytest.mark.parametrize("kind", [[], ["--model"]])
def test_private_unless_it_is_said(run: Path, hub: FakeHub, kind: list[str]) -> None:
    assert "public" not in command(run, "--repo", "user/odd", "--dry-run", *kind).output.splitlines()[0]
    told = command(run, "--repo", "user/odd", "--dry-run", "--public", *kind).output.splitlines()[0]
    assert told.startswith(f"One commit to the public {'model' if kind else 'dataset'} user/odd")
    command(run, "--repo", "user/odd", *kind)
    command(run, "--repo", "user/open", "--public", *kind)
    name = "model" if kind else "dataset"
    assert hub.repo(name, "user/odd").private and not hub.repo(name, "user/open").private
    assert "say --public if that is meant" in sentence(command(run, "--repo", "user/open", *kind))


def test_a_model_is_not_sent_while_somebody_trains_there_nor_trained_while_it_is_sent(run: Path, hub: FakeHub) -> None:
    with alone_in(run):
        told = sentence(command(run, "--repo", "user/odd-model", "--model"))
    assert told.startswith(f"another process trains in {run}")
    with untouched(run), refused(where=run), alone_in(run):
        pass
