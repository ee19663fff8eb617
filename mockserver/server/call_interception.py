"""The interception of calls: clients of this process and its children reach a server under the vendors' own hosts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import getproxies_environment

from mockserver.intercept.certificate_authority import CertificateAuthority
from mockserver.intercept.command_environment import create_environment, list_certificate_files
from mockserver.intercept.connection_redirect import ConnectionRedirect
from mockserver.intercept.host_rules import HostRules
from mockserver.intercept.proxy import InterceptProxy
from mockserver.intercept.tunnel import UpstreamProxies
from mockserver.server.addresses import bind_socket
from mockserver.server.uvicorn_server import BackgroundServer


class CallInterception:
    """The proxy and the certificate authority of a running server, for the calls of this process.

    With `allows_others`, the proxy lets calls to other hosts through; otherwise it refuses them.
    """

    def __init__(self, server: BackgroundServer, hosts: Collection[str], *, allows_others: bool) -> None:
        self._server = server
        self._authority = CertificateAuthority(hosts)
        self._bundle = self._authority.create_bundle(list_certificate_files(os.environ))
        rules = HostRules(hosts, allow_all=allows_others)
        sock = bind_socket("127.0.0.1", 0)
        self._address = str(sock.getsockname()[0]), int(sock.getsockname()[1])
        self._hosts = rules.hosts
        self._proxy = InterceptProxy(
            sock, rules, self._authority.create_server_context(), UpstreamProxies(getproxies_environment())
        )
        server.start_proxy(self._proxy)
        self._depth = 0

    @contextmanager
    def activate(self) -> Iterator[None]:
        """Intercept calls; an activation within another one changes nothing."""
        self._depth += 1
        try:
            with ExitStack() as stack:
                if self._depth == 1:
                    stack.enter_context(self._set_environment())
                    stack.enter_context(self._redirect_connections())
                yield
        finally:
            self._depth -= 1

    @contextmanager
    def _set_environment(self) -> Iterator[None]:
        """Set the variables that lead clients to the proxy and let them trust its certificates."""
        with tempfile.TemporaryDirectory(prefix="mockserver-") as folder:
            bundle = Path(folder, "trusted.pem")
            bundle.write_text(self._bundle, "ascii")
            environment = create_environment(os.environ, self._proxy.url, bundle, self._hosts)
            with _changed_environment(environment):
                yield

    @contextmanager
    def _redirect_connections(self) -> Iterator[None]:
        redirect = ConnectionRedirect(self._hosts, self._address, self._server.address, self._authority.pem)
        redirect.start()
        try:
            yield
        finally:
            redirect.stop()


@contextmanager
def _changed_environment(environment: Mapping[str, str]) -> Iterator[None]:
    """Set the variables that differ, and restore them at the end."""
    before = {name: os.environ.get(name) for name in environment if os.environ.get(name) != environment[name]}
    os.environ.update({name: environment[name] for name in before})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
