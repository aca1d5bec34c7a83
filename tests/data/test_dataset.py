from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.conftest import MakeDataset
from data.known_material import build_dataset, recording_id
from luthier.data import dataset as dataset_module
from luthier.data.dataset import Dataset
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import MEASURED
from luthier.errors import DatasetError, RangeError


def test_a_window_is_aligned(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([1000], FeatureDefinition(hop_length=64))
    audio, features = dataset.window(recording_id(0), 3, 5)
    torch.testing.assert_close(audio, torch.arange(192.0, 512.0))
    torch.testing.assert_close(features.f0_hz, torch.arange(4.0, 9.0).unsqueeze(-1))
    torch.testing.assert_close(features.periodicity, torch.arange(3.0, 8.0).unsqueeze(-1) / 1e6)
    torch.testing.assert_close(features.loudness_db, torch.arange(3.0, 8.0).unsqueeze(-1) / 100)


def test_past_the_end_is_silence(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([1000], FeatureDefinition(hop_length=64, loudness_floor_db=-70))
    audio, features = dataset.window(recording_id(0), 14, 4)
    assert audio.shape == (256,)
    torch.testing.assert_close(audio[:104], torch.arange(896.0, 1000.0))
    assert not audio[104:].any()
    assert features.f0_hz.flatten().tolist() == [15, 16, 16, 16]
    assert features.periodicity[2:].flatten().tolist() == [0, 0]
    assert features.loudness_db[2:].flatten().tolist() == [-70, -70]


def test_writing_into_a_window_changes_nothing_else(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([1000], FeatureDefinition(hop_length=64))
    dataset.window(recording_id(0), 0, 4).audio.fill_(-1)
    assert dataset.window(recording_id(0), 0, 4).audio[5] == 5


@pytest.mark.parametrize(("start", "length"), [(-1, 4), (16, 4), (0, 0)])
def test_windows_outside_are_refused(make_dataset: MakeDataset, start: int, length: int) -> None:
    dataset = make_dataset([1000], FeatureDefinition(hop_length=64))
    with pytest.raises(RangeError, match="from 0 to 15"):
        dataset.window(recording_id(0), start, length)


def test_unknown_names_are_refused(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([1000], FeatureDefinition(hop_length=64))
    with pytest.raises(DatasetError, match="no recording"):
        dataset.window("ffff", 0, 1)
    with pytest.raises(RangeError, match="train, validation, test"):
        dataset.blocks("training")  # type: ignore[arg-type]


def test_a_changed_list_of_blocks_does_not_reach_the_dataset(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([1000], FeatureDefinition(hop_length=64))
    dataset.blocks("train").clear()
    assert dataset.blocks("train") == [(recording_id(0), 0, 16)]


@pytest.mark.parametrize("array", ["audio", "f0_hz", "periodicity", "loudness_db"])
def test_missing_and_damaged_arrays_are_named(make_dataset: MakeDataset, array: str) -> None:
    dataset = make_dataset([1000], FeatureDefinition(hop_length=64))
    path = dataset.path / f"{recording_id(0)}.{array}.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-4])
    with pytest.raises(DatasetError, match=rf"{array}\.npy: damaged .* Prepare the dataset again"):
        Dataset.open(dataset.path)
    path.unlink()
    with pytest.raises(DatasetError, match=rf"{array}\.npy: cannot be read"):
        Dataset.open(dataset.path)


def test_a_missing_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="luthier prepare"):
        Dataset.open(tmp_path / "nothing")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sample_rate=st.sampled_from([8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000]),
    hop_length=st.integers(1, 600),
    n_samples=st.integers(1, 5000),
    data=st.data(),
)
def test_windows_fit_for_every_rate_hop_and_length(
    tmp_path: Path, sample_rate: int, hop_length: int, n_samples: int, data: st.DataObject
) -> None:
    definition = FeatureDefinition(sample_rate=sample_rate, hop_length=hop_length)
    count = -(-n_samples // hop_length)
    dataset = build_dataset(tmp_path / "d", [n_samples], definition, [(0, 0, count)])
    start = data.draw(st.integers(0, count - 1))
    length = data.draw(st.integers(1, 20))
    audio, features = dataset.window(recording_id(0), start, length)
    assert audio.shape == (length * hop_length,)
    assert all(getattr(features, name).shape == (length, 1) for name in MEASURED)
    n_real = min(n_samples, (start + length) * hop_length) - start * hop_length
    torch.testing.assert_close(audio[:n_real], torch.arange(n_real) + float(start * hop_length))
    assert not audio[n_real:].any()
    assert features.f0_hz[-1] == min(start + length, count)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the mappings as Linux lists them")
def test_no_more_recordings_are_mapped_at_once_than_a_system_allows(
    make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_module, "MOST_MAPPED", 2)
    dataset = make_dataset([3200] * 6, FeatureDefinition())
    for index in range(6):
        assert dataset.arrays(recording_id(index)).f0_hz[3] == 4
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if str(dataset.path) in line]
    assert 0 < len(mapped) <= 2 * len(dataset_module.ARRAYS)


def test_recordings_are_named(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([1000, 1000], FeatureDefinition())
    assert dataset.name_of(recording_id(1)) == "take 1.wav"
    with pytest.raises(DatasetError, match="no recording"):
        dataset.name_of("ffff")
