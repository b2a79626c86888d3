"""DICOM TLS with foreign peers in both roles: DCMTK and pynetdicom, trusted, unknown, expired, too old."""

import datetime as dt
import ssl
from contextlib import contextmanager

import pytest
import trustme
from click.testing import CliRunner
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from calotype.app.authority import make_test_authority
from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, Listener, Settings, Storage, Tls
from calotype.app.settings import Node as NodeSection
from calotype.app.settings import NodeTls as NodeTlsSection
from calotype.cli import calotype
from calotype.errors import Unavailable
from calotype.scu.echo import echo
from calotype.scu.files import gather, send_files
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import Node, NodeTls
from calotype.services.routing.ports import Result
from support import dcmtk
from support.bundled import CALLER, OPEN_TO_ALL, named
from support.calling import associated
from support.worklists import given

pytestmark = pytest.mark.interop

CT = named("CT_small.dcm")


@pytest.fixture
def paper(tmp_path):
    return make_test_authority(tmp_path / "ours")


@pytest.fixture
def strangers(tmp_path):
    return make_test_authority(tmp_path / "theirs")


@contextmanager
def serving(folder, *, nodes=(), **tls):
    settings = Settings(
        storage=Storage(path=folder / "archive", min_free_mib=1),
        listeners=(Listener(name="tls", bind="127.0.0.1", port=0, tls=Tls(**tls)),),
        http=Http(enabled=False),
        access=OPEN_TO_ALL,
        nodes=nodes,
    )
    with open_stores(settings) as opened, House(settings, opened) as house:
        yield house


def ours(paper, **how):
    return serving(paper.ca.parent, certificate=paper.server_certificate, key=paper.server_key, **how)


def to(house):
    return "-aec", "CALOTYPE", "localhost", house.listeners[0].port


def as_client(paper):
    return "+tls", paper.client_key, paper.client_certificate


def refusals(house):
    return [rejection.detail for rejection in house.rejections.recent()]


@pytest.mark.parametrize("profile", ["+px", "+py", "+pz"])
def test_dcmtk_calls_us_by_each_of_its_profiles(paper, tmp_path, profile):
    with ours(paper, client_ca=paper.ca, profile="bcp195-non-downgrading") as house:
        options = (*as_client(paper), "+cf", paper.ca, profile)
        done = dcmtk.run("echoscu", *options, *to(house), folder=tmp_path)
        assert (done.returncode, done.stdout) == (0, "")


def test_storescu_stores_over_mutual_tls(paper, tmp_path):
    with ours(paper, client_ca=paper.ca) as house:
        done = dcmtk.run("storescu", *as_client(paper), "+cf", paper.ca, *to(house), CT.path, folder=tmp_path)
        assert done.returncode == 0, done.stdout
    assert len(list((paper.ca.parent / "archive").rglob("*.dcm"))) == 1


def test_dcmtk_finds_and_gets_over_mutual_tls(paper, tmp_path):
    with ours(paper, client_ca=paper.ca) as house:
        options = (*as_client(paper), "+cf", paper.ca)
        assert dcmtk.run("storescu", *options, *to(house), CT.path, folder=tmp_path).returncode == 0
        keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={CT.study}")
        found = dcmtk.run("findscu", "-S", "-X", *options, *keys, *to(house), folder=tmp_path)
        assert (found.returncode, len(list(tmp_path.glob("rsp*.dcm")))) == (0, 1), found.stdout
        # DCMTK's getscu and movescu speak no TLS, so those are pynetdicom's.
        assert pynetdicom_get(house, theirs(paper)) == [CT.sop_instance]


