"""Who belongs to a run: whoever shows a certificate that this run made."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# A clock may be wrong by a day, and a model may take days.
_EARLY = datetime.timedelta(days=2)
_LATE = datetime.timedelta(days=30)


def credentials() -> dict[str, str]:
    """
    Return ``authority``, ``certificate`` and ``key`` as PEM, made now and kept nowhere.

    All members of a run show the same certificate: it says that they belong to the run.
    """
    own, issuing = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("metalserve", own=issuing, issuing=issuing)
    # libtorrent looks for the torrent's name among the certificate's, where a star is any.
    certificate = _certificate("*", own=own, issuing=issuing)
    key = own.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {"authority": authority, "certificate": certificate, "key": key.decode()}


def _certificate(
    name: str, *, own: ec.EllipticCurvePrivateKey, issuing: ec.EllipticCurvePrivateKey
) -> str:
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("metalserve"))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLY)
        .not_valid_after(now + _LATE)
        .add_extension(x509.BasicConstraints(ca=own is issuing, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(issuing, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
