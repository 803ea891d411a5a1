"""When certificates end, and secrets of which somebody knows it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

from cryptography import x509
from prometheus_client.core import Metric

from reporter.probes.files import OneAtATime
from reporter.probes.probe import Found, gauge

_CERTIFICATE = (
    "certificate_expiry_timestamp_seconds",
    "When the certificate ends; of a chain, its first to end",
)
_SECRET = "secret_expiry_timestamp_seconds", "The beginning of the day on which the secret ends"


class CertificateProbe:
    """Reads PEM files, by name. They are read again each time: a new certificate is seen as soon as it is there."""

    name = "certificates"

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = {name: Path(path) for name, path in files.items()}
        self._beside = OneAtATime(self.name)

    async def look(self) -> Found:
        """A file that holds no certificate, or cannot be read, is missing, and named."""
        return await self._beside.run(self._look)

    def blind(self) -> Sequence[Metric]:
        """Nothing."""
        return ()

    def _look(self) -> Found:
        ends: list[tuple[dict[str, str], float]] = []
        problems: list[str] = []
        for name, path in self._files.items():
            try:
                ends.append(({"certificate": name}, end_of(path.read_bytes()).timestamp()))
            except (OSError, ValueError) as error:
                problems.append(f"{name}: {error}")
        return Found([gauge(*_CERTIFICATE, ends)], "; ".join(problems))


class SecretProbe:
    """Tells the days that it was given."""

    name = "secrets"

    def __init__(self, days: Mapping[str, date]) -> None:
        self._found = Found(
            [gauge(*_SECRET, [({"secret": name}, _beginning(day)) for name, day in days.items()])]
        )

    async def look(self) -> Found:
        """Always the same."""
        return self._found

    def blind(self) -> Sequence[Metric]:
        """Nothing."""
        return ()


def end_of(pem: bytes) -> datetime:
    """When the first of the certificates in a PEM file ends. Raises ValueError when there is none."""
    return min(each.not_valid_after_utc for each in x509.load_pem_x509_certificates(pem))


def _beginning(day: date) -> float:
    return datetime.combine(day, time.min, UTC).timestamp()
