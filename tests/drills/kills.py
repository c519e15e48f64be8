"""Kills commands at random moments, and sees whether what they leave can be gone on with: `make drill`.

A victim is a process of its own that runs one command line. It is killed (SIGKILL) at its n-th change of the disk,
n being drawn: when it opens a file to write, renames, makes or removes something, or sends to the Hub, which is one of
the tests' on this machine; often a few milliseconds later, so that what libraries write without Python is cut short as
well. Then the same command is given again, `--resume` added
where there is such a thing, and perhaps killed again. In the end everything in the folder must equal, file by file,
what the command leaves undisturbed, and nothing hidden may be left. A refusal counts as right only if it is one
sentence with exit code 2 and what it tells to do then leads there.

    python tests/drills/kills.py --seed 0 --count 200
    python tests/drills/kills.py --only train-clc --at 1-40     every change of the disk from the 1st to the 40th
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SMALL_FOLDS = ["method.folds=2", "method.fold_rounds=2", "method.fold_epochs=1"]
SMALL_CLEAN = ["encoder.name=tfidf", "encoder.word_vectors=0", "training.epochs=2", "method.fold_epochs=1",
               "method.fold_rounds=2", "method.folds=2", "network.hidden=[8]"]  # fmt: skip
RECIPE = """
name: drill
data: {name: quickstart, rows: 96, test_rows: 24}
noise: {name: symmetric, rate: 0.3}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 6}
network: {name: mlp, hidden: [8], dropout: 0.1}
method: {name: standard}
training: {epochs: 2, batch_size: 48, checkpoint_epochs: 1, device: cpu}
canaries: 0.05
"""
SWEEP = """
recipes: [drill.yaml]
seeds: [0, 1]
"""
ATTEMPTS = 6
_NEW_REPOSITORY = {"Hub: .gitattributes": hashlib.sha256(b"*.parquet filter=lfs\n").hexdigest()}


@dataclass(frozen=True)
class Job:
    """A command that may be killed.

    Attributes:
        command: the arguments of `clc-text`, in a folder that `base` was copied to.
        again: what is given after a kill; None: the same.
        way_out: what is given where `again` is refused.
        base: the folder that it starts in: "empty", or with a trained run ("run"), which has been corrected
            ("corrected").
        hub: whether it sends to a Hub: what that holds must be as before or as after, and in the end as after.
        before: what is done first, undisturbed.
    """

    name: str
    command: tuple[str, ...]
    base: str = "empty"
    again: tuple[str, ...] | None = None
    way_out: tuple[str, ...] | None = None
    hub: bool = False
    before: tuple[tuple[str, ...], ...] = ()


def jobs() -> list[Job]:
    from clc_text.config.recipe import registries

    found = []
    methods = registries("text")["methods"]
    for method in methods.names():
        kind: Any = methods.get(method)
        more = [f"method.name={method}"]
        more += ["noise_rate=0.3"] if kind.needs_noise_rate else []
        more += SMALL_FOLDS if kind.cross_fits else []
        more += ["method.warmup_epochs=1"] if getattr(kind, "warmup_epochs", 0) and not kind.cross_fits else []
        command = ("train", "drill.yaml", "--out", "run", "-q", *[part for one in more for part in ("--set", one)])
        found.append(Job(f"train-{method}", command, again=(*command, "--resume"), way_out=(*command, "--overwrite")))
    push = ("push", "run", "--repo", "me/data", "--card", "card.md", "--force")
    clean = ("clean", "rows.csv", "--out", "run", "-q", *[part for one in SMALL_CLEAN for part in ("--set", one)])
    plain = ("train", "drill.yaml", "--out", "run", "-q", "--set", "method.name=elr")
    found += [
        Job("overwrite", (*plain, "--overwrite"), "corrected", (*plain, "--resume"), (*plain, "--overwrite")),
        Job("clean", clean, "empty", (*clean, "--resume"), (*clean, "--overwrite")),
        Job(
            "clean-overwrite",
            (*clean, "--overwrite"),
            "corrected",
            (*clean, "--resume"),
            (*clean, "--overwrite"),
            before=(("export", "run", "--format", "table", "--out", "run_corrected.csv"),),
        ),
        Job("correct", ("correct", "run", "--policy", "agree"), "run"),
        Job("correct-again", ("correct", "run", "--policy", "confidence"), "corrected"),
        Job("audit", ("audit", "run"), "corrected"),
        Job("apply", ("apply", "run", "answers.csv"), "corrected"),
        Job("revert", ("revert", "run", "--all"), "corrected"),
        Job(
            "dataset", ("export", "run", "--format", "dataset"), "corrected", before=(("apply", "run", "answers.csv"),)
        ),
        Job("report", ("report", "run"), "corrected"),
        Job("push-dry-run", ("push", "run", "--repo", "me/data", "--dry-run", "--card", "card.md"), "corrected"),
        Job("push-data", push, "corrected", hub=True),
        Job("push-data-again", push, "corrected", hub=True, before=(push, ("revert", "run", "--all"))),
        Job("push-model", (*push, "--model"), "corrected", hub=True),
        Job("init", ("init", "rows.csv", "--force")),
        Job("inject", ("noise", "inject", "drill.yaml", "--out", "noisy"), "empty"),
        Job("sweep", ("sweep", "sweep.yaml", "--out", "swept", "--jobs", "1"), "empty"),
    ]
    for kind in ("csv", "argilla", "label-studio"):
        found.append(Job(f"export-{kind}", ("export", "run", "--format", kind, "--out", f"out.{kind}"), "corrected"))
    return found


# ---- victims ----


@dataclass
class Ended:
    """How a process ended: its exit code (minus the signal), what it said, and its changes of the disk."""

    code: int
    said: str
    changes: int


_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink", "os.chmod"}


def _watch(folder: str, counter: int, at: int | None, delay: float) -> None:
    """Counts this process's changes of the disk in a folder and what it sends, and kills it at one of them."""
    count = 0

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def changes() -> None:
        nonlocal count
        count += 1
        os.pwrite(counter, count.to_bytes(8, "little"), 0)
        if count == at:
            if not delay:
                kill()
            threading.Timer(delay, kill).start()

    send = socket.socket.send

    def counted(self: socket.socket, data: bytes, *more: int) -> int:
        changes()
        # In pieces, so that a large file is cut short, too.
        return send(self, memoryview(data)[: 1 << 14], *more)

    socket.socket.send = counted  # type: ignore[method-assign, assignment]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments[0], arguments[1], arguments[2]
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        elif event in _CHANGES:
            path = arguments[0]
        else:
            return
        if not isinstance(path, (str, bytes, os.PathLike)) or not os.fsdecode(os.path.abspath(path)).startswith(
            folder
        ):
            return
        changes()

    sys.addaudithook(hook)


