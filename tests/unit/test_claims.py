from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from workbench.claims import (
    Claim,
    ClaimError,
    Control,
    Difference,
    Threshold,
    check,
    claims_table,
    to_json,
)

NAN, INF = float("nan"), float("inf")


def claim(value=0.88, control=0.04, *, bar=None, difference=None, **fields) -> Claim:
    given = {
        "id": "induction",
        "statement": "Ablating the induction heads removes the repeat (Fig. 3)",
        "paper_value": 0.93,
        "interval": (0.81, 0.92),
        "threshold": Threshold(">=", 0.5, possible=(-1, 1)),
    }
    return Claim(
        value=value,
        control=Control("as many random heads", control, bar),
        difference=difference,
        **given | fields,
    )


SMALLER = Difference("the model is 100 times smaller", Threshold(">=", 0.2))
LOW = Threshold("<=", 0.1)


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (claim(0.88, 0.04), "reproduced"),
        (claim(0.5, 0.4999), "reproduced"),
        (claim(0.49, 0.04), "not reproduced"),
        (claim(0.88, 0.6), "not reproduced"),  # the control does as well: the measurement shows nothing
        (claim(0.88, 0.04, bar=LOW), "reproduced"),
        (claim(0.88, 0.3, bar=LOW), "not reproduced"),
        (claim(0.88, -0.7, bar=Threshold("<", 0.0)), "reproduced"),
        (claim(0.3, 0.04, difference=SMALLER), "differs because the model is 100 times smaller"),
        (claim(0.88, 0.04, difference=SMALLER), "reproduced"),
        (claim(0.1, 0.04, difference=SMALLER), "not reproduced"),
        (claim(0.3, 0.25, difference=SMALLER), "not reproduced"),  # random heads pass the lower bar, too
        (claim(0.3, 0.3, bar=LOW, difference=SMALLER), "not reproduced"),
    ],
)
def test_the_verdict_follows_from_the_numbers(made, verdict):
    assert made.verdict == verdict
    assert check([made]) == ((made,) if verdict == "not reproduced" else ())


@pytest.mark.parametrize(
    ("sign", "below", "at", "above"),
    [(">=", 0, 1, 1), (">", 0, 0, 1), ("<=", 1, 1, 0), ("<", 1, 0, 0), ("==", 0, 1, 0)],
)
def test_a_threshold_compares_as_its_sign_says(sign, below, at, above):
    threshold = Threshold(sign, 0.5)
    assert [threshold.holds(value) for value in (0.4, 0.5, 0.6)] == [below, at, above]
    assert str(threshold) == f"{sign} 0.5"


def test_a_verdict_cannot_be_given():
    with pytest.raises(TypeError):
        Claim(verdict="reproduced")
    with pytest.raises((FrozenInstanceError, AttributeError)):
        claim().verdict = "reproduced"
    with pytest.raises(FrozenInstanceError):
        claim().value = 1.0


def test_the_reason_shows_every_comparison():
    assert (
        claim().reason == "0.88 >= 0.5: yes; control (as many random heads) 0.04 >= 0.5: no, as it should be"
    )
    bad = claim(0.3, 0.25, difference=SMALLER, interval=(0.2, 0.6))
    assert bad.reason == (
        "0.3 >= 0.5: no; control (as many random heads) 0.25 >= 0.5: no, as it should be; "
        "0.3 >= 0.2: yes; control (as many random heads) 0.25 >= 0.2: yes, which it should not be; "
        "the interval lies on both sides of 0.5"
    )
    own = claim(0.3, 0.04, bar=LOW, difference=SMALLER)
    assert own.reason.count("control (as many random heads) 0.04 <= 0.1: yes, as it should be") == 1


# ---- what proves nothing


@pytest.mark.parametrize(
    ("sign", "bound", "possible", "words"),
    [
        (">=", 0, (0, 1), "Every value from 0 to 1 is >= 0: this can't fail"),
        (">", -0.1, (0, 1), "can't fail"),
        ("<=", 1, (0, 1), "can't fail"),
        ("<", 1.5, (0, 1), "can't fail"),
        (">", 1, (0, 1), "No value from 0 to 1 is > 1: this can't pass"),
        (">=", 80, (0, 1), "can't pass"),  # percent mistaken for a share
        ("<", 0, (0, 1), "can't pass"),
        ("<=", -0.1, (0, 1), "can't pass"),
        ("==", 2, (0, 1), "can't pass"),
        (">=", -INF, (-INF, INF), "bound of a threshold is -inf"),
        ("<=", INF, (-INF, INF), "bound of a threshold is inf"),
        (">=", NAN, (0, 1), "bound of a threshold is nan"),
        (">=", "0.5", (0, 1), "bound of a threshold is '0.5'"),
        ("=>", 0.5, (0, 1), "'=>' compares nothing. Use one of >=, >, <=, <, =="),
        (">=", 0.5, (1, 0), r"From 1\.0 to 0\.0 is no range"),
        (">=", 0.5, (NAN, 1), r"From nan to 1\.0 is no range"),
    ],
)
def test_a_threshold_that_decides_nothing_is_refused(sign, bound, possible, words):
    with pytest.raises(ClaimError, match=words):
        Threshold(sign, bound, possible=possible)