def test_a_move_is_asked_and_carried_out_over_mutual_tls(paper, storescp, tmp_path):
    """From pynetdicom to us to DCMTK's receiver, each wanting the other's certificate."""
    host, port = storescp
    known = NodeTlsSection(enabled=True, ca=paper.ca, certificate=paper.client_certificate, key=paper.client_key)
    with ours(paper, client_ca=paper.ca, nodes=(NodeSection("STORESCP", host, port, tls=known),)) as house:
        options = (*as_client(paper), "+cf", paper.ca)
        assert dcmtk.run("storescu", *options, *to(house), CT.path, folder=tmp_path).returncode == 0
        caller = AE("CALLER")
        caller.add_requested_context(StudyRootQueryRetrieveInformationModelMove)
        with over_tls(caller, house, theirs(paper)) as association:
            *_, (status, _) = association.send_c_move(
                of_the_study(), "STORESCP", StudyRootQueryRetrieveInformationModelMove
            )
    assert (status.Status, status.NumberOfCompletedSuboperations) == (0x0000, 1)
    assert len(list((tmp_path / "received").iterdir())) == 1


def test_findscu_asks_our_worklist_over_mutual_tls(paper, tmp_path):
    with ours(paper, client_ca=paper.ca) as house:
        house.worklist.schedule(given())
        options = (*as_client(paper), "+cf", paper.ca)
        done = dcmtk.run("findscu", "-W", "-X", *options, "-k", "PatientName=Doe*", *to(house), folder=tmp_path)
        assert (done.returncode, len(list(tmp_path.glob("rsp*.dcm")))) == (0, 1), done.stdout


def test_a_dcmtk_client_of_another_authority_is_turned_away(paper, strangers, tmp_path):
    with ours(paper, client_ca=paper.ca) as house:
        done = dcmtk.run("echoscu", *as_client(strangers), "+cf", paper.ca, *to(house), folder=tmp_path)
        assert done.returncode != 0
    [why] = refusals(house)
    assert why.startswith("no TLS handshake: nobody that we trust signed its certificate")


def test_plain_dcmtk_on_a_tls_port_is_turned_away(paper, tmp_path):
    with ours(paper) as house:
        assert dcmtk.run("echoscu", *to(house), folder=tmp_path).returncode != 0
    assert refusals(house) == ["no TLS handshake: it does not speak TLS (plain DICOM on this port?)"]


@pytest.fixture
def storescp(paper, tmp_path):
    """DCMTK's receiver, which wants a certificate of its callers'."""
    port = dcmtk.free_port()
    (tmp_path / "received").mkdir()
    tls = ("+tls", paper.server_key, paper.server_certificate, "+cf", paper.ca)
    with dcmtk.serving("storescp", port, *tls, "-od", tmp_path / "received", port, folder=tmp_path):
        yield "localhost", port


def known_to(paper, **how):
    return NodeTls(ca=paper.ca, certificate=paper.client_certificate, key=paper.client_key, **how)


def test_we_send_to_storescp_over_mutual_tls(paper, storescp, tmp_path):
    node = Node("STORESCP", *storescp, tls=known_to(paper))
    [sent] = send_files(DimseCourier(CALLER), node, gather([CT.path]))
    assert sent.answer.result is Result.COMPLETED
    assert len(list((tmp_path / "received").iterdir())) == 1


def test_storescp_refuses_us_without_a_certificate_of_its_authority(paper, strangers, storescp):
    stranger = NodeTls(ca=paper.ca, certificate=strangers.client_certificate, key=strangers.client_key)
    with pytest.raises(Unavailable, match=r"authority that signed our certificate|closed the connection|broke|ended"):
        echo(CALLER, Node("STORESCP", *storescp, tls=stranger))


def test_the_command_line_calls_over_tls(paper, strangers, storescp):
    node = f"STORESCP@{storescp[0]}:{storescp[1]}"
    shown = ["--tls-cert", str(paper.client_certificate), "--tls-key", str(paper.client_key)]
    run = CliRunner()
    done = run.invoke(calotype, ["echo", node, "--tls-ca", str(paper.ca), *shown])
    assert done.exit_code == 0, done.output
    assert "answers" in done.output
    done = run.invoke(calotype, ["echo", node, "--tls-insecure", *shown])
    assert done.exit_code == 0
    assert "WARNING: --tls-insecure" in done.stderr
    done = run.invoke(calotype, ["echo", node, "--tls-ca", str(strangers.ca), *shown])
    assert isinstance(done.exception, Unavailable)
    assert "nobody that we trust signed its certificate" in str(done.exception)


