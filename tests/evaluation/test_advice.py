from __future__ import annotations

from collections.abc import Callable

import pytest

from luthier.evaluation.advice import advise, describe
from luthier.evaluation.scores import ClipScores, Evaluation, FramedScore, Passage, RoomSummary


def framed(model: float, gap: float | None) -> FramedScore:
    return FramedScore(model=model, low=model, high=model, floor=3, oracle=0.5, base=9, gap=gap)


def clip(name: str, mss_rel: float, seconds: float = 30) -> ClipScores:
    return ClipScores(recording=name, start_seconds=60, seconds=seconds, scores={"mss_rel": mss_rel})


GOOD = Evaluation(
    preset="fast",
    split="test",
    seeds=(0, 1),
    mss=framed(5, 0.2),
    mss_rel=framed(5, 0.2),
    mel_db=framed(3, 0.2),
    loudness_db_l1=framed(0.7, 0.1),
    lsd_db=6,
    onset_flux=0.2,
    f0_cents=3,
    rpa50=0.99,
    f0_octave_errors=0,
    room=RoomSummary(t60_seconds=0.4, direct_to_reverberant_db=10),
    clips=(clip("a.wav", 5),),
)


def test_a_good_instrument_hears_only_good_things() -> None:
    sentences = advise(GOOD)
    assert len(sentences) == 3
    assert "timbre is good" in sentences[0]
    assert "followed closely (0.7 dB off" in sentences[1]
    assert "melody is kept: 99 %" in sentences[2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mss_rel": framed(7, 0.4)}, "Record more minutes of the same instrument"),
        ({"mss_rel": framed(8, 0.9)}, "little more than an average sound. Record more, soft and loud"),
        ({"mss_rel": framed(12, 1.4)}, "further from the recordings than an average sound of theirs. Record more"),
        ({"mss_rel": framed(8, None)}, "Record more varied playing"),
        (
            {"mss_rel": framed(5, 0.2).model_copy(update={"predicted_gap": 0.3})},
            "its own expression it is further off (gap 0.30 instead of 0.20 in mss_rel)",
        ),
        ({"rests_db": -22.0}, "In the recordings' rests the instrument still sounds, at -22 dB"),
        ({"mel_db": framed(7, 0.6)}, "recognisable, not lifelike (gap 0.60 in mel_db"),
        ({"loudness_db_l1": framed(1.2, 1.5)}, "off by 1.2 dB, where a constant timbre would be off by 9.0 dB"),
        ({"loudness_db_l1": framed(0.3, 2.0)}, "followed closely (0.3 dB off"),
        ({"onset_ms": 14.0, "onset_found": 0.95}, "Notes begin 14 ms off"),
        ({"onset_ms": 14.0, "onset_found": 1.0}, "Notes begin 14 ms off (median). Record"),
        ({"onset_ms": 6.0, "onset_found": 0.6}, "40 % of the beginnings are not heard"),
        ({"loudness_db_l1": framed(2, 0.5)}, "Record swells"),
        ({"loudness_db_l1": framed(6, 0.9)}, "automatic gain"),
        ({"f0_cents": 15.0}, "kept in most places"),
        ({"f0_cents": 80.0, "rpa50": 0.3}, "melody is not kept"),
        ({"f0_cents": 4.0, "rpa50": 0.6}, "melody is not kept"),
        ({"f0_cents": 96.0, "rpa50": 0.92}, "melody is kept, but out of tune"),
        ({"f0_cents": None, "rpa50": None}, "solo recording"),
        ({"f0_octave_errors": 0.2}, "20 % of the pitched time is heard an octave or more off"),
        ({"room": RoomSummary(t60_seconds=2.4, direct_to_reverberant_db=0)}, "T60 2.4 s"),
        ({"clips": (clip("a.wav", 5, seconds=4),)}, "only 4 s of held-out sound"),
        (
            {"clips": (clip("a.wav", 5).model_copy(update={"sounding_seconds": 3.0}),)},
            "only 3 s of held-out sound",
        ),
        ({"clips": (clip("a.wav", 5, seconds=0.3),)}, "less than 1 s of held-out sound"),
        (
            {"silent": tuple(Passage(recording=f"{n}.wav", start_seconds=30 * n, seconds=9) for n in range(5))},
            "nothing sounds in it: 0.wav from 0 s, 1.wav from 30 s, 2.wav from 60 s and 2 more, 45 s in all",
        ),
        ({"clips": (clip("a.wav", 5), clip("b.wav", 9), clip("c.wav", 5))}, "weakest passage is b.wav from 60 s"),
    ],
)
def test_each_weakness_has_its_sentence(change: dict[str, object], words: str) -> None:
    assert words not in " ".join(advise(GOOD))
    assert words in " ".join(advise(GOOD.model_copy(update=change)))


