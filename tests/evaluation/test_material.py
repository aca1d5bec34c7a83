from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evaluation.sounds import RATE, performance_dataset, tone
from luthier.data.array_files import write_array
from luthier.data.audio_files import save_audio
from luthier.data.dataset import Dataset, array_path
from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import DatasetError
from luthier.evaluation import material
from luthier.evaluation.material import LONGEST_CLIP_SECONDS, Clip, clips, clips_with_sound, silent_passages


def test_a_part_is_read_as_it_lies_in_the_dataset(dataset: Dataset) -> None:
    (clip,) = clips(dataset, "test")
    (block,) = dataset.blocks("test")
    arrays = dataset.arrays(block.recording)
    assert torch.equal(clip.audio[0], arrays.audio[block.start_frame * 160 :][: block.n_frames * 160])
    assert torch.equal(clip.features.f0_hz[0, :, 0], arrays.f0_hz[block.start_frame :][: block.n_frames])
    assert clip.name == "performance.wav"
    assert clip.start_seconds == pytest.approx(block.start_frame / 100)


def test_long_blocks_come_in_equal_pieces_without_gaps(tmp_path: Path) -> None:
    dataset = performance_dataset(tmp_path / "long", FeatureDefinition(), seconds=70)
    found = clips(dataset, "train")
    (block,) = dataset.blocks("train")
    lengths = [clip.audio.shape[-1] for clip in found]
    assert len(found) == 2
    assert max(lengths) - min(lengths) <= 160
    assert max(lengths) <= LONGEST_CLIP_SECONDS * RATE
    whole = dataset.arrays(block.recording).audio[: block.n_frames * 160]
    assert torch.equal(torch.cat([clip.audio[0] for clip in found]), whole)
    assert len(clips(dataset, "train", at_most_seconds=10)) == 1


def test_rests_are_not_counted_and_clips_that_are_almost_all_rest_are_passed_over(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clip,) = clips(dataset, "test")

    def sounding(share: float, level_db: float = -20.0) -> Clip:
        loudness_db = torch.full_like(clip.features.loudness_db, -100.0)
        loudness_db[:, : round(share * loudness_db.shape[1])] = level_db
        return clip._replace(name=f"{share}", features=clip.features._replace(loudness_db=loudness_db))

    three = [sounding(1.0), sounding(0.01), sounding(0.5, level_db=-79.0), sounding(0.6, level_db=-81.0)]
    monkeypatch.setattr(material, "clips", lambda *_: three)
    found, seconds = clips_with_sound(dataset, "test")
    assert [each.name for each in found] == ["1.0", "0.5"]
    assert seconds == pytest.approx([clip.audio.shape[-1] / RATE, 0.5 * clip.audio.shape[-1] / RATE])
    monkeypatch.setattr(material, "clips", lambda *_: three[1:2])
    assert [each.name for each in clips_with_sound(dataset, "test")[0]] == ["0.01"]


def test_what_is_passed_over_is_known_by_its_place(tmp_path: Path) -> None:
    dataset = performance_dataset(tmp_path / "long", FeatureDefinition(), seconds=70)
    (block,) = dataset.blocks("train")
    path = array_path(dataset.path, block.recording, "audio")
    audio = dataset.arrays(block.recording).audio.clone()
    half = block.n_frames // 2
    audio[(block.start_frame + half) * 160 :] = 0.0
    write_array(path, [audio.numpy()])
    dataset = Dataset.open(dataset.path)
    found, _ = clips_with_sound(dataset, "train")
    (silent,) = silent_passages(dataset, "train", found)
    assert (len(found), silent.recording) == (1, "performance.wav")
    assert silent.start_seconds == pytest.approx((block.start_frame + half) / 100, abs=0.011)
    assert silent.seconds == pytest.approx((block.n_frames - half) / 100, abs=0.011)


def test_of_two_recordings_with_one_name_the_silent_one_is_found(tmp_path: Path) -> None:
    for day, level in (("monday", 0.3), ("tuesday", 0.5)):
        audio = level * tone(220.0, seconds=12.0)
        audio[:, -3 * RATE :] *= day == "monday"
        (tmp_path / day).mkdir()
        save_audio(tmp_path / day / "take.wav", audio, RATE)
    definition = FeatureDefinition(tracker="swift")
    prepare([tmp_path / "monday", tmp_path / "tuesday"], tmp_path / "dataset", definition, n_jobs=1)
    dataset = Dataset.open(tmp_path / "dataset")
    found, _ = clips_with_sound(dataset, "test")
    (silent,) = silent_passages(dataset, "test", found)
    assert len(found) == 1
    assert (silent.recording, silent.start_seconds) == (found[0].name, found[0].start_seconds)


def test_a_silent_part_is_an_error(tmp_path: Path) -> None:
    dataset = performance_dataset(tmp_path / "silent", FeatureDefinition())
    recording = dataset.recordings[0]
    path = array_path(dataset.path, recording.id, "audio")
    path.unlink()
    write_array(path, [torch.zeros(recording.n_samples).numpy()])
    with pytest.raises(DatasetError, match="test part is silent"):
        clips(Dataset.open(dataset.path), "test")
