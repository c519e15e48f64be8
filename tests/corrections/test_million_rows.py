"""A million rows are corrected, compared and taken back in bounded memory, with a bar that moves."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from synthetic_run import make_run

from clc_text.corrections.answers import apply_answers
from clc_text.corrections.log import LOG
from clc_text.corrections.store import Corrected

ROWS = 1_000_000
LIMIT = 2 << 30  # bytes

# Its own process: the memory of one that made the rows would count, too. Not `ru_maxrss`, which is inherited.
PROGRAM = """
import json, re, sys, time
import clc_text.corrections.tables as tables
from clc_text.cli import main

told = {}
class Heard(tables.ProgressBar):
    def __call__(self, what, done, total):
        told.setdefault(what, []).append([done, total])
        super().__call__(what, done, total)
tables.ProgressBar = Heard
begun = time.perf_counter()
sys.argv = ["clc-text", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
seconds = time.perf_counter() - begun
peak = int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read()).group(1)) * 1024
print(json.dumps({"peak": peak, "seconds": seconds, "told": told}), file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory is read from /proc")
def test_a_million_rows(tmp_path: Path) -> None:
    import json

    texts = [f"{row} " + "a question of some length about this and that " * 4 for row in range(ROWS)]
    made = make_run(tmp_path / "run", rows=ROWS, canaries=2000, epochs=3, more_columns={"note": texts})
    del texts
    run = str(made.run.path)
    for arguments in (
        ["correct", run, "--policy", "agree"], ["correct", run], ["diff", run], ["diff", run, "--csv"],
        ["export", run, "--out", str(tmp_path / "rows.csv")], ["revert", run, "--class", "NUM"], ["audit", run],
        ["export", run, "--format", "dataset"],
    ):  # fmt: skip
        done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stderr.splitlines()[-1])
        print(f"{arguments[0]:8s} {found['peak'] / (1 << 20):6.0f} MB {found['seconds']:6.1f} s")
        assert found["peak"] < LIMIT, arguments
        if arguments[0] == "correct" or arguments[-1] == "dataset":
            steps = found["told"]["writing rows"]
            assert len(steps) > 20
            assert [done for done, _ in steps] == sorted(done for done, _ in steps)
            assert steps[-1] == [ROWS, ROWS]
        if arguments[0] == "correct":
            assert found["told"]["reading predictions"][-1] == [ROWS, ROWS]
    (tmp_path / "answer.csv").write_text("row,answer\n77777,NUM\n")
    log, rest = made.run.file("corrected") / LOG, Corrected(made.run)
    before, content = log.stat().st_size, {path: path.stat().st_ino for path in rest.path.rglob("*.parquet")}
    begun = time.process_time()
    apply_answers(Corrected(made.run), tmp_path / "answer.csv")
    assert time.process_time() - begun < 1  # of this process alone, whatever else the machine does
    assert log.stat().st_size - before < 1000
    assert {path.stat().st_ino for path in rest.path.rglob("*.parquet")} == set(content.values())
