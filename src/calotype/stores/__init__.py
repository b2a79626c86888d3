"""Technologies that keep things: implementations of the ports of ``services``."""
