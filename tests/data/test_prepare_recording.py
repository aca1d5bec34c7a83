from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from data.known_material import tone, write_tone
from luthier.data.array_files import map_array
from luthier.data.audio_files import load_audio
from luthier.data.prepare_recording import (
    Job,
    Prepared,
    Refused,
    definition_key,
    hash_file,
    prepare_recording,
    single_note,
)
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.framing import n_frames
from luthier.dsp.signals import MEASURED, Features
from luthier.errors import AudioFileError
from luthier.features.extract import extract_features

SWIFT = FeatureDefinition(tracker="swift")
"""The fastest tracker: these tests are not about pitch."""
LOUDNESS_OF_THE_TONE_DB = 10.59


def job(path: Path, definition: FeatureDefinition | None = None) -> Job:
    digest = hash_file(path) if path.is_file() else "0" * 64
    return Job(path, digest, path.parent / "work" / digest[:16], definition or SWIFT)


def prepared(path: Path, definition: FeatureDefinition | None = None) -> Prepared:
    result = prepare_recording(job(path, definition))
    assert isinstance(result, Prepared)
    return result


def test_arrays_hold_what_loading_and_extracting_give(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([tone(1.5, 96000), 0.5 * tone(1.5, 96000)], axis=1), 96000)
    folder, entry, note = prepared(path)
    assert (entry.n_samples, entry.n_frames, entry.source_rate, entry.source_channels) == (24000, 150, 96000, 2)
    assert entry.name == "stereo.wav"
    assert note == 69
    audio = load_audio(path, 16000)[0]
    torch.testing.assert_close(map_array(folder / "audio.npy", 24000), audio[0], atol=1e-6, rtol=0)
    features = extract_features(map_array(folder / "audio.npy", 24000).unsqueeze(0), SWIFT)
    for name in MEASURED:
        assert torch.equal(map_array(folder / f"{name}.npy", 150), getattr(features, name).flatten())


@pytest.mark.parametrize("offset", [0.05, -0.01, 0.0005])
def test_an_offset_is_taken_out_and_what_has_none_stays_as_it_is(tmp_path: Path, offset: float) -> None:
    path, clean = tmp_path / "offset.wav", tone(1.5, 16000)
    clean[16000:] = 0.0
    soundfile.write(path, clean + offset * (np.arange(24000) < 16000), 16000, subtype="FLOAT")
    folder, entry, _ = prepared(path)
    assert {each.name for each in folder.iterdir() if "offset" in each.name} == set()
    audio = map_array(folder / "audio.npy", entry.n_samples).numpy()
    if abs(offset) < 0.001:
        np.testing.assert_array_equal(audio, load_audio(path, 16000)[0][0].numpy())
    else:
        assert abs((audio - clean)[8000:15000].mean()) < 1e-4
        np.testing.assert_allclose(audio[8000:15000], clean[8000:15000], atol=0.01)  # in phase to a degree
        assert np.abs(audio[-2000:]).max() < 1e-4  # silence stays silent, but for the step


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(16000), "silent"),
        (np.full(16000, 1e-4), "silent"),
        (np.ones(1), "only 0.000 s"),
        (0.5 * np.ones(1000), "only 0.062 s"),
        (np.zeros(0), "0 samples"),
    ],
)
def test_what_teaches_nothing_is_refused_and_leaves_nothing(tmp_path: Path, samples: np.ndarray, words: str) -> None:
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    result = prepare_recording(job(tmp_path / "a.wav"))
    assert isinstance(result, Refused)
    assert words in result.reason
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_a_tenth_of_a_second_is_enough(tmp_path: Path) -> None:
    assert prepared(write_tone(tmp_path / "a.wav", seconds=0.1)).entry.n_frames == 10


def test_finished_work_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tone(tmp_path / "a.wav")
    first = prepared(path)
    monkeypatch.setattr("luthier.data.prepare_recording.extract_features", None)
    assert prepared(path) == first
    assert prepared(path.rename(tmp_path / "b.wav")).entry.name == "b.wav"


