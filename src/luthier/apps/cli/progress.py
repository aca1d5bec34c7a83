"""Progress on stderr: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def counted(what: str) -> Iterator[Callable[[int, int, Path], None]]:
    """Give a function of (number done, number in all, path) that shows how far the work is.

    Args:
        what: the things counted, in the plural.
    """
    if not sys.stderr.isatty():
        yield lambda n_done, n_all, path: print(f"{n_done}/{n_all} {what}: {path}", file=sys.stderr, flush=True)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda n_done, n_all, path: progress.update(task, completed=n_done, total=n_all, description=path.name)
