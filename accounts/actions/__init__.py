"""Changes to people, memberships and sessions, a module a noun. All happen at the door."""
