"""The rules of casework: what may happen, who may do it, and until when.

Pure: no input or output, no clock of its own (the time arrives as an argument), no library but the standard
one. Workflows import it inside Temporal's sandbox, so importing it does nothing. It imports nothing of ours.
"""
