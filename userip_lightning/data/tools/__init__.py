"""What people do with a log beside training: look, validate, draft a configuration, export."""
