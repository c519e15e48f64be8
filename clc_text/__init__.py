"""Train classifiers on labels that are partly wrong, correct the labels, keep every change visible and undoable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clc_text.api.classifier import NoisyLabelClassifier
    from clc_text.api.cleaning import Cleaned, clean
    from clc_text.api.issues import Issues, find_issues
    from clc_text.api.multi_label_issues import MultiLabelIssues
    from clc_text.api.voted_issues import VotedIssues
    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.crossfit.trainer import CLCTrainer, NoisyLabelTrainer
    from clc_text.data.class_shares import ClassShares
    from clc_text.errors import InputError
    from clc_text.training.arguments import NoisyLabelArguments

__all__ = [
    "CLCTrainer",
    "ClassShares",
    "Cleaned",
    "InputError",
    "Issues",
    "MultiLabelIssues",
    "NoisyLabelArguments",
    "NoisyLabelClassifier",
    "NoisyLabelTrainer",
    "RunDirectory",
    "VotedIssues",
    "__version__",
    "clean",
    "find_issues",
]

# Importing `transformers.Trainer` takes seconds, so the public names are looked up when they are first used.
_HOME = {
    "CLCTrainer": "clc_text.crossfit.trainer",
    "ClassShares": "clc_text.data.class_shares",
    "Cleaned": "clc_text.api.cleaning",
    "InputError": "clc_text.errors",
    "Issues": "clc_text.api.issues",
    "MultiLabelIssues": "clc_text.api.multi_label_issues",
    "NoisyLabelArguments": "clc_text.training.arguments",
    "NoisyLabelClassifier": "clc_text.api.classifier",
    "NoisyLabelTrainer": "clc_text.crossfit.trainer",
    "RunDirectory": "clc_text.artifacts.run_directory",
    "VotedIssues": "clc_text.api.voted_issues",
    "clean": "clc_text.api.cleaning",
    "find_issues": "clc_text.api.issues",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'clc_text' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOME[name]), name)
