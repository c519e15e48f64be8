"""Run directories made without training, and a browser."""

from built_runs import browser, build_run, make_run

__all__ = ["browser", "build_run", "make_run"]
