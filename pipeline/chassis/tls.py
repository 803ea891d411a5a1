"""What a client needs to be sure whom it talks to: the files of certificates that settings name."""

import ssl
from pathlib import Path

from pipeline.errors import ConfigurationError


def require_file(variable: str, path: str) -> Path:
    """The file that a setting names. Raises ConfigurationError with the variable's name when it cannot be read."""
    try:
        with Path(path).open("rb"):
            return Path(path)
    except OSError as error:
        raise ConfigurationError(f"{variable}: {path}: {error.strerror}") from None


def client_context(variables: str, authority: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Verifies servers by one authority, their names included, and shows a certificate of its own where one is given.

    The settings are called `<variables>_CA`, `_CERT` and `_KEY`. Raises ConfigurationError with the name of the one
    whose file is missing, is no certificate or key, or does not fit the other.
    """
    if bool(certificate) != bool(key):
        raise ConfigurationError(
            f"{variables}_CERT: set it together with {variables}_KEY, or neither of them"
        )
    try:
        context = ssl.create_default_context(cafile=require_file(f"{variables}_CA", authority))
    except ssl.SSLError:
        raise ConfigurationError(f"{variables}_CA: {authority}: holds no certificate") from None
    if certificate:
        chain = require_file(f"{variables}_CERT", certificate)
        secret = require_file(f"{variables}_KEY", key)
        try:
            # A key with a passphrase would otherwise be asked for on the terminal.
            context.load_cert_chain(chain, secret, password="")
        except ssl.SSLError as error:
            fault = "does not belong to the certificate" if "MISMATCH" in str(error.reason) else "not usable"
            raise ConfigurationError(f"{variables}_KEY: {key}: {fault} ({certificate})") from None
    return context
