"""The golden comparison can fail in each of the ways that matter."""

from pathlib import Path

import numpy as np
import pytest

from conftest import compare_golden


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "tone.npz"
    np.savez(path, audio=np.arange(4, dtype=np.float32))
    return path


def test_equal_arrays_pass(stored: Path) -> None:
    compare_golden(stored, {"audio": np.arange(4, dtype=np.float32)}, rtol=0.0, atol=0.0)


@pytest.mark.parametrize(
    "arrays",
    [
        {"audio": np.arange(4, dtype=np.float32) + 1e-3},
        {"audio": np.arange(5, dtype=np.float32)},
        {"audio": np.arange(4, dtype=np.float64)},
        {"other": np.arange(4, dtype=np.float32)},
        {"audio": np.full(4, np.nan, dtype=np.float32)},
        {},
    ],
    ids=["value", "length", "dtype", "name", "nan", "nothing"],
)
def test_any_difference_fails(stored: Path, arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(AssertionError):
        compare_golden(stored, arrays, rtol=0.0, atol=1e-6)


def test_missing_golden_fails(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="missing"):
        compare_golden(tmp_path / "absent.npz", {}, rtol=0.0, atol=0.0)
