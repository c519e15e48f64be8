"""Images named on the command line."""

from __future__ import annotations

from pathlib import Path

from refusals import refused

from clc_text.vision.inputs import read_images

ODD = "a\u2028b\x85.png"  # a file may be called so, and Python calls both line ends


def test_a_list_of_paths_has_one_a_line(tmp_path: Path) -> None:
    names = ["one.png", ODD, "three.png"]
    (tmp_path / "list.txt").write_bytes(("\ufeff" + "\r\n".join(names) + "\r\n\r\n").encode())
    assert read_images(tmp_path / "list.txt", "image") == [str(tmp_path / name) for name in names]


def test_a_folder_a_table_and_one_image(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("b.PNG", "below/a.jpg", "notes.md"):
        (tmp_path / name).write_bytes(b"")
    found = [str(tmp_path / "b.PNG"), str(tmp_path / "below/a.jpg")]
    assert read_images(tmp_path, "image") == found
    assert read_images(tmp_path / "b.PNG", "image") == found[:1]
    (tmp_path / "rows.csv").write_text("path,label\nb.PNG,x\nbelow/a.jpg,y\n")
    assert read_images(tmp_path / "rows.csv", "path") == found
    with refused(where=tmp_path / "rows.csv", key="image"):
        read_images(tmp_path / "rows.csv", "image")
    (tmp_path / "none").mkdir()
    with refused(where=tmp_path / "none"):
        read_images(tmp_path / "none", "image")
