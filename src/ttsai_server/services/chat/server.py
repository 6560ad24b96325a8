"""A chat model behind OpenAI's API, POST {base_url}/chat/completions: Ollama, vLLM, llama.cpp, or a hosted one.

Answers are server-sent events, one `chat.completion.chunk` each, and end with `data: [DONE]`.
"""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import orjson

from ttsai_server.domain import ChatDelta, ChatRequest
from ttsai_server.errors import ApiError, ChatServerDown, EngineFailed, NoChatModel
from ttsai_server.services.chat.base import ChatModel
from ttsai_server.settings import Chat

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

CONNECT_SECONDS = 10
RETRY_SECONDS = 5
LONGEST_REASON = 500
"""Characters of a server's error message that are passed on to the log."""


class ChatServer(ChatModel):
    def __init__(self, settings: Chat) -> None:
        super().__init__(settings.model)
        self._settings = settings
        self._client: AsyncClient | None = None

    async def _write(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        import httpx

        body = {"model": self.name, **request.as_openai()}
        try:
            async with self._connections().stream("POST", "chat/completions", json=body) as response:
                if response.is_error or response.is_redirect:
                    raise await _refusal(response)
                async for delta in _parts(response):
                    yield delta
        except httpx.HTTPError as error:
            raise ChatServerDown(
                f"The chat model's server does not answer: {type(error).__name__}.", retry_after=RETRY_SECONDS
            ) from error

    async def close(self) -> None:
        """Close all connections. Idempotent."""
        if self._client:
            await self._client.aclose()

    def _connections(self) -> "AsyncClient":
        if self._client is None:
            import httpx

            settings = self._settings
            headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
            timeout = httpx.Timeout(settings.timeout_seconds, connect=CONNECT_SECONDS)
            self._client = httpx.AsyncClient(base_url=settings.base_url, headers=headers, timeout=timeout)
        return self._client


async def _parts(response: "Response") -> AsyncGenerator[ChatDelta]:
    """The answer, as it comes. Raises ChatServerDown if it breaks off, EngineFailed if it is an error."""
    ended = False
    async for line in response.aiter_lines():
        name, _, data = line.partition(":")
        if name != "data":
            continue
        if data.strip() == "[DONE]":
            return
        chunk = _parsed(data)
        if error := chunk.get("error"):
            raise EngineFailed(f"The chat model failed: {str(error)[:LONGEST_REASON]}")
        for delta in ChatDelta.of_openai(chunk):
            yield delta
        ended = ended or any(choice.get("finish_reason") for choice in chunk.get("choices") or ())
    if not ended:
        raise ChatServerDown("The chat model stopped in the middle of its answer.", retry_after=RETRY_SECONDS)


def _parsed(data: str) -> dict[str, Any]:
    try:
        chunk = orjson.loads(data)
    except ValueError:
        chunk = None
    if not isinstance(chunk, dict):
        raise EngineFailed(f"The chat model's server does not speak OpenAI's API: {data[:LONGEST_REASON]!r}")
    return chunk


async def _refusal(response: "Response") -> ApiError:
    """The error for an answer that is none: what the operator must mend, what passes, and what else is wrong."""
    await response.aread()
    status, reason = response.status_code, response.text[:LONGEST_REASON]
    if status in (401, 403, 404):
        return NoChatModel(f"The chat model's server answers {status}: check chat.base_url, chat.model, chat.api_key.")
    if status in (408, 429) or status >= 500:
        return ChatServerDown(f"The chat model's server answers {status}.", retry_after=RETRY_SECONDS)
    return EngineFailed(f"The chat model's server answers {status}: {reason}")
