"""The TLS port says what the plain port says, breaks as it does, and stops as fast."""

from __future__ import annotations

import asyncio
import queue
import re
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from mockserver.errors import InputError
from mockserver.intercept import tls_layer
from mockserver.intercept.certificate_authority import CertificateAuthority
from mockserver.intercept.server_certificate import create_server_certificate
from mockserver.server import tls_port, uvicorn_server
from mockserver.server.addresses import bind_socket
from mockserver.server.tls_port import TlsPort, bind_ports
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.settings import Settings
from mockserver.testing import MockServer
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.faults import apply_fault, parse_fault
from mockserver.wire.playback import Delivery, Playback
from mockserver.wire.sse import create_sse_answer
from tests.conftest import STACKS
from tests.intercept.tls_client import Received, TlsClient, read_response

pytestmark = pytest.mark.usefixtures("quiet")

SOON = 10  # seconds; far more than anything here takes
LARGE = b"x" * 16_000_000  # more than the buffers of the kernel
ANSWERS = {
    "/": Answer(200, (("content-type", "application/json"),), (Frame(b'{"text":"hello"}'),)),
    "/stream": create_sse_answer([Frame(b'{"n":%d}' % number, 0.005) for number in range(6)]),
    "/large": Answer(200, (), (Frame(LARGE),)),
}
FAULTS = """
    reset reset@0 reset@2 close close@2 garbage garbage@2 truncated truncated@2 malformed_chunk
    slow=4000@2 split_utf8 not_json wrong_content_type
""".split()  # noqa: SIM905 a list of words


class Player:
    """Plays the answer of a path with the fault of the query; echoes the length of what is posted."""

    def __init__(self) -> None:
        self.playback = Playback()
        self.deliveries: queue.Queue[tuple[str, Delivery]] = queue.Queue()
        self.schemes: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.schemes.add(scope["scheme"])
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        query = scope["query_string"].decode()
        fault = parse_fault(query) if query else None
        plain = Answer(200, (), (Frame(b"%d" % size),)) if size else ANSWERS[scope["path"]]
        answer = apply_fault(fault, plain, lambda _: plain)
        self.deliveries.put((query, await self.playback.play(answer, scope, receive, send)))

    def wait_for_delivery(self, query: str) -> Delivery:
        while (found := self.deliveries.get(timeout=SOON))[0] != query:
            pass
        return found[1]


class Running:
    """A server with both ports."""

    def __init__(self, http: str = "auto", loop: str = "auto") -> None:
        authority = CertificateAuthority()
        self.pem = authority.pem
        self.player = Player()
        self.port = TlsPort(bind_socket("127.0.0.1", 0), authority.create_server_context())
        self.server = BackgroundServer(
            self.player,
            bind_socket("127.0.0.1", 0),
            self.player.playback,
            http=http,
            loop=loop,
            lifespan="off",
            tls_port=self.port,
        )
        self.server.start()

    def connect(self, timeout: float = SOON) -> TlsClient:
        return TlsClient(self.port.address, self.pem, timeout=timeout)


@pytest.fixture(scope="module", params=STACKS, ids="-".join)
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    one = Running(*request.param)
    yield one
    one.server.stop()


def get(target: str, connection: str = "close") -> bytes:
    return f"GET {target} HTTP/1.1\r\nhost: x\r\nconnection: {connection}\r\n\r\n".encode()


def ask_plain(running: Running, target: str) -> tuple[bytes, str]:
    with socket.create_connection(running.server.address, timeout=SOON) as client:
        client.sendall(get(target))
        data, end = bytearray(), "eof"
        try:
            while part := client.recv(65_536):
                data += part
        except ConnectionResetError:
            end = "reset"
        return without_date(bytes(data)), end


def ask_tls(running: Running, target: str) -> tuple[bytes, str]:
    with running.connect() as client:
        client.send(get(target))
        received = client.receive_all()
        return without_date(received.data), received.end


def without_date(text: bytes) -> bytes:
    return re.sub(rb"(?i)date: [^\r]*\r\n", b"", text)


