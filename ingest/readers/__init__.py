"""One module a delivery format; each is a `Reader`."""
