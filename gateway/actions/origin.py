"""Where a request comes from: the client's address, seen through the proxies that are trusted, and only those."""

import functools
import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

from litestar.types import Scope

from pipeline.errors import ConfigurationError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORWARDED = b"x-forwarded-for"
_MAX_HOPS = 20
_MAX_ADDRESS_LENGTH = 64
_HASH_DIGITS = 32
_IPV6_PREFIX = 64
"""One customer has at least so much of IPv6 for themselves."""


class Origin(NamedTuple):
    """`network` is the address, of IPv6 its /64; empty where it is not known. `address_hash` is what is stored."""

    network: str
    address_hash: str


class Origins:
    """Finds them. Raises ConfigurationError when TRUSTED_PROXIES holds no networks."""

    def __init__(self, trusted_proxies: Sequence[str], hash_key: bytes) -> None:
        self._trusted = [_network(text) for text in trusted_proxies]
        self._hash = functools.lru_cache(maxsize=10_000)(functools.partial(_hash, hash_key))

    def of(self, scope: Scope) -> Origin:
        """The origin of a request."""
        client = scope["client"]
        address = parse_address(client[0]) if client else None
        if address is None:
            return Origin("", "")
        if self._trusted and self._is_trusted(address):
            address = self._before_proxies(address, scope)
        network = _grouped(address)
        return Origin(network, self._hash(network))

    def _before_proxies(self, proxy: IPAddress, scope: Scope) -> IPAddress:
        """Each proxy has written down at the end who spoke to it: that is true as far as the writer is trusted."""
        forwarded = b",".join(value for name, value in scope["headers"] if name == _FORWARDED)
        nearest = proxy
        for hop in reversed(forwarded.decode("latin-1").rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]):
            address = parse_address(hop)
            if address is None:
                break
            nearest = address
            if not self._is_trusted(address):
                break
        return nearest

    def _is_trusted(self, address: IPAddress) -> bool:
        return any(address in network for network in self._trusted)


def _hash(key: bytes, network: str) -> str:
    return hmac.digest(key, network.encode(), hashlib.sha256).hex()[:_HASH_DIGITS] if key else ""


def hash_key_of(address_hash_secret: str, jwt_secrets: Sequence[str]) -> bytes:
    """The key of the hashes, empty where there is nothing to derive it from."""
    secret = address_hash_secret or next(iter(jwt_secrets), "")
    return hmac.digest(secret.encode(), b"addresses of social actions", hashlib.sha256) if secret else b""


def parse_address(text: str) -> IPAddress | None:
    """`192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7` or `[2001:db8::7]:4711`; None for anything else."""
    return _parsed(text) if len(text) <= _MAX_ADDRESS_LENGTH else None


@functools.lru_cache(maxsize=10_000)
def _parsed(text: str) -> IPAddress | None:
    text = text.strip(' \t"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@functools.lru_cache(maxsize=10_000)
def _grouped(address: IPAddress) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.IPv6Network((address, _IPV6_PREFIX), strict=False))


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ConfigurationError(f"TRUSTED_PROXIES: {error}") from None
