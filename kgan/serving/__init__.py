"""What a model does for a user, and how it is exported."""
