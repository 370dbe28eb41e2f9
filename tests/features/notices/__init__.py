"""What happened to an account, until its owner acknowledges it (BEHAVIOUR 10)."""
