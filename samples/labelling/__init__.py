"""What samples/labelled.py makes its documents of."""
