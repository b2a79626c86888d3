from ipaddress import ip_address

import pytest

from calotype.network.names import addresses_of, own_addresses


@pytest.mark.parametrize(
    ("host", "addresses"),
    [("10.0.0.7", {"10.0.0.7"}), ("::1", {"::1"}), ("::ffff:10.0.0.7", {"10.0.0.7"})],
)
def test_an_address_is_its_own(host, addresses):
    assert addresses_of(host) == addresses


@pytest.mark.parametrize("host", ["nowhere.invalid", "." * 300, "a" * 70, "\udc80"])
def test_a_name_that_nobody_knows_has_none(host):
    assert addresses_of(host) == frozenset()


def test_this_machine_is_at_its_loopback_address():
    assert "127.0.0.1" in addresses_of("localhost")


def test_our_own_addresses_are_addresses_and_none_of_them_stands_twice():
    found = own_addresses()
    assert len(set(found)) == len(found)
    assert all(ip_address(address) for address in found)
