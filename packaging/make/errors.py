class Refused(Exception):
    """Something is missing that a package cannot do without; says what, and what to do."""