@pytest.mark.parametrize("damage", ["entry.json", "audio.npy", "f0_hz.npy"])
def test_damaged_work_is_done_again(tmp_path: Path, damage: str) -> None:
    path = write_tone(tmp_path / "a.wav")
    first = prepared(path)
    content = (first.folder / damage).read_bytes()
    (first.folder / damage).write_bytes(content[:-3])
    assert prepared(path) == first
    assert (first.folder / damage).read_bytes() == content


def test_another_definition_has_another_key() -> None:
    keys = {definition_key(FeatureDefinition(hop_length=hop)) for hop in (64, 160, 320)}
    assert len(keys) == 3


def features_of(f0_hz: torch.Tensor, periodicity: float = 1.0) -> Features:
    values = f0_hz.reshape(1, -1, 1)
    return Features(values, torch.full_like(values, periodicity), torch.zeros_like(values))


def test_single_notes_are_told_from_melodies() -> None:
    vibrato = 440.0 * 2 ** (torch.sin(torch.arange(500) * 0.3) * 40 / 1200)
    assert single_note(features_of(vibrato), 100.0) == 69
    assert single_note(features_of(torch.tensor([440.0] * 250 + [494.0] * 250)), 100.0) is None
    assert single_note(features_of(vibrato, periodicity=0.1), 100.0) is None
    assert single_note(features_of(vibrato.repeat(5)), 100.0) is None


SOURCE_RATES = [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000]
INSTRUMENT_HOPS = {16000: 160, 24000: 96, 44100: 256, 48000: 480}


@pytest.mark.parametrize("source_rate", SOURCE_RATES)
@pytest.mark.parametrize("sample_rate", INSTRUMENT_HOPS)
def test_any_source_rate_goes_into_any_instrument_rate(tmp_path: Path, source_rate: int, sample_rate: int) -> None:
    """The same half second of a tone: as long, as high, as loud, whatever it was recorded at."""
    hop_length = INSTRUMENT_HOPS[sample_rate]
    definition = FeatureDefinition(sample_rate=sample_rate, hop_length=hop_length, tracker="swift")
    folder, entry, note = prepared(write_tone(tmp_path / "a.wav", 0.5, source_rate), definition)
    assert note == 69
    assert entry.n_samples == -(-round(0.5 * source_rate) * sample_rate // source_rate)
    assert entry.n_frames == -(-entry.n_samples // hop_length)
    steady = slice(entry.n_frames // 3, entry.n_frames // 3 * 2)
    f0_hz = map_array(folder / "f0_hz.npy", entry.n_frames)[steady]
    assert (1200 * torch.log2(f0_hz / 440)).abs().median() < 10
    loudness_db = map_array(folder / "loudness_db.npy", entry.n_frames)[steady]
    assert (loudness_db - LOUDNESS_OF_THE_TONE_DB).abs().max() < 0.5


@given(
    st.integers(1, 10**12), st.sampled_from(SOURCE_RATES), st.sampled_from(SOURCE_RATES), st.integers(1, 8192)
)  # fmt: skip
def test_lengths_are_whole_numbers_at_every_rate_and_hop(n: int, from_rate: int, to_rate: int, hop: int) -> None:
    """What `resampled_blocks` and `n_frames` promise, for lengths that floating point could not count."""
    n_samples = -(-n * to_rate // from_rate)
    assert (n_samples - 1) * from_rate < n * to_rate <= n_samples * from_rate  # no sample lost, none too many
    count = n_frames(n_samples, hop)
    assert (count - 1) * hop < n_samples <= count * hop


def test_a_disk_that_fails_while_reading_is_an_error_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        def update(self, block: bytes) -> None:
            raise OSError(5, "Input/output error")

    path = write_tone(tmp_path / "a.wav")
    monkeypatch.setattr("luthier.data.prepare_recording.hashlib.sha256", Failing)
    with pytest.raises(AudioFileError, match=r"a\.wav: cannot be read \(Input/output error\)"):
        hash_file(path)
