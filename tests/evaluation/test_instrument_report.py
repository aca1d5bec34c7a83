from __future__ import annotations

import pytest
import torch

from evaluation.pages import Page
from evaluation.sounds import RATE, tone
from luthier.data.dataset import Dataset
from luthier.evaluation import instrument_report as instrument_report_module
from luthier.evaluation.instrument_report import Entrant, heard, instrument_report, say_scores
from luthier.evaluation.material import clips_with_sound
from luthier.evaluation.plots import TrainingCurve
from luthier.evaluation.report import render_report
from luthier.evaluation.scores import Evaluation
from luthier.model.config import DecoderConfig, InstrumentConfig, RoomConfig
from luthier.model.instrument import Instrument


def test_a_report_lets_hear_recording_instrument_dry_oracle_and_room(
    dataset: Dataset, instrument: Instrument, scores: Evaluation
) -> None:
    curve = TrainingCurve([0, 1], [9.0, 8.0])
    verdict = "More training will not help."
    entrant = Entrant("violin", instrument, scores, curve, credit="John Garner", verdict=verdict)
    report = instrument_report(dataset, [entrant])
    assert [example.title for example in report.examples] == [
        "Passage 1: performance.wav from 10 s",
        "The room of violin",
        "Training of violin",
    ]
    labels = [label for label, _, _ in report.examples[0].players]
    assert labels[:3] == ["Recording", "violin", "violin, without the room"]
    assert labels[3].startswith("Oracle")
    assert report.examples[2].text == "More training will not help."
    page = Page(render_report(report))
    assert len(page.players) == 5
    assert len(page.images) == 3
    assert "Played by <nobody>" in page.text
    assert "CC0 1.0" in page.text
    assert "John Garner" in page.text


def test_the_passage_that_the_advice_names_is_heard(
    dataset: Dataset, instrument: Instrument, scores: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clip,), _ = clips_with_sound(dataset, "test")
    many = [clip._replace(name=f"{number}.wav") for number in range(9)]
    monkeypatch.setattr(instrument_report_module, "clips_with_sound", lambda *_: (many, []))
    judged = tuple(
        scores.clips[0].model_copy(
            update={"recording": each.name, "scores": {"mss_rel": 9.0 if each is many[7] else 5.0}}
        )
        for each in many
    )
    report = instrument_report(dataset, [Entrant("violin", instrument, scores.model_copy(update={"clips": judged}))])
    assert any("weakest passage is 7.wav" in sentence for sentence in report.advice)
    heard = [example.title.split()[2] for example in report.examples if example.title.startswith("Passage")]
    assert heard == ["0.wav", "3.wav", "6.wav", "7.wav"]


def test_nothing_is_advised_of_other_files_than_it_learned_from(
    dataset: Dataset, instrument: Instrument, scores: Evaluation
) -> None:
    stranger = Entrant("violin", instrument, scores, learned_share=0.0, learned_here=False)
    assert not any("ecord more" in sentence for sentence in instrument_report(dataset, [stranger]).advice)
    for known in (stranger._replace(learned_here=True), stranger._replace(learned_share=None)):
        assert any("ecord more" in sentence for sentence in say_scores(known))


def test_two_instruments_stand_side_by_side(dataset: Dataset, instrument: Instrument, scores: Evaluation) -> None:
    bare = Instrument(InstrumentConfig(n_harmonics=40, room=RoomConfig(kind="none")))
    report = instrument_report(dataset, [Entrant("wet", instrument, scores), Entrant("bare", bare, scores)])
    assert report.title == "wet and bare"
    assert [table.name for table in report.tables] == ["wet", "bare"]
    labels = [label for label, _, _ in report.examples[0].players]
    assert labels.index("wet") < labels.index("bare")
    assert all(sentence.startswith(("wet: ", "bare: ")) for sentence in report.advice)
    assert report.examples[-1].text == "This instrument stands in no room."


def test_an_instrument_with_an_expression_of_its_own_is_heard_with_it_too(dataset: Dataset, scores: Evaluation) -> None:
    torch.manual_seed(0)
    inputs = ("f0_octaves_z", "loudness_z", "brightness_z")
    decoder = DecoderConfig(inputs=inputs, input_width=4, gru_width=4, output_width=4, output_depth=1)
    expressive = Instrument(InstrumentConfig(n_harmonics=40, decoder=decoder, room=RoomConfig(kind="none"))).eval()
    (passage, *_) = instrument_report(dataset, [Entrant("violin", expressive, scores)]).examples
    sounds = {label: audio for label, audio, _ in passage.players}
    assert list(sounds)[:4] == ["Recording", "violin", "violin, without the room", "violin, expression of its own"]
    assert (sounds["violin"] - sounds["violin, expression of its own"]).abs().max() > 1e-6


def test_what_is_heard_in_a_tone_is_its_pitch_and_in_silence_nothing() -> None:
    features = heard(tone(330), sample_rate=RATE, hop_length=160).features
    assert features is not None
    assert features.f0_hz[0, 50, 0].item() == pytest.approx(330, rel=0.001)
    assert features.periodicity[0, 5:-5].min() == 1
    silent = heard(torch.zeros(1, RATE), sample_rate=RATE, hop_length=160).features
    assert silent is not None
    assert silent.periodicity.max() == 0
