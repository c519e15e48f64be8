"""The options of every dataset whose columns the user names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from clc_text.config.components import option
from clc_text.data.dataset import Dataset
from clc_text.errors import InputError

if TYPE_CHECKING:
    from clc_text.data.reading.rows import Rows

JOINED = "joined_label"  # the column that is made of several labels a row


@dataclass(frozen=True, kw_only=True)
class NamedColumns(Dataset):
    """Base of `files` and `hub`: which column is what, and what becomes of rows without a label.

    Test labels must be trusted, so where `true_label` is named and the test rows have it, they are tested on it.
    """

    default_encoder: ClassVar[str] = "auto"

    text: str | list[str] = option(
        "text", "the column of texts; of several, their texts are joined by a blank", not_empty=True
    )
    label: str | list[str] = option(
        "label",
        "the column of given labels; several, or one of lists: what several sources say of each row, empty where one "
        "says nothing, or which classes hold (see task)",
        not_empty=True,
    )
    annotator: str | None = option(
        None,
        "the column of who gives a label: with a label a line, the lines on one text (or data.id) are one row; beside "
        "lists of labels, lists of names. null: as exports of Argilla and Label Studio have it",
    )
    task: Literal["votes", "multi_label"] | None = option(
        None,
        "what several labels a row are: votes of several sources on one class, or multi_label, several classes that "
        "hold at once (a column of lists, or a column of 0 and 1 for each); null: as the table tells, if it does",
    )
    join: Literal["cross_fit", "crowdlab", "dawid_skene", "majority"] = option(
        "cross_fit",
        "how several labels a row are joined: by every source's noise and a classifier that is blind to the row, by "
        "cleanlab's average of labels and such a classifier, by the sources' noise alone, or by counting",
    )
    true_label: str | None = option(None, "the column of labels known to be right, where there is one")
    label_names: list[str] | None = option(
        None, "the class names in order; null: the source's own order, otherwise numbers by size and words sorted"
    )
    label_map: dict[str, str] | None = option(
        None, "labels that are read as another, such as {'mac ': Mac}: joins the variants of one class"
    )
    unlabelled: Literal["error", "drop"] | None = option(
        None,
        "what becomes of rows without a label: drop leaves them out of training, and the corrected table has them "
        "with what is predicted; null: drop where several sources may label a row, else error",
    )
    test_share: float | None = option(
        None,
        "hold out this share of the rows for testing, of each class alike, equal texts together (data seed)",
        above=0,
        below=1,
        give="a share between 0 and 1",
    )
    title: str | None = option(None, "what results call the dataset; null: the name of the source")

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.label, list) and len(self.label) == 1:
            object.__setattr__(self, "label", self.label[0])
        if self.annotator is not None and (len(self.labels) > 1 or self.annotator in self.labels):
            raise InputError(
                "data.annotator says who gives the labels of one column, data.label; name one, and another",
                key="data.annotator",
            )
        if self.true_label in self.labels:
            raise InputError(
                f"data.true_label and data.label are both '{self.true_label}'; name two columns", key="data.true_label"
            )
        if not self.labels or len(set(self.labels)) < len(self.labels):
            raise InputError("data.label must name at least one column, and each once", key="data.label")
        if self.task == "multi_label" and self.vote_lines_named:
            raise InputError(
                "data.votes and data.annotator are of votes on one class a row, and data.task is multi_label; keep "
                "one",
                key="data.votes",
            )
        if not self.texts:
            raise InputError("data.text is an empty list; name at least one column", key="data.text")
        names = self.label_names or []
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"data.label_names has '{twice}' twice", key="data.label_names")
        for name, kept in (self.label_map or {}).items():
            if not kept.strip():
                raise InputError(
                    f"data.label_map reads '{name}' as an empty label; name the class that it belongs to",
                    key="data.label_map",
                )
            if self.label_map and kept != name and self.label_map.get(kept, kept) != kept:
                raise InputError(
                    f"data.label_map reads '{name}' as '{kept}', which it reads as '{self.label_map[kept]}'; name the "
                    "last one for both",
                    key="data.label_map",
                )

    @property
    def row_id(self) -> tuple[str, str | None]:
        """The option that names the column of ids, and the column; None where it is to be guessed."""
        return "id", None

    @property
    def vote_lines_named(self) -> bool:
        """Whether it is named where, or by whom, votes are given."""
        return self.annotator is not None

    def vote_lines(self) -> tuple[Rows, tuple[str, str, str]] | None:
        """A table of votes, and its columns of rows, sources and labels; None: there is no such table."""
        return None

    @property
    def texts(self) -> list[str]:
        return [self.text] if isinstance(self.text, str) else list(self.text)

    @property
    def labels(self) -> list[str]:
        """The columns of given labels."""
        return [self.label] if isinstance(self.label, str) else list(self.label)

    @property
    def given(self) -> str:
        """The column of the label that a row is given: where there are several, the one that joins them."""
        return self.label if isinstance(self.label, str) else JOINED

    @property
    def plain(self) -> set[str]:
        """The columns that are read as texts or classes."""
        return {*self.texts, *self.labels, *([self.true_label] if self.true_label else [])}
