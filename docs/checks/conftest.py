"""Fixtures of the checks of the site."""

from tests.browsers import chromium as chromium
