"""The database backend (`ENGINE = "tenants.db"`): schema and role of a connection, fail closed."""
