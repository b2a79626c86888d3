"""The Standard, pure and synchronous: no clock, socket, file or log lives here."""
