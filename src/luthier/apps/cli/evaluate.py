"""`luthier evaluate`: how good an instrument is, in numbers and sounds."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from luthier.apps.cli.options import Force, Json
from luthier.apps.cli.output import print_json, print_table, results_only
from luthier.atomic import refuse_existing

if TYPE_CHECKING:
    from luthier.evaluation.scores import Evaluation


def evaluate(
    instrument: Annotated[Path, typer.Argument(help="Instrument file.")],
    dataset: Annotated[Path, typer.Argument(help="Dataset folder made by `luthier prepare`.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to make for report.html and scores.json.")
    ] = None,
    split: Annotated[
        Literal["test", "validation", "train"], typer.Option(help="Part of the dataset to score.")
    ] = "test",
    force: Force = False,
    json: Json = False,
) -> None:
    """Score an instrument on recordings that it never heard, beside the best and the least that is possible."""
    if output is not None:
        refuse_existing(output, force=force)
    from luthier.atomic import atomic_folder
    from luthier.data.dataset import Dataset
    from luthier.evaluation.evaluate import evaluate as score
    from luthier.evaluation.instrument_report import Entrant, instrument_report
    from luthier.evaluation.report import write_report
    from luthier.model.instrument_file import load_instrument
    from luthier.training.listening import training_curve
    from luthier.training.run_folder import default_run_folder

    learned, opened = load_instrument(instrument).instrument, Dataset.open(dataset)
    with results_only():
        scores = score(learned, opened, split=split)
        if output is not None:
            with atomic_folder(output, force=force) as folder:
                (folder / "scores.json").write_text(scores.to_json() + "\n", encoding="utf-8")
                curve = training_curve(default_run_folder(instrument))
                report = instrument_report(opened, [Entrant(instrument.stem, learned, scores, curve)], split=split)
                write_report(folder / "report.html", report)
    if json:
        print_json(json_format.loads(scores.to_json()))
    else:
        print_scores(scores)
        if output is not None:
            print(output / "report.html")


def print_scores(scores: Evaluation) -> None:
    """The scores as a table, and what they mean."""
    from luthier.evaluation.advice import advise

    rows = [
        (name, *map(_text, (score.model, score.floor, score.oracle, score.base, score.gap)))
        for name, score in scores.framed.items()
    ]
    rows += [(name, _text(value), "", "", "", "") for name, value in scores.plain.items()]
    print_table(("score", "model", "floor", "oracle", "base", "gap"), rows)
    print()
    print("\n".join(advise(scores)))


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
