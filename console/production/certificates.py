"""All certificates of an installation, and what is wrong with their files.

A folder for each program and server, with `tls.crt`, `tls.key` and `ca.crt`, as `ops/certificates.sh` makes them:
each is mounted where it is needed, and nowhere else.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from collectors.registry import SOURCES

SERVERS = ("nats", "postgres", "redis")
PROGRAMS = (
    "gateway",
    *(f"{source}-collector" for source in SOURCES),
    "alerts",
    "console",
    "topology",
    "backup",
)
"""Those that talk to NATS, by the names of its users."""

CLIENTS = "clients"
"""The folder of all that need only to know the authority."""

_SOON = timedelta(days=1)


def faults(folder: Path, now: datetime | None = None) -> Iterator[str]:
    """What is wrong, a line each. `folder` holds the folders of all of them."""
    for name in (*SERVERS, *PROGRAMS):
        yield from _faults_of(folder / name, name, now or datetime.now(UTC))
    yield from _read(folder / CLIENTS / "ca.crt")[1]


def _faults_of(folder: Path, name: str, now: datetime) -> Iterator[str]:
    certificates, problems = _read(folder / "tls.crt")
    authorities, more = _read(folder / "ca.crt")
    yield from (*problems, *more)
    if not certificates or not authorities:
        return
    own = certificates[0]
    if not _are_issued(own, [*certificates[1:], *authorities]):
        yield f"{folder / 'tls.crt'}: not issued by the authority in ca.crt"
    if name not in _names(own):
        yield f"{folder / 'tls.crt'}: is not for the DNS name {name}"
    if own.not_valid_before_utc > now or own.not_valid_after_utc < now + _SOON:
        yield f"{folder / 'tls.crt'}: valid from {own.not_valid_before_utc} to {own.not_valid_after_utc}"
    yield from _faults_of_key(folder / "tls.key", own)


def _read(path: Path) -> tuple[Sequence[x509.Certificate], Sequence[str]]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes()), ()
    except OSError as error:
        return (), (f"{path}: {error.strerror}",)
    except ValueError:
        return (), (f"{path}: holds no certificate",)


def _are_issued(own: x509.Certificate, authorities: Sequence[x509.Certificate]) -> bool:
    for authority in authorities:
        try:
            own.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def _names(certificate: x509.Certificate) -> Sequence[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return found.value.get_values_for_type(x509.DNSName)


def _faults_of_key(path: Path, certificate: x509.Certificate) -> Iterator[str]:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        yield f"{path}: {error.strerror}"
        return
    except (ValueError, TypeError):
        yield f"{path}: holds no key, or one with a passphrase"
        return
    wanted = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != wanted:
        yield f"{path}: does not belong to the certificate beside it"
    if path.stat().st_mode & 0o077:
        yield f"{path}: others can read it; chmod 600"
