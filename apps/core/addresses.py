"""Which addresses of the network are of the open internet. Pure; who connects where is not decided here."""

import ipaddress

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""An IPv4 address in the clothes of IPv6 (RFC 6052): a gateway connects to what is inside."""


def is_public(address: str) -> bool:
    """Whether the address is of the open internet: not private, loopback, link-local, reserved or multicast."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast and not found.is_reserved
