"""A local AWS for the tests and the demo of domino-eks: moto, made strict."""
