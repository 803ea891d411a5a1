"""What a filter means of one stored message: read from its headers where they decide, else from its letters."""

import structlog

from pipeline.events.dead_letter import DeadLetter
from pipeline.events.dead_letter_batch import read_headers, read_letters
from pipeline.stream.dead_letter_filter import DeadLetterFilter
from pipeline.stream.dead_letter_scan import StoredMessage

log = structlog.get_logger()


def count_chosen(message: StoredMessage, wanted: DeadLetterFilter) -> tuple[int, int]:
    """The letters of a message that are meant, and the truncated ones among them."""
    headers = read_headers(message.headers)
    decided = wanted.decide(headers) if headers else None
    if decided is False:
        return 0, 0
    if headers and decided:
        return headers.letters, headers.truncated
    chosen = chosen_letters(message, wanted)
    return len(chosen), sum(letter.truncated for letter in chosen)


def chosen_letters(message: StoredMessage, wanted: DeadLetterFilter) -> list[DeadLetter]:
    """The letters of a message that are meant."""
    return [letter for letter in letters_of(message, wanted) if wanted.matches(letter)]


def letters_of(message: StoredMessage, wanted: DeadLetterFilter) -> list[DeadLetter]:
    """All letters of a message; none where a quick look tells that none of them is meant."""
    headers = read_headers(message.headers)
    if headers and wanted.decide(headers) is False:
        return []
    if not wanted.may_be_in(message.payload):
        return []
    letters = read_letters(message.payload)
    if letters is None:
        # Another program may publish anything below `dead.`. It stays until its age or the stream's size takes it.
        log.warning("dead_letters_unreadable", sequence=message.sequence, subject=message.subject)
        return []
    return letters
