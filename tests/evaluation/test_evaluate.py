from __future__ import annotations

import json

import pytest
import torch

from luthier.apps.cli.evaluate import print_scores
from luthier.data.dataset import Dataset
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import Features
from luthier.errors import DatasetError, RangeError
from luthier.evaluation.evaluate import check_fit, evaluate
from luthier.evaluation.frames_of_reference import Synthesiser, base_controls, mean_timbre, oracle_controls
from luthier.evaluation.intervals import bootstrap_interval, student_interval
from luthier.evaluation.material import clips
from luthier.evaluation.metrics import PITCH_METRICS, score_clip
from luthier.evaluation.playing import play_instrument
from luthier.evaluation.scores import Evaluation, Passage
from luthier.model.config import InstrumentConfig, RoomConfig
from luthier.model.instrument import Instrument

FRAMED = ("mss", "mss_rel", "mel_db", "loudness_db_l1")


def test_json_has_the_keys_that_scripts_rely_on(scores: Evaluation) -> None:
    found = json.loads(scores.to_json())
    for name in FRAMED:
        assert {"model", "floor", "oracle", "base", "gap"} <= set(found[name])
        numbers = {key: value for key, value in found[name].items() if not key.startswith("predicted")}
        assert all(isinstance(value, float) for key, value in numbers.items() if not key.endswith(("low", "high")))
    assert isinstance(found["f0_cents"], float)
    assert 0 <= found["rpa50"] <= 1
    assert Evaluation.model_validate_json(scores.to_json()) == scores


def test_scores_are_means_over_clips_and_seeds(scores: Evaluation, instrument: Instrument, dataset: Dataset) -> None:
    (clip,) = clips(dataset, "test")
    with torch.no_grad():
        rows = [
            score_clip(play_instrument(instrument, clip.features, seed=seed), clip.audio, sample_rate=16000)
            for seed in (0, 1)
        ]
    for name in FRAMED:
        expected = (rows[0][name] + rows[1][name]) / 2
        assert scores.framed[name].model == pytest.approx(expected)
        assert scores.clips[0].scores[name] == pytest.approx(expected)
    assert scores.rpa50 == pytest.approx((rows[0]["rpa50"] + rows[1]["rpa50"]) / 2)


def test_an_untrained_instrument_is_worse_than_the_base_and_analysis_better(scores: Evaluation) -> None:
    for name in ("mss_rel", "mel_db"):
        score = scores.framed[name]
        assert 0 < score.oracle < score.base < score.model
        assert score.gap is not None
        assert score.gap > 1
        ends = (score.low, score.high, score.bootstrap_low, score.bootstrap_high, score.gap_low, score.gap_high)
        assert ends == (None,) * 6  # a single passage


class Replayed(Instrument):
    """An instrument that plays given controls, whatever it is asked to."""

    def __init__(self, config: InstrumentConfig, dataset: Dataset, *, knows_the_answer: bool) -> None:
        super().__init__(config)
        synthesiser = Synthesiser.of(config)
        (clip,) = clips(dataset, "test")
        training = [(clip.audio, clip.features) for clip in clips(dataset, "train")]
        timbre = mean_timbre(training, synthesiser)
        answer = oracle_controls(clip.audio, clip.features, synthesiser)
        self.played = answer if knows_the_answer else base_controls(clip.features, timbre, synthesiser)

    def controls(self, features: Features) -> object:  # type: ignore[override]
        return self.played


@pytest.mark.parametrize(("knows_the_answer", "expected"), [(True, 0.0), (False, 1.0)])
def test_an_instrument_that_plays_the_oracle_has_gap_0_and_one_that_plays_the_base_gap_1(
    dataset: Dataset, *, knows_the_answer: bool, expected: float
) -> None:
    config = InstrumentConfig(n_harmonics=40, room=RoomConfig(kind="none"))
    found = evaluate(Replayed(config, dataset, knows_the_answer=knows_the_answer), dataset, seeds=(0, 1))
    for name in FRAMED:
        assert found.framed[name].gap == pytest.approx(expected, abs=1e-4)
    if knows_the_answer:  # by one noise instead of two
        assert found.oracle == {name: pytest.approx(found.plain[name], abs=0.1) for name in PITCH_METRICS}
    assert found.room.t60_seconds == 0


