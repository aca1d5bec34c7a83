"""The check-up as one HTML page that opens anywhere: lights, sentences, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from luthier.analysis.checkup_findings import Finding, Light, worst
from luthier.analysis.checkup_range import judge_range
from luthier.analysis.checkup_set import total_note_seconds
from luthier.atomic import atomic_file
from luthier.data.check import CheckReport
from luthier.evaluation.check_plots import range_plot, recording_plot
from luthier.evaluation.embedding import png_data_uri
from luthier.evaluation.plots import figure_to_png

TEMPLATE = "check.html.j2"
MOST_PICTURES = 40
"""A set of hundreds of single notes gets pictures of its worst recordings only: a page must stay small."""
VERDICTS = {
    Light.GREEN: "Fit to train on.",
    Light.YELLOW: "Can be trained on; the yellow points below would make it better.",
    Light.RED: "Not fit as it is: see the red points below.",
}


class _Row(NamedTuple):
    """One recording on the page."""

    name: str
    light: Light
    pitched_minutes: float
    findings: list[Finding]
    picture: str


def write_check_page(path: str | Path, report: CheckReport, *, force: bool = False) -> None:
    """Write the check-up as one self-contained HTML file; it appears whole or not at all.

    Raises:
        OutputError: `path` exists and `force` is not set, or it cannot be written.
    """
    with atomic_file(path, force=force) as temporary:
        temporary.write_text(render_check_page(report), encoding="utf-8")


def render_check_page(report: CheckReport) -> str:
    """The check-up as HTML text."""
    environment = Environment(
        loader=PackageLoader("luthier.evaluation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    seconds = total_note_seconds([file.checkup for file in report.files])
    return environment.get_template(TEMPLATE).render(
        report=report,
        sentence=VERDICTS[report.verdict],
        range_picture=png_data_uri(figure_to_png(range_plot(seconds, judge_range(seconds)))),
        rows=_rows(report),
    )


def _rows(report: CheckReport) -> list[_Row]:
    """Worst recordings first, each with its findings; pictures as long as there are not too many."""
    files = sorted(report.files, key=lambda file: -worst(file.findings))
    return [
        _Row(
            name=str(file.path),
            light=worst(file.findings),
            pitched_minutes=file.checkup.pitched_seconds / 60,
            findings=file.findings,
            picture=png_data_uri(figure_to_png(recording_plot(file))) if number < MOST_PICTURES else "",
        )
        for number, file in enumerate(files)
    ]
