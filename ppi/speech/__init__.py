"""Speech: a lesson's sound becomes words with times. Models run in child processes; nothing here loads torch."""
