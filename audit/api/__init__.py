"""The audit log for programs."""
