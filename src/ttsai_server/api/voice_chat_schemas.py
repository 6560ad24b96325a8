"""Response bodies of /v1/voice-chat/."""

from pydantic import Field

from ttsai_server.api.account_schemas import Kept, Moment
from ttsai_server.api.schemas import Answer


class VoiceChatAnswer(Answer):
    conversation_id: str
    """Send it with the next turn to go on."""
    user_text: str
    """What the user said."""
    ai_text: str
    """The model's answer, as it was written."""
    audio_url: str
    """The answer, spoken."""
    credits_used: int


class ConversationInfo(Kept):
    conversation_id: str = Field(validation_alias="id")
    turns: int
    created_at: Moment
    expires_at: Moment
    """When it is forgotten, unless it goes on."""


class ConversationList(Answer):
    conversations: list[ConversationInfo]
    """At most 1000, the latest first."""
    total: int


class TurnInfo(Kept):
    user_text: str
    ai_text: str
    created_at: Moment = Field(validation_alias="at")


class ConversationBody(Answer):
    conversation: ConversationInfo
    system_prompt: str | None = None
    """Instructions for the chat model; absent: those of the server's settings."""
    messages: list[TurnInfo]
    """The latest 1000 turns, in their order."""
