"""What a request says of who sends it is read to the letter, or is nobody's; nothing that it says is an error."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.services.access.secrets import MAX_SECRET_CHARS
from calotype.web.credentials import (
    Basic,
    Bearer,
    authorization_of,
    cookie_name,
    cookie_value,
    is_foreign,
    launch_secret,
    read_authorization,
)
from calotype.web.settings import WebSettings


def basic(text, encoding="utf-8"):
    return "Basic " + base64.b64encode(text.encode(encoding)).decode()


def scope(**headers):
    return {
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 5000),
        "scheme": "http",
        "query_string": b"",
    }


@given(st.text())
def test_any_authorization_is_read_or_passed_over(text):
    assert isinstance(read_authorization(text), Basic | Bearer | None)


@given(st.text(), st.binary())
def test_any_base64_is_read_or_passed_over(scheme, raw):
    for name in ("Basic", scheme):
        found = read_authorization(f"{name} {base64.b64encode(raw).decode()}")
        assert isinstance(found, Basic | Bearer | None)


@given(
    st.text(st.characters(exclude_characters=":", codec="utf-8"), max_size=60),
    st.text(st.characters(codec="utf-8"), max_size=60),
)
def test_user_and_password_come_out_as_they_went_in(user, password):
    assert read_authorization(basic(f"{user}:{password}")) == Basic(user, password)


@given(st.text(alphabet="abcXYZ0189-._~+/=", min_size=1, max_size=MAX_SECRET_CHARS))
def test_a_bearer_comes_out_as_it_went_in(secret):
    assert read_authorization(f"bEaReR  {secret} ") == Bearer(secret)


@pytest.mark.parametrize(
    "value",
    ["", "Basic", "Basic ", "Basic a", "Basic !!!!", "Basic dXNlcg==", "Bearer", "Bearer a b", "Bearer \u00e9",
     "Bearer " + "x" * (MAX_SECRET_CHARS + 1), "Digest username=a", "basic:dTpw", "Basic " + "dTpw" * 10_000],
)  # fmt: skip
def test_what_cannot_be_read_is_nobodys(value):
    assert read_authorization(value) is None


def test_what_is_no_utf_8_is_latin_1():
    assert read_authorization(basic("j\u00f6rg:p\u00e4ss", "latin-1")) == Basic("j\u00f6rg", "p\u00e4ss")


def test_of_several_authorizations_none_is_believed():
    one = scope(authorization="Bearer x")
    assert authorization_of(scope()) is None
    assert authorization_of(one) == "Bearer x"
    assert authorization_of({"headers": one["headers"] * 2}) == ""


@given(st.lists(st.text()), st.text(min_size=1))
def test_any_cookie_is_read_or_passed_over(headers, name):
    assert len(cookie_value(headers, name)) <= MAX_SECRET_CHARS


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        (["calotype=abc"], "abc"),
        (["a=1; calotype=abc; b=2"], "abc"),
        (["a=1", "calotype=abc"], "abc"),
        (["calotype=first; calotype=second"], "first"),
        (["xcalotype=abc", "calotype-=abc", "Calotype=abc"], ""),
        (["calotype"], ""),
        (["calotype=\u00e9"], ""),
        (["calotype=" + "x" * 129], ""),
    ],
)
def test_our_cookie_is_found_among_others(headers, value):
    assert cookie_value(headers, "calotype") == value


def test_servers_on_one_machine_have_cookies_of_their_own():
    settings = WebSettings()
    assert cookie_name(scope(), settings) == "calotype-5000"
    assert cookie_name({**scope(), "server": ("127.0.0.1", 5001)}, settings) == "calotype-5001"
    assert cookie_name({**scope(), "scheme": "https"}, settings) == "__Host-calotype-5000"
    assert cookie_name(scope(), WebSettings(public_url="https://pacs.example")) == "__Host-calotype-5000"
    assert cookie_name({**scope(), "scheme": "https", "root_path": "/pacs"}, settings) == "__Secure-calotype-5000"


@pytest.mark.parametrize(
    ("query", "secret", "left"),
    [
        (b"", "", b""),
        (b"token=launch_abc", "launch_abc", b""),
        (b"a=1&token=launch_abc&b=%26", "launch_abc", b"a=1&b=%26"),
        (b"token=calotype_abc", "", b"token=calotype_abc"),
        (b"token=launch_a&token=launch_b", "", b"token=launch_a&token=launch_b"),
        (b"token=launch_" + b"a" * 200, "", b"token=launch_" + b"a" * 200),
        (b"xtoken=launch_abc", "", b"xtoken=launch_abc"),
    ],
)
def test_a_launch_token_in_the_address_is_taken_out(query, secret, left):
    assert launch_secret({**scope(), "query_string": query}) == (secret, left)


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        ("http://pacs.example:5000", True),
        ("HTTP://PACS.example:5000", True),
        ("https://pacs.example:5000", False),
        ("http://pacs.example", False),
        ("http://pacs.example:5000.evil.example", False),
        ("https://viewer.example", True),
        ("https://known.example", True),
        ("null", False),
        ("", False),
    ],
)
def test_pages_are_ours_listed_or_foreign(origin, is_ours):
    settings = WebSettings(cors_origins=("https://viewer.example",), public_url="https://known.example/x")
    assert is_foreign(scope(host="pacs.example:5000"), settings, origin) is not is_ours
    assert not is_foreign(scope(), WebSettings(cors_origins=("*",)), origin)


def test_without_an_address_of_ours_nothing_is_ours():
    assert is_foreign(scope(host="pacs.example"), WebSettings(), "://")
