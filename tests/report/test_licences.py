"""Licences as packages state them, in each of the ways in which they do."""

from email.message import Message
from typing import Any

import pytest

from pellucid.provenance import versions
from pellucid.report import licences
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.licences import NOT_STATED, licence, licences_of
from tests.report import lunar


@pytest.fixture
def stated(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Say what the metadata of the only distribution states."""
    metadata = Message()
    monkeypatch.setattr(licences.importlib.metadata, "metadata", lambda name: metadata)
    licence.cache_clear()
    yield metadata
    licence.cache_clear()


def test_an_expression_comes_before_a_name_and_a_name_before_a_classifier(stated: Message) -> None:
    stated["Classifier"] = "License :: OSI Approved :: BSD License"
    stated["Classifier"] = "Programming Language :: Python"
    assert licence("x") == "BSD License"
    licence.cache_clear()
    stated["License"] = "MIT"
    assert licence("x") == "MIT"
    licence.cache_clear()
    stated["License-Expression"] = "MIT AND 0BSD"
    assert licence("x") == "MIT AND 0BSD"


def test_a_whole_text_is_not_a_name(stated: Message) -> None:
    stated["License"] = "Copyright (c) " + "some holder, " * 40
    assert licence("x") == NOT_STATED


def test_what_is_not_installed_is_not_stated() -> None:
    assert licence("no-such-distribution-anywhere") == NOT_STATED


def test_what_a_run_is_made_with_states_its_licence() -> None:
    found = licences_of(versions())
    assert list(found) == list(versions())
    assert NOT_STATED not in found.values()


def test_the_page_names_them() -> None:
    record = lunar.lunar_record(with_frames=False)
    document = build_document(record)
    assert document["licences"]["pellucid"] == "Apache-2.0"
    page = render_html(record, document, json_sha256="")
    made = page[page.index('id="made"') :]
    assert "Licences" in made
    assert "Apache-2.0" in made
