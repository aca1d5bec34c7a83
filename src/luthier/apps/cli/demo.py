"""`luthier demo`: the main job on bundled recordings, in a minute and a half; without training in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import Force, Json, is_given
from luthier.apps.cli.output import print_json, results_only, say
from luthier.atomic import atomic_folder, refuse_existing
from luthier.errors import OutputError

NOTE_NAME = "made-by-luthier-demo.txt"
NOTE = "Everything in this folder was made by `luthier demo`. `luthier demo --force` replaces it.\n"


def demo(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.")] = Path("demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Train nothing: play the instruments that come with luthier.")
    ] = False,
    minutes: Annotated[float, typer.Option(help="Minutes of training.")] = 1.0,
    force: Force = False,
    json: Json = False,
) -> None:
    """Train a small violin, play a passage and a singer with it, and write a page to listen to."""
    if quick and is_given(context, "minutes"):
        raise typer.BadParameter("trains nothing: leave out --minutes.", param_hint="--quick")
    refuse_existing(output, force=force)
    _make_empty(output)
    if quick:
        _play(output, json=json)
    else:
        _train(output, minutes, json=json)


def _train(output: Path, minutes: float, *, json: bool) -> None:
    from luthier.apps.cli.evaluate import print_scores
    from luthier.apps.cli.training_lines import say_epoch, say_start
    from luthier.apps.demo_run import DemoOptions, run_demo
    from luthier.evaluation.advice import advise
    from luthier.training.run import RunOptions

    run = RunOptions(on_start=say_start, on_epoch=say_epoch)
    with results_only():
        result = run_demo(output, DemoOptions(minutes, say, run))
    if json:
        scores = result.scores.model_dump(mode="json")
        print_json(result._asdict() | {"scores": scores})
        return
    print_scores(result.scores, advise(result.scores))
    print()
    _print_paths([*result.sounds.values(), result.picture, result.instrument], result.report)


def _play(output: Path, *, json: bool) -> None:
    from luthier.apps.quick_demo import run_quick_demo

    with results_only():
        result = run_quick_demo(output, say)
    if json:
        print_json(result._asdict())
    else:
        _print_paths([*result.sounds.values(), result.picture], result.report)


def _print_paths(paths: list[Path], report: Path) -> None:
    for path in paths:
        print(path)
    print(f"\nListen: {report}")


def _make_empty(folder: Path) -> None:
    """Make the folder; an earlier demo in it goes, since --force was given, but never anything else.

    Raises:
        OutputError: something that no demo made is there.
    """
    if folder.exists() and not (folder / NOTE_NAME).is_file():
        raise OutputError(f"{folder}: not made by `luthier demo`, so --force will not replace it. Choose another name.")
    with atomic_folder(folder, force=True) as fresh:
        (fresh / NOTE_NAME).write_text(NOTE, encoding="utf-8")
