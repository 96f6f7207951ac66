"""Text of pictures: recognized by PP-OCR's models in the wheel of rapidocr, in a child, without a network."""
