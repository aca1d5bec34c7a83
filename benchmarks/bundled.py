"""What the comparisons learn from: a dataset that is given, or the violin that comes with the package."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition


@contextmanager
def dataset_folder(given: Path | None) -> Iterator[Path]:
    """The folder that is given; without one, the bundled violin in a folder that goes afterwards."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder, as_file(files("luthier.apps") / "demo_audio") as recordings:
        output = Path(folder) / "violin"
        prepare([recordings / "violin.flac"], output, FeatureDefinition(tracker="swift"), n_jobs=1)
        yield output
