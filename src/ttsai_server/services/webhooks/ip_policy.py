"""Which IP addresses belong to the public internet: all but IANA's special-purpose blocks.

`ipaddress.is_global` is not used, because it differs between patch releases of Python and accepts multicast.
"""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

NOT_PUBLIC: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, seen from its machines
        "169.254.0.0/16",  # link-local, and the clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3fff::/20",  # documentation
    )
)
GLOBAL_UNICAST = ip_network("2000::/3")
"""The only IPv6 block of public addresses; loopback, ULA, link-local, multicast, IPv4-mapped and NAT64 are outside."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet. Raises ValueError if it is not an IP address."""
    ip = ip_address(address)
    if ip.version == 6 and ip not in GLOBAL_UNICAST:
        return False
    return not any(ip in block for block in NOT_PUBLIC)