def theirs(paper, **how):
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=paper.ca)
    context.load_cert_chain(paper.client_certificate, paper.client_key)
    for name, value in how.items():
        setattr(context, name, value)
    return context


def pynetdicom_echo(house, context):
    """Return the status of a C-ECHO by pynetdicom, ``None`` when there was no association."""
    caller = AE("CALLER")
    caller.add_requested_context(Verification)
    port = house.listeners[0].port
    association = caller.associate("localhost", port, ae_title="CALOTYPE", tls_args=(context, "localhost"))
    if not association.is_established:
        return None
    status = association.send_c_echo().Status
    association.release()
    return status


def over_tls(caller, house, context, **how):
    node = Node("CALOTYPE", "localhost", house.listeners[0].port)
    return associated(caller, node, tls_args=(context, "localhost"), **how)


def of_the_study():
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", CT.study
    return asked


def pynetdicom_get(house, context):
    """Return the SOP Instance UIDs that pynetdicom gets of the study."""
    caller, received = AE("CALLER"), []
    caller.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    caller.add_requested_context(CTImageStorage)

    def take(event):
        received.append(event.request.AffectedSOPInstanceUID)
        return 0x0000

    how = {
        "ext_neg": [build_role(CTImageStorage, scp_role=True)],
        "evt_handlers": [(evt.EVT_C_STORE, take)],
    }
    with over_tls(caller, house, context, **how) as association:
        *_, (status, _) = association.send_c_get(of_the_study(), StudyRootQueryRetrieveInformationModelGet)
    assert status.Status == 0x0000
    return received


def test_pynetdicom_calls_us_over_mutual_tls(paper):
    with ours(paper, client_ca=paper.ca) as house:
        assert pynetdicom_echo(house, theirs(paper)) == 0x0000


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def test_pynetdicom_is_refused_tls_1_1(paper):
    old = theirs(paper)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with ours(paper) as house:
        assert pynetdicom_echo(house, old) is None
    assert refusals(house) == ["no TLS handshake: it offers no TLS version of ours (1.2 or newer)"]


@contextmanager
def pynetdicom_serving(certificate, key, client_ca=None):
    provider = AE("PROVIDER")
    provider.add_supported_context(Verification)
    provider.add_supported_context(CTImageStorage)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
    context.verify_mode = ssl.CERT_REQUIRED if client_ca else ssl.CERT_NONE
    context.load_cert_chain(certificate, key)
    handlers = [(evt.EVT_C_STORE, lambda _event: 0x0000)]
    server = provider.start_server(("127.0.0.1", 0), block=False, ssl_context=context, evt_handlers=handlers)
    try:
        yield "localhost", server.socket.getsockname()[1]
    finally:
        server.shutdown()


def test_we_send_to_pynetdicom_over_mutual_tls(paper):
    with pynetdicom_serving(paper.server_certificate, paper.server_key, paper.ca) as address:
        node = Node("PROVIDER", *address, tls=known_to(paper))
        [sent] = send_files(DimseCourier(CALLER), node, gather([CT.path]))
        assert sent.answer.result is Result.COMPLETED


def test_we_do_not_send_to_one_whose_certificate_expired(tmp_path):
    authority, certificate = trustme.CA(), tmp_path / "expired.pem"
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    issued = authority.issue_cert("localhost", not_before=yesterday - dt.timedelta(days=9), not_after=yesterday)
    issued.private_key_and_cert_chain_pem.write_to_path(certificate)
    with pynetdicom_serving(certificate, certificate) as address:
        node = Node("PROVIDER", *address, tls=NodeTls(ca=tmp_path / "ca.pem"))
        [sent] = send_files(DimseCourier(CALLER), node, gather([CT.path]))
    assert sent.answer.result is Result.FAILED
    assert "its certificate has expired" in sent.answer.comment