def test_every_fault_sends_the_same_bytes_and_the_same_end_as_on_the_plain_port(running: Running) -> None:
    targets = [f"{path}?{fault}" for fault in FAULTS for path in ("/", "/stream")]
    with ThreadPoolExecutor(8) as pool:
        plain = list(pool.map(lambda target: ask_plain(running, target), targets))
        tls = list(pool.map(lambda target: ask_tls(running, target), targets))
    ends = []
    for target, (expected, plain_end), (received, end) in zip(targets, plain, tls, strict=True):
        # On a busy machine a reset can overtake data that the client has not read.
        common = min(len(received), len(expected)) if end == "reset" else None
        assert received[:common] == expected[:common], target
        # What is complete is closed with an alert that says so, and nothing else is.
        assert end == plain_end or (plain_end, end) == ("eof", "notified"), target
        ends.append(end)
    assert [ends[targets.index(f"/stream?{name}@2")] for name in ("reset", "close", "truncated")] == [
        *("reset", "eof", "eof")
    ]
    assert ends[targets.index("/?split_utf8")] == "notified"
    assert running.player.schemes == {"http", "https"}


def test_a_connection_is_kept_and_speaks_http_1_1(running: Running) -> None:
    with running.connect() as client:
        assert client.session.selected_alpn_protocol() == "http/1.1"
        for _ in range(3):
            client.send(get("/", "keep-alive"))
            assert read_response(client) == b'{"text":"hello"}'
        client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n" + LARGE[:1_000_000])
        assert read_response(client) == b"1000000"
        client.send(get("/large", "keep-alive"))
        assert read_response(client) == LARGE


@pytest.mark.parametrize("running", STACKS[:1], ids="-".join, indirect=True)
def test_a_hundred_clients_at_once_have_their_answers(running: Running) -> None:
    context = ssl.create_default_context(cadata=running.pem)

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(
            *running.port.address, ssl=context, server_hostname="127.0.0.1"
        )
        writer.write(get("/stream"))
        text = await reader.read()
        writer.close()
        return text

    async def ask_all() -> list[bytes]:
        return await asyncio.gather(*(ask() for _ in range(100)))

    assert [text.count(b'"n":') for text in asyncio.run(ask_all())] == [6] * 100


def test_an_answer_that_hangs_ends_when_its_client_leaves(running: Running) -> None:
    def leave_by_alert(client: TlsClient) -> None:
        client.notify_close()
        assert client.receive_all().end == "notified"

    for query, leave in (("hang@1b", leave_by_alert), ("hang@2b", lambda client: client.sock.close())):
        with running.connect() as client:
            client.send(get(f"/?{query}"))
            received = b""
            while not received.endswith(b'{"'[: int(query[5])]):
                received += client.receive()
            client.sock.settimeout(0.05)
            assert client.receive_all() == Received(b"", "silence")
            client.sock.settimeout(SOON)
            leave(client)
            assert running.player.wait_for_delivery(query).end_reason == "left"


def test_what_is_no_record_of_tls_ends_the_connection(running: Running) -> None:
    with running.connect() as client:
        client.sock.sendall(b"no record of TLS")
        assert client.receive_all().end in ("eof", "reset")


def test_a_client_that_ends_without_a_handshake_is_no_failure(running: Running) -> None:
    with socket.create_connection(running.port.address, timeout=SOON) as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""


@pytest.mark.usefixtures("outspoken")
def test_what_is_no_http_is_a_400(running: Running) -> None:
    with running.connect() as client:
        client.send(b"no HTTP\r\n\r\n" + get("/"))
        received = client.receive_all()
    assert re.match(rb"HTTP/1.1 400 ", received.data)
    assert (received.data.count(b"HTTP/1.1"), received.end) == (1, "notified")


@pytest.mark.usefixtures("outspoken")
def test_a_handshake_that_fails_is_one_line_in_the_log_at_most_once_a_second(
    running: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_port, "_REPORT_INTERVAL", 1e9)
    running.port._next_report = 0.0
    with socket.create_connection(running.port.address, timeout=SOON) as client:
        client.sendall(get("/"))
        assert client.recv(100) == b""
    with pytest.raises(ssl.SSLCertVerificationError):
        TlsClient(running.port.address, CertificateAuthority().pem)
    with running.connect() as client:  # the server has seen the alert before this handshake
        client.send(get("/"))
        client.receive_all()
    [line] = [one.getMessage() for one in caplog.records]
    assert line == "mockserver: a client sent plain HTTP to the TLS port, whose URLs begin with https://"
    running.port._next_report = 0.0
    caplog.clear()
    with pytest.raises(ssl.SSLCertVerificationError):
        TlsClient(running.port.address, CertificateAuthority().pem)
    with running.connect() as client:
        client.send(get("/"))
        client.receive_all()
    [line] = [one.getMessage() for one in caplog.records]
    assert re.fullmatch(
        r"mockserver: a client does not trust the certificate of the TLS port \(\w+\): "
        "give it that of GET /_mock/ca.pem",
        line,
    )


