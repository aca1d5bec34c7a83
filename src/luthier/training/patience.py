"""Ending a run whose validation no longer improves."""

from __future__ import annotations

from typing import Any

from lightning.pytorch.callbacks import EarlyStopping

from luthier.training.validation import MONITOR


class Patience(EarlyStopping):
    """Early stopping that remembers how long it has waited, and for what, but not with how much patience.

    Lightning's own takes the patience from the checkpoint, so that a run could not be resumed with more of it.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__(f"validation/{MONITOR}", patience=epochs, check_on_train_epoch_end=False)

    @property
    def state_key(self) -> str:
        """The name that it has in checkpoints, those of older versions, too."""
        return EarlyStopping(self.monitor).state_key

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over for how long no validation was better than which."""
        self.wait_count, self.best_score = state_dict["wait_count"], state_dict["best_score"]
