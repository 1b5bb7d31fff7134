"""Heavy work in child processes: one-shot calls and warm children that keep a model in memory.

A child runs `module:function(report, **kwargs)`. `report(value)` sends anything picklable to the parent, where
it reaches `on_report`; the parent also calls `on_tick()` about four times a second. Either may raise (a
cancelled job does), and the child is killed at once. A child dies with its parent: it watches the pipe that
`multiprocessing` keeps open from the parent's side. Its work yields to pages, uploads and forms (`NICENESS`).
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from ppi.errors import BackendError, PpiError, ToolFailed, Unexpected

TICK_S = 0.25
# How far heavy work stands back behind whoever serves pages: of a core that both want it gets a quarter, of one that nobody
# else wants all. What a child starts inherits it. docs/performance.md has what more or less would do.
NICENESS = 5
_SPAWN = multiprocessing.get_context("spawn")


def run_in_child(
    target: str,
    kwargs: dict[str, Any],
    *,
    on_report: Callable[[Any], None] = lambda value: None,
    on_tick: Callable[[], None] = lambda: None,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
) -> Any:
    """Run `target` ("package.module:function") once in a child process and return what it returns.

    Raises ToolFailed when the child dies or takes longer than `timeout_s`, BackendError when the machine can start none, and
    whatever PpiError it raised.
    """
    child = WarmChild(memory_bytes=memory_bytes)
    try:
        return child.call(target, kwargs, on_report=on_report, on_tick=on_tick, timeout_s=timeout_s)
    finally:
        child.stop()


class WarmChild:
    """A child process that answers one call at a time and stays alive between them.

    Modules the child imported, and what they cached, stay in its memory: that is where models live.
    """

    def __init__(self, memory_bytes: int | None = None):
        self._memory_bytes = memory_bytes
        self._process: Any = None
        self._pipe: Any = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.is_alive() else None

    def call(
        self,
        target: str,
        kwargs: dict[str, Any],
        *,
        on_report: Callable[[Any], None] = lambda value: None,
        on_tick: Callable[[], None] = lambda: None,
        timeout_s: float | None = None,
    ) -> Any:
        """Run `target` in the child, starting it when needed; see `run_in_child`."""
        while not self._lock.acquire(timeout=TICK_S):  # another call has the child: this one can still be cancelled
            on_tick()
        try:
            self._ensure()
            self._send((target, kwargs))
            return self._wait(on_report, on_tick, timeout_s)
        except _RaisedInChild as error:
            raise error.cause from None
        except BaseException:
            self.stop()
            raise
        finally:
            self._lock.release()

    def _ensure(self) -> None:
        if self._process is not None and self._process.is_alive():
            return
        self.stop()
        try:
            self._pipe, self._process = _started(self._memory_bytes)
        except OSError as error:
            raise BackendError(
                "A helper process could not be started ({reason}). Try again in a minute; if it happens again, the machine may "
                "be short of memory.", reason=error.strerror or str(error),
            ) from error  # fmt: skip

    def _wait(self, on_report: Callable, on_tick: Callable, timeout_s: float | None) -> Any:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if self._pipe.poll(TICK_S):
                try:
                    kind, value = self._pipe.recv()
                except (EOFError, ConnectionError) as error:
                    raise self._stopped() from error
                if kind == "result":
                    return value
                if kind == "error":
                    raise _RaisedInChild(value)
                on_report(value)
            on_tick()
            if deadline is not None and time.monotonic() > deadline:
                raise ToolFailed(
                    "The helper process took longer than {limit_s} s and was stopped. Try again; if it happens again, tell "
                    "the administrator.", limit_s=timeout_s
                )  # fmt: skip

    def _send(self, call: tuple[str, dict[str, Any]]) -> None:
        try:
            self._pipe.send(call)
        except ConnectionError as error:  # a child that ended before it had read all of it
            raise self._stopped() from error

    def _stopped(self) -> ToolFailed:
        self._process.join(5)
        return ToolFailed(
            "The helper process stopped unexpectedly (exit code {exit_code}). Try again; if it "
            "happens again, the machine may be short of memory.",
            exit_code=self._process.exitcode,
        )

    def stop(self) -> None:
        """Kill the child with everything it started. Harmless when there is none."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.is_alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        process.join(5)
        self._pipe.close()


def _started(memory_bytes: int | None) -> tuple[Any, Any]:
    """The parent's end of the pipe, and a child that runs. Raises OSError when the machine gives no more of either."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(theirs, memory_bytes), daemon=True)
    try:
        process.start()
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours, process


class _RaisedInChild(Exception):
    """Carries a PpiError of the child through the parent's own error handling."""

    def __init__(self, cause: PpiError):
        super().__init__(str(cause))
        self.cause = cause


def _serve(pipe: Any, memory_bytes: int | None) -> None:
    """The child's loop: receive a call, run it, send the result or the error."""
    os.setpgid(0, 0)
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    if memory_bytes is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    while True:
        try:
            target, kwargs = pipe.recv()
        except EOFError:
            return
        pipe.send(_answer(pipe, target, kwargs))


def _answer(pipe: Any, target: str, kwargs: dict[str, Any]) -> tuple[str, Any]:
    module, _, name = target.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        return "result", function(lambda value: pipe.send(("report", value)), **kwargs)
    except PpiError as error:
        return "error", error
    except MemoryError:
        return "error", ToolFailed("There was not enough memory for this. Use a smaller file or model.")
    except Exception as error:  # the parent must hear of every failure, whatever it is
        import traceback

        traceback.print_exc()
        return "error", Unexpected(
            "{what} failed ({reason}). Try again; if it happens again, tell the administrator.",
            what=target, reason=f"{type(error).__name__}: {error}"
        )  # fmt: skip


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()
