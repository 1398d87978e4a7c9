"""Pages about oneself and about the people of an organization, a module a noun."""
