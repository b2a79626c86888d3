"""Makes a certificate authority to test TLS with, and certificates for a server and a client.

Nobody guards this authority's key, so it is no good for patients' data: a hospital has its own authority, or buys
certificates. Made by ``trustme``, an extra of this distribution, loaded only here.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from calotype.errors import Conflict, InvalidRequest, Refused, Unsupported

if TYPE_CHECKING:
    import trustme

VALID_DAYS: Final = 825
"""What Apple and others take at most of a certificate made by hand; long enough for any test."""

_NAMES: Final = ("ca.crt", "ca.key", "server.crt", "server.key", "client.crt", "client.key")


@dataclass(frozen=True, slots=True)
class TestAuthority:
    """Where everything is; PEM files."""

    ca: Path
    server_certificate: Path
    server_key: Path
    client_certificate: Path
    client_key: Path
    hosts: tuple[str, ...]


def make_test_authority(folder: Path, hosts: Sequence[str] = ()) -> TestAuthority:
    """Make a certificate authority in ``folder``, which is made if need be, and one certificate of each kind.

    ``hosts`` are the names and addresses of the server, besides this machine's own. Conflict when one of the files
    is there already; nothing is written then. Unsupported when the extra is not installed, InvalidRequest for a host
    that is none, Refused when the folder cannot be written to.
    """
    try:
        import trustme  # an extra
    except ImportError as error:
        raise Unsupported("making certificates needs an extra: pip install 'calotype[tls-test]'") from error
    for name in _NAMES:
        if (folder / name).exists():
            raise Conflict(f"{folder / name} is there already: name another folder, or remove its files yourself")
    names = tuple(dict.fromkeys((*hosts, socket.gethostname(), "localhost", "127.0.0.1", "::1")))
    # RSA, though its keys are longer: every device that knows TLS at all knows it.
    authority = trustme.CA(organization_name="calotype, for tests only", key_type=trustme.KeyType.RSA)
    server = _certificate(authority, names)
    client = _certificate(authority, ("client.calotype.test",))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / "ca.crt", [authority.cert_pem])
        _write(folder / "ca.key", [authority.private_key_pem])
        for name, issued in (("server", server), ("client", client)):
            _write(folder / f"{name}.crt", issued.cert_chain_pems)
            _write(folder / f"{name}.key", [issued.private_key_pem])
    except FileExistsError as error:
        raise Conflict(f"{error.filename} was made by somebody else meanwhile: name another folder") from error
    except OSError as error:
        raise Refused(f"{error.filename or folder}: cannot be written ({error.strerror})") from error
    paths = {name: (folder / name).absolute() for name in _NAMES}
    return TestAuthority(
        ca=paths["ca.crt"],
        server_certificate=paths["server.crt"],
        server_key=paths["server.key"],
        client_certificate=paths["client.crt"],
        client_key=paths["client.key"],
        hosts=names,
    )


def _certificate(authority: trustme.CA, names: Sequence[str]) -> trustme.LeafCert:
    now = dt.datetime.now(dt.UTC)
    try:
        return authority.issue_cert(
            *names,
            common_name=names[0],
            organization_name="calotype, for tests only",
            not_before=now - dt.timedelta(hours=1),
            not_after=now + dt.timedelta(days=VALID_DAYS),
            key_type=_rsa(),
        )
    except ValueError as error:  # idna's errors are ValueErrors
        raise InvalidRequest(f"{', '.join(names)}: not all of these are host names or addresses ({error})") from error


def _rsa() -> trustme.KeyType:
    from trustme import KeyType  # an extra

    return KeyType.RSA


def _write(path: Path, parts: Iterable[trustme.Blob]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, for its permissions
        file.writelines(part.bytes() for part in parts)