@pytest.mark.usefixtures("outspoken")
def test_a_tls_client_on_the_plain_port_is_one_line_in_the_log(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)wrong.version.number"):
        TlsClient(running.server.address, running.pem)
    assert [(one.getMessage(), one.exc_info) for one in caplog.records] == [
        ("Invalid HTTP request received.", None)
    ]


def test_a_handshake_has_a_time_limit(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_layer, "HANDSHAKE_TIMEOUT", 0.01)
    with socket.create_connection(running.port.address, timeout=SOON) as client:
        assert client.recv(100) == b""


@pytest.mark.parametrize("stack", STACKS, ids="-".join)
def test_neither_handshakes_nor_streams_nor_idle_clients_hold_up_the_end(stack: tuple[str, str]) -> None:
    running = Running(*stack)
    with (
        socket.create_connection(running.port.address, timeout=SOON) as silent,
        running.connect() as idle,
        running.connect() as hanging,
    ):
        idle.send(get("/", "keep-alive"))
        read_response(idle)
        hanging.send(get("/stream?hang@2", "keep-alive"))
        while b'"n":1' not in hanging.receive():
            pass
        began = time.perf_counter()
        running.server.stop()
        assert time.perf_counter() - began < SOON
        assert silent.recv(100) == b""
        assert idle.receive_all().end == "notified"
        assert hanging.receive_all().data.endswith(b"0\r\n\r\n")
    with pytest.raises(ConnectionRefusedError):
        running.connect()


def test_a_port_that_is_closed_starts_no_handshake() -> None:
    class Connection(asyncio.Transport):
        aborted = False

        def abort(self) -> None:
            self.aborted = True

    port = TlsPort(bind_socket("127.0.0.1", 0), CertificateAuthority().create_server_context())
    port.close()
    late = Connection()
    port.start_handshake(late, asyncio.Protocol())
    port.sock.close()
    assert late.aborted


def test_a_version_of_uvicorn_that_keeps_its_connections_has_no_tls_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uvicorn_server, "find_protocol", lambda _: None)
    with pytest.raises(
        InputError, match="--tls-port: this version of uvicorn does not hand over connections"
    ):
        uvicorn_server._http_protocol_class("h11", object())  # type: ignore[arg-type]


def test_a_taken_tls_port_names_its_flag_and_frees_the_plain_one() -> None:
    certificate = create_server_certificate(Settings(tls_port=0), ())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError) as caught:
            bind_ports(Settings(port=0, tls_port=port), certificate)
    assert str(caught.value) == (
        f"tls_port: port {port} is taken on 127.0.0.1: stop the other server or choose another port with --tls-port "
        "(0 picks a free one)"
    )


def test_the_certificate_of_the_authority_needs_no_token() -> None:
    with MockServer(tls_port=0, admin_token="secret") as server:  # noqa: S106
        response = httpx2.get(f"{server.url}/_mock/ca.pem")
        assert (response.status_code, response.text) == (200, server.ca_pem)
        assert response.headers["content-type"].startswith("application/pem-certificate-chain")
        first = server.tls_url
        server.stop()
        server.start()
        assert server.tls_url == first
        trust = ssl.create_default_context(cadata=response.text)
        assert httpx2.get(f"{first}/healthz", verify=trust).json() == {"status": "ok"}
        assert httpx2.get(f"{first}/_mock/requests", verify=trust).status_code == 401


def test_a_server_without_a_tls_port_says_how_to_have_one(server: MockServer) -> None:
    response = httpx2.get(f"{server.url}/_mock/ca.pem")
    assert (response.status_code, "--tls-port" in response.text) == (404, True)
    with pytest.raises(RuntimeError, match=r"start it with MockServer\(tls_port=0\)"):
        assert server.tls_url
    with pytest.raises(RuntimeError, match="it does with tls_port, and without tls_cert"):
        assert server.ca_pem
