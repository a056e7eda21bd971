"""The tests of Verbinden."""
