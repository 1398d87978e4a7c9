"""The layout of reports, and the process that makes them."""
