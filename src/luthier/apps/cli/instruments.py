"""`luthier instruments`: what there is to play without training anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.apps.cli.options import Json
from luthier.apps.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from luthier.inference.player import Player

SCORE = "test_mss_rel_gap"
"""0: as good as closed-form analysis; 1: no better than a constant timbre."""


def instruments(json: Json = False) -> None:
    """List the instruments that come with luthier, to be named wherever an instrument file is asked for."""
    from luthier.inference.player import load_player
    from luthier.model.bundled import bundled_names

    found = [{"name": name, **_describe(load_player(name))} for name in bundled_names()]
    if json:
        print_json({"instruments": found})
        return
    columns = ("name", "title", "sample_rate", "range", "licence", "score")
    rows = [[_text(entry[column]) for column in columns] for entry in found]
    print_table([column.replace("_", " ") for column in columns], rows)
    say("score: on recordings never heard, 0 as good as analysis, 1 no better than a constant timbre.")
    say("Next: luthier transfer VOICE.wav --to violin -o OUT.wav    more about one: luthier info violin")


def _describe(player: Player) -> dict[str, object]:
    from luthier.analysis.checkup_range import note_name
    from luthier.inference.pitch_fit import range_hz
    from luthier.units import hz_to_midi

    lowest_hz, highest_hz = range_hz(player.instrument.statistics.f0_octaves_quantiles)
    return {
        "title": player.summary.title,
        "sample_rate": player.sample_rate,
        "range": " to ".join(note_name(round(hz_to_midi(hz))) for hz in (lowest_hz, highest_hz)),
        "lowest_hz": lowest_hz,
        "highest_hz": highest_hz,
        "licence": player.summary.licence,
        "credit": player.summary.credit,
        "score": player.summary.scores.get(SCORE),
    }


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
