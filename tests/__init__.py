"""Tests, by what they hold to; names are sentences."""
