"""Batches of work in other processes, in order: on this machine (joblib's loky) or on a dask cluster.

A process that dies (killed, or out of memory) takes nothing with it: its batch is done again, item by item in fresh
processes, and only an item that kills its process a second time is given up.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

from stance import __version__
from stance.errors import MissingExtraError, StanceError

T = TypeVar("T")
R = TypeVar("R")
Work = Callable[[list[T]], list[R]]
Lost = Callable[[T], R]
WATCH = 1.0  # seconds between two looks at whether the processes live
LOOK = 60.0  # seconds between two looks at whether a cluster works
IDLE = 10  # looks in a row at which its workers do nothing, though a result is waited for: then it will not come
DEATHS = 3  # items in a row that kill their process: then it is not the items


class _Future(Protocol):
    def result(self) -> Any: ...


Submit = Callable[[Any], _Future]


def in_processes(work: Work[T, R], batches: Iterable[list[T]], jobs: int, lost: Lost[T, R]) -> Iterator[list[R]]:
    """`work(batch)` of every batch, in order, in `jobs` processes.

    `work` comes to them by a temporary file: loky writes what a process starts with into a pipe, and would wait for ever for one that
    dies before it has read it. At most `2 * jobs` batches are read ahead. `lost(item)` stands for an item that kills its process.
    Raises StanceError when the processes die whatever they are given, or no temporary file can be made.
    """
    from concurrent.futures.process import BrokenProcessPool

    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.backend.reduction import dumps

    pools: list[Any] = []

    def start() -> Submit:
        while pools:
            _end(pools.pop())
        pools.append(ProcessPoolExecutor(jobs, initializer=_begin, initargs=(os.getpid(), file)))
        return submit

    def submit(batch: list[T]) -> _Watched:
        with _signals_later():
            return _Watched(pools[-1].submit(_do, file, batch), pools[-1])

    with _temporary_folder() as folder:
        file = Path(folder, "work")
        file.write_bytes(dumps(work))
        try:
            yield from _in_order(batches, start, BrokenProcessPool, lambda: 2 * jobs, lost)
        finally:
            for pool in pools:
                _end(pool)


def _temporary_folder() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix="stance-")
    except OSError as e:
        hint = "set TMPDIR to one that can be written, or use one job"
        raise StanceError(f"several processes need a temporary folder: {e.strerror or e}", hint) from e


@contextmanager
def _signals_later() -> Iterator[None]:
    """Control-C and SIGTERM wait until the end of this; processes and threads that start here leave them to this one, from their first moment."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # loky would, in which the signals are let through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Watched:
    """A future of a loky pool, which breaks also when a process died while it wrote its result: loky waits for the rest of it for ever."""

    def __init__(self, future: Future[Any], pool: Any) -> None:
        self._future, self._pool = future, pool

    def result(self) -> Any:
        """The results, waited for."""
        from concurrent.futures.process import BrokenProcessPool

        died = False
        while not self._future.done():
            with suppress(TimeoutError):
                return _unpickled(self._future.result(timeout=WATCH))
            if died:  # and loky has not told it since
                raise BrokenProcessPool("a process died while it wrote its result")
            died = not all(process.is_alive() for process in list(self._pool._processes.values()))
        return _unpickled(self._future.result())


def _end(pool: Any) -> None:
    """End its processes at once, stopped ones too. (loky's own `kill_workers` trips over batches that were submitted just before.)

    One that ends while it writes a result leaves loky's thread waiting for the rest; with this process's end of the
    pipe closed too, the thread sees that none will come. Of a broken pool the thread itself closes it: twice at once
    would close another file of the same number.
    """
    with pool._flags.shutdown_lock:
        if pool._flags.broken is None and not pool._flags.shutdown:
            pool._result_queue._writer.close()
    for process in list((pool._processes or {}).values()):
        if process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    pool.shutdown(wait=True)


def _begin(parent: int, file: Path) -> None:
    """Start of a process: leave Control-C to the parent, and when that is killed end, and take its file away."""
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    threading.Thread(target=_end_with, args=(parent, file), daemon=True).start()


