"""Real keepalived of several versions, each put through a short acceptance: `make versions`."""
