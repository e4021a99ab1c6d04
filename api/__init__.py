"""The HTTP face of Concert: identity, shapes and status codes.

Routes contain no rules: a route takes identity and body, calls one service and shapes the answer. What a
service refuses becomes a status in one file, `problems`. The package knows `services`; it knows neither the
engine nor storage, and it never waits for either on behalf of a page.
"""
