"""The web layer: parses requests, checks access, calls one workflow, answers. See README.md beside this file."""
