"""Long work of one organization: replays, backfills, exports.

It has a progress bar, can be left and found again, cancelled, and goes on where it was when a
worker dies.
"""
