"""A worker of a sweep whose first training stands still in its third epoch, so that it can be killed there."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from clc_text.sweep.local import _work
from clc_text.training.metrics import MetricsLog


def work(mark: Path, connection: Connection) -> None:
    """`mark` is there as soon as the training stands still."""
    append = MetricsLog.append

    def stands_still(self: MetricsLog, entry: dict[str, Any]) -> None:
        append(self, entry)
        if entry["epoch"] == 3 and not mark.exists():
            mark.touch()
            time.sleep(600)

    MetricsLog.append = stands_still  # type: ignore[method-assign]
    _work(connection)
