"""Whether every call is here: comparing what is stored with Retell's own list, and healing it."""
