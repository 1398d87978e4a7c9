"""Who did what, when, from where and why. A sink: knows nothing of agents or calls.

`audit.actions.record()` is the only way in; the rows are insert-only and chained by hash.
"""
