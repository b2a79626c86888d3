import json
from pathlib import Path

import pytest

from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest
from calotype.services.access.permissions import Permissions, Right
from calotype.services.routing.nodes import Node, NodeTimeouts, NodeTls, Role
from calotype.services.routing.notation import fields_of, node_of

PLAIN = {"ae_title": "VIEWER", "host": "10.0.0.7", "port": 104}
FULL = Node(
    "PACS",
    "pacs.example",
    2762,
    tls=NodeTls(verify=False, ca=Path("/ca.pem")),
    roles=frozenset({Role.QUERY}),
    transfer_syntaxes=(UID("1.2.840.10008.1.2.4.80"),),
    character_set="ISO_IR 192",
    timeouts=NodeTimeouts(network_s=5.5),
    note="second floor",
    permissions=Permissions(frozenset({Right.FIND}), frozenset({"VIEWER"}), bound_to_host=True),
)


def test_a_node_goes_through_json_and_back():
    assert node_of(json.loads(json.dumps(fields_of(FULL)))) == FULL


def test_what_is_not_said_has_its_default():
    assert node_of(PLAIN) == Node("VIEWER", "10.0.0.7", 104)
    assert node_of({**PLAIN, "tls": {}}).tls == NodeTls()
    assert node_of({**PLAIN, "permissions": {"rights": []}}).permissions == Permissions(frozenset())


def test_spaces_around_title_and_host_mean_nothing():
    assert node_of({**PLAIN, "ae_title": " VIEWER ", "host": " 10.0.0.7 "}) == node_of(PLAIN)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("colour", "red", "no field 'colour'"),
        ("ae_title", 5, "ae_title: give text"),
        ("ae_title", None, "must not be empty"),
        ("port", "104", "port: give a number"),
        ("port", True, "port: give a number"),
        ("port", 104.0, "port: give a number"),
        ("port", 70000, "not between 1 and 65535"),
        ("host", "two words", "is no host"),
        ("host", "h" * 254, "is no host"),
        ("host", "a\nb", "is no host"),
        ("tls", True, "tls: give an object"),
        ("tls", {"verify": "no"}, "verify: give true or false"),
        ("tls", {"ca": "relative.pem"}, "whole path"),
        ("tls", {"key": "/k.pem"}, "has no certificate"),
        ("roles", "store", "roles: give a list of texts"),
        ("roles", ["teleport"], "known are commitment, print, query, store, worklist"),
        ("transfer_syntaxes", ["1.2.3"], "no transfer syntax"),
        ("incoming_transfer_syntaxes", [1], "give a list of texts"),
        ("transfer_syntaxes", ["1.2.840.10008.1.2"] * 65, "more than 64"),
        ("character_set", "KLINGON", "no character set"),
        ("timeouts", {"connect_s": "5"}, "connect_s: give seconds"),
        ("timeouts", {"connect_s": 0}, "above 0"),
        ("timeouts", {"dimse_s": float("nan")}, "above 0"),
        ("note", "n" * 1001, "more than 1000"),
        ("permissions", [], "permissions: give an object"),
        ("permissions", {"rights": ["fly"]}, "known are commitment, find"),
        ("permissions", {"destinations": ["SEVENTEEN_LETTERS"]}, "longer than 16"),
    ],
)
def test_what_cannot_be_a_node_is_told_by_its_field(field, value, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        node_of({**PLAIN, field: value})
