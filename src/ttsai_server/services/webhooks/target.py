"""Which URLs a webhook may be sent to.

One strict parser serves for checking and for connecting, so that two parsers can't read a URL differently. The
addresses of a host name are checked when connecting, because DNS may change until then.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from ttsai_server.errors import BadRequest
from ttsai_server.services.webhooks.ip_policy import is_public
from ttsai_server.settings import Webhooks

PARAM = "webhook_url"
LONGEST = 2048
"""Characters of a URL."""
URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[0-9a-z._-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?][!-~]*)?", re.I
)
NAME = re.compile(r"(?!.{254})(?:[0-9a-z_](?:[0-9a-z_-]{0,61}[0-9a-z_])?\.)*[0-9a-z_](?:[0-9a-z_-]{0,61}[0-9a-z_])?")
NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
"""Hosts that some programs read as an IPv4 address in an unusual notation; no domain name ends like this."""
LOCAL_NAME = re.compile(r"[^.]*|.*\.(?:localhost|local|localdomain|internal|intranet|lan|home|corp|home\.arpa)")
"""Host names that are only valid in a local network."""
PORTS = {"http": 80, "https": 443}
FIRST_FREE_PORT = 1024
"""Lower ports belong to other services, such as mail, SSH and LDAP."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed URL."""

    scheme: str
    """http | https."""
    host: str
    """A host name, or an IP address without brackets; lower case."""
    port: int
    path: str
    """Path and query, at least `/`."""

    @property
    def authority(self) -> str:
        """The value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url: str, settings: Webhooks) -> Target:
    """Parse a webhook's URL. Raises BadRequest if it is invalid, or may lead to a private network."""
    target = _parse(url)
    if settings.require_https and target.scheme != "https":
        raise BadRequest("webhook_url must begin with https://.", param=PARAM)
    if not settings.allow_private:
        _check_public(target)
    return target


def _parse(url: str) -> Target:
    found = URL.fullmatch(url) if len(url) <= LONGEST else None
    if not found or "#" in url or "\\" in url:
        raise BadRequest(
            "webhook_url must be http:// or https://, a host, and if need be a port, a path and a query: at most "
            f"{LONGEST} characters of ASCII, without user name or fragment.",
            param=PARAM,
        )
    scheme = found["scheme"].lower()
    path = found["path"] or "/"
    port = int(found["port"] or PORTS[scheme])
    return Target(scheme, _host(found["host"].lower()), _port(port), path if path.startswith("/") else f"/{path}")


def _host(host: str) -> str:
    try:
        if host.startswith("["):
            return str(IPv6Address(host[1:-1]))
        host = host.removesuffix(".")
        if NUMBER.fullmatch(host):
            return str(IPv4Address(host))
    except ValueError as error:
        raise BadRequest(f"webhook_url has no good IP address: {host[:80]!r}.", param=PARAM) from error
    if not NAME.fullmatch(host):
        raise BadRequest(f"webhook_url has no good host: {host[:80]!r}.", param=PARAM)
    return host


def _port(port: int) -> int:
    if not 1 <= port <= 65535:
        raise BadRequest("webhook_url has a port that is not 1 to 65535.", param=PARAM)
    return port


def _check_public(target: Target) -> None:
    if target.port < FIRST_FREE_PORT and target.port not in PORTS.values():
        raise BadRequest("webhook_url has a port that is not 80, 443 or 1024 and more.", param=PARAM)
    if not _may_be_public(target.host):
        raise BadRequest("webhook_url must lead to the public internet.", param=PARAM)


def _may_be_public(host: str) -> bool:
    if ":" in host or NUMBER.fullmatch(host):
        return is_public(host)
    return not LOCAL_NAME.fullmatch(host)
