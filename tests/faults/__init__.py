"""Small services with one known fault each, and a healthy twin of each."""
