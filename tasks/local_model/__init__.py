"""The embedded model: weights that come with docmill's installation, served by llama.cpp on loopback."""
