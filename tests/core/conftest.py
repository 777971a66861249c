"""How hypothesis looks for examples: the same ones in every run, so that nothing flakes.

HYPOTHESIS_PROFILE=explore looks for new ones, and for longer.
"""

import os

from hypothesis import settings

settings.register_profile(
    "quick", derandomize=True, deadline=None, database=None, max_examples=300, print_blob=False
)
settings.register_profile("explore", deadline=None, max_examples=5000, stateful_step_count=60)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
