"""A resolver for tests, with prescribed answers; the connections are real."""

import socket

from ttsai_server.services.webhooks.resolver import Resolver


class Names(Resolver):
    def __init__(self, *answers: list[str]) -> None:
        """Returns the answers in turn, and repeats the last one; without answers, no name is known."""
        self._answers = answers
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if not self._answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._answers[min(len(self.asked), len(self._answers)) - 1]

    def close(self) -> None:
        pass
