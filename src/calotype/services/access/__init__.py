"""Who may do what: rights of neighbours, and what was refused to whom."""
