"""`clc-text correct`: what is written is the source with its labels corrected by the rule, and nothing else."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, load_dataset
from refusals import refused
from safetensors.numpy import save_file
from synthetic_run import NAMES, Made, corrected_of, make_run

from clc_text.artifacts.dynamics import epoch_file, read_epoch
from clc_text.config.recipe import loads
from clc_text.corrections.correct import correct
from clc_text.corrections.gather import gather
from clc_text.corrections.log import Step
from clc_text.corrections.policy import policy_named
from clc_text.corrections.predictions import in_sample
from clc_text.corrections.source import from_parquet, kept_rows
from clc_text.corrections.state import GIVEN, METHOD, PERSON
from clc_text.corrections.store import Corrected
from clc_text.utils.files import write_text

Command = Callable[..., str]


@pytest.mark.parametrize("policy", ["posterior", "targets", "agree", "confidence"])
def test_labels_row_by_row(made: Made, policy: str) -> None:
    state = corrected_of(made, policy).state()
    chosen = policy_named(policy)
    evidence = gather(in_sample(made.run), made.labels, chosen).rows
    labels = made.labels
    changed = 0
    for row in range(len(labels.given)):
        takes = chosen.rival or evidence.confidence[row] > evidence.probability_given[row]
        takes = takes and not labels.canary[row]
        takes = takes and evidence.confidence[row] >= chosen.min_confidence
        takes = takes and 1 - evidence.probability_given[row] >= chosen.min_doubt
        takes = takes and (evidence.peers_agree[row] or not chosen.peers_agree)
        assert state.label[row] == (evidence.suggested[row] if takes else labels.given[row])
        assert state.source[row] == (METHOD if takes else GIVEN)
        assert state.given[row] == labels.given[row]
        changed += bool(takes)
    assert changed > 30


def test_canaries_are_given_back_and_counted(made: Made) -> None:
    corrected = corrected_of(made)
    state, labels = corrected.state(), made.labels
    np.testing.assert_array_equal(state.label[labels.canary], labels.given[labels.canary])
    assert (state.source[labels.canary] == GIVEN).all()
    found = repaired = doubted = 0
    for row in np.flatnonzero(labels.canary).tolist():
        firsts = {int(np.argmax(peer[row])) for peer in made.log_probs}
        mean = np.exp(made.log_probs[:, row].astype(float)).mean(0)
        suggested = int(mean.argmax())
        doubted += float(mean[labels.trained[row]] / mean.sum()) < 0.5
        if len(firsts) == 1 and suggested != labels.trained[row]:
            found += 1
            repaired += suggested == labels.given[row]
    assert corrected.facts["canaries"] == {"planted": 40, "found": found, "repaired": repaired, "doubted": doubted}
    assert found > 20


def test_since_when_training_taught_it(made: Made) -> None:
    """The first epoch since which every peer was taught the suggested class in every later one."""
    state = corrected_of(made).state()
    random = np.random.default_rng(1)
    for epoch in (2, 3):  # some rows are taught otherwise there, and some are not seen
        path = epoch_file(made.run.file("dynamics"), epoch)
        table = pq.read_table(path)
        targets = table["target_0"].to_numpy().copy()
        other = random.random(400) < 0.3
        targets[other] = (targets[other] + 1) % 6
        table = table.set_column(table.column_names.index("target_0"), "target_0", [targets])
        table = table.set_column(table.column_names.index("seen"), "seen", [random.random(400) < 0.8])
        pq.write_table(table, path)
    again = corrected_of(made).state()
    records = [read_epoch(epoch_file(made.run.file("dynamics"), epoch)) for epoch in (1, 2, 3, 4)]
    for row in range(400):
        asked = state.suggested[row]
        since = 0
        for epoch in (4, 3, 2, 1):
            record = records[epoch - 1]
            if not record.seen[row]:
                continue
            if any(int(target) != asked for target in record.target[:, row]):
                break
            since = epoch
        assert again.since[row] == since
    assert len(set(again.since.tolist())) > 3


def test_the_order_and_the_columns_are_the_source_s(tmp_path: Path, clc_text: Command) -> None:
    numbers = [7 * row % 400 for row in range(400)]
    lists = [[row, row + 1] for row in range(400)]
    made = make_run(
        tmp_path / "run", label_column="kind", more_columns={"id": numbers, "confidence": numbers, "pair": lists}
    )
    said = clc_text("correct", made.run.path, "--policy", "agree")
    assert "the source's column 'confidence' is called 'source_confidence' here" in said
    source = pq.read_table(made.run.file("data/train.parquet"))
    rows = load_dataset(str(made.run.file("corrected")), split="train", cache_dir=str(tmp_path / "cache"))
    names = ["text", "kind", "id", "source_confidence", "pair"]
    assert rows.column_names[:5] == names
    for here, there in zip(names, ["text", "kind", "id", "confidence", "pair"], strict=True):
        assert rows[here][:] == source[there].to_pylist()
    for name in ("kind", "label", "label_given", "label_true", "label_suggested"):
        assert rows.features[name] == ClassLabel(names=NAMES)
    assert rows["label_given"][:] == made.labels.given.tolist()
    assert rows["label_true"][:] == made.labels.true.tolist()
    assert rows["label"][:] == Corrected(made.run).state().label.tolist()
    assert sorted(rows["rank"][:]) == list(range(1, 401))


def test_a_label_column_called_label_is_the_current_one(made: Made, tmp_path: Path) -> None:
    corrected_of(made)
    rows = load_dataset(str(made.run.file("corrected")), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.column_names[:3] == ["text", "label", "label_given"]
    assert rows["label"][:] != rows["label_given"][:]


def test_unknown_true_labels_are_null_or_have_no_column(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", true_known=False)
    corrected_of(made)
    assert "label_true" not in pq.read_schema(Corrected(made.run).shards[0]).names


def test_several_shards_are_the_same_rows(made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from clc_text.corrections import dataset_files, source

    whole = pq.read_table(corrected_of(made).shards[0])
    monkeypatch.setattr(dataset_files, "SHARD_BYTES", kept_rows(made.run).bytes // 3)  # type: ignore[union-attr]
    monkeypatch.setattr(source, "BATCH_ROWS", 37)
    corrected = corrected_of(made)
    assert [shard.name for shard in corrected.shards] == [f"train-{n:05d}-of-00004.parquet" for n in range(4)]
    assert from_parquet(corrected.shards).rows == 400
    rows = load_dataset(str(corrected.path), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.to_dict() == {name: whole[name].to_pylist() for name in whole.column_names}
    assert corrected.inputs(np.array([399, 0, 150])) == [whole["text"][row].as_py() for row in (399, 0, 150)]


def test_a_person_s_label_is_locked(made: Made, clc_text: Command) -> None:
    run = made.run.path
    corrected = corrected_of(made)
    state = corrected.state()
    rows = np.concatenate([np.flatnonzero(state.changed)[:5], np.flatnonzero(~state.changed)[:5]])
    answers = ((state.label[rows] + 1) % 6).astype(np.int32)
    corrected.write(state.with_labels(rows, answers, PERSON), Step("apply", {"file": "x"}))
    clc_text("correct", run, "--policy", "posterior")
    clc_text("revert", run, "--all")
    clc_text("correct", run, "--policy", "agree")
    now = Corrected(made.run).state()
    np.testing.assert_array_equal(now.label[rows], answers)
    assert (now.source[rows] == PERSON).all()
    others = np.setdiff1d(np.arange(400), rows)
    np.testing.assert_array_equal(now.label[others], state.label[others])
    np.testing.assert_array_equal(now.doubt[rows], now.changed[rows].astype(np.float32))
    clc_text("correct", run, "--policy", "agree", "--include-person")
    now = Corrected(made.run).state()
    np.testing.assert_array_equal(now.label, state.label)
    assert not (now.source == PERSON).any()


def test_making_it_twice_makes_the_same(made: Made) -> None:
    first = pq.read_table(corrected_of(made).shards[0])
    assert pq.read_table(corrected_of(made).shards[0]).equals(first)
    history = Corrected(made.run).history()
    assert [entry["changed"] for entry in history][1] == 0
    assert [entry["step"] for entry in history] == [1, 2]


def test_the_progress_reaches_the_end(made: Made) -> None:
    told: list[tuple[str, int, int]] = []
    source = kept_rows(made.run)
    assert source is not None
    correct(made.run, policy_named("agree"), in_sample(made.run), source, progress=lambda *said: told.append(said))
    for what in {said[0] for said in told}:
        done = [(at, total) for name, at, total in told if name == what]
        assert done == sorted(done)
        assert done[-1][0] == done[-1][1]
        assert {total for _, total in done} == {400}


# ---- what cannot be corrected: one sentence, exit code 2, nothing written ----


def remove_dynamics(run: Path) -> None:
    for path in (run / "dynamics").iterdir():
        path.unlink()


def cut_dynamics(run: Path) -> None:
    (run / "dynamics" / "epoch-0004.parquet").write_bytes(b"PAR1")


def another_row(run: Path) -> None:
    path = run / "data" / "train.parquet"
    table = pq.read_table(path)
    texts = table["text"].to_pylist()
    texts[3] = "another text"
    pq.write_table(table.set_column(0, table.schema.field("text"), [texts]), path)


def another_label(run: Path) -> None:
    path = run / "noise" / "labels.parquet"
    table = pq.read_table(path)
    given = table["given"].to_numpy().copy()
    given[0] = (given[0] + 1) % 6
    table = table.set_column(1, "given", [given])
    pq.write_table(table.set_column(2, "trained", [given]), path)
    from clc_text.data.labels import sha256_of_labels

    manifest = run / "noise" / "manifest.json"
    before = (np.r_[(given[0] - 1) % 6, given[1:]]).astype(np.int64)
    known = {"name": "symmetric", "rate": 0.3, "realised_rate": 0.3}
    manifest.write_text(json.dumps(known | {"sha256": {"noisy_labels": sha256_of_labels(before)}}))


def no_predictions(run: Path) -> None:
    (run / "predictions.safetensors").unlink()


def cut_predictions(run: Path) -> None:
    path = run / "predictions.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def other_predictions(run: Path) -> None:
    save_file({"train": np.full((2, 300, 6), np.log(1 / 6), np.float32)}, run / "predictions.safetensors")


def other_classes(run: Path) -> None:
    save_file({"train": np.full((2, 400, 5), np.log(1 / 5), np.float32)}, run / "predictions.safetensors")


def no_numbers(run: Path) -> None:
    save_file({"train": np.full((2, 400, 6), np.nan, np.float32)}, run / "predictions.safetensors")


def broken_environment(run: Path) -> None:
    (run / "environment.json").write_text("{")


def not_ended(run: Path) -> None:
    no_predictions(run)
    (run / "result.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (remove_dynamics, "has no training dynamics: no epoch has ended yet, or its files were removed; train again"),
        (cut_dynamics, "epoch-0004.parquet is not readable"),
        (another_row, "train.parquet was changed after the run wrote it (its sha256 is not the recorded one)"),
        (another_label, "labels.parquet was changed after the run wrote it (its labels have not the sha256"),
        (no_predictions, "has no predictions.safetensors: the run has not ended"),
        (cut_predictions, "predictions.safetensors is not readable"),
        (other_predictions, "has predictions of 300 rows, but the run has 400 labels"),
        (other_classes, "the shape [2, 400, 5], but the run has 6 classes; the file does not belong to this run"),
        (no_numbers, "holds values that are no log-probabilities"),
        (broken_environment, "environment.json is damaged or cut short"),
        (not_ended, "the run has not ended"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_does_not_belong_together(made: Made, refused: Command, spoil: Callable[[Path], None], said: str) -> None:
    spoil(made.run.path)
    assert said in refused("correct", made.run.path, "--policy", "agree")
    assert not made.run.file("corrected").exists()
    assert not [path for path in made.run.path.iterdir() if path.name.startswith(".")]


def test_a_changed_dataset_leaves_earlier_corrections(corrected: Corrected, refused: Command) -> None:
    before = {path: path.read_bytes() for path in corrected.path.rglob("*") if path.is_file()}
    another_row(corrected.run.path)
    refused("correct", corrected.run.path)
    assert {path: path.read_bytes() for path in corrected.path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", ["diff", "audit", "export", "revert"])
def test_nothing_corrected_yet(made: Made, refused: Command, command: str) -> None:
    more = ["--all"] if command == "revert" else []
    assert "has no corrected dataset yet; `clc-text correct" in refused(command, made.run.path, *more)


def test_no_run(tmp_path: Path, refused: Command) -> None:
    assert "there is no run directory" in refused("correct", tmp_path / "nowhere")
    assert "is not a run directory: it has no recipe.yaml" in refused("correct", tmp_path)


def test_corrections_of_another_run(corrected: Corrected, refused: Command) -> None:
    path = corrected.path / "corrected.json"
    path.write_text(path.read_text().replace(corrected.run.run_id, "f" * 16))
    assert f"belongs to run {'f' * 16}, not to {corrected.run.run_id}" in refused("diff", corrected.run.path)


def test_rows_that_the_run_did_not_keep_and_cannot_find(tmp_path: Path, refused: Command) -> None:
    made = make_run(tmp_path / "run", keep_data=False)
    assert "the dataset has" in refused("correct", made.run.path)


def test_one_prediction_a_row_makes_no_condition_of_agreement(tmp_path: Path) -> None:
    """What a single prediction agrees with is itself: the rule in words must not promise more."""
    made = make_run(tmp_path / "run", peers=1)
    corrected = corrected_of(made)
    assert "agree" not in corrected.facts["policy"]["sentence"]
    assert "all peers agree" in corrected_of(make_run(tmp_path / "two", peers=2)).facts["policy"]["sentence"]


@pytest.mark.parametrize("option", ["method.criterion=margin", "method.criterion=energy", "method.temperature=2.0"])
def test_a_threshold_that_is_no_entropy_is_not_taken_for_one(tmp_path: Path, option: str) -> None:
    made = make_run(tmp_path / "run")
    write_text(
        made.run.file("recipe.yaml"), loads("data: {name: quickstart}", overrides=["method.name=clc", option]).dump()
    )
    write_text(made.run.file("metrics.jsonl"), json.dumps({"threshold": [0.5, 0.6]}) + "\n")
    with refused(key="entropy"):
        corrected_of(made, "entropy")
    write_text(made.run.file("recipe.yaml"), loads("data: {name: quickstart}", overrides=["method.name=clc"]).dump())
    assert corrected_of(made, "entropy").facts["policy"]["max_entropy"] == pytest.approx(0.55)


# ---- a corrected dataset that is damaged: one sentence, and what it says works ----


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def junk(path: Path) -> None:
    path.write_bytes(b"\xff\xfe no such file\n" * 9)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [Path.unlink, cut, empty, junk], ids=["missing", "cut", "empty", "junk"])
@pytest.mark.parametrize(
    "name", ["corrected.json", "history.jsonl", "history/step-0001.parquet", "data/train-00000-of-00001.parquet"]
)
def test_a_damaged_one_can_be_made_anew(
    corrected: Corrected, clc_text: Command, refused: Command, spoil: Callable[[Path], None], name: str
) -> None:
    run, before = corrected.run.path, corrected.state()
    spoil(corrected.path / name)
    damaged = corrected.path / ("data" if name.startswith("data") else name)
    remedy = (
        f"; move {corrected.path} aside and run `clc-text correct {run}` again, which makes it anew, but for people's "
        "answers, which must be applied again"
    )
    commands = [["diff"], ["export"]]
    if name.startswith("data"):
        clc_text("revert", run, "--all")  # which needs no rows
        assert not Corrected(corrected.run).state().changed.any()
        commands += [["export", "--format", "dataset"]]
    else:
        commands += [["revert", "--all"], ["audit"], ["correct"], ["correct", "--include-person"]]
    for command, *more in commands:
        said = refused(command, run, *more)
        assert said.startswith(f"{damaged} is damaged ("), said
        assert said.endswith(remedy), said
    if spoil is not junk:  # it is moved aside whatever is wrong with it
        return
    corrected.path.rename(run / "aside")
    clc_text("correct", run, "--policy", "agree")
    for command, *more in commands:
        clc_text(command, run, *more)
    assert (Corrected(corrected.run).state(1).label == before.label).all()


def test_a_file_in_its_place_is_said_to_be_none(corrected: Corrected, refused: Command) -> None:
    corrected.path.rename(corrected.run.path / "aside")
    corrected.path.write_text("")
    for command in ("correct", "diff"):
        assert "corrected.json is damaged (" in refused(command, corrected.run.path)


def test_a_report_of_a_damaged_one_is_refused(corrected: Corrected, refused: Command) -> None:
    empty(corrected.path / "history/step-0001.parquet")
    assert "step-0001.parquet is damaged (Parquet file size is 0 bytes); move" in refused("report", corrected.run.path)


def test_a_damaged_earlier_step_costs_no_later_one(corrected: Corrected, clc_text: Command, refused: Command) -> None:
    run = corrected.run.path
    clc_text("correct", run, "--policy", "confidence")
    empty(corrected.path / "history/step-0001.parquet")
    for arguments in (["diff", run, "--step", "1"], ["revert", run, "--to", "1"], ["revert", run, "--last"]):
        said = refused(*arguments)
        assert "step-0001.parquet is damaged (" in said
        assert said.endswith("; go back to another step, or on from the labels as they are, which are whole")
    clc_text("diff", run)
    clc_text("revert", run, "--all")
    clc_text("revert", run, "--to", "2")
    assert Corrected(corrected.run).facts["step"] == 4


def test_what_may_not_be_read_is_no_damage(corrected: Corrected, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "no", str(path))

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(PermissionError):
        Corrected(corrected.run)


# ---- predictions that were there once ----


def test_lost_out_of_sample_predictions_are_not_replaced_unnoticed(
    made: Made, clc_text: Command, refused: Command
) -> None:
    clc_text("correct", made.run.path)
    write_text(made.run.file("crossfit.json"), "{}")
    said = refused("correct", made.run.path)
    assert said.endswith(
        "was cross-fitted, but has no crossfit.safetensors any more; bring it back, or say --out-of-sample, which "
        "makes it anew, or --in-sample"
    )
    clc_text("correct", made.run.path, "--in-sample")
    clc_text("correct", made.run.path, "--policy", "doubt")
    made.run.file("crossfit.json").unlink()
    clc_text("correct", made.run.path)
    environment = json.loads(made.run.file("environment.json").read_text())
    for name, ok in (("clc_auto", False), ("a_method_of_my_own", True)):
        write_text(
            made.run.file("environment.json"), json.dumps(environment | {"method": {"name": name, "citation": ""}})
        )
        assert ok or refused("correct", made.run.path) == said
        if not ok:
            made.run.file("result.json").rename(made.run.file("ended.json"))
            still = refused("correct", made.run.path)
            assert still.endswith("the run has not ended; `clc-text train RECIPE --resume` goes on"), "nothing is lost"
            made.run.file("ended.json").rename(made.run.file("result.json"))
    clc_text("correct", made.run.path)
