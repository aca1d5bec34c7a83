from __future__ import annotations

import pytest
import torch

from luthier.data.dataset import Dataset
from luthier.data.split import Block
from luthier.dsp.signals import Features
from luthier.evaluation import listening_trials as trials_module
from luthier.evaluation.anchor import low_pass_anchor
from luthier.evaluation.instrument_report import Entrant
from luthier.evaluation.listening_trials import ANCHOR, FADE_SECONDS, ORACLE, REFERENCE, Trial, listening_trials
from luthier.evaluation.material import Clip
from luthier.evaluation.scores import Evaluation
from luthier.model.config import DecoderConfig, InstrumentConfig, RoomConfig
from luthier.model.instrument import Instrument

RATE = 16000
FADE = round(FADE_SECONDS * RATE)


@pytest.fixture
def entrants(instrument: Instrument, scores: Evaluation) -> list[Entrant]:
    return [Entrant("violin", instrument, scores), Entrant("other violin", instrument, scores)]


def trials_of(clips: list[Clip], dataset: Dataset, entrants: list[Entrant], monkeypatch) -> list[Trial]:
    monkeypatch.setattr(trials_module, "clips", lambda *_: clips)
    return listening_trials(dataset, entrants)


def noise_clip(seconds: float, *, level: float = 0.1) -> Clip:
    n_frames = round(100 * seconds)
    audio = level * torch.randn(1, n_frames * 160, generator=torch.Generator().manual_seed(0))
    features = Features(*(torch.full((1, n_frames, 1), value) for value in (440.0, 1.0, -30.0)))
    return Clip("noise.wav", 100.0, audio, features, Block("0" * 16, 10000, n_frames))


def test_a_trial_has_reference_anchor_oracle_and_every_instrument(dataset: Dataset, entrants: list[Entrant]) -> None:
    (trial,) = listening_trials(dataset, entrants)
    assert trial.name == "performance.wav from 10 s"
    assert [name for name, _ in trial.sounds] == [REFERENCE, ANCHOR, ORACLE, "violin", "other violin"]
    sounds = dict(trial.sounds)
    assert len({audio.shape for audio in sounds.values()}) == 1
    inner = slice(FADE, -FADE)
    expected = low_pass_anchor(sounds[REFERENCE], sample_rate=RATE)[:, inner]
    assert (sounds[ANCHOR][:, inner] - expected)[:, 200:-200].abs().max() < 1e-3
    assert (sounds["violin"] - sounds[REFERENCE]).abs().max() > 1e-3


def test_an_instrument_named_like_a_condition_is_told_from_it(dataset: Dataset, entrants: list[Entrant]) -> None:
    (trial,) = listening_trials(dataset, [entrants[0]._replace(name=ORACLE), entrants[1]])
    assert [name for name, _ in trial.sounds][2:] == [ORACLE, f"{ORACLE} (instrument)", "other violin"]


def test_excerpts_last_five_to_ten_seconds_and_are_spread_over_the_material(dataset, entrants, monkeypatch) -> None:
    later = noise_clip(30.0)._replace(start_seconds=200.0)
    found = trials_of([noise_clip(30.0), later], dataset, entrants[:1], monkeypatch)
    seconds = [trial.sounds[0][1].shape[-1] / RATE for trial in found]
    assert len(found) == 6
    assert all(5 <= length <= 10 for length in seconds)
    names = [trial.name for trial in found]
    assert len(set(names)) == 6
    assert names[0] == "noise.wav from 100 s"
    assert sum(name >= "noise.wav from 200 s" for name in names) == 3


def test_levels_stay_and_nothing_clips(dataset, entrants, monkeypatch) -> None:
    quiet = noise_clip(6.0, level=0.05)
    (trial,) = trials_of([quiet], dataset, entrants[:1], monkeypatch)
    reference = trial.sounds[0][1]
    torch.testing.assert_close(reference[:, FADE:-FADE], quiet.audio[:, FADE:-FADE])
    loud = noise_clip(6.0, level=2.0)
    (trial,) = trials_of([loud], dataset, entrants[:1], monkeypatch)
    peaks = [float(audio.abs().max()) for _, audio in trial.sounds]
    assert max(peaks) == pytest.approx(0.999, abs=1e-3)
    gain = trial.sounds[0][1][:, FADE:-FADE] / loud.audio[:, FADE:-FADE]
    assert gain.max() - gain.min() < 1e-3


def test_ends_are_silent_so_that_a_loop_does_not_click(dataset, entrants) -> None:
    (trial,) = listening_trials(dataset, entrants)
    for _, audio in trial.sounds:
        assert audio[0, 0] == 0
        assert audio[0, -1] == 0


def test_an_excerpt_that_is_mostly_rest_is_left_out(dataset, entrants, monkeypatch) -> None:
    found = trials_of([noise_clip(6.0), noise_clip(6.0, level=1e-3)], dataset, entrants[:1], monkeypatch)
    assert len(found) == 1


def test_an_instrument_with_an_expression_of_its_own_is_rated_with_and_without_the_recordings(
    dataset: Dataset, scores: Evaluation
) -> None:
    torch.manual_seed(0)
    inputs = ("f0_octaves_z", "loudness_z", "brightness_z")
    decoder = DecoderConfig(inputs=inputs, input_width=4, gru_width=4, output_width=4, output_depth=1)
    expressive = Instrument(InstrumentConfig(n_harmonics=40, decoder=decoder, room=RoomConfig(kind="none"))).eval()
    (trial,) = listening_trials(dataset, [Entrant("violin", expressive, scores)])
    sounds = dict(trial.sounds)
    assert list(sounds)[3:] == ["violin", "violin, expression of its own"]
    assert (sounds["violin"] - sounds["violin, expression of its own"]).abs().max() > 1e-6
