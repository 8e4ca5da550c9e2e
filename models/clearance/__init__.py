"""Distances between the outer surfaces of pipes, and what the standards ask of them."""
