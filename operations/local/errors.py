class LocalError(Exception):
    """Something the reader can mend: what happened, what was kept, what to do. Shown as it is."""
