"""Who may build what under which name, and what a build says of itself; the process that builds is a stand-in."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from luthier.apps.build_places import BuildPlaces
from luthier.apps.studio import build_process
from luthier.apps.studio.build_process import BuildProcess
from luthier.apps.studio.build_progress import progress_lines
from luthier.apps.studio.workshop import Recordings, Workshop
from luthier.errors import InstrumentFileError, OutputError, RangeError

SLEEPS = "import time; time.sleep(60)"


@pytest.fixture
def workshop(tmp_path: Path):
    made = Workshop(tmp_path / "instruments", tmp_path / "scratch")
    yield made
    made.stop()


@pytest.fixture
def stand_in(monkeypatch):
    """Let builds run some Python instead."""
    return lambda code: monkeypatch.setattr(build_process, "LUTHIER", (sys.executable, "-c", code))


def recordings(workshop: Workshop, *content_hashes: str) -> Recordings:
    token, place = workshop.new_place()
    (place / "check").mkdir()
    (place / "recordings").mkdir()
    (place / "recordings" / "take").touch()
    (place / "check" / "report.html").write_text("page")
    return Recordings(token, place / "recordings", place / "check", list(content_hashes), True)


def wait(work: BuildProcess) -> None:
    give_up = time.monotonic() + 30
    while work.is_running:
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.mark.parametrize(("minutes", "budget"), [(2.5, ["--minutes", "2.5"]), (None, [])])
def test_a_build_is_given_the_recordings_and_finds_its_check_up_done(workshop, stand_in, minutes, budget) -> None:
    given = recordings(workshop, "a")
    stand_in(
        f"import sys, pathlib; pathlib.Path({str(workshop.scratch / 'words')!r}).write_text('|'.join(sys.argv[1:]))"
    )
    work = workshop.build(" my lute ", minutes, given)
    wait(work)
    output = workshop.folder / "my lute.safetensors"
    words = (workshop.scratch / "words").read_text().split("|")
    assert words == ["build", str(given.folder / "take"), "-o", str(output), *budget, "--resume"]
    assert (BuildPlaces(output).check / "report.html").read_text() == "page"
    assert not work.succeeded  # there is no report
    BuildPlaces(output).report.mkdir()
    BuildPlaces(output).report_page.touch()
    assert work.succeeded


@pytest.mark.parametrize("name", ["", "../lute", "a/b", ".lute", "-o", "x" * 61, "lute\n"])
def test_a_name_stays_in_the_folder(workshop, name) -> None:
    with pytest.raises(RangeError, match=r"expected a name|no name yet"):
        workshop.output(name)


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan")])
def test_training_takes_some_time(workshop, minutes) -> None:
    with pytest.raises(RangeError, match="expected a positive number"):
        workshop.build("lute", minutes, recordings(workshop, "a"))
    assert not workshop.folder.exists()


def test_two_builds_do_not_run_at_once_and_the_same_one_is_found_again(workshop, stand_in) -> None:
    stand_in(SLEEPS)
    work = workshop.build("lute", 1, recordings(workshop, "a"))
    with pytest.raises(OutputError, match="lute is being built"):
        workshop.build("harp", 1, recordings(workshop, "a"))
    with pytest.raises(OutputError, match="lute is being built"):
        workshop.build("lute", 1, recordings(workshop, "b"))
    assert workshop.build("lute", 1, recordings(workshop, "a")) is work
    workshop.stop()
    assert (work.is_running, work.was_stopped, work.succeeded) == (False, True, False)


def test_a_stopped_build_goes_on_with_the_same_recordings_only(workshop, stand_in) -> None:
    stand_in(SLEEPS)
    workshop.build("lute", 1, recordings(workshop, "a", "b"))
    workshop.stop()
    with pytest.raises(OutputError, match=r"a build of other recordings was stopped here\. Choose another name"):
        workshop.build("lute", 1, recordings(workshop, "a"))
    again = workshop.build("lute", 1, recordings(workshop, "a", "b"))
    assert again.is_running


def test_an_instrument_is_never_replaced(workshop, stand_in) -> None:
    stand_in("")
    wait(workshop.build("lute", 1, recordings(workshop, "a")))
    report = BuildPlaces(workshop.output("lute")).report_page
    report.parent.mkdir()
    report.touch()
    workshop.output("harp").touch()
    for name in ("lute", "harp"):
        with pytest.raises(OutputError, match="Choose another name"):
            workshop.build(name, 1, recordings(workshop, "a"))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import sys; sys.exit('1/2\\nluthier: FOLDER/a.wav: too short. Record more.')",
            "a.wav: too short. Record more.",
        ),
        ("raise RuntimeError", "The build ended unexpectedly."),
        ("import sys; print('luthier: a mistake', file=sys.stderr); sys.exit(70)", "The build ended unexpectedly."),
    ],
)
def test_a_failed_build_says_why_in_one_line(workshop, stand_in, code, said) -> None:
    given = recordings(workshop, "a")
    stand_in(code.replace("FOLDER", str(given.folder)))
    work = workshop.build("lute", 1, given)
    wait(work)
    assert work.failure().startswith(said)
    assert len(work.failure().splitlines()) == 1


def test_progress_is_told_step_by_step(tmp_path) -> None:
    places = BuildPlaces(tmp_path / "lute.safetensors")
    assert progress_lines(places)[-1].startswith("2 of 4")
    places.dataset.mkdir(parents=True)
    assert progress_lines(places)[-1].startswith("3 of 4")
    run = tmp_path / "lute-run"
    run.mkdir()
    row = {"seconds": 65, "seconds_left": 35, "scores": {"mss_rel": 5.1, "mss_rel_oracle": 3.8}, "is_best": True}
    (run / "log.jsonl").write_text(json.dumps(row | {"verdict": "It still learns."}) + "\n")
    assert progress_lines(places)[-2:] == [
        "   1:05 done, 0:35 left: 5.10 (at best 3.80)  best so far",
        "   It still learns.",
    ]
    places.output.touch()
    assert progress_lines(places)[-1].startswith("4 of 4")


def test_the_list_holds_what_was_built_and_what_comes_along(workshop) -> None:
    workshop.folder.mkdir()
    (workshop.folder / "lute.safetensors").touch()
    shown = list(workshop.instruments())
    assert shown[0] == "lute"
    assert "violin (in the box)" in shown
    assert workshop.instrument("lute") == workshop.folder / "lute.safetensors"
    for stranger in (None, "/etc/passwd", "../lute"):
        with pytest.raises(InstrumentFileError, match="Choose one from the list"):
            workshop.instrument(stranger)


def test_a_place_is_found_by_its_token_only(workshop) -> None:
    token, place = workshop.new_place()
    assert workshop.place(token) == place
    assert workshop.place("..") is workshop.place("") is workshop.place(token[:-1]) is None
