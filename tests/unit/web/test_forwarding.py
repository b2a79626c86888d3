"""Whose word about a request is believed, and how far."""

from __future__ import annotations

import ipaddress

import anyio
import pytest

from calotype.web.forwarding import Forwarding

PROXY, OUTER, CLIENT = "10.0.0.1", "10.0.0.2", "203.0.113.9"


def seen(headers, *, peer=PROXY, trusted=("10.0.0.0/8",), root_path="", path="/dicomweb/studies", host="inner:5000"):
    """What the application is told: (client, scheme, host, root path, path)."""
    told = []

    async def app(scope, receive, send):
        hosts = [value.decode() for name, value in scope["headers"] if name == b"host"]
        told.append((scope["client"][0], scope["scheme"], *hosts, scope["root_path"], scope["path"]))

    scope = {
        "type": "http",
        "client": (peer, 4242),
        "scheme": "http",
        "root_path": "",
        "path": path,
        "headers": [(b"host", host.encode()), *((name.encode(), value.encode()) for name, value in headers)],
    }
    networks = [ipaddress.ip_network(each) for each in trusted]
    anyio.run(Forwarding(app, networks, root_path), scope, None, None)
    return told[0]


X_ALL = [
    ("x-forwarded-for", CLIENT), ("x-forwarded-proto", "https"), ("x-forwarded-host", "pacs.example"),
    ("x-forwarded-prefix", "/x"),
]  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        X_ALL,
        [("forwarded", f"for={CLIENT};proto=https;host=pacs.example"), ("x-forwarded-prefix", "/x/")],
        [("forwarded", f'For="{CLIENT}:99" ; Proto=HTTPS;host="pacs.example"'), ("x-forwarded-prefix", "/x")],
        # Standard before custom.
        [("forwarded", f"for={CLIENT};proto=https;host=pacs.example"), *X_ALL[3:], ("x-forwarded-host", "other")],
    ],
)
def test_a_trusted_proxy_is_believed(headers):
    assert seen(headers) == (CLIENT, "https", "pacs.example", "/x", "/x/dicomweb/studies")


@pytest.mark.parametrize("headers", [X_ALL, [("forwarded", f"for={CLIENT};proto=https;host=pacs.example")]])
@pytest.mark.parametrize("trusted", [(), ("192.0.2.0/24",)])
def test_nobody_else_is(headers, trusted):
    assert seen(headers, trusted=trusted) == (PROXY, "http", "inner:5000", "", "/dicomweb/studies")


def test_what_a_client_says_in_the_other_way_is_not_taken_for_the_proxys():
    lie = "198.51.100.66"
    by_proxy, by_client = ("x-forwarded-for", CLIENT), ("forwarded", f"for={lie};proto=https;host=evil.example")
    assert seen([by_client, by_proxy]) == (PROXY, "http", "inner:5000", "", "/dicomweb/studies")
    assert seen([("forwarded", f"for={CLIENT}"), ("x-forwarded-for", f"{lie}")])[0] == PROXY
    # Of one mind, and in one way only.
    assert seen([("forwarded", f"for={CLIENT};proto=https"), by_proxy])[:2] == (CLIENT, "https")
    assert seen([("x-forwarded-for", f"{lie}, {CLIENT}")])[0] == CLIENT


def test_each_proxy_is_believed_of_the_next_one_only():
    # The client itself sent the first address; the outer proxy added the client's own, the inner one the outer's.
    lie = "198.51.100.66"
    by_custom = seen(
        [
            ("x-forwarded-for", f"{lie}, {CLIENT}"),
            ("x-forwarded-for", OUTER),
            ("x-forwarded-host", "evil.example, pacs.example, outer"),
        ]
    )
    by_standard = seen(
        [("forwarded", f"for={lie};host=evil.example, for={CLIENT};host=pacs.example, for={OUTER};host=outer")]
    )

    assert by_custom == by_standard == (CLIENT, "http", "pacs.example", "", "/dicomweb/studies")


def test_a_chain_of_nothing_but_proxies_begins_at_the_first():
    assert seen([("x-forwarded-for", f"10.9.9.9, {OUTER}")])[0] == "10.9.9.9"
    assert seen([("forwarded", f"for=10.9.9.9, for={OUTER}")])[0] == "10.9.9.9"


@pytest.mark.parametrize(
    ("node", "client"),
    [
        ("[2001:db8::7]:4711", "2001:db8::7"), ("2001:db8::7", "2001:db8::7"), ("::ffff:203.0.113.9", CLIENT),
        ("203.0.113.9:80", CLIENT), ("unknown", "unknown"), ("_gazonk", "_gazonk"), ("<script>", PROXY), ("", PROXY),
        ("1.2.3", PROXY),
    ],
)  # fmt: skip
def test_a_client_is_an_address_or_a_name_made_up_for_one(node, client):
    assert seen([("x-forwarded-for", node)])[0] == client
    assert seen([("forwarded", f'for="{node}"')])[0] == client


def test_ipv4_behind_a_socket_of_both_versions_is_ipv4():
    assert seen(X_ALL, peer=f"::ffff:{PROXY}")[0] == CLIENT


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ([("x-forwarded-host", "a\tb")], "inner:5000"),
        ([("x-forwarded-host", "evil/../x")], "inner:5000"),
        ([("x-forwarded-host", 'x"><script>')], "inner:5000"),
        ([("x-forwarded-host", "pacs.example"), ("x-forwarded-port", "8443")], "pacs.example:8443"),
        ([("x-forwarded-host", "pacs.example:1"), ("x-forwarded-port", "8443")], "pacs.example:1"),
        ([("x-forwarded-host", "[::1]"), ("x-forwarded-port", "81")], "[::1]:81"),
        ([("x-forwarded-host", "pacs.example"), ("x-forwarded-port", "99999999")], "pacs.example"),
        (
            [("x-forwarded-host", "a.example"), ("x-forwarded-port", "443"), ("x-forwarded-proto", "https")],
            "a.example",
        ),
    ],
)
def test_a_host_is_a_name_and_perhaps_a_port(headers, host):
    assert seen(headers)[2] == host


@pytest.mark.parametrize("prefix", ["x", "/..", "/a/../b", "//evil.example", "/a b", "/" + "x" * 100, "/<s>"])
def test_a_prefix_that_is_no_path_is_passed_over(prefix):
    assert seen([("x-forwarded-prefix", prefix)])[3:] == ("", "/dicomweb/studies")


@pytest.mark.parametrize("header", ["for", "for=1;;;=", '"', "for=a b", "for=1.2.3.4 proto=https", "=", "," * 5000])
def test_a_header_that_cannot_be_read_changes_nothing(header):
    assert seen([("forwarded", header)])[:3] == (PROXY, "http", "inner:5000")


def test_an_unknown_scheme_is_passed_over():
    assert seen([("x-forwarded-proto", "javascript")])[1] == "http"


@pytest.mark.parametrize("path", ["/pacs/dicomweb/studies", "/dicomweb/studies"])
def test_a_proxy_may_cut_the_path_off_or_not(path):
    assert seen([], root_path="/pacs", path=path)[3:] == ("/pacs", "/pacs/dicomweb/studies")


def test_a_path_that_only_starts_alike_is_not_ours():
    assert seen([], root_path="/dicom", path="/dicomweb/studies")[3:] == ("/dicom", "/dicom/dicomweb/studies")