def run(
    command: tuple[str, ...], folder: Path, at: int | None = None, delay: float = 0.0, hub: str | None = None
) -> Ended:
    """Runs a command line in a process forked from this one, in `folder`; kills it at its change number `at`.

    Args:
        hub: the address of the Hub; None: there is none.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as counter:
        process = os.fork()
        if not process:
            try:
                if hub is not None:
                    _log_in(hub)
                _be(command, folder, said.fileno(), counter.fileno(), at, delay)
            finally:
                os._exit(70)
        _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:  # its workers go with it
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
        said.seek(0)
        changes = int.from_bytes(os.pread(counter.fileno(), 8, 0), "little")
        return Ended(code, said.read().decode("utf-8", "replace"), changes)


def _log_in(hub: str) -> None:
    import huggingface_hub.constants as constants
    from fake_hub import TOKEN

    constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_XET, constants.ENDPOINT = False, True, hub
    os.environ["HF_TOKEN"] = TOKEN


@contextlib.contextmanager
def hub_beside() -> Iterator[str]:
    """The address of an empty Hub, in a process of its own: victims are forked from this one."""
    told, tell = os.pipe()
    process = os.fork()
    if not process:
        from fake_hub import FakeHub

        sys.stderr = open(os.devnull, "w")  # of requests that are cut short  # noqa: SIM115
        with FakeHub(writable=("me",)) as hub:
            os.write(tell, hub.url.encode() + b"\n")
            signal.pause()
    os.close(tell)
    with open(told, "rb") as answer:
        address = answer.readline().decode().strip()
    try:
        yield address
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def held_by(hub: str, command: tuple[str, ...]) -> dict[str, str]:
    """sha256 of every file of the repository that a command pushes to, as `left_in`; empty where there is none."""
    from fake_hub import TOKEN

    # By no library that the victims, which are forked from this process, use for the same.
    def get(path: str) -> bytes:
        asked = urllib.request.Request(hub + path, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(asked) as answer:
            return bytes(answer.read())

    kind, repo = "models" if "--model" in command else "datasets", command[command.index("--repo") + 1]
    try:
        names = [one["rfilename"] for one in json.loads(get(f"/api/{kind}/{repo}"))["siblings"]]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}
        raise
    folder = "datasets/" if kind == "datasets" else ""
    return {f"Hub: {name}": _digest(name, get(f"/{folder}{repo}/resolve/main/{name}")) for name in names}


def _be(command: tuple[str, ...], folder: Path, said: int, counter: int, at: int | None, delay: float) -> None:
    """Is the victim."""
    from clc_text.cli import main

    os.setsid()
    os.chdir(folder)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.argv = ["clc-text", *command]
    _watch(str(folder), counter, at, delay)
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


# ---- what is left ----

_TIMES = re.compile(rb'"(seconds|time)": ("[^"]*"|[0-9.e+-]+)|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00')
_NOT_COMPARED = re.compile(r"(^|/)(\.[^/]*\.lock|\.cache(/.*)?|\.[^/]*\.running|complete\.json|training_args\.bin)$")
_HIDDEN = re.compile(r"(^|/)\.[^/]*\.(part|old)(/|$)")


def left_in(folder: Path) -> dict[str, str]:
    """sha256 of every file by its name, times left out of JSON."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not _NOT_COMPARED.search(name):
            found[name] = _digest(name, path.read_bytes())
    return found


