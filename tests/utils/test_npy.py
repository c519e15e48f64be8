from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clc_text.utils.npy import mapped


def test_a_sound_file_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.eye(3))
    found = mapped(tmp_path / "a.npy")
    assert isinstance(found, np.memmap) and (found == np.eye(3)).all()


def test_every_damaged_byte_of_a_header_is_a_value_error_or_another_array(tmp_path: Path) -> None:
    """NumPy gives a TokenError, a SyntaxError, an EOFError, … of the same kind of damage."""
    np.save(tmp_path / "a.npy", np.eye(2))
    sound = (tmp_path / "a.npy").read_bytes()
    refused = 0
    for place in range(128):
        for byte in (0, ord("("), ord("{"), ord("'"), ord("\\"), ord("9"), 255):
            path = tmp_path / "damaged.npy"
            path.write_bytes(sound[:place] + bytes([byte]) + sound[place + 1 :])
            try:
                mapped(path)
            except ValueError:
                refused += 1
    assert refused > 300


@pytest.mark.parametrize("length", [0, 5, 9, 60, 127, 130])
def test_a_file_cut_short(tmp_path: Path, length: int) -> None:
    np.save(tmp_path / "a.npy", np.eye(2))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:length])
    with pytest.raises(ValueError):
        mapped(tmp_path / "cut.npy")


def test_pickles_are_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError):
        mapped(tmp_path / "a.npy")
