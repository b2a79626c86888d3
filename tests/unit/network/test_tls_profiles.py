"""What the profiles let through, and the one line that says why a handshake failed."""

import datetime as dt
import socket
import ssl
from contextlib import contextmanager

import pytest
import trustme

from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.dicom.wire.negotiation import AcceptancePolicy
from calotype.errors import Unavailable
from calotype.network.dialer import dial
from calotype.network.listener import Listener
from calotype.network.rejections import Rejections
from calotype.network.settings import DialSettings, ListenerSettings
from calotype.network.tls import PROFILES, TlsProfile, client_context, server_context
from support.raw_peers import CONTEXTS, CT, PATIENCE_S

POLICY = AcceptancePolicy(called_ae_titles=None, abstract_syntaxes={CT: (EXPLICIT_VR_LITTLE_ENDIAN,)})
YESTERDAY = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


class Paper:
    """Certificates of one authority, as files."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder, self.authority = folder, trustme.CA()
        self.ca = folder / "ca.crt"
        self.authority.cert_pem.write_to_path(self.ca)

    def issue(self, name, *, not_after=None):
        path = self.folder / f"{name}.pem"
        leaf = self.authority.issue_cert(
            name, not_after=not_after, not_before=not_after and YESTERDAY.replace(year=2020)
        )
        leaf.private_key_and_cert_chain_pem.write_to_path(path)
        return path


@pytest.fixture
def paper(tmp_path):
    return Paper(tmp_path / "ours")


@pytest.fixture
def strangers(tmp_path):
    return Paper(tmp_path / "theirs")


@pytest.fixture
def rejections():
    return Rejections()


@pytest.fixture
def listening(patient, rejections):
    @contextmanager
    def listen(tls):
        settings = ListenerSettings(name="tls", host="127.0.0.1", port=0, tls=tls, timeouts=patient)
        listener = Listener(settings, POLICY, lambda association: association.receive(), rejections)
        listener.start()
        try:
            yield listener.port
        finally:
            listener.stop(drain_s=5)

    return listen


def reach(port, patient, tls, host="localhost"):
    settings = DialSettings(timeouts=patient, tls=tls)
    with dial(
        host, port, calling_ae_title="US", called_ae_title="THEM", contexts=CONTEXTS, settings=settings
    ) as found:
        return set(found.contexts)


def serve_with(certificate, **how):
    return server_context(certificate, certificate, **how)


def version_and_suite(port, context):
    with wrapped(port, context) as connection:
        return connection.version(), connection.cipher()[0]


@contextmanager
def wrapped(port, context):
    with (
        socket.create_connection(("localhost", port), timeout=PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        yield connection


@pytest.mark.parametrize("profile", TlsProfile)
def test_every_profile_talks_to_itself(paper, listening, patient, profile):
    with listening(serve_with(paper.issue("localhost"), profile=profile)) as port:
        assert reach(port, patient, client_context(ca=paper.ca, profile=profile)) == {3}


@pytest.mark.parametrize("profile", TlsProfile)
def test_a_profile_has_its_suites_and_those_of_tls_1_3_only(profile):
    context = client_context(profile=profile)
    names = [suite["name"] for suite in context.get_ciphers()]
    older = [name for name in names if not name.startswith("TLS_")]
    assert older == list(PROFILES[profile].suites)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_tls_1_3_is_preferred_and_1_2_taken(paper, listening):
    theirs = ssl.create_default_context(cafile=paper.ca)
    with listening(serve_with(paper.issue("localhost"))) as port:
        assert version_and_suite(port, theirs)[0] == "TLSv1.3"
        theirs.maximum_version = ssl.TLSVersion.TLSv1_2
        assert version_and_suite(port, theirs)[0] == "TLSv1.2"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def test_tls_1_1_is_refused(paper, listening, rejections):
    theirs = ssl.create_default_context(cafile=paper.ca)
    theirs.set_ciphers("ALL:@SECLEVEL=0")
    theirs.minimum_version = theirs.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        listening(serve_with(paper.issue("localhost"))) as port,
        pytest.raises(ssl.SSLError),
        wrapped(port, theirs),
    ):
        pass
    [rejection] = rejections.recent()
    assert rejection.detail == "no TLS handshake: it offers no TLS version of ours (1.2 or newer)"


def test_a_listener_may_want_1_3(paper, listening):
    theirs = ssl.create_default_context(cafile=paper.ca)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        listening(serve_with(paper.issue("localhost"), min_version="1.3")) as port,
        pytest.raises(ssl.SSLError),
        wrapped(port, theirs),
    ):
        pass


def test_a_suite_outside_of_the_profile_is_refused(paper, listening, rejections):
    theirs = ssl.create_default_context(cafile=paper.ca)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_2
    theirs.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    with (
        listening(serve_with(paper.issue("localhost"))) as port,
        pytest.raises(ssl.SSLError),
        wrapped(port, theirs),
    ):
        pass
    [rejection] = rejections.recent()
    assert rejection.detail == "no TLS handshake: it has no cipher suite in common with our profile"


def test_an_expired_certificate_is_said_to_be(paper, listening, patient):
    with (
        listening(serve_with(paper.issue("localhost", not_after=YESTERDAY))) as port,
        pytest.raises(Unavailable, match=r"THEM .*: its certificate has expired"),
    ):
        reach(port, patient, client_context(ca=paper.ca))


def test_a_certificate_of_another_host_is_said_to_be(paper, listening, patient):
    with listening(serve_with(paper.issue("elsewhere.example"))) as port:
        with pytest.raises(Unavailable, match=r"its certificate is not trusted: Hostname mismatch.*'localhost'$"):
            reach(port, patient, client_context(ca=paper.ca))
        assert reach(port, patient, client_context(ca=paper.ca, check_hostname=False)) == {3}


def test_the_certificate_of_an_unknown_authority_is_said_to_be(paper, strangers, listening, patient):
    with listening(serve_with(strangers.issue("localhost"))) as port:
        with pytest.raises(Unavailable, match="nobody that we trust signed its certificate"):
            reach(port, patient, client_context(ca=paper.ca))
        assert reach(port, patient, client_context(verify=False)) == {3}


def test_a_client_of_another_authority_is_turned_away_and_told(paper, strangers, listening, patient, rejections):
    theirs = client_context(ca=paper.ca, certificate=strangers.issue("client"))
    with (
        listening(serve_with(paper.issue("localhost"), client_ca=paper.ca)) as port,
        pytest.raises(Unavailable, match=r"does not know the authority that signed our certificate|closed"),
    ):
        reach(port, patient, theirs)
    [rejection] = rejections.recent()
    assert rejection.detail.startswith("no TLS handshake: nobody that we trust signed its certificate")


def test_a_client_without_a_certificate_may_be_let_in(paper, strangers, listening, patient):
    tls = serve_with(paper.issue("localhost"), client_ca=paper.ca, client_required=False)
    with listening(tls) as port:
        assert reach(port, patient, client_context(ca=paper.ca)) == {3}
        assert reach(port, patient, client_context(ca=paper.ca, certificate=paper.issue("client"))) == {3}
        with pytest.raises(Unavailable):
            reach(port, patient, client_context(ca=paper.ca, certificate=strangers.issue("client")))


def test_a_plain_caller_of_a_tls_port_is_told_so(paper, listening, patient, rejections):
    with (
        listening(serve_with(paper.issue("localhost"))) as port,
        pytest.raises(Unavailable, match=r"does (that port|the peer) want TLS"),
    ):
        reach(port, patient, None)
    [rejection] = rejections.recent()
    assert rejection.detail == "no TLS handshake: it does not speak TLS (plain DICOM on this port?)"


def test_a_tls_caller_of_a_plain_port_is_told_so(paper, listening, patient, rejections):
    with (
        listening(None) as port,
        pytest.raises(Unavailable, match=r"it does not speak TLS \(plain DICOM on this port\?\)"),
    ):
        reach(port, patient, client_context(ca=paper.ca))
    [rejection] = rejections.recent()
    assert rejection.detail == (
        "aborted: PDU of unknown type 16H, as a TLS handshake begins: the peer wants TLS here"
    )
