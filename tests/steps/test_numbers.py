"""What a chunk leaves behind has numbers of its own."""

from orchestrator.steps.numbers import MOST_PIECES, SERIAL, ChunkNumber, is_serial, next_try, tried

EXACT = 2**53  # whole numbers up to here are exact as a number of JSON everywhere


def family(number: ChunkNumber) -> list[ChunkNumber]:
    """Return a chunk and some of all that may come of it."""
    found = [number]
    for _ in range(4):
        halves = [half for each in found for half in each.halves()]
        again = [each.again(piece) for each in found if each.round < SERIAL for piece in (1, 2)]
        found = list({each.seq: each for each in [*found, *halves, *again]}.values())
    return found


def test_a_number_is_read_as_it_was_written() -> None:
    known = family(ChunkNumber.of(3))

    assert [ChunkNumber.of(each.seq) for each in known] == known


def test_what_chunks_leave_behind_never_shares_a_number() -> None:
    every = [each for base in (1, 2, 9_999_999) for each in family(ChunkNumber.of(base))]
    vendor = {(each.seq, retried): each.vendor_seq(retried=retried) for each in every for retried in (False, True)}

    assert len({each.seq for each in every}) == len(every)
    by_number: dict[int, set[int]] = {}
    for (seq, _), number in vendor.items():
        by_number.setdefault(number, set()).add(seq)
    assert not any(number < 2**24 for number in by_number)
    assert max(*by_number, *(each.seq for each in every)) < EXACT


def test_rows_that_are_moved_on_keep_what_their_number_tells() -> None:
    serial = ChunkNumber(base=7, round=1, piece=MOST_PIECES).vendor_seq(retried=True)

    moved = next_try(next_try(serial))

    assert (tried(serial), tried(moved)) == (0, 2)
    assert is_serial(moved)
    assert not is_serial(next_try(7))
