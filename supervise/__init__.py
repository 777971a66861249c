"""Process supervision in the daemontools style, for the machine that must never be down."""
