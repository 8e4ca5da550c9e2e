"""The generator of the sample deliveries. Everything here is invented; only the places are real."""
