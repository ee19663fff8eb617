"""The run of a program to its end: signals are passed on to it, and its exit code is returned."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any, Self

# Those that end a program, or mean what it wants; others, such as a new window size, all processes receive.
_SIGNALS: list[signal.Signals] = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
]
_KEYBOARD_SIGNALS = _SIGNALS[:1] + [one for one in _SIGNALS if one.name == "SIGQUIT"]

_LONGEST_RUN = 1e6  # seconds


class CommandError(Exception):
    """A program that cannot be started; `exit_code` is that of a shell."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class CommandRunner:
    """A context manager on the main thread that takes this process's signals, and gives them to the program it runs.

    Those that arrive earlier are passed on at the program's start; later ones are dropped: the caller cleans up then.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            previous = signal.getsignal(number)
            if previous is not signal.SIG_IGN:  # such as SIGHUP below nohup: the program ignores it, too
                self._previous[number] = previous
                signal.signal(number, self._relay)
        return self

    def __exit__(self, *_: object) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run a program to its end, on the terminal and the files of this process.

        Return its exit code as a shell does: 128 and the signal's number if a signal ended it. Raises CommandError.
        """
        with _start(command, environment) as process:
            self._process = process
            try:
                for number in self._early:
                    process.send_signal(number)
                # The system may give the second of two signals to another thread, which does not interrupt the wait
                # of this one. With a time limit it looks for signals every 50 ms.
                code = process.wait(timeout=_LONGEST_RUN)
            except BaseException:
                process.kill()
                raise
        return code if code >= 0 else 128 - code

    def _relay(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Handle a signal."""
        if self._process is None:
            self._early.append(number)
        elif number not in _KEYBOARD_SIGNALS or not _is_in_foreground():
            self._process.send_signal(number)


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    name = command[0]
    # On Windows only `which` finds scripts such as npm.cmd.
    path = shutil.which(name, path=environment.get("PATH")) or name
    try:
        return subprocess.Popen([path, *command[1:]], env=dict(environment))  # noqa: S603 this is what the user runs
    except OSError as error:
        code = 127 if isinstance(error, FileNotFoundError) else 126
        raise CommandError(code, f"{name}: {error.strerror}") from None


def _is_in_foreground() -> bool:
    """Return whether a terminal sends the signals of its keys to this process, and so to the program, too."""
    if sys.platform == "win32":  # pragma: no cover
        return True
    for descriptor in range(3):
        try:
            return os.tcgetpgrp(descriptor) == os.getpgrp()
        except OSError:
            continue
    return False
