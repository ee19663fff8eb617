"""The run of a program whose calls to the vendors' own hosts are answered by a server of its own."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import getproxies_environment

from mockserver.intercept.certificate_authority import CertificateAuthority, list_trusted_certificates
from mockserver.intercept.command_environment import create_environment, list_certificate_files
from mockserver.intercept.command_runner import CommandError, CommandRunner
from mockserver.intercept.host_rules import HostRules
from mockserver.intercept.language_settings import extend_python_path, write_java_settings, write_php_settings
from mockserver.intercept.proxy import InterceptProxy
from mockserver.intercept.tunnel import NO_PROXIES, UpstreamProxies
from mockserver.schema.messages import format_count
from mockserver.server.addresses import bind_socket, format_server_url
from mockserver.server.app import create_app, create_pipeline
from mockserver.server.connection_limits import raise_fd_limit
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.sessions.journal import JournalEntry
from mockserver.settings import Settings
from mockserver.wire.playback import Playback

_MAX_LISTED_HOSTS = 10


@dataclass(frozen=True, slots=True)
class ExecResult:
    """The exit code of a program, and the lines that its user reads at the end."""

    exit_code: int
    lines: tuple[str, ...]


def run_with_server(
    settings: Settings, command: Sequence[str], allowed: Sequence[str] = (), *, allow_all: bool = False
) -> ExecResult:
    """Run a program with a server and a proxy on loopback, and stop them at its end. Raises InputError.

    Calls to the allowed hosts are let through.
    """
    answered: Counter[str] = Counter()

    def count(entry: JournalEntry) -> None:
        answered[entry.arrival.head.host] += 1

    playback = Playback()
    pipeline = create_pipeline(settings, playback, count)
    rules = HostRules(pipeline.router.hosts, allowed, allow_all=allow_all)
    upstream = UpstreamProxies(getproxies_environment()) if allowed or allow_all else NO_PROXIES
    authority = CertificateAuthority(rules.hosts)
    certificates = [*list_trusted_certificates(list_certificate_files(os.environ)), authority.pem]
    raise_fd_limit()
    proxy = InterceptProxy(bind_socket("127.0.0.1", 0), rules, authority.create_server_context(), upstream)
    sock = bind_socket("127.0.0.1", settings.port)
    server = BackgroundServer(create_app(pipeline), sock, playback, proxy=proxy)
    with CommandRunner() as runner, tempfile.TemporaryDirectory(prefix="mockserver-") as folder:
        path = Path(folder, "trusted.pem")
        path.write_text("".join(certificates), "ascii")
        environment = create_environment(os.environ, proxy.url, path, rules.hosts)
        environment["MOCKSERVER_URL"] = format_server_url(server.address)
        environment |= extend_python_path(os.environ)
        environment |= write_php_settings(Path(folder), path, os.environ)
        environment |= write_java_settings(Path(folder), certificates, os.environ, proxy.url)
        server.start()
        try:
            code = runner.run(command, environment)
        except CommandError as error:
            return ExecResult(error.exit_code, (str(error),))
        finally:
            server.stop()
    return ExecResult(code, tuple(_summarize_calls(answered.total(), proxy.refused, proxy.distrusted)))


def _summarize_calls(answered: int, refused: Counter[str], distrusted: Counter[str]) -> Iterator[str]:
    """Yield lines about the calls that were answered, refused, and broken off by clients."""
    yield (
        f"{format_count(answered, 'request')} answered, "
        f"{format_count(refused.total(), 'call')} to other hosts refused{_list_hosts(refused)}; "
        "a client that ignores proxy settings is not seen"
    )
    if distrusted:
        yield (
            f"{format_count(distrusted.total(), 'connection')} closed by clients that do not trust the "
            f"certificates of this run{_list_hosts(distrusted)}"
        )


def _list_hosts(counts: Counter[str]) -> str:
    names = [
        host if number == 1 else f"{host} ({number})"
        for host, number in counts.most_common(_MAX_LISTED_HOSTS)
    ]
    more = len(counts) - len(names)
    return ": " + ", ".join([*names, f"and {more} more"] if more else names) if names else ""
