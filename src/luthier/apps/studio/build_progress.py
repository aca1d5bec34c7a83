"""How far a build is, told from what it has left in its folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from luthier.apps.build_places import BuildPlaces
from luthier.apps.cli.training_lines import clock
from luthier.training.run_folder import default_run_folder, read_log
from luthier.training.validation import MONITOR


def progress_lines(places: BuildPlaces) -> list[str]:
    """One line for each step that is done or at work, the latest last."""
    return list(_lines(places))


def _lines(places: BuildPlaces) -> Iterator[str]:
    yield "1 of 4: recordings checked."
    yield "2 of 4: measuring pitch, loudness and expression."
    if not places.dataset.exists():
        return
    yield "3 of 4: training. Distance to recordings that it has not heard, smaller is better:"
    run = default_run_folder(places.output)
    rows, again = read_log(run), read_log(run.refit)
    yield from map(_training_line, rows)
    if rows and rows[-1]["verdict"]:
        yield f"   {rows[-1]['verdict']}"
    if again:
        yield "   Once more, from what it was compared with, too; it is compared at the end with what it has never heard:"
        yield from (f"   {clock(row['seconds'])} done, {clock(row['seconds_left'])} left" for row in again)
    if places.output.exists():
        yield "4 of 4: listening to how good it is; writing the report."


def _training_line(row: dict[str, Any]) -> str:
    scores = row["scores"]
    return (
        f"   {clock(row['seconds'])} done, {clock(row['seconds_left'])} left: {scores[MONITOR]:.2f} "
        f"(at best {scores[f'{MONITOR}_oracle']:.2f}){'  best so far' if row['is_best'] else ''}"
    )
