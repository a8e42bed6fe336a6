"""Imports otter before any test does: what it imports warns of its own old ways."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import otter.run  # noqa: F401 - for its effect
