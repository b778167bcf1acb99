"""VOC2007 and COCO: small folders of the same form, made by hand."""

import json

import numpy as np
import pytest

from skd2ace.datasets import load_coco, load_voc

ANNOTATION = """<annotation><folder>VOC2007</folder><filename>{name}.jpg</filename>
<size><width>4</width><height>4</height><depth>3</depth></size>{objects}</annotation>"""
OBJECT = """<object><name>{name}</name><pose>Left</pose><truncated>0</truncated>
<difficult>{difficult}</difficult><bndbox><xmin>1</xmin></bndbox>{part}</object>"""


@pytest.fixture
def voc(tmp_path):
    images = {
        "000005": [("chair", 0), ("chair", 1), ("sofa", 1)],
        "000007": [("car", 0), ("person", 1), ("person", 0)],
        "000009": [],
    }
    for name in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (tmp_path / name).mkdir(parents=True)
    for image, objects in images.items():
        # A person's head is a part, and no object of its own.
        part = "<part><name>head</name></part>"
        text = "".join(OBJECT.format(name=n, difficult=d, part=part) for n, d in objects)
        path = tmp_path / "Annotations" / f"{image}.xml"
        path.write_text(ANNOTATION.format(name=image, objects=text))
    (tmp_path / "ImageSets/Main/trainval.txt").write_text("000005\n000007\n000009\n")
    (tmp_path / "ImageSets/Main/test.txt").write_text("000007\n")
    return tmp_path


def test_voc(voc):
    bunch = load_voc(voc)
    assert bunch.image_ids == ["000005", "000007", "000009"]
    assert bunch.data[1] == str(voc / "JPEGImages" / "000007.jpg")
    names = np.array(bunch.target_names)
    assert len(names) == 20
    assert [list(names[row == 1]) for row in bunch.target] == [["chair"], ["car", "person"], []]
    assert [list(names[np.isnan(row)]) for row in bunch.target] == [["sofa"], [], []]
    assert load_voc(voc, "test").image_ids == ["000007"]


def test_voc_that_is_broken(voc):
    with pytest.raises(FileNotFoundError, match=r"val\.txt"):
        load_voc(voc, "val")
    path = voc / "Annotations" / "000007.xml"
    path.write_text(ANNOTATION.format(name="7", objects="<object><name>tree</name></object>"))
    with pytest.raises(ValueError, match=r"000007\.xml names 'tree', which is no class of VOC"):
        load_voc(voc)
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'
    for text in ("<annotation>", bomb):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"000007\.xml cannot be read"):
            load_voc(voc)


@pytest.fixture
def coco(tmp_path):
    content = {
        "images": [
            {"id": 391895, "file_name": "COCO_val2014_000000391895.jpg", "width": 4},
            {"id": 7, "file_name": "COCO_val2014_000000000007.jpg"},
            {"id": 9, "file_name": "COCO_val2014_000000000009.jpg"},
        ],
        # Numbers have gaps, and need no order.
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"},
                       {"id": 13, "name": "stop sign"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 90, "iscrowd": 0},
            {"id": 3, "image_id": 391895, "category_id": 1, "iscrowd": 1},
            {"id": 4, "image_id": 391895, "category_id": 13, "iscrowd": 0},
        ],
    }  # fmt: skip
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/instances_val2014.json").write_text(json.dumps(content))
    return tmp_path, content


def test_coco(coco):
    folder, _ = coco
    bunch = load_coco(folder, "val2014")
    assert bunch.target_names == ["person", "stop sign", "toothbrush"]
    assert bunch.target.tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert bunch.image_ids == [391895, 7, 9]
    assert bunch.data[0] == str(folder / "val2014" / "COCO_val2014_000000391895.jpg")


def test_coco_that_is_broken(coco):
    folder, content = coco
    with pytest.raises(FileNotFoundError, match="train2014"):
        load_coco(folder)
    content["annotations"][0]["image_id"] = 8
    for text in (json.dumps(content), "[]", "{", json.dumps({"images": []})):
        (folder / "annotations/instances_val2014.json").write_text(text)
        with pytest.raises(ValueError, match="is no list of COCO's instances"):
            load_coco(folder, "val2014")
