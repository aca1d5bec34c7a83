"""The page of the check-up, read as a browser would."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evaluation.pages import Page
from luthier.analysis.checkup_range import judge_range
from luthier.analysis.checkup_set import total_note_seconds
from luthier.data.audio_files import save_audio
from luthier.data.check import CheckReport, check
from luthier.data.synthetic import plucked_string
from luthier.evaluation.check_page import render_check_page, write_check_page
from luthier.evaluation.check_plots import range_plot


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> CheckReport:
    folder = tmp_path_factory.mktemp("plucked")
    low = torch.cat([plucked_string(semitone, 16000, 1.0) for semitone in (-12, -10, -8)], dim=1)
    high = torch.cat([plucked_string(semitone, 16000, 1.0) for semitone in (0, 2, 4)], dim=1)
    save_audio(folder / "low <b>.wav", 0.5 * low, 16000)
    save_audio(folder / "high.wav", 0.5 * high, 16000)
    (folder / "broken.wav").write_text("this is no sound")
    return check([folder], n_jobs=1)


def test_page_loads_nothing_and_shows_every_recording(report: CheckReport) -> None:
    page = Page(render_check_page(report))
    assert page.unbalanced == []
    assert all(address.startswith("data:image/png") for address in page.loads)
    assert len(page.images) == 3  # the range, and one for each recording
    for word in ("low <b>.wav", "high.wav", "broken.wav", "red", *(one.sentence for one in report.findings)):
        assert word in page.text


def test_range_picture_has_a_bar_for_every_note_played(report: CheckReport) -> None:
    seconds = total_note_seconds([file.checkup for file in report.files])
    axis = range_plot(seconds, judge_range(seconds)).axes[0]
    heights = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in axis.containers[0]}
    assert [note for note, height in heights.items() if height > 0.5] == [
        note for note in range(128) if seconds[note] > 0.5
    ]


def test_page_is_written_whole(report: CheckReport, tmp_path: Path) -> None:
    write_check_page(tmp_path / "report.html", report)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
