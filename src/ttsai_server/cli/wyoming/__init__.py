"""The command `ttsai-server wyoming`: Wyoming, the protocol of Home Assistant's voice services, in front of a server.

    client ──Wyoming, TCP──▶ Conversation ──HTTP, WebSocket──▶ ttsai-server

Wyoming has no authentication: who reaches the port spends the credits of the command's key.
"""
