"""TLS contexts for listeners and for dialling, from files that an operator names, and what went wrong in words.

The profiles are those of PS3.15 Annex B that stand on BCP 195: TLS 1.2 and 1.3 with forward secrecy and authenticated
encryption, nothing older, whatever a peer asks for. What is encrypted and what not is decided by whoever composes
listeners; nothing here opens a socket.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from calotype.errors import InvalidRequest


class TlsProfile(StrEnum):
    """A secure transport connection profile of PS3.15 Annex B."""

    BCP195 = "bcp195"
    NON_DOWNGRADING = "bcp195-non-downgrading"
    MODIFIED = "bcp195-modified"


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """What a profile allows below TLS 1.3, whose own three suites are in every profile.

    ``suites`` are OpenSSL's names, best first.
    """

    section: str
    name: str
    suites: tuple[str, ...]


_RECOMMENDED: Final = (
    # RFC 9325 4.2: the four that everybody SHOULD have; ChaCha20 serves machines without AES instructions.
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
_WITHOUT_CURVES: Final = ("DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384")
"""RFC 7525 4.2 recommended these to peers without elliptic curves; RFC 9325 no longer does."""

PROFILES: Final[Mapping[TlsProfile, ProfileRow]] = {
    TlsProfile.BCP195: ProfileRow(
        "B.12", "BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile", _RECOMMENDED
    ),
    TlsProfile.NON_DOWNGRADING: ProfileRow(
        "B.10", "Non-Downgrading BCP 195 TLS Secure Transport Connection Profile", (*_RECOMMENDED, *_WITHOUT_CURVES)
    ),
    # B.13 wants the long keys of the others first; 128 bits are allowed.
    TlsProfile.MODIFIED: ProfileRow(
        "B.13",
        "Modified BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile",
        tuple(sorted(_RECOMMENDED, key=lambda suite: "AES128" in suite)),
    ),
}

MIN_VERSIONS: Final[Mapping[str, ssl.TLSVersion]] = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
"""RFC 8996: what is older is not to be negotiated by anybody."""


def server_context(
    certificate: Path,
    key: Path,
    *,
    password: str = "",
    client_ca: Path | None = None,
    client_required: bool = True,
    profile: TlsProfile = TlsProfile.BCP195,
    min_version: str = "1.2",
) -> ssl.SSLContext:
    """Return the context of a listener.

    With ``client_ca`` peers MUST show a certificate that it signed; unless ``client_required`` those that show none
    are let in too, those that show another's are not. ``password`` opens an encrypted ``key``. InvalidRequest when a
    file cannot be read or holds something else.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER, profile, min_version)
    # The peer's order of suites: it knows whether its processor has AES instructions, and all of ours are good.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _load_own(context, certificate, key, password)
    if client_ca is not None:
        _load_authority(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if client_required else ssl.CERT_OPTIONAL
    return context


def client_context(
    *,
    ca: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    password: str = "",
    verify: bool = True,
    check_hostname: bool = True,
    profile: TlsProfile = TlsProfile.BCP195,
) -> ssl.SSLContext:
    """Return the context to dial with: trust ``ca`` (the system's authorities when ``None``), show ``certificate``.

    ``check_hostname`` may be switched off for devices whose certificate bears no name; the signature is checked
    all the same. Without ``verify`` nothing is checked: whoever answers is believed. InvalidRequest when a file
    cannot be read or does not hold what it should.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT, profile, "1.2")
    context.check_hostname = verify and check_hostname
    if not verify:
        context.verify_mode = ssl.CERT_NONE
    elif ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _load_authority(context, ca)
    if certificate is not None:
        _load_own(context, certificate, key, password)
    return context


_NO_TLS: Final = "it does not speak TLS (plain DICOM on this port?)"
_REASONS: Final[Mapping[str, str]] = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": "it speaks HTTP",
    "HTTPS_PROXY_REQUEST": "it speaks HTTP",
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": "it offers no TLS version of ours (1.2 or newer)",
    "VERSION_TOO_LOW": "it offers no TLS version of ours (1.2 or newer)",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it takes none of our TLS versions (1.2 or newer)",
    "NO_SHARED_CIPHER": "it has no cipher suite in common with our profile",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it has no cipher suite or certificate in common with us",
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": "it has no cipher suite in common with our profile",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate, and one is asked for",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants to see a certificate of ours",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority that signed our certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept our certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it does not accept our certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it says that our certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it says that our certificate was revoked",
    "TLSV1_ALERT_ACCESS_DENIED": "it does not let the bearer of our certificate in",
    "TLSV1_ALERT_DECRYPT_ERROR": "it could not verify our signature",
    "UNEXPECTED_EOF_WHILE_READING": "it closed the connection (plain DICOM on this port?)",
}
"""OpenSSL's reasons as an administrator can use them; "it" is the peer."""

_VERIFY_EXPIRED, _VERIFY_NOT_YET = 10, 9
_VERIFY_UNKNOWN_CA: Final = frozenset({2, 18, 19, 20, 21})


def why(error: OSError) -> str:
    """Return why a handshake, or what came right behind it, failed: a clause about the peer ("it ...")."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(error)
    if isinstance(error, TimeoutError):
        return "it does not finish the TLS handshake (plain DICOM on this port?)"
    if isinstance(error, ssl.SSLZeroReturnError | ssl.SSLEOFError | ConnectionError):
        return _REASONS["UNEXPECTED_EOF_WHILE_READING"]
    if isinstance(error, ssl.SSLError):
        return _REASONS.get(error.reason or "", error.reason or str(error))
    return error.strerror or str(error)


def _unverified(error: ssl.SSLCertVerificationError) -> str:
    code = error.verify_code
    if code == _VERIFY_EXPIRED:
        return "its certificate has expired: it needs a new one, or the clocks differ"
    if code == _VERIFY_NOT_YET:
        return "its certificate is not valid yet: compare the clocks"
    if code in _VERIFY_UNKNOWN_CA:
        return f"nobody that we trust signed its certificate ({error.verify_message}): name its authority as CA"
    return f"its certificate is not trusted: {error.verify_message.rstrip('.')}"


def _context(protocol: int, profile: TlsProfile, min_version: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = MIN_VERSIONS[min_version]
    context.set_ciphers(":".join(PROFILES[profile].suites))
    # RFC 9325 3.3 and 3.5: compression leaks what is compressed, and nobody needs to renegotiate.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


def _load_own(context: ssl.SSLContext, certificate: Path, key: Path | None, password: str) -> None:
    # Without a password, even an empty one, OpenSSL would ask on the terminal, where a server has nobody to answer.
    try:
        context.load_cert_chain(certificate, key, password=lambda: password)
    except (OSError, ValueError) as error:
        raise InvalidRequest(
            f"the TLS certificate {certificate} and key {key or certificate} cannot be used "
            f"({_detail(error)}): name a PEM certificate chain and its PEM key, with the key's password if it has one"
        ) from error


def _load_authority(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except (OSError, ValueError) as error:
        raise InvalidRequest(
            f"the TLS authority {ca} cannot be used ({_detail(error)}): name a PEM file of certificates to trust"
        ) from error


def _detail(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
