"""Where finished datasets go."""
