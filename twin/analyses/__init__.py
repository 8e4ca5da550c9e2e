"""Answers about the pipe network; each analysis is a function of the pipes and a request."""
