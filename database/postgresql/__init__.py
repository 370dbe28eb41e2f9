"""PostgreSQL in place of SQLite, for many hosts. Without this folder, the rest still works."""
