"""`luthier ratings`: what the listeners of a listening test said."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import Json
from luthier.apps.cli.output import print_json, print_table, say


def ratings(
    files: Annotated[list[Path], typer.Argument(help="CSV files that listeners downloaded from the test's page.")],
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Count those, too, who did not find the hidden reference.")
    ] = False,
    json: Json = False,
) -> None:
    """Put the results of a listening test together: the mean rating of each condition."""
    from luthier.errors import RangeError
    from luthier.evaluation.ratings import read_ratings, score_ratings, set_aside

    found = read_ratings(files)
    missed = set() if everybody else set_aside(found)
    kept = [rating for rating in found if rating.sitting not in missed]
    aside = [f"{name} (seed {seed})" for name, seed in sorted(missed)]
    if not kept:
        raise RangeError("nobody found the hidden reference: nothing is left. --everybody counts them all the same.")
    for name, count in Counter(name for name, _ in sorted({rating.sitting for rating in kept})).items():
        if count > 1:
            say(f"{name}: {count} sittings are counted as one listener.")
    scores = score_ratings(kept)
    if json:
        print_json({"conditions": [score._asdict() for score in scores], "set_aside": aside})
        return
    rows = [
        (score.condition, f"{score.mean:.1f}", "" if math.isnan(score.low) else f"{score.low:.1f} to {score.high:.1f}",
         score.n_listeners)
        for score in scores
    ]  # fmt: skip
    print_table(("condition", "rating", "95 %", "listeners"), rows)
    if aside:
        say(f"Set aside, for they rated the hidden reference below 90 too often: {', '.join(aside)}.")
