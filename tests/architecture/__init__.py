"""What holds for the house as a whole: who imports whom, what the catalogue says, what would be noticed."""