def test_what_the_tracker_mishears_in_the_recording_is_not_the_instruments_fault() -> None:
    reverberant = GOOD.model_copy(update={"rpa50": 0.86, "f0_octave_errors": 0.08})
    assert "in most places" in " ".join(advise(reverberant))
    assert "octave" in " ".join(advise(reverberant))
    misheard = reverberant.model_copy(update={"oracle": {"rpa50": 0.87, "f0_octave_errors": 0.082, "f0_cents": 2.0}})
    said = " ".join(advise(misheard))
    assert "melody is kept: 86 % of the pitched time within half a semitone (analysis itself 87 %)" in said
    assert "octave" not in said
    worse = misheard.model_copy(update={"rpa50": 0.5, "f0_octave_errors": 0.4})
    assert "melody is not kept: 50 %" in " ".join(advise(worse))
    assert "40 % of the pitched time is heard an octave or more off (analysis itself 8 %)" in " ".join(advise(worse))
    chords = misheard.model_copy(update={"rpa50": 0.6, "oracle": {"rpa50": 0.62}})
    assert "can hardly be told: 60 %" in " ".join(advise(chords))


@pytest.mark.parametrize("say", [advise, describe])
def test_loud_rests_are_named_before_the_timbre_that_they_spoil(say: Callable[[Evaluation], list[str]]) -> None:
    sentences = say(GOOD.model_copy(update={"rests_db": -22.0}))
    assert "rests" in sentences[0]
    assert "timbre" in sentences[1]
    spoilt = say(GOOD.model_copy(update={"rests_db": -22.0, "mel_db": framed(8, 1.87)}))
    assert spoilt[1] == "The timbre itself cannot be told beside that (gap 1.87 in mel_db)."
    assert say(GOOD.model_copy(update={"rests_db": -77.0})) == say(GOOD)


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (1.4, "unlike these recordings (gap 1.40 in mss_rel)"),
        (0.6, "0.60 of the way from analysis (0) to a constant timbre (1)"),
        (None, "cannot be judged"),
    ],
)
def test_of_other_material_it_is_said_how_it_sounds_and_not_what_to_record(gap: float | None, words: str) -> None:
    weak = {
        "mss_rel": framed(12, gap),
        "loudness_db_l1": framed(6, 1.2),
        "onset_ms": 30.0,
        "onset_found": 0.5,
        "f0_octave_errors": 0.2,
        "room": RoomSummary(t60_seconds=2.4, direct_to_reverberant_db=0),
        "clips": (clip("a.wav", 5, seconds=1), clip("b.wav", 9, seconds=1), clip("c.wav", 5, seconds=1)),
    }
    sentences = describe(GOOD.model_copy(update=weak))
    assert words in sentences[0]
    assert len(sentences) == 8
    assert "ecord more" not in " ".join(sentences)
    assert all("Record " not in sentence and sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize("gap", [0.4, 0.6, 0.9])
def test_what_is_known_about_the_training_is_said_first(gap: float) -> None:
    middling = GOOD.model_copy(update={"mss_rel": framed(6, gap)})
    assert "training" not in advise(middling)[0]
    informed = advise(middling, training="Validation has not improved for 4.0 minutes: more training will not help.")
    assert "more training will not help. Beyond that, record" in informed[0]
