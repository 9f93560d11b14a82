"""A hub behind TLS is asked as far as its certificate is right."""

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pace
import patience
import pytest
import ranges
import sources
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.standins.hub import Hub, Repository

SHARD = bytes(range(256)) * 1000
TOKEN = "hf_kX82LmWq04TzRbYv"
FILE = {"path": "model.safetensors", "size": len(SHARD)}


def _certificate(folder: Path) -> Path:
    """Make a certificate of this machine, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "hub.pem"
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hub's certificate."""
    return _certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def hub(certificate: Path) -> Iterator[Hub]:
    """A hub that speaks TLS, as its store does."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    repository = Repository("acme/model", tokens=(TOKEN,))
    repository.commit({"model.safetensors": SHARD})
    with Hub(repository, tls=tls) as hub:
        yield hub


def _asked(hub: Hub, name: str = "acme/model") -> ranges.Http:
    return ranges.Http(
        {"name": "the hub", "url": f"{hub.url}/{name}/resolve/main/"},
        headers={"Authorization": f"Bearer {TOKEN}"},
        proxy=None,
        bound=pace.Pace(None),
        asked=patience.Patience(5, stop=threading.Event(), tell=lambda _: None),
    )


def test_certificate_that_the_host_trusts(
    hub: Hub, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert b"".join(_asked(hub).blocks(FILE, 0)) == SHARD
    assert hub.mischief.faults == []


def test_certificate_that_nobody_knows(hub: Hub) -> None:
    with pytest.raises(sources.UnusableError, match=r"its certificate is not right: .*self-signed"):
        list(_asked(hub).blocks(FILE, 0))
    assert dict(hub.mischief.sent) == {}


def test_renamed_repository_is_shown_the_token_still(
    hub: Hub, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the same origin that the hub redirects to."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    hub.renamed["acme/old"] = "acme/model"
    assert b"".join(_asked(hub, "acme/old").blocks(FILE, 0)) == SHARD
    assert hub.mischief.faults == []
