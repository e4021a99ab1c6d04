"""Something that runs is killed, stopped, cut, filled up or lied to: nothing is lost, nothing is doubled."""
