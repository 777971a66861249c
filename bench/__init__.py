"""Measurements of supervise against its peers: `python -m bench --help`."""
