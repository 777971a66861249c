"""Does what the core decides: one loop, many services, real processes and files."""
