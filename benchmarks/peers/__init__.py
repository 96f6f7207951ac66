"""What people would use instead, each over the same prompts: `python -m benchmarks.peers.<module> NAME …`."""
