"""The same load from several machines: a plan split for agents, their results merged."""
