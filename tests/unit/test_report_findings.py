"""What of the findings a person reads first."""

from __future__ import annotations

from syncline.finding import Code, Evidence, Finding, Fix, Severity
from syncline.report.document import Document, Node
from syncline.report.findings import findings_nodes
from syncline.report.markdown import render_markdown


def found(code: Code, severity: Severity, variant: str = "sync") -> Finding:
    return Finding(
        code,
        severity,
        0.9,
        variant,
        48,
        summary=f"{code} shows in {variant}.",
        mechanism="It works like that.",
        evidence=(Evidence(f"evidence of {code}", 15, 10),),
        fix=Fix(f"Cure {code}."),
    )


def written(*all_of_them: Finding) -> str:
    nodes: tuple[Node, ...] = tuple(findings_nodes(all_of_them))
    return render_markdown(Document(nodes))


def test_without_findings_there_is_no_section() -> None:
    assert tuple(findings_nodes(())) == ()


def test_the_first_finding_and_all_errors_come_with_their_evidence() -> None:
    text = written(found("overflow-churn", "warning"), found("pool-deadlock", "error"))
    assert "evidence of overflow-churn: 15 (bound 10)" in text
    assert "evidence of pool-deadlock: 15 (bound 10)" in text


def test_further_warnings_of_one_code_come_once_with_their_places_and_what_to_do() -> None:
    text = written(
        found("pool-deadlock", "error"),
        found("overflow-churn", "warning", "sync"),
        found("overflow-churn", "warning", "async"),
    )
    assert "overflow-churn: sync at 48 connections and async at 48 connections" in text
    assert text.count("Cure overflow-churn.") == 1
    assert "evidence of overflow-churn" not in text
    assert "The evidence for each is in the report." in text


def test_what_is_only_to_be_known_takes_a_line() -> None:
    text = written(
        found("pool-deadlock", "error"),
        found("noisy", "info", "sync"),
        found("noisy", "info", "async"),
        found("healthy", "info", "async"),
    )
    assert "noisy (sync and async): noisy shows in sync." in text
    assert "Cure noisy." not in text
    assert "async is healthy." in text
