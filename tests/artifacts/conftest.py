"""Run directories made without training."""

from built_runs import build_run, make_run

__all__ = ["build_run", "make_run"]
