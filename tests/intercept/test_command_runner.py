"""The run of a program: its exit code and its signals."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from mockserver.intercept.command_runner import CommandError, CommandRunner

SHELL = {"PATH": "/usr/bin:/bin"}


pytestmark = pytest.mark.usefixtures("handled_sigint")


def run(script: str, **variables: str) -> int:
    with CommandRunner() as runner:
        return runner.run(["sh", "-c", script], SHELL | variables)


def test_the_exit_code_is_returned_as_a_shell_does() -> None:
    assert (run("exit 7"), run("kill -9 $$"), run("test $A = b", A="b")) == (7, 137, 0)


def test_a_program_that_cannot_be_started_has_the_code_of_a_shell(tmp_path: Path) -> None:
    with CommandRunner() as runner:
        for name, code, message in (
            ("no-such", 127, "no-such: No such file or directory"),
            (str(tmp_path), 126, f"{tmp_path}: Permission denied"),
        ):
            with pytest.raises(CommandError, match=message) as raised:
                runner.run([name], SHELL)
            assert raised.value.exit_code == code


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_a_signal_is_passed_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(getattr(signal, name))
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: -1)  # a terminal, whose foreground is another process

    # The program signals its parent, which is this process, and waits for the signal to come back.
    code = run(f"trap 'exit 5' {name[3:]}; kill -{name[3:]} $PPID; while :; do sleep 0.01; done")

    assert code == 5
    assert signal.getsignal(getattr(signal, name)) is before


def test_a_key_of_the_terminal_is_not_sent_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
    traps = "trap 'exit 5' INT; trap 'exit 6' TERM; trap 'kill -INT $PPID; kill -TERM $PPID' USR1"

    # When the first signal is back, the program is known to have started.
    assert run(f"{traps}; kill -USR1 $PPID; while :; do sleep 0.01; done") == 6


def test_a_signal_without_a_terminal_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> int:
        raise OSError

    monkeypatch.setattr(os, "tcgetpgrp", fail)
    traps = "trap 'exit 5' INT; trap 'kill -INT $PPID' USR1"
    assert run(f"{traps}; kill -USR1 $PPID; while :; do sleep 0.01; done") == 5


def test_a_signal_that_comes_before_the_program_is_passed_on_at_its_start() -> None:
    with CommandRunner() as runner:
        os.kill(os.getpid(), signal.SIGTERM)
        code = runner.run(["sleep", "60"], SHELL)
        os.kill(os.getpid(), signal.SIGTERM)  # nothing is left to end

    assert code == 128 + signal.SIGTERM


def test_an_ignored_signal_is_ignored_by_the_program_too(monkeypatch: pytest.MonkeyPatch) -> None:
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run("kill -HUP $PPID; kill -HUP $$; exit 3") == 3
    finally:
        signal.signal(signal.SIGHUP, previous)


def test_a_program_ends_with_the_exception_that_interrupts_its_run(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise InterruptedError

    previous = signal.signal(signal.SIGWINCH, interrupt)
    try:
        with pytest.raises(InterruptedError):
            run(
                "trap 'kill -WINCH $PPID' USR1; echo $$ > $FILE; kill -USR1 $PPID; while :; do sleep 0.01; done",
                FILE=str(tmp_path / "pid"),
            )
    finally:
        signal.signal(signal.SIGWINCH, previous)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