@pytest.mark.parametrize("sign", [">=", ">", "<=", "<", "=="])
def test_a_threshold_within_what_is_possible_is_fine(sign):
    Threshold(sign, 0.5, possible=(0, 1))
    Threshold(sign, 0.5)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"control": None}, "Claim induction has no control that could have refuted it. Measure one"),
        ({"control": 0.04}, "has no control"),
        ({"threshold": None}, "has no threshold. Fix one before measuring"),
        ({"threshold": ">= 0.5"}, "has no threshold"),
        ({"value": NAN}, "induction's value is nan. Give a finite number"),
        ({"value": torch.tensor(0.5)}, r"induction's value is tensor\(0\.5000\).*its `\.item\(\)`"),
        ({"value": None}, "induction's value is None"),
        ({"value": 88.0}, "measured 88, which is not within the possible -1 to 1"),
        ({"control": Control("random", 4)}, "measured 4, which is not within the possible -1 to 1"),
        ({"id": ""}, "The id of a claim is ''. Say it in words"),
        ({"statement": "  "}, "induction's statement is '  '"),
        ({"paper_value": ""}, "induction's paper_value is ''"),
        ({"paper_value": INF}, "induction's paper_value is inf"),
        ({"interval": (0.9, 0.8)}, r"interval is \(0\.9, 0\.8\)\. Give the lower and the upper end"),
        ({"interval": (0.9,)}, "Give the lower and the upper end"),
        ({"interval": (0.1, NAN)}, "induction's interval is nan"),
    ],
)
def test_a_claim_that_proves_nothing_is_refused(fields, words):
    with pytest.raises(ClaimError, match=words):
        replace(claim(), **fields)


def test_controls_and_differences_are_said_in_words():
    with pytest.raises(ClaimError, match="description of a control is ''"):
        Control("", 0.1)
    with pytest.raises(
        ClaimError, match="value of a control is nan"
    ):  # NaN fails every threshold, so it would pass
        Control("random heads", NAN)
    with pytest.raises(ClaimError, match="reason of a difference is None"):
        Difference(None, LOW)


def test_no_claims_and_twins_are_refused():
    for use in (check, claims_table, lambda claims: to_json("p", "m", "cpu", 1.0, claims)):
        with pytest.raises(ClaimError, match="no claims can't fail"):
            use([])
        with pytest.raises(ClaimError, match="Two claims have the id induction"):
            use([claim(), claim(0.1)])


# ---- tables and JSON

HOSTILE = '<script>alert("1")</script> | a \\ b\n`c` _d_ & <b>'


def hostile() -> list[Claim]:
    control = Control(HOSTILE, 0.4, Threshold("<", 0.3))
    return [
        claim(),
        Claim(HOSTILE, HOSTILE, HOSTILE, 0.1, None, control, Threshold(">", 0.5)),
        replace(claim(), id="c", paper_value=None, difference=SMALLER, value=0.3, interval=None),
    ]


class Cells(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.tags, self.rows = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        self.rows[-1][-1] += data


def test_the_html_table_shows_texts_as_texts():
    table = claims_table(hostile())
    cells = Cells(table._repr_html_())
    assert cells.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    assert cells.rows == [list(table.HEAD), *map(list, table.rows())]
    assert cells.rows[2][:3] == [HOSTILE, HOSTILE, HOSTILE]


def test_the_markdown_table_keeps_its_columns_and_opens_no_tag():
    lines = str(claims_table(hostile())).splitlines()
    assert lines[0] == "| id | claim | paper | ours | must be | control | verdict |"
    assert lines[2] == (
        "| induction | Ablating the induction heads removes the repeat (Fig. 3) | 0.93 | 0.88 (0.81 to 0.92) "
        "| >= 0.5 | 0.04, as many random heads | reproduced |"
    )
    assert len(lines) == 5
    for line in lines:
        unescaped = line.replace("\\\\", "").replace("\\|", "").replace("\\<", "")
        assert unescaped.count("|") == 8
        assert "<script" not in unescaped
        assert "<b>" not in unescaped
    assert "must be < 0.3" in lines[3]
    assert "differs because the model is 100 times smaller (0.3 >= 0.5: no" in lines[4]


def test_the_json_has_exactly_the_agreed_keys():
    out = json.loads(json.dumps(to_json("2311.04131", "SmolLM2", "cpu", 12.34567, hostile())))
    assert list(out) == ["paper", "model", "device", "seconds", "claims"]
    assert (out["paper"], out["seconds"], len(out["claims"])) == ("2311.04131", 12.346, 3)
    keys = [
        "id",
        "statement",
        "paper_value",
        "value",
        "interval",
        "control",
        "threshold",
        "verdict",
        "reason",
    ]
    assert all(list(entry) == keys for entry in out["claims"])
    first, second, third = out["claims"]
    assert first["interval"] == [0.81, 0.92]
    assert first["control"] == {"description": "as many random heads", "value": 0.04, "threshold": None}
    assert (second["threshold"], second["control"]["threshold"]) == ("> 0.5", "< 0.3")
    assert (second["statement"], second["interval"], third["paper_value"]) == (HOSTILE, None, None)
    assert [entry["verdict"].split(" because")[0] for entry in out["claims"]] == [
        "reproduced",
        "not reproduced",
        "differs",
    ]


def test_numbers_of_other_libraries_become_plain(tmp_path):
    made = claim(np.float32(0.75), np.float64(0.25), interval=(np.float64(0.5), 1), paper_value=np.int64(1))
    out = to_json("p", "m", "cpu", 1.0, [made])["claims"][0]
    assert json.dumps([out["value"], out["control"]["value"], out["interval"], out["paper_value"]]) == (
        "[0.75, 0.25, [0.5, 1.0], 1.0]"
    )
