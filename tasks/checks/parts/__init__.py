"""Long texts in parts: where they are cut, what a part is asked for, and one record out of many."""
