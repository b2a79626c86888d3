import json
import time

import pytest

from calotype.errors import InvalidRequest
from calotype.services.access.permissions import EVERY_RIGHT, Permissions, Right
from calotype.services.routing.nodes import EVERY_ROLE, Node, NodeTimeouts, NodeTls, Role
from calotype.services.routing.takeover import MAX_CHARACTERS, read_foreign

ORTHANC = r"""
/* Orthanc's own file is written like this. */
{
  "Name" : "Orthanc // not a comment",
  "DicomModalities" : {
    // "sample" : [ "OLD", "localhost", 2000 ],
    "short" : [ "SHORT", "10.0.0.1", 104 ],
    "maker" : [ "MAKER", "10.0.0.2", "2000", "GenericNoWildcardInDates" ],
    "long" : {
      "AET" : "LONG", "Host" : "10.0.0.3", "Port" : 4242, "Manufacturer" : "Generic",
      "AllowEcho" : false, "AllowFind" : false, "AllowFindWorklist" : false, "AllowStorageCommitment" : false,
      "AllowMove" : true, "UseDicomTls" : true, "LocalAet" : "US", "Timeout" : 60,
    },
  },
}
"""

APPSETTINGS = {
    "DicomSettings": {
        "AeTitle": "STORESCP",
        "QRSCP": {"MoveDestinations": [{"Name": "Viewer", "AeTitle": "V1", "HostName": "10.0.0.7", "Port": 1044}]},
        "PrintSCU": {
            "Printers": [{"Name": "打印", "AeTitle": "P1", "HostName": "10.0.0.9", "Port": 8000, "Description": "2F"}]
        },
    },
    "QueryRetrieveConfig": {
        "LocalAeTitle": "QRSCU",
        "RemoteNodes": [
            {"Name": "PACS", "AeTitle": "PACS", "HostName": "10.0.0.8", "Port": 11114, "Type": "qr"},
            {"Name": "Viewer", "AeTitle": "V1", "HostName": "10.0.0.7", "Port": 1044, "Type": "qr"},
        ],
    },
}


def test_orthancs_modalities_in_every_form():
    taken = read_foreign(ORTHANC)
    assert taken.problems == ()
    few = EVERY_RIGHT - {Right.FIND, Right.WORKLIST, Right.MPPS, Right.COMMITMENT}
    assert taken.nodes == (
        Node("SHORT", "10.0.0.1", 104, note="short"),
        Node("MAKER", "10.0.0.2", 2000, note="maker"),
        Node(
            "LONG",
            "10.0.0.3",
            4242,
            tls=NodeTls(),
            timeouts=NodeTimeouts(60, 60),
            note="long",
            permissions=Permissions(few),
        ),
    )


def test_orthancs_section_alone_is_understood_too():
    assert read_foreign('{"a": ["A", "h", 1]}').nodes == (Node("A", "h", 1, note="a"),)


def test_dicomscps_lists_become_nodes_with_the_roles_of_their_lists():
    taken = read_foreign("\ufeff" + json.dumps(APPSETTINGS))
    assert taken.problems == ()
    assert taken.nodes == (
        Node("PACS", "10.0.0.8", 11114, roles=frozenset({Role.QUERY}), note="PACS"),
        Node("V1", "10.0.0.7", 1044, roles=frozenset({Role.QUERY, Role.STORE}), note="Viewer"),
        Node("P1", "10.0.0.9", 8000, roles=frozenset({Role.PRINT}), note="打印 2F"),
    )


def test_dicomscps_lists_may_come_without_what_is_around_them():
    text = '{"RemoteNodes": [{"AeTitle": "A", "HostName": "h", "Port": 1}]}'
    assert read_foreign(text).nodes == (Node("A", "h", 1, roles=EVERY_ROLE),)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (["A", "h"], "a: has not the form"),
        (["A", "h", "x"], "a: Port is missing, or no number"),
        (["A", "h", 70000], "a: Node A: port 70000 is not between"),
        (["A", "h", True], "a: Port is missing"),
        ([5, "h", 1], "a: AET is missing, or no text"),
        ({"AET": "SEVENTEEN_LETTERS", "Host": "h", "Port": 1}, "a: AE title 'SEVENTEEN_LETTERS' is longer"),
        ({"Host": "h", "Port": 1}, "a: AET is missing"),
    ],
)
def test_what_is_no_node_is_told_and_hides_no_other(entry, problem):
    taken = read_foreign(json.dumps({"DicomModalities": {"a": entry, "b": ["B", "h", 1]}}))
    assert [node.title for node in taken.nodes] == ["B"]
    assert [told[: len(problem)] for told in taken.problems] == [problem]


def test_of_two_nodes_with_one_title_the_first_is_taken():
    taken = read_foreign('{"a": ["A", "h", 1], "b": ["A ", "h", 1], "c": ["A", "other", 1]}')
    assert taken.nodes == (Node("A", "h", 1, note="a"),)
    assert taken.problems == ("c: A@other:1 has the AE title of A@h:1; the first is taken.",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[1]", "no object"),
        ("{}", "no nodes in it"),
        ('{"DicomModalities": 5}', "no nodes in it"),
        ('{"RemoteNodes": {}, "QueryRetrieveConfig": 7}', "no nodes in it"),
        ("[" * 100_000, "no JSON"),
        ('{"a": ["A", "h", ' + "9" * 5000 + "]}", "no JSON"),
        (" " * (MAX_CHARACTERS + 1), "more than"),
    ],
)
def test_what_is_no_address_book_is_refused(text, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        read_foreign(text)


@pytest.mark.parametrize("piece", ["/*", "//", '"', '"\\', "/* ", ", ", ",\n", "\\"])
def test_a_hostile_text_costs_no_more_than_its_length(piece):
    started_s = time.process_time()
    with pytest.raises(InvalidRequest):
        read_foreign(piece * 200_000)
    assert time.process_time() - started_s < 10
