"""The record: tables, connections and migrations. Only services may open this room; it knows rows, never rules."""
