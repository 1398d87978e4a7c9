"""API keys: how they look, who holds one, making and ending them, and their page."""
