"""One run: documents through their steps, counted, stopped, and found again after a crash."""
