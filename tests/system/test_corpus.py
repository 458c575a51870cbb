"""`inspect` agrees with an independent reader on every series of the public Green Button corpus."""
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))
import corpus_check  # noqa: E402

SHARED = HERE.parents[3] / "shared" / "greenbutton"
BUILD = pathlib.Path(os.environ.get("METERBEAT_BUILD", HERE.parents[2] / "build" / "dev"))


has_corpus = pytest.mark.skipif(
    not (SHARED / "REFERENCE.tsv").exists(),
    reason="the Green Button corpus is not beside the repository (../shared/greenbutton)")


@has_corpus
def test_every_series_of_the_corpus_agrees_with_the_reference():
    agree, total, files, complaints = corpus_check.compare([str(BUILD / "tests" / "inspect_files")], SHARED)
    assert not complaints, "\n".join(complaints)
    assert (agree, files) == (total, 81)


@has_corpus
def test_every_bill_of_the_corpus_agrees_with_the_reference():
    have, want = corpus_check.compare_bills([str(BUILD / "tests" / "inspect_files")], SHARED)
    assert have == want, f"only here: {have - want}\nonly in the reference: {want - have}"
    assert len(want) > 40
