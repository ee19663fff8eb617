"""The entry point of `mockserver` and of `python -m mockserver`."""

import os
import signal


def run() -> None:
    """Run the command line. Outside of the running server, Ctrl-C ends the process at once, without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not if a shell has it ignored
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    _open_standard_descriptors()
    from mockserver.cli.main import main  # noqa: PLC0415 Ctrl-C during the imports is handled, too

    main(prog_name="mockserver")


def _open_standard_descriptors() -> None:
    """Open the null device as each of 0, 1 and 2 that is closed, so that no socket gets its number.

    libuv aborts the process when it closes a socket with one of these numbers.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


if __name__ == "__main__":
    run()
