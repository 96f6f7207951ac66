"""Long lists: tables of a document whose rows code reads into the items of a record's array."""
