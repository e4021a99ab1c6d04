"""Benchmarks stay runnable: what they fill in follows the tables."""
