"""The operator host's part of the API, and what its staff's scripts ask."""
