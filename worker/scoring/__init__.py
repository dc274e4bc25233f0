"""Scores: what is measured of a candidate's text, before it is rendered.

Nothing is imported here: coverage, invented and corrupted are pure Python, and whoever wants
them alone must not load what the other scores need.
"""
