"""The database backend (`ENGINE = "tenants.db"`): schema and role of every connection, fail closed."""
