"""One run, from a recipe to a run directory: the story of the program, readable top to bottom.

Nothing is written before the data, the labels, the features and the networks are there, so a mistake in a recipe or a
dataset leaves no half-made directory behind.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.artifacts import unlabelled
from clc_text.artifacts.dynamics import forget_after
from clc_text.artifacts.names import EARLIER, located
from clc_text.artifacts.run_directory import ANSWERS, RunDirectory, write_rows
from clc_text.artifacts.run_files import Complete, Environment, RunCost
from clc_text.artifacts.run_lock import LOCK, alone_in
from clc_text.config.recipe import Recipe, is_run_of, settled_as
from clc_text.config.recipe import load as load_recipe
from clc_text.corrections.asking.of_run import Answers, answers_in
from clc_text.data.best_classes import is_large, tensors_of
from clc_text.data.rows import Rows
from clc_text.errors import InputError
from clc_text.runs.build import build_trainer
from clc_text.runs.earlier_cross_fit import found_without_answers
from clc_text.runs.observer import Observer, Silent
from clc_text.runs.prepare import Memo, Prepared, describe, inputs_of, prepare, with_answers
from clc_text.runs.recorder import METRICS, Recorder
from clc_text.training.metrics import kept_lines
from clc_text.utils.files import replace_folder, sha256_of_file, to_be_written, write_json, write_text, write_with
from clc_text.utils.leftovers import name_of_whole
from clc_text.utils.links import leading_out
from clc_text.utils.typed_json import read_json

if TYPE_CHECKING:
    from clc_text.crossfit.trainer import NoisyLabelTrainer


def train(
    recipe: Recipe,
    directory: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    observer: Observer | None = None,
    memo: Memo | None = None,
    answers: Path | None = None,
) -> RunDirectory:
    """Trains as the recipe says and leaves a complete run directory.

    Args:
        directory: where the run goes; must not exist, unless one of the next two says otherwise.
        resume: go on from the last complete checkpoint of a run of the same recipe; a run without any starts anew,
            and one that is complete is left as it is.
        overwrite: replace a run directory that is there.
        memo: of a process that runs many recipes: what one encoded and cross-fitted serves the next.
        answers: a run directory whose rows people have answered, which are learnt from. They are kept with the run,
            so that resuming it needs no other, and its own directory may be named here to repeat it.

    Raises:
        InputError: something in the recipe or the data is wrong; the directory is then as it was before.
    """
    observer, began = observer or Silent(), time.process_time()
    _check_directory(recipe, directory, resume, overwrite)
    if resume and (directory / "result.json").is_file():
        return RunDirectory(directory)
    told = _answers(directory, answers, resume)
    there = directory.is_dir()
    with alone_in(directory) if there else nullcontext():
        # Nothing is written yet: what is wrong in the recipe or the data leaves everything as it was.
        asked = recipe
        if resume and (directory / "recipe.yaml").is_file():
            asked = settled_as(recipe, _recipe_of(directory))
        _use_threads(asked)
        prepared = prepare(asked, observer, memo)
        if told is not None:
            told.check(prepared.task.label_names, prepared.labels.given)
            prepared, memo = with_answers(prepared, told.trusted), None
        settled = prepared.recipe
        environment = describe(settled, prepared)
        observer.stage("building the networks")
        trainer = build_trainer(settled, directory, prepared, log=observer.stage)
        if told is not None and not prepared.task.asked:
            trainer.without_answers = found_without_answers(told.path, settled, prepared)
        trainer.check()
        if there:
            return _train(settled, directory, resume, prepared, environment, trainer, observer, memo, told, began)
    with _new(directory), alone_in(directory):
        _check_directory(recipe, directory, resume, overwrite)  # another may have come first
        return _train(settled, directory, resume, prepared, environment, trainer, observer, memo, told, began)


def _answers(directory: Path, answers: Path | None, resume: bool) -> Answers | None:
    """What people have told of the rows: in the run that is named, or in the one that is resumed."""
    if answers is None:
        return answers_in(directory) if resume and (directory / ANSWERS).is_file() else None
    if not resume and answers.resolve() == directory.resolve():
        raise InputError(
            f"the answers are in {directory}, which this training would empty; choose another directory with --out",
            where=directory,
            key="--out",
        )
    return answers_in(answers)


def _train(
    recipe: Recipe,
    directory: Path,
    resume: bool,
    prepared: Prepared,
    environment: Environment,
    trainer: NoisyLabelTrainer,
    observer: Observer,
    memo: Memo | None,
    answers: Answers | None,
    began: float,
) -> RunDirectory:
    """The part that writes."""
    checkpoint, done = _open(recipe, directory, prepared, environment, resume, answers)

    # ---- train ----
    started = time.perf_counter()
    recorder = Recorder(recipe, directory, prepared, observer, started, done, _recorded(checkpoint))
    trainer.epoch_listeners.append(recorder)
    observer.begins(recipe, environment, prepared.manifest, done)
    if memo is not None and trainer.cross_fits_first and (known := memo.cross_fit(recipe)) is not None:
        known.save(directory)  # where the trainer looks for it
    if prepared.joined is not None:
        prepared.joined.save_cross_fit(directory)
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    if memo is not None and trainer.cross_fit is not None:
        memo.remember(recipe, trainer.cross_fit)

    # ---- keep what was learnt ----
    observer.stage("writing the model and its predictions")
    _save(trainer, directory, prepared)
    notices = recorder.watch.at_end(recorder.metrics.entries, recorder.changed_by_class())
    write_json(located(directory, "notices.json"), [notice.to_dict() for notice in recorder.watch.notices])
    observer.epoch(recorder.metrics.entries[-1], notices)
    write_json(directory / "result.json", recorder.result(environment, _cost(trainer, began)))
    return RunDirectory(directory)


def _cost(trainer: NoisyLabelTrainer, began: float) -> RunCost:
    """See `artifacts.results`; `began` by the processors' time of this process."""
    counted = trainer.arithmetic
    return {
        "processor_seconds": round(time.process_time() - began, 3),
        "flops": counted.flops or None,
        "products_seconds": round(counted.seconds, 3) if counted.flops and counted.seconds is not None else None,
    }


