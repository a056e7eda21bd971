"""Mail going out: from a coordinator's template to bytes that a relay accepted."""
