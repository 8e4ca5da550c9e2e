"""Source words to canonical words, as tables."""
