"""Letting a run use several cores: through a second process, or on as many threads as pay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch

from luthier.data.process import n_threads
from luthier.training.batches import Share
from luthier.training.companion import Companion, pays
from luthier.training.module import TrainingModule
from luthier.training.threads import fastest_thread_count


@contextmanager
def all_cores(module: TrainingModule) -> Iterator[None]:
    """Share the steps of a module with a companion, if it pays, or do them on the fastest number of threads."""
    batches = module.batches
    if not pays(module.config, n_cores=torch.get_num_threads(), steps_per_epoch=batches.steps_per_epoch):
        with n_threads(_thread_count(module)):
            yield
        return
    helper = Companion(batches.dataset.path, Share(1, 2))
    module.helper, batches.share = helper, Share(0, 2)
    try:
        with n_threads(1):
            yield
    finally:
        helper.close()


def _thread_count(module: TrainingModule) -> int:
    """The number of threads with which this machine, as busy as it is now, does a step fastest."""
    count = fastest_thread_count(partial(module.rehearse, module.batches[0]), torch.get_num_threads())
    module.zero_grad(set_to_none=True)
    return count
