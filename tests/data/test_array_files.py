from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch

from luthier.data.array_files import HEADER_BYTES, _header, map_array, write_array
from luthier.errors import DatasetError


def test_pieces_come_back_as_one_array_that_numpy_reads_too(tmp_path: Path) -> None:
    pieces = [np.arange(5), np.zeros(0), np.array([0.5, -1.0])]
    assert write_array(tmp_path / "a.npy", pieces) == 7
    expected = np.concatenate(pieces).astype(np.float32)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), expected)
    np.testing.assert_array_equal(map_array(tmp_path / "a.npy", 7).numpy(), expected)


def test_writing_into_a_mapped_array_leaves_the_file_alone(tmp_path: Path) -> None:
    write_array(tmp_path / "a.npy", [np.ones(4)])
    map_array(tmp_path / "a.npy", 4).zero_()
    assert map_array(tmp_path / "a.npy", 4).sum() == 4


def test_thousands_of_arrays_can_be_open_at_once(tmp_path: Path) -> None:
    write_array(tmp_path / "a.npy", [np.arange(3)])
    arrays = [map_array(tmp_path / "a.npy", 3) for _ in range(3000)]  # most systems allow 256 or 1024 open files
    assert torch.stack(arrays).sum() == 9000


def longer_header(content: bytes) -> bytes:
    return content.replace(b"(4,)", b"(9,)")


def objects_instead_of_numbers(content: bytes) -> bytes:
    return content.replace(b"<f4", b"|O8")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:HEADER_BYTES],
        lambda content: b"",
        lambda content: bytes(len(content)),
        longer_header,
        objects_instead_of_numbers,
    ],
)
def test_damaged_arrays_are_refused(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "a.npy"
    write_array(path, [np.ones(4)])
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(DatasetError, match="damaged"):
        map_array(path, 4)


def test_a_missing_array_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a\.npy: cannot be read"):
        map_array(tmp_path / "a.npy", 4)


def test_a_file_with_holes_larger_than_memory_is_mapped_or_refused(tmp_path: Path) -> None:
    length = 1 << 40
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        file.write(_header(length))
        try:
            file.truncate(HEADER_BYTES + 4 * length)
        except OSError:
            pytest.skip("this drive takes no such file")
    with contextlib.suppress(DatasetError):
        assert len(map_array(path, length)) == length
