"""Summaries: a transcript becomes key points with times and a text by section."""
