"""TLog ingestion under SIGKILL: workers die at random moments, and nothing of it is seen in the end."""
