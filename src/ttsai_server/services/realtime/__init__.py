"""Realtime sessions, as OpenAI's Realtime API has them: a conversation by events, over one connection."""
