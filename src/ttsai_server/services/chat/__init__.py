"""Chat models: a server with OpenAI's API, or an engine of this server."""

from ttsai_server.services.chat.base import ChatModel
from ttsai_server.services.chat.models import ChatModels

__all__ = ["ChatModel", "ChatModels"]
