"""httptools' request parser, changed to ignore the header Upgrade where this server does not upgrade."""

from typing import Any

import httptools


class RequestParser:
    """Parses a request with `Upgrade: h2c` like any other, as RFC 9110 §7.8 allows.

    httptools treats what follows the head of such a request as data of the other protocol, so its body would be lost.
    Java's HttpClient sends this header with every first request.
    """

    def __init__(self, protocol: Any) -> None:
        """protocol: gets httptools' callbacks; it has `url` and `headers`, and ignores the others if `is_upgrade()`.
        Its `_should_upgrade` decides whether the request becomes a WebSocket."""
        self._protocol = protocol
        self._parser = _parser(protocol)

    def is_upgrade(self) -> bool:
        """Whether the head just parsed asks for an upgrade that it does not get: it is about to be parsed again,
        without that header."""
        asks = self._parser.should_upgrade() and self._parser.get_method() != b"CONNECT"
        return asks and not self._protocol._should_upgrade()

    def feed_data(self, data: bytes) -> None:
        """Raises the same exceptions as httptools; HttpParserUpgrade only for CONNECT."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if not self.is_upgrade():
                raise
            head = self._head()
            self._parser = _parser(self._protocol)
            self._parser.feed_data(head)
            self.feed_data(data[upgrade.args[0] :])

    def _head(self) -> bytes:
        """The head just parsed, without the header Upgrade."""
        lines = [b"%s: %s\r\n" % header for header in self._protocol.headers if header[0].lower() != b"upgrade"]
        version = self._parser.get_http_version().encode()
        return b"%s %s HTTP/%s\r\n%s\r\n" % (self._parser.get_method(), self._protocol.url, version, b"".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


def _parser(protocol: Any) -> Any:
    parser = httptools.HttpRequestParser(protocol)
    # like uvicorn's parser: with pipelined requests, the first is answered even if the next is malformed
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
