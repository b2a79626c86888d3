"""What may stand in an address that others are told."""

from __future__ import annotations

import pytest

from calotype.web.url_parts import is_base, is_host, is_origin, is_path


@pytest.mark.parametrize("text", ["a", "pacs.example:5000", "10.0.0.1", "[::1]", "[2001:db8::1]:80"])
def test_hosts(text):
    assert is_host(text)
    assert is_origin(f"https://{text}")
    assert is_base(f"http://{text}/pacs/x/")


@pytest.mark.parametrize("text", ["", "a b", "u@a", "a:b", "::1", "a\r\n", "a\n", "ä", "a?", "a:123456"])
def test_what_is_no_host(text):
    assert not is_host(text)
    assert not is_origin(f"https://{text}")
    assert not is_base(f"https://{text}")


@pytest.mark.parametrize("text", ["/x", "/a/b_c/d-1.0"])
def test_paths(text):
    assert is_path(text)


@pytest.mark.parametrize("text", ["", "/", "x", "/x/", "//x", "/..", "/.a", "/a?b", "/a\n", "/a b", "/%41"])
def test_what_is_no_path(text):
    assert not is_path(text)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://a",
        "https://",
        "pacs.example",
        "https://a?b",
        "https://a#b",
        "https://u:p@a",
        "https://a/../b",
        "https://[::1",
    ],
)
def test_what_is_no_base(text):
    assert not is_base(text)
