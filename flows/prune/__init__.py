"""What of the cache no stored outcome needs."""
