"""The fictional region that a fresh Concert starts with, and the agenda its partners agreed on.

The counties are the eleven of the Nebraska Panhandle; every town, street, organization and person is
invented. `agenda` reads the common agenda, `region` builds the organizations and their people, `people` the
clients in their households, `story` the requests of the demonstration; `load` writes a region to the record.

Everything but `load` is pure: the same seed gives the same region, byte for byte, on any machine. Telephone
numbers are 308-555-01xx and addresses end in example.org, so that nothing made here can reach a real person.
"""
