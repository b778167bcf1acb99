"""Which attributes of an ARFF file are the labels, and the XML that says so."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skd2ace.datasets import ArffError, _label_xml, load_arff


def test_which_are_the_labels(write_file, sparse_text):
    text = sparse_text.replace(": -C 2 -split-number 3", "")
    path = write_file(text)
    with pytest.raises(ArffError, match="Give `labels`"):
        load_arff(path)
    assert load_arff(path, labels=1).target_names == ["a"]
    assert load_arff(path, labels=np.int64(1)).target_names == ["a"]
    assert load_arff(write_file(text.replace("numbers", "n: -C -1 -c 2")), 2).target.shape == (4, 2)
    meka = write_file(sparse_text.replace("{low,high}", "{0,1}").replace("high", "1"), "meka.arff")
    assert load_arff(meka).target_names == ["a", "b"]
    write_file(meka.read_text().replace("-C 2", "-C -2"), "meka.arff")
    assert load_arff(meka).target_names == ["d", "e"]
    # An XML comes before what the relation says; one of the same stem before any other.
    write_file('<labels><label name="d"/><label name="a"/></labels>', "other.xml")
    assert load_arff(meka).target_names == ["d", "a"]
    own = write_file('<x:labels xmlns:x="u"><x:label name="b"/></x:labels>', "meka.xml")
    assert load_arff(meka).target_names == ["b"]
    assert load_arff(path, labels=str(own)).target_names == ["b"]
    assert load_arff(path, labels=own).target_names == ["b"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (0, "`labels` is 0, and there are 5 attributes"),
        (5, "`labels` is 5"),
        (-9, "both labels and features are needed"),
        (["a", "nobody"], "1 label.* no attributes here, the first is 'nobody'"),
        ([], "names no label"),
        (["a", "a"], "a label twice"),
        (list("abcde"), "all attributes"),
        (["f"], r"label 'f' has the values \('low', 'mid', 'high'\), not 0 and 1, nor two"),
        (["c"], "line 8: label 'c' is 2.5, not 0 or 1"),
    ],
)
def test_impossible_labels(read_arff, sparse_text, labels, message):
    text = sparse_text.replace("@data", "@attribute f {low,mid,high}\n@data")
    with pytest.raises(ArffError, match=message):
        read_arff(text if labels == ["f"] else sparse_text, labels=labels)


LAUGHS = '<!DOCTYPE labels [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE labels [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
OUTSIDE_DTD = '<!DOCTYPE labels SYSTEM "http://127.0.0.1:9/labels.dtd">'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{LAUGHS}<labels><label name="&c;"/></labels>', "document types and entities"),
        (f"{OUTSIDE}<labels><label name='a'>&a;</label></labels>", "document types and entities"),
        (f"{OUTSIDE_DTD}<labels><label name='a'/></labels>", "document types and entities"),
        ("<labels>\n<label name='a'>", "line 2: this is no well-formed XML"),
        ("", "no well-formed XML"),
        ("<labels/>", "there is no <label>"),
        ("<labels><label/></labels>", "one without a name"),
        ("<?xml version='1.0' encoding='klingon'?><labels/>", "XML"),
    ],
)
def test_xml_of_strangers(write_file, read_arff, sparse_text, text, message):
    path = write_file(text, "file.xml")
    with pytest.raises(ArffError, match=message):
        read_arff(sparse_text, labels=path)


def test_a_huge_xml(write_file, read_arff, sparse_text, monkeypatch):
    monkeypatch.setattr(_label_xml, "_MAX_BYTES", 100)
    write_file(f"<labels><label name='a'/>{' ' * 100}</labels>", "file.xml")
    with pytest.raises(ArffError, match="larger than 100 bytes"):
        read_arff(sparse_text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(noise=st.binary(max_size=200), start=st.sampled_from([b"", b"<labels>", b"<?xml "]))
def test_a_noisy_xml_gives_the_documented_error(write_file, read_arff, sparse_text, noise, start):
    write_file(start + noise, "file.xml")
    with pytest.raises(ArffError):
        read_arff(sparse_text)


def test_labels_that_name_nothing(tmp_path):
    (tmp_path / "a.arff").write_text("@attribute a {0,1}\n@attribute b real\n@data\n1,2\n")
    with pytest.raises(TypeError, match=r"labels must be a path.*, got 1\.0"):
        load_arff(tmp_path / "a.arff", labels=1.0)


def test_a_question_ends_without_a_full_stop(tmp_path):
    (tmp_path / "a.arff").write_text("@attribute a {0,1}\n@attribute b real\n@data\n")
    with pytest.raises(ArffError, match=r"cut short\?$"):
        load_arff(tmp_path / "a.arff", labels=1)
