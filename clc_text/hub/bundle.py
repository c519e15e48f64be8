"""What one push sends: files, and the card that explains them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clc_text.utils.shown import printable

CARD = "README.md"


@dataclass(frozen=True)
class Bundle:
    """All files of one repository, as a single commit leaves them there.

    Attributes:
        kind: the type of repository.
        title: the commit's message.
        files: where a file goes in the repository -> the file here; without the card.
        card: the text of README.md.
        owned: paths of the repository that belong to such a bundle, folders with a slash at their end. What an earlier
            push left there and this bundle has not is removed, so that no split of yesterday stands beside today's.
        columns, left_out: of a dataset, the columns that are sent, and those of the source that are not.
        personal: sentences about what looks like personal data in them.
    """

    kind: Literal["dataset", "model"]
    title: str
    files: dict[str, Path]
    card: str
    owned: tuple[str, ...]
    columns: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()

    def sizes(self) -> dict[str, int]:
        """Bytes by path in the repository, the card first."""
        sizes = {path: source.stat().st_size for path, source in sorted(self.files.items())}
        return {CARD: len(self.card.encode()), **sizes}

    def stale(self, present: list[str]) -> list[str]:
        """Of the files that are in the repository, those of an earlier push that this one does not replace."""
        folders = tuple(path for path in self.owned if path.endswith("/"))
        return sorted(
            path for path in present if path not in self.files and (path in self.owned or path.startswith(folders))
        )

    def told_of_rows(self) -> list[str]:
        """Which columns are sent, and what to look at in them first, a sentence a line."""
        if not self.columns:
            return []
        lines = [f"columns that are sent: {', '.join(map(printable, self.columns))}"]
        if self.left_out:
            names = ", ".join(map(printable, self.left_out))
            lines.append(f"columns of the source that are not: {names} (--columns NAME,NAME or all sends them, too)")
        if self.personal:
            lines.append("warning: this looks like personal data; look at it before you publish")
            lines += [f"  {sentence}" for sentence in self.personal]
        return lines

    def preview(self, repo: str, private: bool) -> str:
        """What a push would do, for people: who may see it, the columns, the files with their sizes, and the card."""
        sizes = self.sizes()
        width = max(map(len, sizes))
        lines = [f"{path:{width}}  {size:>13,} bytes" for path, size in sizes.items()]
        return "\n".join(
            [
                f'One commit to the {"private" if private else "public"} {self.kind} {repo}, "{self.title}":',
                "",
                *(f"{line}\n" for line in ["\n".join(self.told_of_rows())] if line),
                *lines,
                f"{'in all':{width}}  {sum(sizes.values()):>13,} bytes",
                "",
                "Files of an earlier push that are not among these are removed.",
                "",
                f"{CARD}:",
                "",
                self.card,
            ]
        )
