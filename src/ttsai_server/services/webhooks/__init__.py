"""Webhooks: signed messages sent when a job ends, retried for about a day until the receiver accepts them.

target           which URLs are allowed; checked when a job is accepted, and before each attempt
ip_policy        which IP addresses are public
resolver         resolves host names to IP addresses
pinned_backend   connects to exactly the address that was checked
message          the body and its signature (Standard Webhooks)
client           makes one attempt
schedule         when the next attempt is due
service          the interface for the rest of the server
"""

from ttsai_server.services.webhooks.message import JobEnd
from ttsai_server.services.webhooks.resolver import SystemResolver
from ttsai_server.services.webhooks.service import Webhooks
from ttsai_server.services.webhooks.target import check_url

__all__ = ["JobEnd", "SystemResolver", "Webhooks", "check_url"]
