"""httptools' parser of requests, which turns down every offer to go on in another protocol."""

from typing import Any

import httptools


class RequestParser:
    """As httptools', but a request with `Upgrade: h2c` is read like any other, as RFC 9110 (7.8) allows.

    httptools takes what follows the head of such a request for the other protocol, so its body would be lost. Java's
    HttpClient sends the offer with every first request.
    """

    def __init__(self, protocol: Any) -> None:
        """protocol: what httptools calls; keeps `url` and `headers`, and ignores the rest while `is_offer()`."""
        self._protocol = protocol
        self._parser = _parser(protocol)

    def is_offer(self) -> bool:
        """Whether the head just read has such an offer: it is about to be read once more, without it."""
        return self._parser.should_upgrade() and self._parser.get_method() != b"CONNECT"

    def feed_data(self, data: bytes) -> None:
        """Raises as httptools'; HttpParserUpgrade only for CONNECT."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            if not self.is_offer():
                raise
            head = self._head()
            self._parser = _parser(self._protocol)
            self._parser.feed_data(head)
            self.feed_data(data[offer.args[0] :])

    def _head(self) -> bytes:
        """The head just read, without the offer."""
        lines = [b"%s: %s\r\n" % header for header in self._protocol.headers if header[0].lower() != b"upgrade"]
        version = self._parser.get_http_version().encode()
        return b"%s %s HTTP/%s\r\n%s\r\n" % (self._parser.get_method(), self._protocol.url, version, b"".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


def _parser(protocol: Any) -> Any:
    parser = httptools.HttpRequestParser(protocol)
    # as uvicorn's own: the answer to the first of several requests is sent also where the next is broken
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
