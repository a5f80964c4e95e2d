"""The pytest plugin: the fixture ``syncline``, and one report for the session."""
