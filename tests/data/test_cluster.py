from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data.known_material import tone
from luthier.data.cluster import map_on_cluster
from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import ConfigError, MissingExtraError

SWIFT = FeatureDefinition(tracker="swift")


@pytest.fixture
def free_address() -> str:
    """Where nobody listens."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{place.getsockname()[1]}"


@pytest.fixture
def cluster() -> Iterator[str]:
    """A scheduler with two worker processes."""
    distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local:
        yield local.scheduler_address


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'luthier\[cluster\]'"):
        list(map_on_cluster(abs, [1], "tcp://127.0.0.1:8786"))


def test_where_nobody_listens_is_said_in_a_line(free_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    monkeypatch.setattr("luthier.data.cluster.CONNECT_SECONDS", 0.2)
    with pytest.raises(ConfigError, match="no Dask scheduler answers"):
        list(map_on_cluster(abs, [1], free_address))


@pytest.mark.slow
def test_a_cluster_makes_the_same_bytes_as_this_computer(
    tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for number in range(3):
        notes = [tone(1.0, 16000, 220.0 * 2 ** ((i + number) / 12)) for i in range(6)]
        soundfile.write(folder / f"{number}.wav", np.concatenate(notes), 16000)
    (folder / "text.wav").write_text("no sound")
    prepare([folder], tmp_path / "here", SWIFT, n_jobs=1)
    monkeypatch.chdir(tmp_path)
    seen: list[int] = []
    report = prepare(
        ["recordings"], "there", SWIFT, cluster=cluster, on_progress=lambda done, total, path: seen.append(done)
    )
    found, expected = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("there", "here")
    )
    assert found == expected
    assert seen == [1, 2, 3, 4]
    assert [path.name for path, _ in report.skipped] == ["text.wav"]