def _end_with(parent: int, file: Path) -> None:
    while os.getppid() == parent:  # it becomes another's child when its parent was killed
        time.sleep(0.5)
    shutil.rmtree(file.parent, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _do(file: Path, batch: list[Any]) -> bytes:
    return pickle.dumps(_read(file)(batch), pickle.HIGHEST_PROTOCOL)  # of what loky cannot read it says that the process died


@cache
def _read(file: Path) -> Work[Any, Any]:
    return pickle.loads(file.read_bytes())  # type: ignore[no-any-return]  # noqa: S301 -- our own file


def on_cluster(work: Work[T, R], batches: Iterable[list[T]], address: str, lost: Lost[T, R]) -> Iterator[list[R]]:
    """`work(batch)` of every batch, in order, on the dask cluster whose scheduler is at `address`.

    `work` goes to the scheduler once and from there to each worker once; it is made again from its bytes when the
    worker that held it dies. The workers need this version of stance. At most two batches a worker thread are read ahead.
    What is waited for while no worker does anything is given to the cluster once more; when there are no workers, new ones are waited for.
    Raises MissingExtraError without `distributed`, StanceError when the cluster cannot be reached or is of no use.
    """
    try:
        import cloudpickle
        from distributed import Client
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker
    except ImportError as e:
        raise MissingExtraError("a dask cluster", "distributed", "dask") from e
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a lost connection is told as our error
    payload = cloudpickle.dumps(work)  # a function of a notebook too
    client = _client(Client, address)
    held: list[Any] = []

    def start() -> Submit:
        held[:] = [client.submit(_unpack, payload, __version__, pure=False)]  # another task each time: the one before may be lost
        return lambda batch: _OnCluster(client.submit(_apply, held[0], pickle.dumps(batch), pure=False), client)

    try:
        _wait_for_workers(client, address)
        yield from _in_order(batches, start, KilledWorker, lambda: 2 * max(1, sum(client.nthreads().values())), lost)
    except ImportError as e:
        raise StanceError(f"{address}: the workers cannot import stance: {e}", f"install stance {__version__} on every worker") from e
    except _LostError as e:
        raise StanceError(f"{address}: the workers do nothing: {e}", "see their logs, start them anew, and run the same command again") from e
    except (CommClosedError, FutureCancelledError, OSError) as e:
        if isinstance(e, OSError) and not isinstance(e, CommClosedError) and e.errno is not None:
            raise  # of a file or a disk; the cluster's "Timed out trying to connect" has no number
        raise StanceError(f"{address}: lost the cluster: {e}", "run the same command again to go on") from e
    finally:
        client.close()


def _client(kind: Any, address: str) -> Any:
    try:
        return kind(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as e:
        raise StanceError(f"{address}: no dask scheduler answers: {e}", "give the address that `dask scheduler` prints, e.g. tcp://host:8786") from e


def _wait_for_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=60)
    except TimeoutError as e:
        raise StanceError(f"{address}: the scheduler has no workers", f"start some: dask worker {address}") from e


def _unpack(payload: bytes, version: str) -> Work[Any, Any]:
    if version != __version__:
        raise StanceError(f"a worker has stance {__version__}, you have {version}", "install the same version on every worker")
    return pickle.loads(payload)  # type: ignore[no-any-return]  # noqa: S301 -- from our own client


def _apply(work: Work[Any, Any], batch: bytes) -> bytes:
    return pickle.dumps(work(pickle.loads(batch)), pickle.HIGHEST_PROTOCOL)  # noqa: S301 -- from our own client


class _LostError(Exception):
    """A result that will never come."""


class _OnCluster:
    """A future of pickled results. Bytes go through the cluster as they are, so that dask does not look into every article."""

    def __init__(self, future: Any, client: Any) -> None:
        self._future, self._client = future, client

    def result(self) -> Any:
        """The results, waited for as long as a worker works or there is none. Raises _LostError."""
        idle = 0
        while idle < IDLE:
            with suppress(TimeoutError):
                return _unpickled(self._future.result(timeout=LOOK))
            if self._future.done():  # it is an error of the work, or has just come
                return _unpickled(self._future.result())
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
            at_work = [w["metrics"].get("task_counts", {"executing": 1}).get("executing") for w in workers]
            idle = idle + 1 if at_work and not any(at_work) else 0
        raise _LostError(f"no result for {LOOK * IDLE / 60:.0f} minutes")


def _unpickled(results: bytes) -> Any:
    try:
        return pickle.loads(results)  # noqa: S301 -- from our own processes, or from workers the user named
    except Exception as e:
        raise StanceError(f"the results of a process cannot be read: {type(e).__name__}: {e}", "without --jobs and --dask they need not be") from e


def _in_order(
    batches: Iterable[list[T]], start: Callable[[], Submit], died: type[Exception], ahead: Callable[[], int], lost: Lost[T, R]
) -> Iterator[list[R]]:
    """Results in the order of the batches. After a death, its batch goes item by item and the others once more; after a loss, all go once more."""
    submit, deaths = start(), 0
    waiting: deque[tuple[list[T], _Future]] = deque()
    for batch in chain(batches, repeat(None)):
        if batch is not None:
            waiting.append((batch, _submitted(submit, batch, died)))
            if len(waiting) <= ahead():
                continue
        elif not waiting:
            return
        first, future = waiting.popleft()
        try:
            try:
                found = future.result()
            except _LostError:
                submit, others = start(), [b for b, _ in waiting]
                future, *futures = [_submitted(submit, b, died) for b in (first, *others)]
                waiting = deque(zip(others, futures, strict=True))
                found = future.result()
            deaths = 0
        except died:
            found, deaths = _one_by_one(first, start, died, lost, deaths)
            submit = start()
            waiting = deque([(b, _submitted(submit, b, died)) for b, _ in waiting])
        yield found


def _submitted(submit: Submit, batch: list[T], died: type[Exception]) -> _Future:
    try:
        return submit(batch)
    except died as e:  # one died since; it is told when the result is asked for
        future: Future[Any] = Future()
        future.set_exception(e)
        return future


def _one_by_one(
    batch: list[T], start: Callable[[], Submit], died: type[Exception], lost: Lost[T, R], deaths: int
) -> tuple[list[R], int]:
    """Results of a batch, each item in a process of its own; and how many of the last ones in a row killed it, `deaths` before them."""
    submit, found = start(), list[R]()
    for item in batch:
        try:
            found += submit([item]).result()
            deaths = 0
        except died as e:
            deaths += 1
            if deaths == DEATHS:
                raise StanceError("the worker processes die whatever they are given", "is there memory enough? use fewer --jobs") from e
            found.append(lost(item))
            submit = start()
    return found, deaths
