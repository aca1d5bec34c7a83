"""The wheel holds the package, all of it and nothing else, and works without the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

# Building copies the tree and unpacks the wheel: one build for all tests, in one worker.
pytestmark = pytest.mark.xdist_group("wheel")

DATA_SUFFIXES = {".toml", ".safetensors", ".npz", ".flac", ".ogg", ".md", ".html", ".j2", ".css", ".js", ".typed"}


def run(*arguments: object, cwd: Path) -> str:
    command = [str(argument) for argument in arguments]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the repository and no old build can slip in."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(repository / name, tree)
    shutil.copytree(repository / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, tree, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_only_the_package_and_its_metadata(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert len(tops) == 2
    assert "luthier" in tops
    assert all(top == "luthier" or top.endswith(".dist-info") for top in tops)


def test_it_holds_every_file_of_the_package(wheel: Path, repository: Path) -> None:
    source = repository / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "luthier").rglob("*")
        if path.is_file() and path.suffix in {".py", *DATA_SUFFIXES}
    }
    assert {name for name in names_in(wheel) if name.startswith("luthier/")} == expected
    assert {
        "luthier/py.typed",
        "luthier/apps/demo_audio/violin.flac",
        "luthier/instruments/violin.safetensors",
        "luthier/instruments/violin.md",
        "luthier/instruments/violin.ogg",
        "luthier/model/preset_files/fast.toml",
    } <= expected


def test_there_is_no_other_kind_of_file_in_the_package(repository: Path) -> None:
    files = (path for path in (repository / "src" / "luthier").rglob("*") if path.is_file())
    found = {path.suffix for path in files if path.parent.name != "__pycache__"}
    assert found <= {".py", *DATA_SUFFIXES}


def test_it_carries_licence_and_notice(wheel: Path) -> None:
    names = {Path(name).name for name in names_in(wheel)}
    assert {"LICENSE", "NOTICE"} <= names


def test_it_is_small(wheel: Path) -> None:
    # Recordings for the demo, two trackers' weights, and the instruments in the box, at most 3 MB each.
    assert wheel.stat().st_size < 12_000_000


def test_it_works_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", target, wheel, cwd=tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "import luthier; from pathlib import Path\n"
        f"assert Path(luthier.__file__).is_relative_to({str(target)!r}), luthier.__file__\n"
        "from luthier.apps.cli.main import main\n"
        "sys.argv = ['luthier', *WORDS, '--json']; main()\n"
    )
    for words, expected in ((["info", "fast"], '"parameters"'), (["instruments"], '"violin"')):
        assert expected in run(sys.executable, "-c", code.replace("WORDS", repr(words)), cwd=tmp_path)