def test_over_several_passages_the_intervals_are_students_and_the_jackknifes(
    instrument: Instrument, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clip,) = clips(dataset, "test")
    half = clip._replace(audio=clip.audio[:, : 80 * 160], features=clip.features.map(lambda values: values[:, :80]))
    monkeypatch.setattr("luthier.evaluation.evaluate.clips_with_sound", lambda *_: ([clip, half], [1.0, 1.0]))
    scored = evaluate(instrument, dataset, seeds=(0, 1))
    found, values = scored.mel_db, [passage.scores["mel_db"] or 0.0 for passage in scored.clips]
    assert (found.low, found.high) == student_interval(values)
    assert (found.bootstrap_low, found.bootstrap_high) == bootstrap_interval(values)
    assert (found.gap or 0.0) == pytest.approx(((found.gap_low or 0.0) + (found.gap_high or 0.0)) / 2)


def test_what_is_left_out_as_silent_is_in_the_scores(
    instrument: Instrument, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out = Passage(recording="rests.wav", start_seconds=3.0, seconds=2.0)
    monkeypatch.setattr("luthier.evaluation.evaluate.silent_passages", lambda *_: [left_out])
    found = json.loads(evaluate(instrument, dataset, seeds=(0, 1)).to_json())
    assert found["silent"] == [left_out.model_dump()]


def test_each_passage_keeps_its_frames_of_reference(scores: Evaluation) -> None:
    (clip,) = scores.clips
    for name in FRAMED:
        found = (clip.scores[name], clip.floor[name], clip.oracle[name], clip.base[name])
        score = scores.framed[name]
        assert found == pytest.approx((score.model, score.floor, score.oracle, score.base))
    assert clip.predicted == {}  # it takes no expression
    assert {name: clip.oracle[name] for name in PITCH_METRICS} == scores.oracle


def test_the_seconds_in_which_a_passage_sounds_are_known(scores: Evaluation) -> None:
    (clip,) = scores.clips
    assert clip.sounding_seconds is not None
    assert 0.5 * clip.seconds < clip.sounding_seconds <= clip.seconds


def test_the_command_line_shows_the_pitch_of_the_oracle_and_the_given_sentences(
    scores: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    print_scores(scores.model_copy(update={"oracle": scores.oracle | {"rpa50": 0.918}}), ["The timbre is good."])
    rows = {words[0]: words[1:] for line in capsys.readouterr().out.splitlines() if (words := line.split())}
    assert rows["rpa50"][1:] == ["0.918"]
    assert len(rows["lsd_db"]) == 1
    assert rows["The"] == ["timbre", "is", "good."]


def test_the_instrument_is_left_as_it_was(instrument: Instrument, dataset: Dataset) -> None:
    before = {name: tensor.clone() for name, tensor in instrument.state_dict().items()}
    evaluate(instrument, dataset, split="validation", seeds=(0, 1))
    assert all(torch.equal(before[name], tensor) for name, tensor in instrument.state_dict().items())
    assert all(parameter.grad is None for parameter in instrument.parameters())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("seeds", [(), (1,), (1, 1)])
def test_one_noise_has_no_floor(instrument: Instrument, dataset: Dataset, seeds: tuple[int, ...]) -> None:
    with pytest.raises(RangeError, match="two or more"):
        evaluate(instrument, dataset, seeds=seeds)


def test_an_instrument_that_listens_to_something_else_is_refused(dataset: Dataset) -> None:
    config = InstrumentConfig(features=FeatureDefinition(hop_length=64))
    with pytest.raises(DatasetError, match="hop_length is 160, the instrument expects 64"):
        check_fit(Instrument(config), dataset)
