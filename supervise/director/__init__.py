"""What we know of keepalived: its configuration, its processes, and what the kernel tells of it."""
