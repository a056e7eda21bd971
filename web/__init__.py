"""The door: pages that people open from a link in a mail."""
