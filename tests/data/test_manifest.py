from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from data.conftest import MakeDataset
from luthier.data.dataset_formats import read_manifest
from luthier.data.manifest import MANIFEST_NAME, write_manifest
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import DatasetError


@pytest.fixture
def folder(make_dataset: MakeDataset) -> Path:
    return make_dataset([1000, 2000], FeatureDefinition(hop_length=10), [(0, 0, 50), (1, 20, 100)]).path


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((folder / MANIFEST_NAME).read_text())
    change(content)
    (folder / MANIFEST_NAME).write_text(json.dumps(content))


def test_written_and_read_again_it_is_the_same(folder: Path) -> None:
    manifest = read_manifest(folder)
    text = (folder / MANIFEST_NAME).read_text()
    write_manifest(folder, manifest)
    assert (folder / MANIFEST_NAME).read_text() == text
    assert manifest.split.train[1] == (manifest.recordings[1].id, 20, 100)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["recordings"][0].update(id="../../etc/passwd"),
        lambda m: m["recordings"][0].update(id="0000000000000000\n"),
        lambda m: m["recordings"][0].update(n_frames=101),
        lambda m: m["recordings"][0].update(n_samples=0),
        lambda m: m["recordings"][0].update(n_samples=1e300),
        lambda m: m["recordings"].append(m["recordings"][0]),
        lambda m: m["recordings"].clear(),
        lambda m: m.update(surprise=1),
        lambda m: m.update({"two\nlines": 1}),
        lambda m: m.update(format_version="2"),
        lambda m: m.pop("statistics"),
        lambda m: m["definition"].update(hop_length=0),
        lambda m: m["statistics"]["loudness_db"].update(mean=float("nan")),
        lambda m: m["split"]["train"][0].__setitem__(1, -1),
        lambda m: m["split"]["train"][0].__setitem__(2, 101),
        lambda m: m["split"]["train"][0].__setitem__(0, "f" * 16),
        lambda m: m["split"].update(test=[]),
    ],
)
def test_contradictions_are_refused(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    edit(folder, change)
    with pytest.raises(DatasetError, match="Prepare the dataset again") as caught:
        read_manifest(folder)
    assert "\n" not in str(caught.value)


def test_names_are_for_people_only(folder: Path) -> None:
    edit(folder, lambda m: m["recordings"][0].update(name="../../../etc/passwd"))
    assert read_manifest(folder).recordings[0].name == "../../../etc/passwd"


@pytest.mark.parametrize("version", [0, -1, "2", 2.0, True, None, [2]])
def test_what_is_no_version_is_refused(folder: Path, version: object) -> None:
    edit(folder, lambda m: m.update(format_version=version))
    with pytest.raises(DatasetError, match=r"format_version is .*: expected a number from 1 to 2"):
        read_manifest(folder)


def test_a_manifest_without_version_is_refused(folder: Path) -> None:
    edit(folder, lambda m: m.pop("format_version"))
    with pytest.raises(DatasetError, match="format_version is None"):
        read_manifest(folder)


def test_a_newer_format_asks_for_an_update(folder: Path) -> None:
    edit(folder, lambda m: m.update(format_version=99))
    with pytest.raises(DatasetError, match=r"format 99 is newer .* Update luthier"):
        read_manifest(folder)


def test_a_key_that_occurs_twice_is_refused(folder: Path) -> None:
    text = (folder / MANIFEST_NAME).read_text()
    (folder / MANIFEST_NAME).write_text(text.replace("{", '{"credit": "someone else",', 1))
    with pytest.raises(DatasetError, match="twice"):
        read_manifest(folder)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 2000, '"\\ud800"'])
def test_what_is_no_manifest_is_refused(folder: Path, text: str) -> None:
    (folder / MANIFEST_NAME).write_text(text)
    with pytest.raises(DatasetError):
        read_manifest(folder)


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    (folder / MANIFEST_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="damaged"):
        read_manifest(folder)


def test_a_folder_without_manifest_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="luthier prepare"):
        read_manifest(tmp_path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes_give_a_manifest_or_our_error(folder: Path, data: st.DataObject) -> None:
    path = folder / MANIFEST_NAME
    original = path.read_bytes()
    place = data.draw(st.integers(0, len(original) - 1))
    length = data.draw(st.integers(0, 8))
    path.write_bytes(original[:place] + data.draw(st.binary(max_size=8)) + original[place + length :])
    with suppress(DatasetError):
        read_manifest(folder)
    path.write_bytes(original)


@pytest.mark.parametrize("place", ["recordings", "split", "quantiles", "keys"])
def test_countless_mistakes_are_refused_at_the_first(folder: Path, place: str) -> None:
    """Noting every mistake of a long file would need gigabytes and minutes."""
    mistakes = [[]] * 2000

    def spoil(m: dict[str, Any]) -> None:
        if place == "recordings":
            m["recordings"] = mistakes
        elif place == "split":
            m["split"]["train"] = mistakes
        elif place == "quantiles":
            m["statistics"]["loudness_db"]["quantiles"] = mistakes
        else:
            m.update({str(index): 1 for index in range(2000)})

    edit(folder, spoil)
    with pytest.raises(DatasetError, match="damaged") as caught:
        read_manifest(folder)
    cause = caught.value.__cause__
    assert not isinstance(cause, ValidationError) or cause.error_count() < 20


def test_half_a_character_is_no_text(folder: Path) -> None:
    edit(folder, lambda m: m["recordings"][0].update(name="\ud800"))
    with pytest.raises(DatasetError, match="damaged"):
        read_manifest(folder)
