"""A real nats-server and a real PostgreSQL from wheels, for `make demo`, `make run` and the tests."""
