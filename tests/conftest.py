"""What every test may ask for: real recordings, golden files, and a process that behaves the same every time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

# Before torch and numpy are imported: one thread a worker, so that times and sums do not depend on the machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest
import torch

REPOSITORY = Path(__file__).resolve().parents[1]
GOLDEN = Path(__file__).resolve().parent / "golden"
SAMPLES = Path(__file__).resolve().parent / "samples"
"""Files that older versions wrote."""
SEED = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files instead of comparing")
    parser.addoption("--slow", action="store_true", help="run the tests marked `slow` too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Without a `-m` expression of the caller's own, slow tests wait to be asked for.
    if config.getoption("--slow") or config.getoption("-m"):
        return
    skip = pytest.mark.skip(reason="slow: run with --slow")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """The same random numbers for a test, whichever tests ran before it."""
    torch.manual_seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - the legacy generator is what third parties draw from


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_audio() -> Path:
    """The folder of development recordings beside the repository; tests that need it are skipped without it."""
    folder = REPOSITORY.parent / "shared" / "audio"
    if not folder.is_dir():
        pytest.skip("development recordings are not on this machine")
    return folder


GoldenCheck = Callable[..., None]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> GoldenCheck:
    """Compare named arrays with a stored file: `golden("name", {"audio": array}, atol=1e-6)`."""
    update = request.config.getoption("--update-golden")

    def check(name: str, arrays: Mapping[str, object], *, rtol: float = 0.0, atol: float) -> None:
        path = GOLDEN / f"{name}.npz"
        found = {key: np.asarray(value) for key, value in arrays.items()}
        if update:
            GOLDEN.mkdir(exist_ok=True)
            np.savez_compressed(path, **found)
            return
        compare_golden(path, found, rtol=rtol, atol=atol)

    return check


def compare_golden(path: Path, found: Mapping[str, np.ndarray], *, rtol: float, atol: float) -> None:
    """Fail unless the file at `path` holds exactly these arrays, within the tolerances."""
    if not path.is_file():
        pytest.fail(f"{path.name} is missing: read tests/golden/MAKE.md, then run pytest --update-golden")
    with np.load(path, allow_pickle=False) as stored:
        assert sorted(stored.files) == sorted(found), f"{path.name} holds other arrays"
        for key in stored.files:
            assert stored[key].dtype == found[key].dtype, f"{path.name}: {key} has another dtype"
            np.testing.assert_allclose(found[key], stored[key], rtol=rtol, atol=atol, err_msg=f"{path.name}: {key}")
