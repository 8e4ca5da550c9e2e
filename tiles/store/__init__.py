"""Where tiles live."""
