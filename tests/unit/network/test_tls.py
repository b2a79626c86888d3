"""The same associations through TLS, and what is said when the handshake fails."""

import threading
from pathlib import Path

import pytest

from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.dicom.wire.messages import CStoreRQ, CStoreRSP
from calotype.dicom.wire.negotiation import AcceptancePolicy
from calotype.errors import InvalidRequest, Unavailable
from calotype.network.dialer import dial
from calotype.network.listener import Listener
from calotype.network.rejections import Rejections
from calotype.network.settings import DialSettings, ListenerSettings
from calotype.network.tls import client_context, server_context
from support.raw_peers import CONTEXTS, CT, RawPeer, request

CERTIFICATES = Path(__file__).parent / "certificates"
CERTIFICATE, KEY = CERTIFICATES / "test-only.crt", CERTIFICATES / "test-only.key"
ENCRYPTED_KEY = CERTIFICATES / "test-only-encrypted.key"
POLICY = AcceptancePolicy(called_ae_titles=None, abstract_syntaxes={CT: (EXPLICIT_VR_LITTLE_ENDIAN,)})


class FileSource:
    def __init__(self, path):
        self.file = path.open("rb")

    def read_at(self, offset, size_bytes):
        self.file.seek(offset)
        return self.file.read(size_bytes)


class Stored:
    """A service that keeps the data sets it gets."""

    def __init__(self):
        self.data_sets = []

    def __call__(self, association):
        while (received := association.receive()) is not None:
            self.data_sets.append(association.read_identifier(1 << 30))
            assert not association.cancel_requested(1)
            response = CStoreRSP(message_id_being_responded_to=received.message.message_id, status=0)
            association.send(received.context.context_id, response)


@pytest.fixture
def stored():
    return Stored()


@pytest.fixture
def rejections():
    return Rejections()


@pytest.fixture
def listener(patient, stored, rejections):
    settings = ListenerSettings(
        name="tls", host="127.0.0.1", port=0, tls=server_context(CERTIFICATE, KEY), timeouts=patient
    )
    listener = Listener(settings, POLICY, stored, rejections)
    listener.start()
    yield listener
    listener.stop(drain_s=0)


def reach(listener, settings):
    return dial(
        "localhost",
        listener.port,
        calling_ae_title="US",
        called_ae_title="THEM",
        contexts=CONTEXTS,
        settings=settings,
    )


def test_objects_travel_through_tls_unchanged(listener, stored, patient, tmp_path):
    whole = bytes(i % 253 for i in range(2_000_000))
    (tmp_path / "object").write_bytes(whole)
    source = FileSource(tmp_path / "object")
    settings = DialSettings(timeouts=patient, tls=client_context(ca=CERTIFICATE))
    with source.file, reach(listener, settings) as association:
        store = CStoreRQ(message_id=1, affected_sop_class_uid=CT, affected_sop_instance_uid="1.2")
        association.send_object(3, store, source, 10, len(whole) - 10)
        assert association.receive().message.status == 0
    assert stored.data_sets == [whole[10:]]


def test_killing_a_tls_association_ends_it(listener, patient):
    settings = DialSettings(timeouts=patient, tls=client_context(ca=CERTIFICATE))
    association = reach(listener, settings)
    threading.Timer(0.05, association.kill).start()
    with pytest.raises(Unavailable, match="we are stopping"):
        association.receive()


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(listener, patient):
    settings = DialSettings(timeouts=patient, tls=client_context())
    with pytest.raises(Unavailable, match="nobody that we trust signed its certificate"):
        reach(listener, settings)


def test_a_peer_without_tls_is_closed_and_remembered(listener, rejections):
    with RawPeer.connect(listener.port) as peer:
        peer.send(request())
        while peer.receive() is not None:
            pass
    listener.stop()
    assert rejections.recent()[0].detail == "no TLS handshake: it does not speak TLS (plain DICOM on this port?)"


def test_a_listener_without_tls_is_unavailable_to_those_who_want_it(patient):
    plain = Listener(
        ListenerSettings(name="plain", host="127.0.0.1", port=0, timeouts=patient), POLICY, Stored(), Rejections()
    )
    plain.start()
    try:
        with pytest.raises(Unavailable, match="no TLS connection to THEM"):
            reach(plain, DialSettings(timeouts=patient, tls=client_context(ca=CERTIFICATE)))
    finally:
        plain.stop(drain_s=0)


def test_peers_without_a_certificate_are_turned_away_when_one_is_asked_for(patient, rejections):
    settings = ListenerSettings(
        name="mutual",
        host="127.0.0.1",
        port=0,
        tls=server_context(CERTIFICATE, KEY, client_ca=CERTIFICATE),
        timeouts=patient,
    )
    listener = Listener(settings, POLICY, Stored(), rejections)
    listener.start()
    try:
        with pytest.raises(Unavailable):
            reach(listener, DialSettings(timeouts=patient, tls=client_context(ca=CERTIFICATE)))
        ours = client_context(ca=CERTIFICATE, certificate=CERTIFICATE, key=KEY)
        with reach(listener, DialSettings(timeouts=patient, tls=ours)) as association:
            assert set(association.contexts) == {3}
    finally:
        listener.stop(drain_s=0)
    assert [rejection.detail[:16] for rejection in rejections.recent()] == ["no TLS handshake"]


def test_an_encrypted_key_is_opened_by_its_password(patient):
    settings = ListenerSettings(
        name="tls",
        host="127.0.0.1",
        port=0,
        tls=server_context(CERTIFICATE, ENCRYPTED_KEY, password="test-only"),
        timeouts=patient,
    )
    listener = Listener(settings, POLICY, Stored(), Rejections())
    listener.start()
    try:
        ours = client_context(ca=CERTIFICATE, certificate=CERTIFICATE, key=ENCRYPTED_KEY, password="test-only")
        with reach(listener, DialSettings(timeouts=patient, tls=ours)) as association:
            assert set(association.contexts) == {3}
    finally:
        listener.stop(drain_s=0)


@pytest.mark.parametrize("password", ["", "wrong", "x" * 2000])
def test_an_encrypted_key_without_its_password_is_one_clear_line(password):
    with pytest.raises(InvalidRequest, match=r"encrypted\.key cannot be used .*: name .* password"):
        server_context(CERTIFICATE, ENCRYPTED_KEY, password=password)


def test_unusable_files_are_named(tmp_path):
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    with pytest.raises(InvalidRequest, match=r"missing\.crt.*No such file"):
        server_context(tmp_path / "missing.crt", KEY)
    with pytest.raises(InvalidRequest, match=r"garbage\.pem"):
        server_context(garbage, KEY)
    with pytest.raises(InvalidRequest, match=r"authority .*garbage\.pem"):
        client_context(ca=garbage)
