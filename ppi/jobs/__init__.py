"""Jobs: what runs in the background, written down so that nothing is lost and nothing is done twice."""
