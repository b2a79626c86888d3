"""TLS contexts for listeners and for dialling, from files that an operator names.

The profile is PS3.15 B.9 (BCP 195 RFC 8996, 9325): TLS 1.2 and 1.3 with the platform's strong suites. What is
encrypted and what not is decided by whoever composes listeners; nothing here opens a socket.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from calotype.errors import InvalidRequest


def server_context(
    certificate: Path, key: Path, *, password: str = "", client_ca: Path | None = None
) -> ssl.SSLContext:
    """Return the context of a listener; with ``client_ca`` peers MUST show a certificate that it signed.

    ``password`` opens an encrypted ``key``. InvalidRequest when a file cannot be read or holds something else.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_own(context, certificate, key, password)
    if client_ca is not None:
        _load_authority(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    *,
    ca: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    password: str = "",
    check_hostname: bool = True,
) -> ssl.SSLContext:
    """Return the context to dial with: trust ``ca`` (the system's authorities when ``None``), show ``certificate``.

    ``check_hostname`` may be switched off for devices whose certificate bears no name; the signature is checked
    all the same. InvalidRequest when a file cannot be read or does not hold what it should.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = check_hostname
    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _load_authority(context, ca)
    if certificate is not None:
        _load_own(context, certificate, key, password)
    return context


def _load_own(context: ssl.SSLContext, certificate: Path, key: Path | None, password: str) -> None:
    # Without a password, even an empty one, OpenSSL would ask on the terminal, where a server has nobody to answer.
    try:
        context.load_cert_chain(certificate, key, password=lambda: password)
    except (OSError, ValueError) as error:
        raise InvalidRequest(
            f"the TLS certificate {certificate} and key {key or certificate} cannot be used "
            f"({_why(error)}): name a PEM certificate chain and its PEM key, with the key's password if it has one"
        ) from error


def _load_authority(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except (OSError, ValueError) as error:
        raise InvalidRequest(
            f"the TLS authority {ca} cannot be used ({_why(error)}): name a PEM file with the certificates to trust"
        ) from error


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
