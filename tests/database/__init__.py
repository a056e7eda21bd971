"""What needs a database: every test runs on SQLite and on PostgreSQL."""
