"""What a radiology department does with images; synchronous, thread-safe, the owner of its ports."""
