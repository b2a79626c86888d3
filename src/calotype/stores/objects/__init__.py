"""Object stores: where the bytes of images live."""
