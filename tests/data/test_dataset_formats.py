"""Datasets of older formats are brought to today's where they lie, or stay as they are."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import SAMPLES
from luthier.data import dataset_formats
from luthier.data.array_files import array_path, map_array, write_array
from luthier.data.dataset import Dataset
from luthier.data.manifest import FORMAT_VERSION, MANIFEST_NAME
from luthier.dsp.signals import Expression
from luthier.errors import DatasetError
from luthier.features.expression import measure_expression
from luthier.model.instrument_file import load_instrument
from luthier.training.run import train

RECORDING = "52493705558e5a2d"
RENAMES = 7
"""Of a conversion: a folder of new arrays, the five of them, the manifest."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A dataset as the first version made it; see the README.md beside the sample."""
    return Path(shutil.copytree(SAMPLES / "dataset_format_1", tmp_path / "old"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((folder / MANIFEST_NAME).read_text())
    change(content)
    (folder / MANIFEST_NAME).write_text(json.dumps(content))


def version_of(folder: Path) -> int:
    return int(json.loads((folder / MANIFEST_NAME).read_text())["format_version"])


def refused(folder: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        Dataset.open(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_sample_is_of_format_1(old: Path) -> None:
    assert version_of(old) == 1
    assert sorted(path.name.split(".")[1] for path in old.glob("*.npy")) == [
        "audio",
        "f0_hz",
        "loudness_db",
        "periodicity",
    ]


def test_an_old_dataset_opens_with_the_expression_of_its_audio(old: Path) -> None:
    arrays = Dataset.open(old).arrays(RECORDING)
    wanted = measure_expression(
        arrays.audio.unsqueeze(0), arrays.f0_hz.reshape(1, -1, 1), sample_rate=8000, hop_length=80
    )
    for name, values in wanted._asdict().items():
        torch.testing.assert_close(getattr(arrays, name), values.flatten())
    # A violin: harmonics far above the fundamental, and stronger than the noise.
    assert 0.5 < float(arrays.brightness_octaves.median()) < 3.0
    assert float(arrays.noisiness_db.median()) < -3.0


def test_its_statistics_are_of_the_pitched_training_frames(old: Path) -> None:
    before = json.loads((old / MANIFEST_NAME).read_text())
    dataset = Dataset.open(old)
    after = json.loads((old / MANIFEST_NAME).read_text())
    arrays, block = dataset.arrays(RECORDING), dataset.blocks("train")[0]
    pitched = arrays.periodicity[: block.n_frames] >= 0.5
    for name in Expression._fields:
        wanted = float(getattr(arrays, name)[: block.n_frames][pitched].double().mean())
        assert dataset.statistics.expression[name].mean == pytest.approx(wanted, abs=1e-9)
    del after["statistics"]["expression"]
    assert after == before | {"format_version": FORMAT_VERSION}


def test_it_is_converted_once_and_says_so(
    old: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = {path.name: path.read_bytes() for path in old.glob("*.npy")}
    with caplog.at_level(logging.INFO, "luthier"):
        first = Dataset.open(old)
    assert [record.message for record in caplog.records] == [
        f"{old}: made before expression was measured (format 1): measuring it now, once and for all."
    ]
    monkeypatch.setattr(dataset_formats, "measure_expression", lambda *_, **__: pytest.fail("measured again"))
    assert Dataset.open(old).manifest == first.manifest
    assert all((old / name).read_bytes() == content for name, content in original.items())
    assert len(list(old.iterdir())) == 1 + 9


def test_an_instrument_learns_from_it(old: Path, tmp_path: Path) -> None:
    quick = {"decoder.gru_width": 8, "n_harmonics": 8, "n_bands": 9, "window_seconds": 1, "batch_size": 2}
    train(old, tmp_path / "new.safetensors", preset="tiny", steps=2, **quick)
    assert load_instrument(tmp_path / "new.safetensors").summary.steps == 2


def killed(conversion: Callable[[], object]) -> bool:
    """Run something that may end its own process at once."""
    process = multiprocessing.get_context("fork").Process(target=conversion)
    process.start()
    process.join()
    return process.exitcode == 9


def whole_again(folder: Path) -> bool:
    Dataset.open(folder)
    return version_of(folder) == FORMAT_VERSION and len(list(folder.iterdir())) == 1 + 9  # nothing unfinished about


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_who_is_killed_while_measuring_leaves_a_dataset_of_the_old_format(old: Path) -> None:
    def measure_and_die(*_: object) -> None:
        os._exit(9)

    def conversion() -> None:
        dataset_formats._write_expression = measure_and_die
        Dataset.open(old)

    assert killed(conversion)
    assert version_of(old) == 1
    assert whole_again(old)


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("n_done", range(RENAMES + 1))
def test_who_is_killed_between_two_renames_leaves_one_format_or_the_other(old: Path, n_done: int) -> None:
    rename, done = Path.replace, []

    def rename_or_die(path: Path, target: Path) -> Path:
        if len(done) == n_done:
            os._exit(9)
        done.append(target)
        return rename(path, target)

    def conversion() -> None:
        Path.replace = rename_or_die  # type: ignore[method-assign, assignment]
        Dataset.open(old)

    assert killed(conversion) == (n_done < RENAMES)
    assert version_of(old) == (1 if n_done < RENAMES else FORMAT_VERSION)
    assert whole_again(old)


def test_two_that_open_it_at_once_do_not_disturb_each_other(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, opened = Path.replace, []

    def rename_after_somebody_else(path: Path, target: Path) -> Path:
        if path.parent.name == dataset_formats.STAGING:
            monkeypatch.setattr(Path, "replace", rename)
            opened.append(Dataset.open(old))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", rename_after_somebody_else)
    assert Dataset.open(old).manifest == opened[0].manifest


def test_a_folder_that_cannot_be_written_to_is_one_line(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_place(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("luthier.atomic._new_name", no_place)
    message = refused(old)
    assert "format 1" in message
    assert "Permission denied" in message
    assert version_of(old) == 1


def test_a_disk_that_is_full_is_one_line(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dataset_formats, "write_array", full)
    assert "No space left" in refused(old)
    assert version_of(old) == 1
    assert len(list(old.iterdir())) == 1 + 4


@pytest.mark.parametrize("array", ["audio", "f0_hz", "periodicity", "loudness_db"])
@pytest.mark.parametrize("damage", ["missing", "short", "nan"])
def test_damaged_arrays_are_refused_and_nothing_is_written(old: Path, array: str, damage: str) -> None:
    path = array_path(old, RECORDING, array)
    if damage == "missing":
        path.unlink()
    elif damage == "short":
        path.write_bytes(path.read_bytes()[:-4])
    else:
        content = bytearray(path.read_bytes())
        content[1128:1132] = np.float32("nan").tobytes()
        path.write_bytes(content)
    assert "Prepare the dataset again" in refused(old)
    assert version_of(old) == 1


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_pitch_that_is_none_is_refused_outside_the_training_part_too(old: Path, value: float) -> None:
    write_array(array_path(old, RECORDING, "f0_hz"), [np.append(np.full(609, 440.0), value)])
    assert "f0_hz.npy: damaged (a frequency is not finite and positive)" in refused(old)
    assert version_of(old) == 1


def test_audio_beyond_all_numbers_is_refused(old: Path) -> None:
    write_array(array_path(old, RECORDING, "audio"), [np.full(48800, 3e38)])
    assert "audio.npy: damaged (its brightness_octaves is not finite)" in refused(old)
    assert version_of(old) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(statistics=None),
        lambda m: m["statistics"].pop("f0_octaves"),
        lambda m: m.pop("recordings"),
        lambda m: m["recordings"][0].update(id="../../etc/passwd"),
        lambda m: m["split"]["train"][0].__setitem__(2, 10**6),
        lambda m: m["definition"].update(hop_length=0),
        lambda m: m.update(surprise=1),
        lambda m: m.update(format_version=0),
        lambda m: m.update(format_version="1"),
        lambda m: m.update(format_version=1.0),
        lambda m: m.update(format_version=True),
        lambda m: m.pop("format_version"),
    ],
)
def test_damaged_manifests_are_refused_and_nothing_is_written(old: Path, change: Callable[..., object]) -> None:
    edit(old, change)
    text = (old / MANIFEST_NAME).read_text()
    assert "damaged" in refused(old)
    assert (old / MANIFEST_NAME).read_text() == text
    assert len(list(old.iterdir())) == 1 + 4


def test_a_link_in_a_stranger_s_folder_is_not_followed(old: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    array_path(old, RECORDING, "warmth_db").symlink_to(precious)
    Dataset.open(old)
    assert precious.read_text() == "mine"
    assert map_array(array_path(old, RECORDING, "warmth_db"), 610).isfinite().all()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes_give_a_dataset_or_our_error(old: Path, data: st.DataObject) -> None:
    path = old / MANIFEST_NAME
    original = (SAMPLES / "dataset_format_1" / MANIFEST_NAME).read_bytes()
    place = data.draw(st.integers(0, len(original) - 1))
    length = data.draw(st.integers(0, 8))
    path.write_bytes(original[:place] + data.draw(st.binary(max_size=8)) + original[place + length :])
    with suppress(DatasetError):
        Dataset.open(old)
