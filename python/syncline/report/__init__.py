"""Outcomes as documents for people: one tree, several edges; and the displays while it runs.

``comparison.build_comparison`` and ``load_report.build_load`` build the tree of ``document``;
``terminal.render_terminal`` and ``markdown.render_markdown`` show it. ``live_run.RunDisplay`` and
``live.LoadDisplay`` show what goes on meanwhile.
"""
