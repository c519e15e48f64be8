"""A drill: bad inputs, drawn by a seed, each in a process of its own with 30 seconds of processor time and 2 GB.

    make drill-inputs SEED=1 COUNT=1000

Recipes, options of commands and files of every format that is read. Each must be taken (exit code 0) or refused (2),
in one printable sentence, with nothing left behind that was not there. Where a training would begin, it ends instead:
what comes after is not an input's concern. Failures are written to standard output, each with the arguments that
repeat it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SECONDS = 30  # of processor time
MEMORY = 2 << 30  # bytes beside what the imports take
IDLE = 60  # seconds without processor time after which a process is ended: a busy machine gives each some
NO_INPUT = {"sweep", "noise estimate", "push", "tsne", "report"}  # train, or do the same with the same inputs


def drawn(draw: Random, known: list[tuple[str, Any]], commands: dict[str, Any], run: Path) -> list[str]:
    """Writes one input into the current folder, and gives the arguments of the command that meets it."""
    from drawn_inputs import GOOD, damaged, data_files, drawn_arguments, drawn_recipe

    kind = draw.choice(("recipe", "recipe", "options", "file", "file"))
    if kind == "recipe":
        modality = draw.choice(("text", "text", "text", "vision"))
        plain = drawn_recipe(draw, modality, [option for room, option in known if room == modality])
        Path("r.yaml").write_text(json.dumps(plain), encoding="utf-8", errors="surrogatepass")
        return draw.choice((["recipe", "show", "r.yaml"], ["train", "r.yaml", "-q"], ["data", "check", "r.yaml"]))
    files = data_files(draw)
    if kind == "options":
        Path("rows.csv").write_bytes(files["rows.csv"])
        Path("recipe.yaml").write_bytes(files["recipe.yaml"])
        name = draw.choice([name for name in commands if name not in NO_INPUT])
        paths = [str(run), "recipe.yaml", "rows.csv", "missing", ".", "out/x.csv", "x.png", "x.html"]
        return [*name.split(), *drawn_arguments(draw, commands[name], paths)]
    name = draw.choice(list(files))
    for other, content in files.items():
        if other != name:
            Path(other).write_bytes(content)
    _strange_file(draw, Path(name), damaged(draw, files[name]))
    train = ["train", "recipe.yaml", "-q", "--set", "training.epochs=1"]
    if name.startswith("rows"):
        data = json.dumps({"name": "files", "train": name})
        return draw.choice(
            (
                ["data", "check", "recipe.yaml", "--set", f"data={data}"],
                [*train, "--set", f"data={data}"],
                ["predict", str(run), name, "--out", "predicted.csv"],
                ["evaluate", str(run), name],
            )
        )
    if name.startswith("vectors"):
        return [*train, "--set", f"encoder={json.dumps(GOOD['text']['encoder'] | {'vectors': name})}"]
    if name.startswith("matrix"):
        return ["noise", "inject", "recipe.yaml", "--out", "noisy", "--set", f"noise={{name: matrix, file: {name}}}"]
    return {
        "answers": ["apply", str(run), name],
        "manifest": ["noise", "replay", name, "recipe.yaml", "--out", "noisy"],
        "recipe": ["recipe", "show", name],
        "sweep": ["sweep", name, "--dry-run"],
    }[name.partition(".")[0]]


def _strange_file(draw: Random, path: Path, content: bytes) -> None:
    roll = draw.randrange(20)
    if roll == 0:
        os.mkfifo(path)
    elif roll == 1:
        path.mkdir()
    elif roll == 2:
        path.symlink_to("/dev/zero")
    elif roll == 3:
        path.symlink_to("nowhere")
    elif roll == 4:
        path.write_bytes(b",".join(b"c%d" % number for number in range(3_000_000)) + b"\n" + content)
    else:
        path.write_bytes(content)


def meet(arguments: list[str]) -> None:
    """What a child does: the command, up to where a training would begin."""
    from clc_text import cli
    from clc_text.runs import run

    class Begun(Exception):
        pass

    def begin(*_: object, **__: object) -> None:
        raise Begun

    run.build_trainer = begin  # type: ignore[assignment]
    sys.argv = ["clc-text", *arguments]
    try:
        cli.main()
    except Begun:
        os._exit(100)


def processor_time(process: int) -> float:
    """Seconds that a process has calculated so far."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if ".cache" not in path.parts)


