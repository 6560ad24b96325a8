"""Webhooks: sent once a job has ended, signed, and sent again until the receiver has taken it or a day is over.

target           which addresses a caller may name; checked when a job is accepted, and before each attempt
ip_policy        which IP addresses are the internet's
resolver         the addresses that a host name stands for
pinned_backend   connects to the very address that was checked
message          the body and its signature (Standard Webhooks)
client           one attempt
schedule         when the next one is due
service          what the rest of the server calls
"""

from ttsai_server.services.webhooks.message import JobEnd
from ttsai_server.services.webhooks.resolver import SystemResolver
from ttsai_server.services.webhooks.service import Webhooks
from ttsai_server.services.webhooks.target import check_url

__all__ = ["JobEnd", "SystemResolver", "Webhooks", "check_url"]
