"""What the scores mean in plain words, and what to record next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from luthier.evaluation.scores import ClipScores, Evaluation, FramedScore, Number, Passage

GOOD_GAP, FAIR_GAP, PLAIN_GAP = 0.30, 0.50, 0.75
"""A published autoencoder of six million parameters is at 0.41 to 0.44, in MSS."""
NOTABLE_GAP = 0.05
"""A smaller difference between two gaps is noise."""
AUDIBLE_LOUDNESS_DB, GOOD_LOUDNESS_DB, FAIR_LOUDNESS_DB = 1.0, 1.5, 3.0
"""A change of 1 dB is hardly heard, one of 3 dB plainly."""
GOOD_CENTS, FAIR_CENTS = 10.0, 25.0
"""A trained ear hears about 5 cents side by side, 25 is out of tune."""
GOOD_ONSET_MS, GOOD_FOUND = 10.0, 0.8
"""Beginnings within 10 ms sound together; of the violin's analysed recordings nine in ten are found."""
GOOD_RPA, FAIR_RPA, FEW_OCTAVE_ERRORS = 0.9, 0.75, 0.05
"""Of what the tracker hears in the oracle: what it mishears in the recording is no fault of the instrument."""
PITCH_MISHEARD = "Chords and a second voice cause this: look at the pitch curves of the report."
LOUD_RESTS_DB = -40.0
"""Above this, what sounds in rests decides the gaps more than the timbre does."""
NO_SCALE = "The timbre cannot be judged: a constant timbre does as well here as analysis."
FURTHER = "the instrument is further from the recordings than an average sound of theirs"
LONG_T60_SECONDS = 1.0
LITTLE_TEST_SECONDS = 20.0
MOST_NAMED = 3
"""Silent passages are named so far, and then counted."""


class Finding(NamedTuple):
    """What was found, and what to do about it: to record something, mostly."""

    fact: str
    advice: str = ""


def advise(scores: Evaluation, *, training: str = "") -> list[str]:
    """Say what is good, what is not, and what to record or try next: one sentence or two for each finding.

    Args:
        scores: what `evaluate` found.
        training: whether more training would help, in words; empty where it is not known.
    """
    timbre = _timbre(*_worse_timbre(scores), f"{training} Beyond that, record" if training else "Record")
    found = (*_beside_rests(timbre, scores), *_findings(scores))
    return [f"{fact} {advice}".rstrip() for fact, advice in found if fact]


def describe(scores: Evaluation) -> list[str]:
    """Say what was found on other material than the instrument learned from: how it sounds there, not what to record.

    Args:
        scores: what `evaluate` found.
    """
    found = (*_beside_rests(_likeness(*_worse_timbre(scores)), scores), *_findings(scores))
    return [fact for fact, _ in found if fact]


def _findings(scores: Evaluation) -> list[Finding]:
    """All but the timbre; without a fact where there is nothing to say."""
    return [
        _expression(scores.mss_rel.gap, scores.mss_rel.predicted_gap),
        _loudness(scores.loudness_db_l1),
        _beginnings(scores.onset_ms, scores.onset_found),
        Finding(_pitch(scores.f0_cents, scores.rpa50, scores.oracle)),
        _octaves(scores.f0_octave_errors, scores.oracle),
        _room(scores.room.t60_seconds),
        _certainty(sum(_sounding(clip) for clip in scores.clips)),
        _left_out(scores.silent),
        _weakest_clip(scores),
    ]


def _beside_rests(timbre: Finding, scores: Evaluation) -> tuple[Finding, ...]:
    """What is said of the timbre; loud rests are named before it, and may be all that a large gap tells of."""
    level_db, (gap, metric) = scores.rests_db, _worse_timbre(scores)
    if level_db is None or level_db <= LOUD_RESTS_DB:
        return (timbre,)
    if gap is None or gap <= GOOD_GAP:
        return _rests(level_db), timbre
    return _rests(level_db), Finding(f"The timbre itself cannot be told beside that (gap {gap:.2f} in {metric}).")


