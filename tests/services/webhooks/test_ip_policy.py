"""`ipaddress` is the oracle; STRICTER is where we refuse more than it does, which also differs between its releases."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.services.webhooks.ip_policy import NOT_PUBLIC, is_public

STRICTER = [
    ip_network(block)
    for block in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
]
EDGES = [
    int(edge) + step
    for block in NOT_PUBLIC
    if block.version == 4
    for edge, steps in ((block[0], (0, -1)), (block[-1], (0, 1)))
    for step in steps
    if 0 <= int(edge) + step < 2**32
]
V4 = st.one_of(st.ip_addresses(v=4), st.sampled_from(EDGES).map(IPv4Address))
V6_BLOCKS = [*(block for block in NOT_PUBLIC if block.version == 6), ip_network("2000::/3"), ip_network("::/8")]
V6 = st.one_of(
    st.ip_addresses(v=6), st.sampled_from(V6_BLOCKS).flatmap(lambda block: st.ip_addresses(network=str(block)))
)


def stricter(address: IPv4Address | IPv6Address) -> bool:
    return any(address in block for block in STRICTER)


@given(V4)
def test_ipv4_is_public_where_it_is_global_and_for_one(address: IPv4Address) -> None:
    assert is_public(str(address)) == (address.is_global and not address.is_multicast and not stricter(address))


@given(V6)
def test_ipv6_is_public_only_where_it_is_global_and_carries_no_other(address: IPv6Address) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not any((address.is_multicast, address.is_reserved, address.is_site_local))
        assert (address.ipv4_mapped, address.sixtofour, address.teredo) == (None, None, None)


@given(st.ip_addresses(network="2000::/3"))
def test_assigned_ipv6_is_public_where_it_is_global(address: IPv6Address) -> None:
    assert is_public(str(address)) == (address.is_global and not stricter(address))


@given(V4, st.sampled_from(["::ffff:0:0", "::", "64:ff9b::", "64:ff9b:1::"]))
def test_no_ipv4_is_public_inside_ipv6(address: IPv4Address, prefix: str) -> None:
    assert not is_public(str(IPv6Address(int(IPv6Address(prefix)) | int(address))))


@given(V4)
def test_no_6to4_is_public(address: IPv4Address) -> None:
    assert not is_public(str(IPv6Address(0x2002 << 112 | int(address) << 80)))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "2001:0:1::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"])
def test_accepted(address: str) -> None:
    assert ip_address(address).is_global
    assert is_public(address)
