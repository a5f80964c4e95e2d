"""Small apps of each framework that Syncline is tried with, and the table of what is tried."""
