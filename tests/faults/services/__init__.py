"""The services of the fault library, written as users write theirs.

Each module is one application; its endpoints come in pairs, with and without a fault, and sizes
come from the environment.
"""