def _check_directory(recipe: Recipe, directory: Path, resume: bool, overwrite: bool) -> None:
    if not directory.exists() or (directory.is_dir() and not _begun(directory)):
        return
    if not directory.is_dir() or not _is_run(directory):
        raise InputError(
            f"{directory} is there already and is no run directory; choose another with --out",
            where=directory,
            key="--out",
        )
    if (resume or overwrite) and (link := leading_out(directory, WRITTEN)) is not None:
        raise InputError(
            f"{link} is a link that leads out of the run, where --resume and --overwrite would change files; put the "
            "folder or file itself in its place, or choose another directory with --out",
            where=link,
        )
    if resume and (directory / "recipe.yaml").is_file():
        before = _recipe_of(directory)
        if not is_run_of(before, recipe):
            differing = _differences(before.to_dict(), settled_as(recipe, before).to_dict())
            if differing == ["training.epochs"]:
                raise InputError(
                    f"{directory} is a run of {before.training.epochs} epochs, and --resume goes on to where it was "
                    f"to end, not to {recipe.training.epochs}: schedules and results depend on the number; to train "
                    f"for {recipe.training.epochs} epochs begin anew, with --out for another directory or --overwrite",
                    where=directory,
                    key="epochs",
                )
            raise InputError(
                f"{directory} holds a run of another recipe (it differs in {', '.join(differing)}); resume it with "
                "its own recipe, replace it by --overwrite, or choose another directory with --out",
                where=directory,
                key=differing[0],
            )
    elif not resume and not overwrite:
        raise InputError(
            f"the run directory {directory} exists; go on with it by --resume, replace it by --overwrite, or choose "
            "another with --out",
            where=directory,
            key="--resume",
        )


def _begun(directory: Path) -> bool:
    """Whether anything is there but what a training leaves that is killed before its first file is whole."""
    ours = WRITTEN | {LOCK}
    return any(
        path.name != LOCK and not (name_of_whole(path) != path.name and name_of_whole(path) in ours)
        for path in directory.iterdir()
    )


def _recipe_of(directory: Path) -> Recipe:
    try:
        return load_recipe(directory / "recipe.yaml")
    except InputError as error:
        raise error.in_words(f"{error}; bring it back, or train anew with --overwrite") from None


