"""From a pipeline's YAML to a plan: what is wrong with it is found here, before anything runs."""
