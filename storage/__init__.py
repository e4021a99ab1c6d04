"""The record: tables, connections and migrations. Services work in it, `concert` connects and migrates.

It knows rows, never rules.
"""
