"""The same hypothesis profile as for the core."""

import tests.core.conftest  # noqa: F401
