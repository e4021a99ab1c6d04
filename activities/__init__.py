"""Temporal activities: translate, call one service, translate refusals.
Nothing else, and never a text from an exception.
"""
