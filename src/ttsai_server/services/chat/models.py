"""Which chat model this server has."""

from ttsai_server.domain import Capability
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import NoChatModel
from ttsai_server.runtime.base import Runtime
from ttsai_server.runtime.loading import check
from ttsai_server.services.chat.base import ChatModel
from ttsai_server.services.chat.engine import ChatEngine
from ttsai_server.services.chat.server import ChatServer
from ttsai_server.settings import Settings


class ChatModels:
    """Today there is one for all callers: the one that the settings name. Without it there is none."""

    def __init__(self, settings: Settings, catalog: Catalog, runtime: Runtime) -> None:
        self._settings = settings
        self._catalog = catalog
        self._runtime = runtime
        self._server = ChatServer(settings.chat)

    def chosen(self) -> ChatModel:
        """The model of the settings. Raises NoChatModel, PackagesMissing or WeightsMissing."""
        name = self._settings.chat.model
        if not name:
            raise NoChatModel(f"No chat model is configured. {self._how()}")
        if self._settings.chat.base_url:
            return self._server
        card = self._catalog.models.get(name)
        if card is None or Capability.CHAT not in card.tasks:
            raise NoChatModel(f"{name!r} is no chat model of this server. {self._how()}")
        check(card, self._settings.models)
        return ChatEngine(card, self._runtime)

    async def close(self) -> None:
        """Close the connections to a server. Idempotent."""
        await self._server.close()

    def _how(self) -> str:
        own = ", ".join(card.id for card in self._catalog.cards(Capability.CHAT) if not card.demo)
        server = "Set chat.base_url and chat.model to a server with OpenAI's API, such as Ollama, vLLM or llama.cpp"
        return f"{server}; or chat.model to one of {own}." if own else f"{server}."
