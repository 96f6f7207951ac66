"""What a record has to keep beyond its schema: sums, orders, formats, in CEL."""