def _digest(name: str, content: bytes) -> str:
    if name.endswith((".json", ".jsonl", ".html")):
        content = _TIMES.sub(b"", content)
    return hashlib.sha256(content).hexdigest()


def _of_hub(found: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in found.items() if name.startswith("Hub: ")}


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


# ---- the drill ----


@dataclass
class Drill:
    """Trains what the jobs begin with, and kills them.

    Attributes:
        folder: where all of it happens.
        tell: told of every kill.
    """

    folder: Path
    tell: Callable[[str], None] = print
    _bases: dict[str, Path] = field(default_factory=dict)
    _whole: dict[str, tuple[dict[str, str], int]] = field(default_factory=dict)

    def base(self, name: str) -> Path:
        if name not in self._bases:
            path = self.folder / f"base-{name}"
            if name == "empty":
                path.mkdir(parents=True)
                (path / "drill.yaml").write_text(RECIPE)
                (path / "sweep.yaml").write_text(SWEEP)
                (path / "rows.csv").write_text(_rows())
            else:
                shutil.copytree(self.base("empty" if name == "run" else "run"), path)
                steps = [("train", "drill.yaml", "--out", "run", "-q", "--set", "method.name=clc", "--set",
                          "method.warmup_epochs=1")]  # fmt: skip
                if name == "corrected":
                    steps = [("correct", "run", "--policy", "agree")]
                for step in steps:
                    ended = run(step, path)
                    if ended.code:
                        raise RuntimeError(f"{step}: {ended.said}")
                if name == "corrected":
                    _write_answers(path)
            self._bases[name] = path
        return self._bases[name]

    def whole(self, job: Job) -> tuple[dict[str, str], int]:
        """What an undisturbed command leaves, and how often it changes the disk."""
        if job.name not in self._whole:
            with self._place(job) as (here, hub):
                ended = run(job.command, here, hub=hub)
                if ended.code:
                    raise RuntimeError(f"{job.name}: {ended.said}")
                self._whole[job.name] = left_in(here) | self._on_hub(job, hub), ended.changes
            shutil.rmtree(here)
        return self._whole[job.name]

    @contextlib.contextmanager
    def _place(self, job: Job) -> Iterator[tuple[Path, str | None]]:
        """The folder in which a job runs, and its Hub."""
        here = self._copy(job)
        with hub_beside() if job.hub else contextlib.nullcontext() as hub:
            for step in job.before:
                ended = run(step, here, hub=hub)
                if ended.code:
                    raise RuntimeError(f"{step}: {ended.said}")
            yield here, hub

    def _on_hub(self, job: Job, hub: str | None) -> dict[str, str]:
        return {} if hub is None else held_by(hub, job.command)

    def _copy(self, job: Job) -> Path:
        here = self.folder / "here"  # always the same, since some files name their folder
        if here.exists():
            shutil.rmtree(here)
        shutil.copytree(self.base(job.base), here, symlinks=True)
        return here

    def kill(self, job: Job, moments: list[tuple[int, float]]) -> tuple[str, int]:
        """Kills a command at each of some moments and goes on with it; how that ended, and how often it was killed.

        Raises:
            AssertionError: it did not end as it should.
        """
        self.whole(job)  # in the same place
        with self._place(job) as (here, hub):
            return self._kill(job, moments, here, hub)

    def _kill(self, job: Job, moments: list[tuple[int, float]], here: Path, hub: str | None) -> tuple[str, int]:
        expected, _ = self.whole(job)
        before = self._on_hub(job, hub)
        told = f"{job.name} killed at {', '.join(f'{at}+{delay * 1000:.0f}ms' for at, delay in moments)}"
        command, how = job.command, "identical"
        killed = 0
        for at, delay in [*moments, *[(None, 0.0)] * ATTEMPTS]:
            ended = run(command, here, at, delay, hub)
            there = self._on_hub(job, hub)
            assert there in ({}, _NEW_REPOSITORY, before) or not differing(_of_hub(expected), there), (
                f"{told}: the Hub has something between: {differing(_of_hub(expected), there)}"
            )
            if ended.code == -signal.SIGKILL:
                killed += 1
                command = job.again or job.command
                continue
            sentence = ended.said.strip()
            if ended.code == 0:
                break
            assert ended.code == 2, f"{told}: exit code {ended.code}\n{sentence}"
            assert "Traceback" not in sentence, f"{told}\n{sentence}"
            if self._done_already(job, here, expected):
                how = f"done already: {sentence}"
                break
            assert job.way_out and job.way_out[-1] in sentence, f"{told}: refused without the way out\n{sentence}"
            command, how = job.way_out, f"refused with the way out: {sentence}"
        else:
            raise AssertionError(f"{told}: it never ended")
        found = left_in(here) | there
        hidden = [name for name in found if _HIDDEN.search(name)]
        if how.startswith("done already"):  # nothing was written that would have removed them
            found, hidden = {name: found[name] for name in found if name not in hidden}, []
        assert not hidden, f"{told}: left {hidden}"
        wrong = differing(expected, found)
        if wrong and job.base == "corrected" and self._same_labels(here, job):
            wrong = []
            how = "one step more, with the same labels"
        assert not wrong, f"{told}: {how}, but not identical: {wrong}"
        return f"{told} ({killed} kills): {how}", killed

    def _done_already(self, job: Job, here: Path, expected: dict[str, str]) -> bool:
        found = {name: content for name, content in left_in(here).items() if not _HIDDEN.search(name)}
        return not differing(expected, found) or self._same_labels(here, job)

    def _same_labels(self, here: Path, job: Job) -> bool:
        """Whether a command that was done when it was killed has only made one more step of the same labels."""
        from clc_text.artifacts.run_directory import RunDirectory
        from clc_text.corrections.store import Corrected

        if job.name not in ("apply", "revert", "correct-again"):
            return False
        corrected = Corrected(RunDirectory(here / "run"))
        first = self._corrected_by(job)
        labels = hashlib.sha256(corrected.state().label.tobytes() + corrected.state().source.tobytes()).hexdigest()
        return labels == first

    def _corrected_by(self, job: Job) -> str:
        from clc_text.artifacts.run_directory import RunDirectory
        from clc_text.corrections.store import Corrected

        there = self.folder / "there"
        shutil.rmtree(there, ignore_errors=True)
        shutil.copytree(self.base(job.base), there)
        assert run(job.command, there).code == 0
        state = Corrected(RunDirectory(there / "run")).state()
        return hashlib.sha256(state.label.tobytes() + state.source.tobytes()).hexdigest()


