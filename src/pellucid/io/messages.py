"""What is quoted of an error of a library in one of ours."""

_MOST_CHARACTERS = 200


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, cut short; its type if it has no message."""
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__)[:_MOST_CHARACTERS]
