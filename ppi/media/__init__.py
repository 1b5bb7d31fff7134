"""Recordings: what is in them, their sound, their parts, and exact clips. Uploads are hostile until probed."""
