"""`luthier check`: are these recordings fit to train on?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.apps.cli.options import Force, Json
from luthier.apps.cli.output import print_json, print_table, results_only, say
from luthier.apps.cli.progress import counted

if TYPE_CHECKING:
    from luthier.analysis.checkup_findings import Finding
    from luthier.analysis.checkup_range import Seconds
    from luthier.data.check import CheckedFile, CheckReport

PAGE = "report.html"
LESSER_ASPECTS = ("bandwidth", "tuning")
"""Of all files alike, mostly: they come after what is wrong with one of them."""
SHOWN_FINDINGS = 20
"""Sentences about single files on the terminal; the page and --json have all."""


def check(
    recordings: Annotated[list[Path], typer.Argument(help="Sound files, or folders to search for them.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to make for report.html.")] = None,
    f0_min_hz: Annotated[float, typer.Option(help="Lowest pitch of the instrument, Hz.")] = 50.0,
    f0_max_hz: Annotated[float, typer.Option(help="Highest pitch of the instrument, Hz.")] = 2000.0,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Recordings worked on at once; one per core if absent.")
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Tell what recordings are good for, before any time goes into training."""
    from luthier.atomic import refuse_existing, refuse_loss

    if output is not None:
        refuse_existing(output, force=force)
        refuse_loss(output, PAGE, recordings)
    from luthier.data.check import check as check_recordings

    with results_only(), counted("recordings") as on_progress:
        report = check_recordings(recordings, f0_range_hz=(f0_min_hz, f0_max_hz), n_jobs=jobs, on_progress=on_progress)
    if output is not None:
        from luthier.atomic import atomic_folder
        from luthier.evaluation.check_page import write_check_page

        with atomic_folder(output, force=force) as folder:
            write_check_page(folder / PAGE, report)
        say(f"The page with all plots: {output / PAGE}")
    if json:
        print_json(_document(report))
    else:
        _print_report(report)


def _document(report: CheckReport) -> dict[str, object]:
    from luthier.analysis.checkup_set import total_note_seconds, usable_seconds

    checkups = [file.checkup for file in report.files]
    return {
        "verdict": report.verdict.word,
        "usable_minutes": usable_seconds(checkups) / 60,
        "note_seconds": _by_note(total_note_seconds(checkups)),
        "findings": _findings(report.findings),
        "files": [_file(file) for file in report.files],
        "unreadable": [{"path": entry.path, "reason": entry.reason} for entry in report.unreadable],
        "duplicates": [{"path": copy, "same_as": original} for copy, original in report.duplicates],
    }


def _file(file: CheckedFile) -> dict[str, object]:
    from luthier.analysis.checkup_findings import worst

    checkup = file.checkup
    return {
        "path": file.path,
        "verdict": worst(file.findings).word,
        "seconds": checkup.seconds,
        "sample_rate": checkup.sample_rate,
        "pitched_minutes": checkup.pitched_seconds / 60,
        "unpitched_share": checkup.unpitched_share,
        "polyphonic": checkup.voices.is_polyphonic,
        "polyphonic_share": checkup.voices.polyphonic_share,
        "peak_db": checkup.level.peak_db,
        "rms_db": checkup.level.rms_db,
        "clipped_samples": checkup.level.n_clipped,
        "noise_db": checkup.noise.noise_db,
        "noise_below_sound_db": checkup.noise.below_sound_db,
        "hum_hz": checkup.hum.mains_hz,
        "hum_db": checkup.hum.hum_db if checkup.hum.mains_hz else None,
        "bandwidth_hz": checkup.bandwidth.bandwidth_hz,
        "bandwidth_cut": checkup.bandwidth.is_cut,
        "t60_seconds": checkup.t60_seconds,
        "tuning_cents": checkup.tuning.cents,
        "tuning_a4_hz": checkup.tuning.a4_hz,
        "note_seconds": _by_note(checkup.note_seconds),
        "findings": _findings(file.findings),
    }


def _findings(findings: list[Finding]) -> list[dict[str, object]]:
    return [{"aspect": one.aspect, "light": one.light.word, "sentence": one.sentence} for one in findings]


def _by_note(seconds: Seconds) -> dict[str, float]:
    """Seconds of each note that was played."""
    from luthier.analysis.checkup_range import note_name

    return {note_name(note): float(value) for note, value in enumerate(seconds) if value > 0}


def _print_report(report: CheckReport) -> None:
    from luthier.analysis.checkup_findings import Light, worst

    rows = [
        (f"{file.path}", worst(file.findings).word, f"{file.checkup.pitched_seconds / 60:.2f}") for file in report.files
    ]
    print_table(("recording", "light", "pitched minutes"), rows)
    print()
    print_table(("all together", "light", ""), [(one.aspect, one.light.word, one.sentence) for one in report.findings])
    troubles = [(file.path.name, one) for file in report.files for one in file.findings if one.light > Light.GREEN]
    troubles.sort(key=lambda entry: (-entry[1].light, entry[1].aspect in LESSER_ASPECTS))
    if troubles:
        print()
        shown = [(name, one.light.word, one.sentence) for name, one in troubles[:SHOWN_FINDINGS]]
        print_table(("recording", "light", "what to do"), shown)
        if len(troubles) > SHOWN_FINDINGS:
            print(f"and {len(troubles) - SHOWN_FINDINGS} more: see --output or --json")
    if report.unreadable:
        print()
        print_table(("cannot be read", "why"), [(entry.path, entry.reason) for entry in report.unreadable])
    print(f"\nverdict: {report.verdict.word}")
