from __future__ import annotations

import pytest

from luthier.apps import diagnosis


def test_json_has_versions_devices_extras_and_a_passed_test(luthier_command) -> None:
    document = luthier_command("doctor", "--json").json
    assert {
        "python",
        "luthier",
        "torch",
        "lightning",
        "soundfile",
        "libsndfile",
        "soxr",
        "onnxruntime",
        "swift-f0",
    } <= (document["versions"].keys())
    assert document["machine"]["cores"] >= 1
    assert document["self_test"]["passed"]
    assert document["missing"] == []
    assert all(extra["install"].startswith("pip install ") for extra in document["extras"].values())


def test_an_absent_extra_is_told_with_its_install_line(luthier_command, monkeypatch) -> None:
    monkeypatch.setattr(diagnosis, "EXTRAS", (diagnosis.Extra("odd", "no_such_module", "nothing", "pip install odd"),))
    outcome = luthier_command("doctor")
    assert outcome.code == 0
    assert "no: pip install odd" in outcome.stdout


@pytest.mark.parametrize("found_hz", [220.0, 445.0])
def test_a_tone_heard_wrongly_is_a_failure(luthier_command, monkeypatch, found_hz) -> None:
    monkeypatch.setattr(diagnosis, "_tracked_tone", lambda: found_hz)
    outcome = luthier_command("doctor")
    assert outcome.code == 1
    assert "FAILED" in outcome.stdout


def test_a_broken_package_is_a_failure_not_a_crash(luthier_command, monkeypatch) -> None:
    def broken() -> float:
        raise OSError("cannot load library")

    monkeypatch.setattr(diagnosis, "_tracked_tone", broken)
    outcome = luthier_command("doctor", "--json")
    assert outcome.code == 1
    assert "cannot load library" in outcome.json["self_test"]["detail"]


def test_a_missing_package_is_named(luthier_command, monkeypatch) -> None:
    monkeypatch.setattr(diagnosis, "PACKAGES", ("no-such-package",))
    outcome = luthier_command("doctor", "--json")
    assert outcome.code == 1
    assert outcome.json["missing"] == ["no-such-package"]
