"""How long the random tests play: a minute's suite by default, hours' worth when asked."""

import os

AT_LENGTH = os.environ.get("TESTS_AT_LENGTH") == "1"
"""Set by `make test-at-length`, for a night or before a release."""
