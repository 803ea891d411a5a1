"""ops/certificates.sh, by the openssl of this machine: what it makes is what production asks for."""

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from console.production import certificates
from ops.local.binaries import ROOT

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl on this machine")


def make(folder: Path, *arguments: str, days: str = "90") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CERTS": str(folder), "DAYS": days}
    script = str(ROOT / "ops" / "certificates.sh")
    return subprocess.run([script, *arguments], env=environment, capture_output=True, text=True, check=False)


def authorities(folder: Path) -> int:
    return len(ssl.create_default_context(cafile=folder / "clients" / "ca.crt").get_ca_certs())


def test_all_of_them_are_good_and_keys_are_for_nobody_else(tmp_path: Path) -> None:
    assert make(tmp_path).returncode == 0
    assert list(certificates.faults(tmp_path)) == []
    for name in (*certificates.SERVERS, *certificates.PROGRAMS):
        assert (tmp_path / name / "tls.key").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "clients" / f"{name}.crt").read_text() == (tmp_path / name / "tls.crt").read_text()

    before = (tmp_path / "nats" / "tls.crt").read_text()
    assert make(tmp_path).returncode == 0
    assert (tmp_path / "nats" / "tls.crt").read_text() == before, "what is there stays"


@pytest.mark.exhaustive
def test_the_authority_is_replaced_while_both_are_trusted(tmp_path: Path) -> None:
    make(tmp_path)
    old = (tmp_path / "gateway" / "tls.crt").read_text()
    make(tmp_path, "authority", "new")
    assert authorities(tmp_path) == 2
    assert (tmp_path / "gateway" / "tls.crt").read_text() == old
    assert list(certificates.faults(tmp_path)) == [], "the old certificates are good still"

    make(tmp_path, "renew", "all")
    assert (tmp_path / "gateway" / "tls.crt").read_text() != old
    make(tmp_path, "authority", "only")
    assert authorities(tmp_path) == 1
    assert list(certificates.faults(tmp_path)) == []


def test_a_name_that_nobody_has_is_refused(tmp_path: Path) -> None:
    make(tmp_path)
    assert make(tmp_path, "renew", "gatewya").returncode == 2
    assert not (tmp_path / "gatewya").exists()