def _rests(level_db: float) -> Finding:
    return Finding(
        f"In the recordings' rests the instrument still sounds, at {level_db:.0f} dB of its loudest: its room or its noise "
        "goes on where the recordings are silent, and the gaps count that as timbre. Listen to it without its room "
        "(in the report, or with `luthier resynth --dry`); recordings that keep their room, without silences cut into them, tell more."
    )


def _worse_timbre(scores: Evaluation) -> tuple[Number, str]:
    """The larger gap of the fine spectra and of the coarse ones, and which it is; None where one has no scale."""
    fine, coarse = scores.mss_rel.gap, scores.mel_db.gap
    if fine is None or coarse is None:
        return None, ""
    return max((fine, "mss_rel"), (coarse, "mel_db"))


def _timbre(gap: Number, metric: str, record: str) -> Finding:
    if gap is None:
        return Finding(NO_SCALE, "Record more varied playing.")
    if gap <= GOOD_GAP:
        return Finding(
            f"The timbre is good: {gap:.2f} of the way from analysis (0) to a constant timbre (1), by {metric}."
        )
    if gap <= FAIR_GAP:
        return Finding(
            f"The timbre is fair (gap {gap:.2f} in {metric}; published instruments are at about 0.4 in mss).",
            f"{record} more minutes of the same instrument in the same room.",
        )
    if gap <= PLAIN_GAP:
        return Finding(
            f"The timbre is recognisable, not lifelike (gap {gap:.2f} in {metric}; published instruments are at about 0.4 "
            "in mss).",
            f"{record} more, soft and loud, low and high.",
        )
    meaning = "the instrument plays little more than an average sound" if gap <= 1.0 else FURTHER
    return Finding(
        f"The timbre is poor (gap {gap:.2f} in {metric}): {meaning}.",
        f"{record} more, soft and loud, low and high, one voice at a time.",
    )


def _likeness(gap: Number, metric: str) -> Finding:
    """How like the material is to what the instrument learned from: a large gap is no fault of the instrument."""
    if gap is None:
        return Finding(NO_SCALE)
    if gap > 1.0:
        return Finding(
            f"The timbre is unlike these recordings (gap {gap:.2f} in {metric}): {FURTHER}. They are unlike what the "
            "instrument learned from, and it plays them with its own sound."
        )
    return Finding(
        f"The timbre lies {gap:.2f} of the way from analysis (0) to a constant timbre (1), by {metric}: the nearer to 1, the "
        "less these recordings are like what the instrument learned from."
    )


def _expression(given: Number, own: Number) -> Finding:
    if given is None or own is None or own - given < NOTABLE_GAP:
        return Finding("")
    return Finding(
        f"Left to its own expression it is further off (gap {own:.2f} instead of {given:.2f} in mss_rel): pitch and loudness "
        "do not say how bright or noisy a note was. Give it an expression, that of the input or by hand: "
        "`luthier transfer --help`."
    )


def _loudness(score: FramedScore) -> Finding:
    error_db = score.model
    if score.gap is not None and score.gap > 1.0 and error_db > AUDIBLE_LOUDNESS_DB:
        return Finding(
            f"Loudness is off by {error_db:.1f} dB, where a constant timbre would be off by {score.base:.1f} dB.",
            "Record the same notes soft and loud.",
        )
    if error_db <= GOOD_LOUDNESS_DB:
        return Finding(f"Loudness is followed closely ({error_db:.1f} dB off; analysis itself {score.oracle:.1f} dB).")
    if error_db <= FAIR_LOUDNESS_DB:
        return Finding(
            f"Loudness is followed roughly ({error_db:.1f} dB off).", "Record swells from soft to loud on single notes."
        )
    return Finding(
        f"Loudness is not followed ({error_db:.1f} dB off).",
        "Is the level of the recordings constant, without automatic gain? Record the same notes soft and loud.",
    )


