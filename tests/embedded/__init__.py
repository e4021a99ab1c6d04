"""The embedded servers: start, kill, refuse, end with us. Real binaries, no mocks of them."""
