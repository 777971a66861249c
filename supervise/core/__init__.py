"""Decides, and touches nothing: no clock, no file, no process, no random number."""
