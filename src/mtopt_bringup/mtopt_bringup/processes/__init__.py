"""The processes of a start: how they are begun, watched, tied to their parent and ended."""