@contextmanager
def _new(directory: Path) -> Iterator[None]:
    """Makes a directory; a refusal before the first epoch has ended leaves nothing of it."""
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    with to_be_written(directory):
        directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except InputError:
        metrics = directory / "metrics.jsonl"
        if directory in made and not (metrics.is_file() and metrics.stat().st_size):
            _empty(directory)
            for name in ("environment.json", LOCK):
                (directory / name).unlink(missing_ok=True)
            with suppress(OSError):  # somebody has put something there
                for path in made:
                    path.rmdir()
        raise


WRITTEN = {
    "recipe.yaml", "environment.json", "noise", "data", "encoder", "crossfit.json", "crossfit.safetensors",
    "metrics.jsonl", "dynamics", "checkpoints", "model", "predictions.safetensors", "notices.json", "result.json",
    *EARLIER.values(),
    "corrected", ".corrected.lock", "asked.jsonl", "answers.parquet", "audit.json", "report.html", "figures",
    "evidence.safetensors", "views.safetensors", "plain_folds.npy", "flaws.json",
    "corrected.csv", "corrected.tsv", "corrected.tab", "corrected.jsonl", "corrected.ndjson", "corrected.json",
    "corrected.parquet",
}  # fmt: skip
"""What commands write into a run directory; anything else there is a person's."""


def _is_run(directory: Path) -> bool:
    """Whether a run wrote this folder: a folder with a recipe.yaml may as well be a person's own.

    Raises:
        InputError: nobody can tell.
    """
    path = directory / "environment.json"
    if not path.is_file():
        return False
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged ({error}), so nobody can tell whether {directory} is a run; bring it back, or choose "
            "another directory with --out",
            where=path,
        ) from None
    return isinstance(content, dict) and "run_id" in content


def _check_sources(recipe: Recipe, directory: Path) -> None:
    """Refuses to empty a folder that holds what is to be trained on, such as a run's own corrected dataset."""
    for key in ("train", "test"):
        named = getattr(recipe.data, key, None)
        path = Path(named) if isinstance(named, str) else None
        if path is not None and path.exists() and path.resolve().is_relative_to(directory.resolve()):
            raise InputError(
                f"data.{key}: {path} lies in {directory}, which --overwrite would empty; choose another directory "
                "with --out",
                key=f"data.{key}",
            )


