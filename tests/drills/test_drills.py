"""A few kills and damages of the drills, so that these themselves stay sound; `make drill` does many."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow  # trains for every kill; `make drill` is the drill itself
@pytest.mark.parametrize(
    "arguments",
    [
        ("kills.py", "--only", "train-elr", "--count", "2", "--seed", "3"),
        ("damages.py", "--count", "3", "--seed", "1"),
    ],
)
def test_it_ends_well(arguments: tuple[str, ...]) -> None:
    # A process of its own: victims are forked, which one with the tests' threads should not be.
    name, *more = arguments
    ended = subprocess.run([sys.executable, str(HERE / name), *more], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert '"failed": 0' in ended.stdout.splitlines()[-1]
