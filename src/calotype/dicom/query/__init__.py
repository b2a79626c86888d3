"""One question, however it was asked: C-FIND, QIDO and the user interface all give one ``Query``."""