def one(seed: int, known: list[Any], commands: dict[str, Any], source: Path) -> tuple[str, list[str], str]:
    """(what came of it, the arguments, what was said)."""
    with tempfile.TemporaryDirectory(prefix="clc-drill-") as named:
        folder = Path(named)
        run = Path(shutil.copytree(source, folder / "run"))
        os.chdir(folder)
        arguments = drawn(Random(seed), known, commands, run)
        before = files_below(folder)
        begun = time.monotonic()
        child = os.fork()
        if not child:
            code = 99
            try:
                with open("/dev/null") as nothing, open(f"{named}.out", "w") as out, open(f"{named}.err", "w") as err:
                    for stream, number in ((nothing, 0), (out, 1), (err, 2)):
                        os.dup2(stream.fileno(), number)
                sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
                taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
                resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
                meet(arguments)
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                with contextlib.suppress(Exception):
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(code)
        used = 0.0
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            if (now := processor_time(child)) > used:
                used, begun = now, time.monotonic()
            elif time.monotonic() - begun > IDLE:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.02)
        said = [Path(f"{named}.{end}").read_text(encoding="utf-8", errors="replace") for end in ("out", "err")]
        for end in ("out", "err"):
            Path(f"{named}.{end}").unlink()
        os.chdir("/")
        return _judged(status, *said, before, files_below(folder)), arguments, said[1]


def _judged(status: int, out: str, err: str, before: list[str], after: list[str]) -> str:
    if os.WIFSIGNALED(status):
        signals = {signal.SIGXCPU: f"more than {SECONDS} s", signal.SIGKILL: f"waits for something for {IDLE} s"}
        return "FAILED: " + signals.get(os.WTERMSIG(status), f"signal {os.WTERMSIG(status)}")
    code = os.WEXITSTATUS(status)
    if code == 100:
        return "taken"
    if code not in (0, 2) or "Traceback" in err:
        return "FAILED: memory" if "MemoryError" in err or "bad_alloc" in err else f"FAILED: exit code {code}"
    if not all(letter.isprintable() or letter in "\n\r" for letter in out + err):
        return "FAILED: unprintable output"
    if code == 0:
        return "taken"
    if not err.strip() or len(err) > 6_000:
        return f"FAILED: a refusal of {len(err)} letters"
    if before != after:
        return f"FAILED: left behind {sorted(set(before) ^ set(after))[:3]}"
    return "refused"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1_000)
    chosen = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1"}
    os.environ.pop("CLC_TEXT_DATA", None)  # with real data a recipe may be good, and take its time
    os.environ.setdefault("CLC_TEXT_CACHE", tempfile.mkdtemp(prefix="clc-drill-cache-"))

    import datasets  # noqa: F401 - once, before the processes part
    import sklearn.feature_extraction.text  # noqa: F401
    import torch
    import transformers  # noqa: F401
    from drawn_inputs import GOOD, commands, options

    import clc_text.crossfit.trainer  # noqa: F401
    from clc_text.config.recipe import from_dict
    from clc_text.runs.run import train

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="clc-drill-run-") as folder:
        train(from_dict(GOOD["text"]), Path(folder) / "run")
        known, every = list(options()), commands()
        counted: Counter[str] = Counter()
        for number in range(chosen.count):
            seed = chosen.seed * 1_000_000 + number
            result, arguments, said = one(seed, known, every, Path(folder) / "run")
            counted[result.partition(":")[0]] += 1
            if result.startswith("FAILED"):
                print(f"{seed}: {result}: {arguments!r:.600}\n    {said.strip()[-900:]}", flush=True)
            if (number + 1) % 100 == 0:
                print(f"{number + 1} of {chosen.count}: {dict(counted)}", flush=True)
    print(f"{chosen.count} inputs of seed {chosen.seed}: {dict(counted)}")
    sys.exit(1 if counted["FAILED"] else 0)


if __name__ == "__main__":
    main()
