"""Labels: what documents are and say in truth, from a file, a table or whatever else gives them."""
