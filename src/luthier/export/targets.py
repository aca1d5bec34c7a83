"""Where an instrument can go: a new target is a file beside this one and a line in `TARGETS`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from luthier.inference.player import Player


class Target(NamedTuple):
    """A kind of file that other programs play.

    Attributes:
        module: has `export`, which makes the file of a `Player`; imported when it is needed.
        suffix: how the names of its files end.
        carries_room: whether the room is in it; otherwise it is written beside it as a sound.
    """

    module: str
    suffix: str
    carries_room: bool

    def export(self, player: Player) -> bytes:
        """The whole file.

        Raises:
            MissingExtraError: a package that it takes is not installed.
        """
        content: bytes = importlib.import_module(self.module).export(player)
        return content


TARGETS = {
    "onnx": Target("luthier.export.onnx_cell", ".onnx", carries_room=False),
}
