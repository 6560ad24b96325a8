"""The addresses that a caller may have told: what a webhook's URL may look like.

One strict reading, used to check and to dial alike, so that no two parsers can take a URL for two different ones.
What a name stands for is looked at when it is dialled; DNS may say something else by then.
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
"""A host that many programs read as an IPv4 address, in however odd a spelling; no domain ends so."""
INSIDE = re.compile(r"[^.]*|.*\.(?:localhost|local|localdomain|internal|intranet|lan|home|corp|home\.arpa)")
"""Names that only a network of its own knows."""
PORTS = {"http": 80, "https": 443}
FIRST_FREE_PORT = 1024
"""Below it, ports are of other services: mail, shells, directories."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to POST."""

    scheme: str
    """http | https."""
    host: str
    """A name or an IP address without brackets, in lower case."""
    port: int
    path: str
    """With its query, at least `/`."""

    @property
    def authority(self) -> str:
        """What the header Host says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url: str, settings: Webhooks) -> Target:
    """Where a webhook's URL leads. Raises BadRequest for one that can't be called, or that leads inside."""
    target = _parse(url)
    if settings.require_https and target.scheme != "https":
        raise BadRequest("webhook_url must begin with https://.", param=PARAM)
    if not settings.allow_private:
        _check_outside(target)
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


def _check_outside(target: Target) -> None:
    if target.port < FIRST_FREE_PORT and target.port not in PORTS.values():
        raise BadRequest("webhook_url has a port that is not 80, 443 or 1024 and more.", param=PARAM)
    if not _outside(target.host):
        raise BadRequest("webhook_url must lead to the public internet.", param=PARAM)


def _outside(host: str) -> bool:
    if ":" in host or NUMBER.fullmatch(host):
        return is_public(host)
    return not INSIDE.fullmatch(host)
