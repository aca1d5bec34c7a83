"""Before the work of a command: nothing that it reads, wrote before or writes besides may be overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from luthier.atomic import refuse_existing
from luthier.errors import OutputError


def refuse_overwriting(
    outputs: Iterable[Path | None], inputs: Iterable[Path | None] = (), *, force: bool = False
) -> None:
    """Stop before the work where a file would be lost; places that are None are passed over.

    Args:
        outputs: files to be written.
        inputs: files that are read.
        force: whether what was there before may be replaced; never an input.

    Raises:
        OutputError: a file is to be written where one is read, where another one is to be written, or where one is and
            `force` is not set.
    """
    sources = [source for source in inputs if source is not None and source.exists()]
    taken = set()
    for output in outputs:
        if output is None:
            continue
        if output.is_dir():
            raise OutputError(f"{output}: is a folder. Give the name of a file to write.")
        if output.exists() and any(output.samefile(source) for source in sources):
            raise OutputError(f"{output}: is the input itself. Choose another name.")
        place = os.path.realpath(output)
        if place in taken:
            raise OutputError(f"{output}: would be written twice, one over the other. Choose another name for one.")
        taken.add(place)
        refuse_existing(output, force=force)
