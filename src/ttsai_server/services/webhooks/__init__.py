"""Webhooks: told once a task has ended, signed, and told again until the receiver has taken it or a day is over.

target       which addresses a caller may name; looked at when a task is accepted, and before each attempt
public       which IP addresses are the internet's
dialler      connects to the very address that was looked at
message      the body and its signature (Standard Webhooks)
sender       one attempt
schedule     when the next one is due
service      what the rest of the server calls
"""

from ttsai_server.services.webhooks.message import JobEnd
from ttsai_server.services.webhooks.resolver import SystemResolver
from ttsai_server.services.webhooks.service import Webhooks
from ttsai_server.services.webhooks.target import check_url

__all__ = ["JobEnd", "SystemResolver", "Webhooks", "check_url"]
