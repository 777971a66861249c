"""Waiting for what comes within a few milliseconds."""

from functools import partial

from tests.support.scan import eventually

soon = partial(eventually, pause=0.001)
