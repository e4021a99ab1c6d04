"""The application: settings, command line, embedded servers, worker and relay.

It puts the other packages together and runs them; nothing imports it. It holds no rule of the field (those
are in `domain`), no use case (`services`) and no SQL of the record.
"""
