"""Processes that die, clusters whose workers die, and progress on a terminal."""

from __future__ import annotations

import inspect
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from conftest import LIMIT, REPORTS, popen, until

from stance import progress
from stance.articles import Article
from stance.classification import BATCH, Result, classify_archive
from stance.errors import MissingExtraError, StanceError
from stance.lexicon import Lexicon
from stance.model import Model
from stance.parallel import _end, in_processes, on_cluster

F = TypeVar("F", bound=Callable[..., Any])
POSIX = pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")


def by_value(work: F) -> F:
    """Pickled as a function of a notebook is: the processes need not import this module, and scikit-learn with it, which takes them seconds."""
    work.__module__ = "__main__"
    return work


@by_value
def double(batch: list[int]) -> list[int]:
    """The work: a negative number kills its process, an odd one over 1000 kills it once."""
    for n in batch:
        flag = Path(os.environ.get("STANCE_TEST_FLAG", "nowhere")) if n > 1000 and n % 2 else None
        if n < 0 or (flag and not flag.exists()):
            if flag:
                flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return [2 * n for n in batch]


def lost(n: int) -> int:
    return -1


def batches(*bad: int) -> list[list[int]]:
    numbers = [*range(30), *bad, *range(30, 60)]
    return [numbers[i : i + 4] for i in range(0, len(numbers), 4)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_order(jobs: int) -> None:
    assert [x for part in in_processes(double, batches(), jobs, lost) for x in part] == [2 * n for n in range(60)]


def test_batches_are_read_as_they_are_needed() -> None:
    read = []

    def endless() -> Iterator[list[int]]:
        while True:
            read.append(1)
            yield [1]

    found = in_processes(double, endless(), 2, lost)
    assert next(found) == [2] and len(read) <= 5
    found.close()  # type: ignore[attr-defined]


@POSIX
def test_a_process_that_dies_once_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANCE_TEST_FLAG", str(tmp_path / "died"))
    found = [x for part in in_processes(double, batches(1001), 2, lost) for x in part]
    assert (tmp_path / "died").exists() and found == [2 * n for n in (*range(30), 1001, *range(30, 60))]


@POSIX
def test_an_item_that_kills_its_process_is_lost_alone() -> None:
    found = [x for part in in_processes(double, batches(-5), 2, lost) for x in part]
    assert found == [*(2 * n for n in range(30)), -1, *(2 * n for n in range(30, 60))]


@POSIX
def test_processes_that_always_die_end_the_run() -> None:
    with pytest.raises(StanceError, match="the worker processes die whatever they are given"):
        list(in_processes(double, [[-1, -2], [-3], [-4]], 2, lost))


class Unreadable(Exception):
    """As many an exception with arguments of its own: pickle takes it, and cannot make it again."""

    def __init__(self, what: str, *, why: str) -> None:
        super().__init__(f"{what}: {why}")


def unreadable(batch: list[int]) -> list[Exception]:
    return [Unreadable("a", why="b") for _ in batch]


def test_results_that_cannot_be_read_are_no_dead_process() -> None:
    with pytest.raises(StanceError, match=r"the results of a process cannot be read: TypeError: .*'why'"):
        list(in_processes(unreadable, [[1]], 2, lost))  # type: ignore[arg-type, misc]


@by_value
def large(batch: list[int]) -> list[bytes]:
    """The work: results that fill a pipe many times; a number over 1000 kills its process while it writes them, once."""
    flag = Path(os.environ.get("STANCE_TEST_FLAG", "nowhere"))
    if batch[0] > 1000 and not flag.exists():
        flag.touch()
        threading.Thread(target=die_writing, args=(written(),), daemon=True).start()
    return [bytes(50_000_000)]


@by_value
def written() -> int:
    """Bytes that this process has written, by the calls that have returned."""
    return int(Path("/proc/self/io").read_text().split("wchar:")[1].split()[0])


@by_value
def die_writing(before: int) -> None:
    while written() == before:  # until the length of the result is out, before the result itself
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def test_ending_early_does_not_wait_for_half_a_result() -> None:
    found = in_processes(large, ([n] for n in range(40)), 2, lost)
    assert len(next(found)[0]) == 50_000_000  # type: ignore[arg-type]
    found.close()  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_dies_while_it_writes_its_result_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANCE_TEST_FLAG", str(tmp_path / "died"))
    found = [len(x) for part in in_processes(large, [[1], [1001], [2]], 2, lost) for x in part]  # type: ignore[arg-type]
    assert (tmp_path / "died").exists() and found == [50_000_000] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("sent", ["SIGKILL", "SIGSTOP"])
def test_ending_early_ends_processes_in_the_midst_of_a_result(sent: str) -> None:
    others = children()  # of another test's joblib
    found = in_processes(large, ([n] for n in range(40)), 2, lost)
    next(found)
    for child in (some := children(others)):
        os.kill(child, signal.Signals[sent])
    found.close()  # type: ignore[attr-defined]
    assert len(some) == 2 and children(others) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_is_killed_as_it_starts_loses_nothing() -> None:
    others = children()

    def kill_first() -> None:
        while not (some := children(others)):
            time.sleep(0.001)
        os.kill(some[0], signal.SIGKILL)

    threading.Thread(target=kill_first, daemon=True).start()
    work = partial(shorter, by=bytes(1_000_000))  # more than a pipe takes
    assert [x for part in in_processes(work, batches(), 2, lost) for x in part] == [n - 1_000_000 for n in range(60)]


@POSIX
def test_the_pipe_of_a_broken_pool_is_closed_once() -> None:
    from joblib.externals.loky import ProcessPoolExecutor

    pool, closed = ProcessPoolExecutor(1), []
    process = pool.submit(os.getpid).result(timeout=LIMIT)
    writer = pool._result_queue._writer
    pool._result_queue._writer = SimpleNamespace(close=lambda: (closed.append(threading.current_thread()), writer.close()))
    os.kill(process, signal.SIGKILL)
    until(lambda: pool._flags.broken)
    _end(pool)
    assert len(closed) == 1 and threading.main_thread() not in closed


@by_value
def shorter(batch: list[int], by: bytes) -> list[int]:
    return [n - len(by) for n in batch]


def children(others: Collection[int] = ()) -> list[int]:
    """The processes that loky started here, from their first moment; without `others`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((path / "stat").read_text().rsplit(")", 1)[1].split()[1]) == os.getpid() and b"popen_loky" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return [n for n in found if n not in others]


def test_without_a_temporary_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(StanceError, match="several processes need a temporary folder: No such file or directory\n  set TMPDIR"):
        list(in_processes(double, batches(), 2, lost))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("command", ["classify", "evaluate"])
def test_control_c_while_the_processes_start_is_one_line(model_file: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "1", "text": "Norway condemned the raid."}\n' * 20 * BATCH)
    code = (
        "import os, signal, threading, time; from collections.abc import Collection; from contextlib import suppress; from pathlib import Path\n"
        f"{inspect.getsource(children)}"
        "def interrupt():\n"
        "    while not children(): time.sleep(0.001)\n"
        "    time.sleep(0.1); os.killpg(0, signal.SIGINT)\n"  # in the midst of their imports; to all of them, as a terminal does
        "from stance.cli import main; threading.Thread(target=interrupt, daemon=True).start(); main()"
    )
    r = subprocess.run(
        [sys.executable, "-c", code, command, *({"classify": [tmp_path / "a.jsonl", "-m", model_file], "evaluate": [REPORTS]}[command]), "-j", "2", "-o", tmp_path / "r.csv"],
        capture_output=True, text=True, timeout=LIMIT, start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert (r.stdout, r.stderr) == ("", "interrupted; nothing was written\n") and r.returncode in (130, -signal.SIGINT)  # Python 3 dies by it after some imports


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_outlives_its_killed_parent(tmp_path: Path) -> None:
    code = (
        "import os, time\nfrom stance.parallel import in_processes\n"
        "for pids in in_processes(lambda batch: [os.getpid()], ([n] for n in range(10**9)), 2, None):\n    print(*pids, flush=True); time.sleep(0.1)\n"
    )
    with popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}) as p:
        assert p.stdout
        children = {int(p.stdout.readline()) for _ in range(8)}
        assert list(tmp_path.glob("stance-*"))
        p.kill()
    until(lambda: not any(Path(f"/proc/{c}").exists() for c in children) and not list(tmp_path.glob("stance-*")))


# --------------------------------------------------------------------------- a dask cluster


Cluster = tuple[str, "subprocess.Popen[bytes]", list["subprocess.Popen[bytes]"]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler and two workers, each a process of its own: the address and the processes."""
    pytest.importorskip("distributed")  # of the extra `dask`
    scheduler_file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(scheduler_file)]
    scheduler = subprocess.Popen(start, **quiet)  # type: ignore[call-overload]
    workers = []
    try:
        until(lambda: scheduler_file.exists() and scheduler_file.read_text().endswith("}"))
        address = json.loads(scheduler_file.read_text())["address"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        workers = [subprocess.Popen(worker, **quiet) for _ in range(2)]  # type: ignore[call-overload]
        yield address, scheduler, workers
    finally:
        for p in (*workers, scheduler):
            p.kill()
            p.wait()


@POSIX
def test_a_cluster_worker_killed_half_way_loses_nothing(model: Model, lexicon: Lexicon, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import Client

    address, _, workers = cluster
    monkeypatch.setattr("stance.parallel.LOOK", 3.0)  # should dask lose a task with the worker, it goes there again after half a minute
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    articles = [Article(str(n), f"Norway condemned raid {n}. Chile denied it. The ministry said it would wait.") for n in range(12 * BATCH)]
    serial = [r for part in classify_archive(articles, model, lexicon=lexicon) for r in part]
    found: list[Result] = []
    for k, part in enumerate(classify_archive(articles, model, lexicon=lexicon, cluster=address)):
        found += part
        if k == 2:
            workers[0].kill()
    assert found == serial and len(found) == len(articles) and all(r.judgements and not r.skipped for r in found)
    assert workers[0].poll() is not None and workers[1].poll() is None


@by_value
def forget(times: int, dask_worker: Any) -> None:
    """A worker that loses so many of the tasks it is given next: the scheduler waits for them for ever."""
    usual, left = dask_worker.stream_handlers["compute-task"], [None] * times
    dask_worker.stream_handlers["compute-task"] = lambda **task: left.pop() if left else usual(**task)


@POSIX
@pytest.mark.parametrize("times", [1, 1000])
def test_what_a_cluster_loses_is_given_to_it_once_more(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    from distributed import Client

    address, _, workers = cluster
    monkeypatch.setattr("stance.parallel.LOOK", 0.5)
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        workers[1].kill()
        until(lambda: len(client.nthreads()) == 1)
        client.run(forget, times)
        if times == 1:
            assert [x for part in on_cluster(double, batches(), address, lost) for x in part] == [2 * n for n in range(60)]
        else:
            with pytest.raises(StanceError, match="the workers do nothing: no result for"):
                list(on_cluster(double, batches(), address, lost))


@POSIX
def test_the_command_line_on_a_cluster_that_is_lost_half_way(model_file: Path, tmp_path: Path, cluster: Cluster) -> None:
    address, scheduler, _ = cluster
    path, out = tmp_path / "a.jsonl", tmp_path / "r.sqlite"
    path.write_text("".join(json.dumps({"id": str(n), "text": f"Norway condemned raid {n}."}) + "\n" for n in range(400 * BATCH)))
    arguments = [sys.executable, "-m", "stance.cli", "classify", path, "-m", model_file, "--dask", address, "-o", out]
    with popen(list(map(str, arguments)), stderr=subprocess.PIPE, text=True) as p:
        until(lambda: p.poll() is not None or count(out) > 0)
        scheduler.kill()
        said = p.communicate(timeout=LIMIT)[1]
    assert p.returncode == 1 and f"error: {address}: lost the cluster" in said and "run the same command again to go on" in said
    assert "Traceback" not in said and 0 < count(out) < 400 * BATCH


def count(path: Path) -> int:
    try:
        with closing(sqlite3.connect(path)) as db:
            return int(db.execute("SELECT count(*) FROM article").fetchone()[0])
    except sqlite3.Error:  # not there yet
        return 0


def test_a_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")  # of the extra `dask`
    client = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda *args, **options: client(*args, **{**options, "timeout": 1}))
    with pytest.raises(StanceError, match=r"tcp://127\.0\.0\.1:9: no dask scheduler answers") as e:
        list(on_cluster(double, batches(), "tcp://127.0.0.1:9", lost))
    assert "dask scheduler" in e.value.hint


def test_a_cluster_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"(?s)a dask cluster needs the package 'distributed'.*stance\[dask\]"):
        list(on_cluster(double, batches(), "tcp://127.0.0.1:9", lost))


def test_a_worker_of_another_version_is_refused() -> None:
    from stance.parallel import _unpack

    with pytest.raises(StanceError, match=r"a worker has stance .*, you have 0\.0\.1"):
        _unpack(b"", "0.0.1")


# --------------------------------------------------------------------------- progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_shows_rate_and_time_left_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    for stream in (_Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress.progress(1000) as (read, done):
            for _ in range(4):
                read(125)
                done(3)
        told = stream.getvalue()
        assert ("12 articles, " in told and "/s" in told and "50%" in told and "left" in told) if stream.isatty() else told == ""


def test_what_goes_to_a_worker_can_be_pickled_while_it_is_in_use() -> None:
    """A dask worker hands the model on while its own thread looks words up: memos stay behind."""
    import pickle

    from stance.actors import pairs, read
    from stance.lexicon import default_lexicon
    from stance.syntax import default_cues, scan

    lexicon, cues = default_lexicon(), default_cues()
    for r in read("Norway condemned the raid on Monday, President Smith of Chile said. He denied it.", lexicon=lexicon):
        scan(r, cues)
    assert lexicon._starting and cues.tables and cues.tags
    other_lexicon, other_cues = pickle.loads(pickle.dumps((lexicon, cues)))  # noqa: S301 -- our own bytes
    assert not other_lexicon._starting and not other_cues.tables and not other_cues.tags
    assert [p.actor for r in read("Norway left.", lexicon=other_lexicon) for p in pairs(r)] == ["Norway"]
    (reading,) = read("Norway condemned the raid.", lexicon=lexicon)
    assert scan(reading, other_cues) == scan(reading, cues)