def _empty(directory: Path) -> None:
    """Removes what a run writes, and leaves what somebody else has put beside it.

    In an order in which nothing is vouched for that is gone already, wherever it breaks off; environment.json, by
    which the folder is known as a run's, stays until the next one takes its place.
    """
    first = ["result.json", "recipe.yaml", "checkpoints"]
    found = [path for path in directory.iterdir() if name_of_whole(path) in WRITTEN - {"environment.json"}]
    for path in sorted(found, key=lambda path: first.index(path.name) if path.name in first else len(first)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _differences(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    differences = []
    for key in before.keys() | now.keys():
        one, other = before.get(key), now.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            differences += _differences(one, other, f"{prefix}{key}.")
        elif one != other:
            differences.append(prefix + key)
    return sorted(differences)


def _open(
    recipe: Recipe,
    directory: Path,
    prepared: Prepared,
    environment: Environment,
    resume: bool,
    answers: Answers | None,
) -> tuple[Path | None, int]:
    """Writes what is known before training; gives the checkpoint to go on from, and the number of epochs until it."""
    checkpoint, done = None, 0
    files: dict[str, str] = {}
    if not resume:
        _check_sources(recipe, directory)
        _empty(directory)
    elif (directory / "environment.json").is_file():
        known = read_json(directory / "environment.json", Environment, "bring it back, or train anew with --overwrite")
        if known["run_id"] == environment["run_id"]:
            files = known.get("files", {})
            checkpoint, done = _where_it_ended(directory)
        elif any(path.name in WRITTEN - {"environment.json"} for path in directory.iterdir()):
            raise InputError(
                f"the data or its labels have changed since {directory} was begun, or an earlier version made other "
                "networks of its recipe, so it cannot be resumed; train anew with --overwrite, or bring the data back",
                where=directory,
                key="labels",
            )
        forget_after(located(directory, "dynamics"), done)
    write_json(directory / "environment.json", environment)  # first: by it the folder is known as a run's
    write_text(directory / "recipe.yaml", recipe.dump())
    write_json(located(directory, "noise/manifest.json"), prepared.manifest)
    prepared.labels.write(directory / "noise" / "labels.parquet")
    if prepared.joined is not None:
        prepared.joined.kept.save(directory)
    if answers is not None and answers.path.resolve() != directory.resolve():
        answers.write(directory)
    if recipe.keep_data:
        task = prepared.task
        for name, rows in (
            ("data/train.parquet", task.train), ("data/test.parquet", task.test), (unlabelled.FILE, task.unlabelled)
        ):  # fmt: skip
            if rows is not None and not (name in files and (directory / name).is_file()):
                write_rows(rows, directory / name)
                files[name] = sha256_of_file(directory / name)
    write_json(directory / "environment.json", {**environment, "files": files})
    if not (directory / "encoder").is_dir():
        replace_folder(directory / "encoder", prepared.encoder.save)
    return checkpoint, done


def _where_it_ended(directory: Path) -> tuple[Path | None, int]:
    """The last checkpoint that is complete and the epochs until it, if all is as it was then.

    Raises:
        InputError: something has changed since.
    """
    from clc_text.training.checkpoints import check_beside, check_resumable, last_complete_checkpoint

    newest = last_complete_checkpoint(directory / "checkpoints")
    if newest is None:
        return None, 0
    complete = check_resumable(newest)
    done = complete["epochs_closed"]
    kept_lines(directory / METRICS, done, complete.get("recorded", {}).get(METRICS))
    check_beside(newest, complete.get("dynamics", {}), located(directory, "dynamics"))
    check_beside(newest, complete.get("cross_fit", {}), directory, anew=True)
    return newest, done


def _recorded(checkpoint: Path | None) -> dict[str, str]:
    """sha256 of what the run had recorded when a checkpoint was written."""
    from clc_text.training.checkpoints import COMPLETE

    return {} if checkpoint is None else read_json(checkpoint / COMPLETE, Complete).get("recorded", {})


def _save(trainer: NoisyLabelTrainer, directory: Path, prepared: Prepared) -> None:
    import torch
    from safetensors.torch import save_file

    model = trainer.accelerator.unwrap_model(trainer.model)
    rows, classes = len(trainer.train_dataset), len(prepared.task.label_names)
    if not prepared.task.asked and is_large(rows, classes):
        best = trainer.best_log_probs(trainer.train_dataset, prepared.labels.trained)
        predictions = {name: torch.from_numpy(values) for name, values in tensors_of("train", best).items()}
    else:
        predictions = {"train": trainer.predict_log_probs(trainer.train_dataset).cpu().contiguous()}
    if trainer.eval_dataset is not None:
        predictions["test"] = tested = trainer.predict_log_probs(trainer.eval_dataset).cpu().contiguous()
        labels = trainer.eval_dataset.labels
        if labels.ndim == 1:  # without them a run that keeps no rows could not be set against another row by row
            predictions["test_labels"] = labels.cpu().contiguous()
        model.choose_main_by(tested)

    apart = prepared.task
    if apart.unlabelled is not None and apart.unlabelled_row is not None:
        inputs = prepared.encoder.encode(inputs_of(apart.unlabelled, apart.input_column))
        nothing = torch.zeros(len(apart.unlabelled), dtype=torch.int64)
        predicted = trainer.predict_log_probs(Rows(inputs, nothing))
        predictions[unlabelled.TENSOR] = predicted.cpu().contiguous()
        predictions[unlabelled.NUMBERS] = torch.from_numpy(apart.unlabelled_row)

    def write(folder: Path) -> None:
        model.save_alone(folder)
        prepared.encoder.save_beside(folder)

    replace_folder(directory / "model", write)
    write_with(directory / "predictions.safetensors", lambda aside: save_file(predictions, aside))


def _use_threads(recipe: Recipe) -> None:
    if recipe.training.threads is not None:
        import torch

        torch.set_num_threads(recipe.training.threads)
