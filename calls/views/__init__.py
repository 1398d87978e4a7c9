"""Pages of calls and chats, by what they show."""
