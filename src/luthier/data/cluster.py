"""Work on the computers of a Dask cluster, the extra `cluster`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, TypeVar

from luthier.errors import ConfigError, MissingExtraError

CONNECT_SECONDS = 10
"""How long a scheduler may take to answer."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def map_on_cluster(work: Callable[[Job], Result], jobs: Sequence[Job], address: str) -> Iterator[Result]:
    """Do a piece of work for each job, wherever a worker is free.

    The workers need this package at the same version and see the same files under the same names.

    Args:
        work: a function that is found by its name on the workers, too.
        jobs: what to do; begun in this order.
        address: of the scheduler, such as tcp://10.0.0.1:8786.

    Yields:
        Results as they come.

    Raises:
        MissingExtraError: Dask is not installed.
        ConfigError: no scheduler answers at this address, it has no workers, or they die of a job.
        Exception: what the work raises.
    """
    distributed = _import_distributed()
    with _connect(distributed, address) as client:
        futures = client.map(work, jobs, pure=False)
        try:
            for _, result in distributed.as_completed(futures, with_results=True):
                yield result
        except (distributed.KilledWorker, distributed.CancelledError) as error:
            raise ConfigError(
                f"cluster {address}: a worker was lost at work ({error}). Give the workers more memory; "
                "the same command goes on where this one stopped."
            ) from error


def _connect(distributed: ModuleType, address: str) -> Any:
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"cluster {address}: no Dask scheduler answers there. Expected an address such as tcp://10.0.0.1:8786; "
            "`dask scheduler` starts one and shows its own."
        ) from error
    if not client.scheduler_info()["workers"]:
        client.close()
        raise ConfigError(f"cluster {address}: the scheduler has no workers. Start some: dask worker {address}")
    return client


def _import_distributed() -> ModuleType:
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError("--cluster needs an extra. Run: pip install 'luthier[cluster]'") from error
    return distributed
