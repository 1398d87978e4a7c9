"""Raw records for operators. Whatever an action must be used for is read-only here.

Edited here, by its actions, is one list: the networks that reach the operator host. And people are
shut out and let in again, and keys of the API revoked.
"""

from operations.admin import access, audit, factors, jobs, networks, organizations, people, programs

__all__ = ("access", "audit", "factors", "jobs", "networks", "organizations", "people", "programs")