def _pitch(cents: Number, in_tune: Number, oracle: Mapping[str, Number]) -> str:
    if cents is None or in_tune is None:
        return "No pitch is certain enough to compare. Is this a solo recording of a pitched instrument?"
    best, least_cents = oracle.get("rpa50"), oracle.get("f0_cents") or 0.0
    itself = "" if best is None else f" (analysis itself {100 * best:.0f} %)"
    share = f"{100 * in_tune:.0f} % of the pitched time within half a semitone{itself}, median error {cents:.0f} cents"
    kept = in_tune + 1.0 - (1.0 if best is None else best)
    if kept < FAIR_RPA:
        return f"The melody is not kept: {share}. {PITCH_MISHEARD}"
    if best is not None and best < FAIR_RPA:
        return f"Whether the melody is kept can hardly be told: {share}. {PITCH_MISHEARD}"
    if cents - least_cents > FAIR_CENTS:
        return f"The melody is kept, but out of tune: {share}."
    is_good = cents - least_cents <= GOOD_CENTS and kept >= GOOD_RPA
    return f"The melody is kept{'' if is_good else ' in most places'}: {share}."


def _beginnings(late_ms: Number, found: Number) -> Finding:
    if late_ms is None or found is None or (late_ms <= GOOD_ONSET_MS and found >= GOOD_FOUND):
        return Finding("")
    missed = f", and {100 * (1 - found):.0f} % of the beginnings are not heard within 50 ms" if found < 0.995 else ""
    return Finding(
        f"Notes begin {late_ms:.0f} ms off (median){missed}.",
        "Record notes with clear beginnings, and rests between some of them.",
    )


def _octaves(share: Number, oracle: Mapping[str, Number]) -> Finding:
    misheard = oracle.get("f0_octave_errors") or 0.0
    if share is None or share - misheard <= FEW_OCTAVE_ERRORS:
        return Finding("")
    itself = f" (analysis itself {100 * misheard:.0f} %)" if oracle else ""
    return Finding(
        f"{100 * share:.0f} % of the pitched time is heard an octave or more off{itself}.",
        "Does the recording hold chords? If not, the instrument has not learned enough yet.",
    )


def _room(t60_seconds: Number) -> Finding:
    if t60_seconds is None or t60_seconds <= LONG_T60_SECONDS:
        return Finding("")
    return Finding(
        f"The instrument's room rings long (T60 {t60_seconds:.1f} s), which blurs notes into each other.",
        "Record nearer to the instrument or in a smaller room for a drier, quicker instrument.",
    )


def _sounding(clip: ClipScores) -> float:
    """Seconds in which a passage sounds; all of them in files that do not say."""
    return clip.seconds if clip.sounding_seconds is None else clip.sounding_seconds


def _certainty(seconds: float) -> Finding:
    if seconds >= LITTLE_TEST_SECONDS:
        return Finding("")
    few = "less than 1" if seconds < 1.0 else f"only {seconds:.0f}"
    return Finding(f"All of this rests on {few} s of held-out sound.", "Record more to be surer of it.")


def _left_out(silent: Sequence[Passage]) -> Finding:
    if not silent:
        return Finding("")
    named = ", ".join(f"{each.recording} from {each.start_seconds:.0f} s" for each in silent[:MOST_NAMED])
    more = f" and {len(silent) - MOST_NAMED} more" if len(silent) > MOST_NAMED else ""
    seconds = sum(each.seconds for each in silent)
    return Finding(f"Left out, for (nearly) nothing sounds in it: {named}{more}, {seconds:.0f} s in all.")


def weakest_clip(scores: Evaluation) -> ClipScores | None:
    """The passage to listen to first, where there are several to choose from."""
    judged = [
        (value, index) for index, clip in enumerate(scores.clips) if (value := clip.scores["mss_rel"]) is not None
    ]
    return scores.clips[max(judged)[1]] if len(judged) >= 3 else None


def _weakest_clip(scores: Evaluation) -> Finding:
    clip = weakest_clip(scores)
    if clip is None:
        return Finding("")
    return Finding(
        f"The weakest passage is {clip.recording} from {clip.start_seconds:.0f} s (mss_rel {clip.scores['mss_rel']:.2f}, mean "
        f"{scores.mss_rel.model:.2f}).",
        "Listen to it, and record more that sounds like it.",
    )
