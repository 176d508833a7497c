"""Real PostgreSQL and Valkey servers as child processes, for a start that needs nothing else."""
