"""What is asked of a row, by the model's problem type: which class it has, or of each class whether it holds."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import nll_loss

from clc_text.methods.base import Supervision
from clc_text.models.multi_label import log_odds_together
from clc_text.models.peers import ensemble_log_probs
from clc_text.models.peers_of import PeersOfConfig
from clc_text.training.data import check_labels, yes_or_no
from clc_text.training.multi_label import (
    ensemble_loss,
    in_pairs,
    numbers_of_pairs,
    of_problems,
    problems,
    supervision_of_pairs,
)


class SingleLabel:
    """Each row has one of C classes, or a distribution over them.

    Attributes:
        classes: C; None where the model does not say.
        asked: how many labels a row has.
        choices: what each of these is one of; 0 where that is not known yet.
    """

    multi_label: ClassVar[bool] = False

    def __init__(self, classes: int | None) -> None:
        self.classes = classes
        self.asked, self.choices = 1, classes or 0

    def checked(self, labels: Tensor, classes: int | None, rows: Tensor | None = None) -> Tensor:
        """Labels of the training set as methods take them.

        Args:
            labels: [N], or distributions [N, C].
            classes: C by what the model predicts, None where it has predicted nothing yet.
            rows: int64 [N], what messages call each row; None: by its place.

        Raises:
            InputError: they are no classes of the model.
        """
        check_labels(labels, "training set", classes, rows)
        return labels

    def log_probs(self, logits: Tensor) -> Tensor:
        """Logits [P, B, C] -> log-probabilities [P, B, C] that methods take."""
        return logits.log_softmax(-1)

    def logits_of_classes(self, logits: Tensor) -> Tensor | None:
        """Logits [P, B, C] that `log_probs` are the softmax of, detached, for `TrainingState`; None: of none."""
        return logits.detach()

    def in_front(self, labels: Tensor) -> Tensor:
        """Labels or distributions of rows [B, ...] as they stand beside `log_probs`."""
        return labels

    def of_rows(self, rows: Tensor, log_probs: Tensor, supervision: Supervision) -> tuple[Tensor, Tensor, Supervision]:
        """What is remembered of a batch, by the numbers that it is remembered by."""
        return rows, log_probs, supervision

    def evaluation_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Of the ensemble, the mean over rows: logits [P, B, C], labels [B] or distributions [B, C]."""
        mean = ensemble_log_probs(logits.log_softmax(-1))
        return -(labels * mean).sum(-1).mean() if labels.is_floating_point() else nll_loss(mean, labels)


class MultiLabel(SingleLabel):
    """Several of C classes may hold of a row: C problems of two choices, no and yes (`training.multi_label`)."""

    multi_label = True

    def __init__(self, classes: int | None) -> None:
        super().__init__(classes)
        self.asked, self.choices = classes or 1, 2

    def checked(self, labels: Tensor, classes: int | None, rows: Tensor | None = None) -> Tensor:
        """int64 [N, C] of 0 and 1."""
        return yes_or_no(labels, "training set", classes, rows)

    def log_probs(self, logits: Tensor) -> Tensor:
        """Logits [P, B, C] -> log-probabilities [C, P, B, 2]."""
        return problems(logits)

    def logits_of_classes(self, logits: Tensor) -> None:
        """None: a problem of no and yes has one logit, of which the other's would be made up."""

    def in_front(self, labels: Tensor) -> Tensor:
        """[B, C] of `checked` -> [C, B], distributions [B, C, 2] -> [C, B, 2]."""
        return of_problems(labels)

    def of_rows(self, rows: Tensor, log_probs: Tensor, supervision: Supervision) -> tuple[Tensor, Tensor, Supervision]:
        """By pairs of a row and a class."""
        return numbers_of_pairs(rows, self.asked), in_pairs(log_probs, -2), supervision_of_pairs(supervision)

    def evaluation_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Of the ensemble, the mean over rows and classes: labels [B, C] of 0 and 1."""
        return ensemble_loss(log_odds_together(logits), labels)


def problem_type_of(model: Any) -> SingleLabel:
    """Of peers; None, as between two trials of a search, is asked which class a row has."""
    config = getattr(model, "config", None)
    known = not isinstance(config, PeersOfConfig) or config.inner is not None
    classes = config.num_labels if config is not None and known else None
    return (MultiLabel if model is not None and model.multi_label else SingleLabel)(classes)
