"""Calls and chats for programs."""