def _rows() -> str:
    """A table, of which every seventh label is wrong."""
    words = {"where": "river city country", "who": "author king painter"}
    names = list(words)
    lines = ["text,label"]
    for row in range(96):
        name = names[row % 2]
        noun = words[name].split()[row % 3]
        lines.append(f"{name} is the {noun} number {row},{names[(row + (row % 7 == 0)) % 2]}")
    return "\n".join(lines) + "\n"


def _write_answers(folder: Path) -> None:
    from clc_text.artifacts.run_directory import RunDirectory

    run_directory = RunDirectory(folder / "run")
    names = run_directory.label_names
    rows = "".join(f"{row},{names[row % len(names)]}\n" for row in range(10))
    (folder / "answers.csv").write_text(f"row,answer\n{rows}")


def warm() -> None:
    """Imports once what every victim needs: a fork then begins with the command."""
    os.environ.update(
        {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "MPLBACKEND": "Agg",
         "HF_HUB_DISABLE_TELEMETRY": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    )  # fmt: skip
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "hub")]
    import torch

    torch.set_num_threads(1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200, help="kills")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no new victim after so long")
    parser.add_argument("--only", help="jobs whose name begins so")
    parser.add_argument("--at", help="such as 1-40: each of these changes of the disk in turn")
    parser.add_argument("--list", action="store_true", help="the jobs' names")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print("\n".join(job.name for job in jobs()))
        return 0
    warm()
    known = [job for job in jobs() if job.name.startswith(chosen.only or "")]
    failed = kills = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="drill-") as folder:
        drill = Drill(Path(folder).resolve())
        for job, moments in _plan(drill, known, chosen):
            if time.monotonic() - begun > chosen.seconds:
                break
            try:
                told, killed = drill.kill(job, moments)
                print(told, flush=True)
                kills += killed  # one that was done before its moment came is none
            except AssertionError as error:
                failed += 1
                kills += 1
                print(f"FAILED {error}", flush=True)
            if kills >= chosen.count:
                break
    print(json.dumps({"seed": chosen.seed, "kills": kills, "failed": failed}), flush=True)
    return int(failed > 0)


def _plan(drill: Drill, known: list[Job], chosen: argparse.Namespace) -> Iterator[tuple[Job, list[tuple[int, float]]]]:
    """Jobs, each with the moments at which it is killed."""
    if chosen.at:
        first, _, last = chosen.at.partition("-")
        for job in known:
            for at in range(int(first), min(int(last or first), drill.whole(job)[1]) + 1):
                yield job, [(at, 0.0)]
        return
    # A part of the kills hits what goes on after a kill.
    draw = random.Random(chosen.seed)
    while True:
        for job in draw.sample(known, len(known)):
            _, changes = drill.whole(job)
            moments = [
                (draw.randint(1, changes), draw.choice([0.0, 0.0, draw.uniform(0, 0.05)]))
                for _ in range(draw.choice([1, 1, 2]))
            ]
            yield job, moments


if __name__ == "__main__":
    sys.exit(main())
