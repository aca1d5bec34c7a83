"""`luthier evaluate`: how good an instrument is, in numbers and sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from luthier.apps.cli.options import INSTRUMENT, Force, Json
from luthier.apps.cli.output import is_part, json_text, print_json, print_table, results_only
from luthier.atomic import refuse_existing, refuse_loss
from luthier.errors import OutputError

if TYPE_CHECKING:
    from luthier.data.dataset import Dataset
    from luthier.data.split import Part
    from luthier.evaluation.instrument_report import Entrant
    from luthier.evaluation.scores import Evaluation

LISTENING_TEST = "listening-test.html"


def evaluate(
    instrument: Annotated[Path, typer.Argument(help=INSTRUMENT)],
    dataset: Annotated[Path, typer.Argument(help="Dataset folder made by `luthier prepare`.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to make for report.html and scores.json.")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="A second instrument, to be compared side by side.")] = None,
    listening_test: Annotated[
        bool,
        typer.Option("--listening-test", help="Also make listening-test.html, to have people rate the sound blind."),
    ] = False,
    split: Annotated[
        Literal["test", "validation", "train"], typer.Option(help="Part of the dataset to score.")
    ] = "test",
    force: Force = False,
    json: Json = False,
) -> None:
    """Score an instrument on recordings that it never heard, beside the best and the least that is possible."""
    if listening_test and output is None:
        raise OutputError("--listening-test: found no place for the page. Add -o FOLDER.")
    if against is not None and _file(against) == _file(instrument):
        raise OutputError(f"--against {against}: is the same instrument. Give another one to compare it with.")
    if output is not None:
        refuse_existing(output, force=force)
        refuse_loss(output, "report.html", [instrument, dataset, *([against] if against else [])])
    from luthier.atomic import atomic_folder
    from luthier.data.dataset import Dataset
    from luthier.evaluation.anchor import check_anchor_rate
    from luthier.evaluation.instrument_report import HELD_OUT, say_material, say_scores

    opened = Dataset.open(dataset)
    if listening_test:  # before the work
        check_anchor_rate(opened.definition.sample_rate)
    with results_only():
        entrants = _entrants([path for path in (instrument, against) if path], opened, split)
        if output is not None:
            with atomic_folder(output, force=force) as folder:
                _write(folder, opened, entrants, split, listening_test=listening_test)
    if json:
        print_json(_document(entrants))
        return
    if (material := say_material(entrants, split)) != HELD_OUT:
        print(material + "\n")
    for entrant in entrants:
        if against is not None:
            print(f"{entrant.name}\n")
        print_scores(entrant.scores, say_scores(entrant))
        print()
    if against is not None:
        print_comparison(entrants)
    if output is not None and not is_part():
        print(output / "report.html")
        if listening_test:
            print(output / LISTENING_TEST)


def _file(name: Path) -> Path:
    from luthier.model.bundled import find_instrument

    return find_instrument(name).resolve()


def _entrants(paths: list[Path], dataset: Dataset, split: Part) -> list[Entrant]:
    """The instruments with their scores and training; files of one name go by their whole path."""
    from luthier.evaluation.evaluate import check_fit
    from luthier.evaluation.evaluate import evaluate as score
    from luthier.evaluation.held_out import has_learned_here, learned_share
    from luthier.evaluation.instrument_report import Entrant
    from luthier.model.bundled import find_instrument
    from luthier.model.instrument_file import load_instrument
    from luthier.training.listening import training_curve, training_verdict
    from luthier.training.run_folder import own_run

    is_clear = len({path.stem for path in paths}) == len(paths)
    loaded = [load_instrument(path) for path in paths]
    for path, learned in zip(paths, loaded, strict=True):  # before the work on any of them
        check_fit(learned.instrument, dataset, name=str(path))
    runs = [own_run(find_instrument(path)) for path in paths]
    return [
        Entrant(
            name=path.stem if is_clear else str(path),
            instrument=learned.instrument,
            scores=score(learned.instrument, dataset, split=split),
            training=training_curve(run) if run else None,
            learned_share=learned_share(learned.summary.learned_from, dataset, split),
            learned_here=has_learned_here(learned.summary.learned_from, dataset),
            credit=learned.summary.credit,
            verdict=training_verdict(run) if run else "",
        )
        for path, learned, run in zip(paths, loaded, runs, strict=True)
    ]


def _document(entrants: list[Entrant]) -> dict[str, Any]:
    """The scores of the first instrument, and under `against` and `comparison` those of the second, and both together."""
    from luthier.evaluation.comparison import compare

    first, *second = (
        entrant.scores.model_dump(mode="json")
        | {"trained_on": None if entrant.learned_share is None else entrant.learned_share > 0.0}
        for entrant in entrants
    )
    if not second:
        return first
    differences = compare(entrants[0].scores, entrants[1].scores)
    names = (entrants[0].name, entrants[1].name)
    return first | {
        "against": second[0],
        "comparison": [each._asdict() | {"words": each.words(*names)} for each in differences],
    }


def _write(folder: Path, dataset: Dataset, entrants: list[Entrant], split: Part, *, listening_test: bool) -> None:
    from luthier.evaluation.instrument_report import instrument_report
    from luthier.evaluation.report import write_report

    (folder / "scores.json").write_text(json_text(_document(entrants)) + "\n", encoding="utf-8")
    write_report(folder / "report.html", instrument_report(dataset, entrants, split=split))
    if listening_test:
        _write_listening_test(folder / LISTENING_TEST, dataset, entrants, split)


def _write_listening_test(path: Path, dataset: Dataset, entrants: list[Entrant], split: Part) -> None:
    from luthier.evaluation.instrument_report import say_credits
    from luthier.evaluation.listening_page import write_listening_test
    from luthier.evaluation.listening_trials import listening_trials

    write_listening_test(
        path,
        listening_trials(dataset, entrants, split=split),
        sample_rate=dataset.definition.sample_rate,
        credits=say_credits(dataset, entrants),
    )


def print_comparison(entrants: list[Entrant]) -> None:
    """The second instrument against the first."""
    from luthier.evaluation.comparison import compare

    first, second = entrants
    print(f"{second.name} against {first.name}, passage by passage\n")
    rows = [
        (
            each.metric,
            f"{each.mean:+.3g}",
            each.interval,
            f"{each.n_better} of {each.n_passages}",
            each.words(first.name, second.name),
        )
        for each in compare(first.scores, second.scores)
    ]
    print_table(("score", "difference", "95 %", "better in", ""), rows)
    print()


def print_scores(scores: Evaluation, sentences: list[str]) -> None:
    """The scores as a table, and what they mean."""
    interval = ["gap_low", "gap_high"] if scores.mss_rel.gap_low is not None else []
    own = ["predicted", "predicted_gap"] if scores.mss_rel.predicted is not None else []
    columns = ["model", "floor", "oracle", "base", "gap", *interval, *own]
    rows = [(name, *(_text(getattr(score, column)) for column in columns)) for name, score in scores.framed.items()]
    for name, value in scores.plain.items():
        known = {"model": value, **({"predicted": scores.predicted[name]} if own else {})}
        known |= {"oracle": scores.oracle[name]} if name in scores.oracle else {}
        rows.append((name, *(_text(known[column]) if column in known else "" for column in columns)))
    print_table(("score", *columns), rows)
    print()
    print("\n".join(sentences))


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
