"""The running of a server by a command, from its start to SIGTERM: log, reloads and warnings."""

from __future__ import annotations

import gc
import logging
import select
import socket
import sys
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from mockserver.cli.server_messages import (
    StartReport,
    find_exposure_warning,
    format_dropped_lines,
    format_event,
    format_reload_message,
    format_start,
    format_warnings,
)
from mockserver.errors import InputError
from mockserver.intercept.server_certificate import create_server_certificate
from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.slow_patterns import find_slow_patterns
from mockserver.pipeline import ChatPipeline
from mockserver.server import app
from mockserver.server.access_log import AccessLog
from mockserver.server.addresses import get_connect_address
from mockserver.server.app import create_app
from mockserver.server.connection_limits import raise_fd_limit
from mockserver.server.log_writer import JsonLogFormatter, LogWriter, LogWriterHandler
from mockserver.server.tls_port import bind_ports
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.settings import Settings
from mockserver.wire.playback import Playback

if TYPE_CHECKING:
    from mockserver.workers.worker_link import WorkerLink


def run_server(
    settings: Settings, shared_socket: socket.socket | None = None, link: WorkerLink | None = None
) -> None:
    """Serve until SIGTERM or SIGINT. Raises InputError.

    One of several workers serves on the socket that they share, and has a link to the others.
    """
    format_dropped = partial(format_dropped_lines, settings=settings)
    max_write = None if link is None else select.PIPE_BUF
    output, errors = (
        LogWriter(stream, format_dropped, max_write=max_write) for stream in (sys.stdout, sys.stderr)
    )

    def report_reload(outcome: FixtureSet | InputError) -> None:
        if isinstance(outcome, InputError):
            errors.write(format_warnings(map(str, outcome.problems), settings))
        output.write(format_reload_message(outcome, settings))

    playback, access_log = Playback(), AccessLog(settings.log_format, output.write)
    pipeline = app.create_pipeline(settings, playback, access_log)
    if pipeline.forwarder is not None:
        pipeline.forwarder.on_recorded = lambda message: output.write(format_event(message, settings))
    raise_fd_limit()
    certificate = create_server_certificate(settings, pipeline.router.hosts)
    sock, tls_port = (shared_socket, None) if shared_socket else bind_ports(settings, certificate)
    for each in (sock, *([tls_port.sock] if tls_port else [])):
        each.listen()  # a client that connects as soon as it reads the banner waits until the server has started
    authority = certificate.authority if certificate else None
    application = create_app(pipeline, report_reload, get_connect_address(sock), authority, link)
    server = BackgroundServer(application, sock, playback, tls_port=tls_port)
    if link is None or link.start.announces:
        _report_start(server, pipeline, output, errors, 1 if link is None else link.start.count)
    handler = LogWriterHandler(errors)
    if settings.log_format == "json":
        handler.setFormatter(JsonLogFormatter())
    logging.getLogger().addHandler(handler)
    # Existing objects live until the end, and new ones are values without cycles, most of them kept in the journal:
    # frequent collections would only delay answers.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    try:
        server.run()
    finally:
        access_log.flush()
        output.close()
        errors.close()


def _report_start(
    server: BackgroundServer, pipeline: ChatPipeline, output: LogWriter, errors: LogWriter, workers: int
) -> None:
    """Log the start of a server, and warnings about omitted files, slow patterns and an open address."""

    settings, fixtures = pipeline.settings, pipeline.fixtures
    rules = fixtures.rules + pipeline.fault_rules
    report = StartReport(
        server.address,
        settings,
        len(fixtures),
        len(fixtures.accounts),
        rules,
        len(fixtures.plan),
        server.tls_port.url if server.tls_port else None,
        workers,
    )
    output.write(format_start(report, pipeline.router))
    slow = map(str, islice(find_slow_patterns(fixtures, at_start=True), 3))
    omitted = map(str, fixtures.omitted_files[:3])
    if warnings := [*omitted, *slow, *find_exposure_warning(report)]:
        errors.write(format_warnings(warnings, settings))
