"""The one room that knows all others: settings, logging, and the building of the house."""
