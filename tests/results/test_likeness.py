"""Records that a vendor gives back written anew."""

import pytest

from orchestrator.results.likeness import columns_back, measure, plain


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b'{"N": "912260031"}', b'{"N": "9.12260031E8"}'),
        (b'{"N": "10"}', b'{"n": "10.0"}'),
        (b'{"N": 0.5}', b'{"N": "5.0E-1"}'),
        (b'{"N": "x", "M": null}', b'{"n": "x", "M": ""}'),
        (b'{"N": true}', b'{"N": "true"}'),
    ],
)
def test_values_that_mean_the_same_are_the_same(sent, told):
    assert plain(sent) == plain(told)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"N": "007"}', b'{"N": "7"}'),
        (b'{"N": "9007199254740993"}', b'{"N": "9007199254740992"}'),
        (b'{"N": "x"}', b'{"N": "X"}'),
    ],
)
def test_codes_are_no_numbers_and_letters_keep_their_case(one, other):
    assert plain(one) != plain(other)


def test_columns_that_came_back_are_those_whose_values_were_sent():
    sent = [{"name": f"N{n}", "day": f"2031-04-0{n}", "lost": "x"} for n in range(1, 9)]
    told = [{"name": f"N{n}", "day": f"0{n}.04.2031", "lost": ""} for n in (3, 5)]

    columns = columns_back([{name: text for name, text in each.items() if text} for each in told], sent)

    assert columns == ("name",)
    assert measure(told[0], columns) == measure(sent[2], columns)
    assert measure(told[0], columns) != measure(sent[3], columns)
