"""What is scheduled (PS3.4 K) and what of it was performed (PS3.4 F)."""
