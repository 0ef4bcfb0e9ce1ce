"""The table of statuses and reasons: complete, in agreement with the published rules, and strict on what we send."""

from __future__ import annotations

import csv
import re
from importlib.resources import files

import pytest
from shared_material import shared

from einvoice.lifecycle import reasons, statuses
from einvoice.lifecycle.statuses import Actor, LifecycleError, Phase, ToState, check_sendable

DEPOSITED = ["200", "202", "203"]


def published_rules() -> str:
    return (files("pyfrctc") / "cdar-schematron" / "BR-FR-CDV-Schematron-CDAR.xslt").read_text()


def test_the_table_agrees_with_the_published_list_of_statuses() -> None:
    rows = {
        row["code"]: row for row in csv.DictReader(shared("standards/codelists/lifecycle_statuses_mdt105.csv").open())
    }
    table = [status for status in statuses.STATUSES.values() if "200" <= status.code <= "228"]
    assert len(table) == 22
    for status in table:
        row = rows[status.code]
        assert status.french == row["label_fr"]
        assert (status.phase, status.document_status) == (row["phase_mdt77"], row["status_code_mdt88"])
        assert status.terminal == (row["terminal"] == "yes")
        assert status.needs_reason == (row["reason_mandatory"] == "yes") or status.code == "221"
        assert (status.to_state is not ToState.NO) == row["sent_to_ppf"].startswith("yes")


def test_the_reasons_of_each_status_are_those_of_the_installed_rules() -> None:
    """The rule for a status ends in a chain of allowed codes; the chain for 210 has a second one for public buyers."""
    text = published_rules()
    for status, allowed in reasons.ALLOWED.items():
        pattern = rf"!= '{status}' \)\) or .*?\(.+?ProcessConditionCode != '{status}' \)(.*?)\"/?>"
        chain = re.search(pattern, text.replace("\n", " "))
        assert chain, status
        codes = set(re.findall(r"\(\.\) = '([A-Z_0-9]+)'", chain.group(1)))
        assert codes == allowed, status


def test_every_allowed_reason_has_a_label_in_both_languages() -> None:
    used = frozenset().union(*reasons.ALLOWED.values(), reasons.PUBLIC_BUYER_REFUSALS)
    assert used <= reasons.REASONS.keys()
    assert all(reason.french and reason.english for reason in reasons.REASONS.values())


def test_an_unknown_status_is_kept_and_marked() -> None:
    unknown = statuses.status("299")
    assert (unknown.code, unknown.french, unknown.known, unknown.phase) == ("299", "299", False, None)
    assert reasons.reason("NEW_ERR").code == "NEW_ERR"


def test_receipts_may_follow_each_other_and_any_status_of_the_buyer() -> None:
    check_sendable("212", [*DEPOSITED, "204", "212", "207", "212"])


@pytest.mark.parametrize(
    ("code", "history", "error"),
    [
        ("212", [], "lifecycle.not_deposited"),
        ("212", [*DEPOSITED, "210"], "lifecycle.closed"),
        ("212", ["213"], "lifecycle.closed"),
        ("212", [*DEPOSITED, "220"], "lifecycle.closed"),
        ("205", DEPOSITED, "lifecycle.not_ours"),
        ("200", DEPOSITED, "lifecycle.not_ours"),
        ("299", DEPOSITED, "lifecycle.not_ours"),
        ("209", DEPOSITED, "lifecycle.nothing_to_complete"),
        ("209", [*DEPOSITED, "208", "209"], "lifecycle.nothing_to_complete"),
    ],
)
def test_what_must_not_be_sent_is_refused_with_the_reason(code: str, history: list[str], error: str) -> None:
    with pytest.raises(LifecycleError) as refused:
        check_sendable(code, history)
    assert refused.value.code == error
    assert code in refused.value.sentence
    assert code in refused.value.sentence_fr


def test_a_suspended_invoice_can_be_completed_each_time() -> None:
    check_sendable("209", [*DEPOSITED, "208"])
    check_sendable("209", [*DEPOSITED, "208", "209", "208"])


def test_platforms_set_the_statuses_of_transmission_and_parties_those_of_processing() -> None:
    platforms = {Actor.SELLER_PLATFORM, Actor.BUYER_PLATFORM}
    for status in statuses.STATUSES.values():
        if status.phase is Phase.TRANSMISSION:
            assert status.actors <= platforms
        elif status.phase is Phase.PROCESSING:
            assert status.actors - platforms
