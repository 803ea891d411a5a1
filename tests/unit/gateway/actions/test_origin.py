"""Where a request comes from: what proxies say that are trusted, and nothing that a client may write."""

from typing import Any

import pytest

from gateway.actions.origin import Origins, hash_key_of
from pipeline.errors import ConfigurationError

KEY = hash_key_of("a secret", ())
PROXIES = ("10.0.0.0/8", "fd00::/8", "127.0.0.1")


def network(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    scope: Any = {
        "client": (peer, 1234) if peer else None,
        "headers": [(b"x-forwarded-for", each.encode("latin-1")) for each in forwarded],
    }
    return Origins(trusted, KEY).of(scope).network


def test_nobody_is_trusted_who_is_not_configured() -> None:
    assert network("127.0.0.1", "203.0.113.9", trusted=()) == "127.0.0.1"
    assert network("203.0.113.1", "203.0.113.9") == "203.0.113.1"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (("203.0.113.9",), "203.0.113.9"),
        (("198.51.100.7, 203.0.113.9",), "203.0.113.9"),
        (("198.51.100.7", "203.0.113.9"), "203.0.113.9"),
        (("203.0.113.9, 10.1.2.3, 10.9.9.9",), "203.0.113.9"),
        (("198.51.100.7, 203.0.113.9,10.1.2.3",), "203.0.113.9"),
        (("203.0.113.9:4711",), "203.0.113.9"),
        (('"[2001:db8:1:2:3::9]:4711"',), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9, fd00::1",), "2001:db8:1:2::/64"),
        (("::ffff:203.0.113.9",), "203.0.113.9"),
        (("fe80::9%eth0",), "fe80::/64"),
        (("unknown",), "127.0.0.1"),
        (("203.0.113.9, unknown",), "127.0.0.1"),
        (("203.0.113.9, <script>, 10.1.2.3",), "10.1.2.3"),
        (("",), "127.0.0.1"),
        (("10.1.1.1, 10.2.2.2",), "10.1.1.1"),
        ((), "127.0.0.1"),
        (("1" * 5000,), "127.0.0.1"),
        ((",".join(["203.0.113.9"] + ["10.0.0.1"] * 5000),), "10.0.0.1"),
        (("\xff\xfe",), "127.0.0.1"),
    ],
)
def test_the_last_address_that_no_proxy_has(forwarded: tuple[str, ...], client: str) -> None:
    assert network("127.0.0.1", *forwarded) == client


def test_addresses_of_one_customer_are_one() -> None:
    assert network("2001:db8:1:2:aaaa::1") == network("2001:db8:1:2:bbbb::2") == "2001:db8:1:2::/64"
    assert network("2001:db8:1:3::1") == "2001:db8:1:3::/64"
    assert network("::ffff:192.0.2.1") == "192.0.2.1"
    assert network(None) == ""


def test_what_is_stored_is_a_keyed_hash() -> None:
    def stored(peer: str, key: bytes) -> str:
        scope: Any = {"client": (peer, 1), "headers": []}
        return Origins((), key).of(scope).address_hash

    assert stored("192.0.2.1", KEY) == stored("192.0.2.1", KEY)
    assert len({stored("192.0.2.1", KEY), stored("192.0.2.2", KEY), stored("192.0.2.1", b"other")}) == 3
    assert "192" not in stored("192.0.2.1", KEY)
    assert stored("192.0.2.1", b"") == ""


def test_the_key_of_the_hashes() -> None:
    assert hash_key_of("named", ("jwt",)) == hash_key_of("named", ())
    assert hash_key_of("", ("first", "second")) == hash_key_of("", ("first",))
    assert hash_key_of("", ("first",)) not in (b"first", hash_key_of("", ("second",)))
    assert hash_key_of("", ()) == b""


def test_what_is_no_network_is_refused_by_the_variables_name() -> None:
    with pytest.raises(ConfigurationError, match="TRUSTED_PROXIES"):
        Origins(("10.0.0.0/99",), KEY)
