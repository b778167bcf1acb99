"""Files that somebody has changed: no code runs, and each is refused."""

import json
import zipfile

import pytest

from skd2ace import CLIFClassifier
from skd2ace._archive import ArchiveError


def changed(path, change):
    with zipfile.ZipFile(path) as archive:
        head = json.loads(archive.read("content.json"))
        tensors = archive.read("tensors.safetensors")
    change(head["content"])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.json", json.dumps(head))
        archive.writestr("tensors.safetensors", tensors)


def selector_named(name):
    def change(content):
        content["parameters"]["batch_selector"]["name"] = name

    return change


def set_parameter(name, value):
    described = {"kind": "value", "value": value}
    return lambda content: content["parameters"].update({name: described})


FORGED = {
    "os.system": (selector_named("os.system"), "it names os.system, which a file may not"),
    "builtins.eval": (selector_named("builtins.eval"), "it names builtins.eval"),
    "torch.load": (selector_named("torch.load"), "it names torch.load"),
    "of another package": (selector_named("skd2ace.training.torch.load"), "may not"),
    "a private name": (selector_named("skd2ace.selection.__builtins__"), "may not"),
    "no parameters": (selector_named("torch.nn.Linear"), "describes a torch.nn.Linear"),
    "another estimator": (lambda content: content.update(estimator="Popen"), "holds a Popen"),
    "a part missing": (lambda content: content.pop("training"), "training"),
    "no generators": (lambda content: content["fitted"].pop("torch_state_"), "torch_state_"),
    "nothing fitted": (lambda content: content.update(fitted=None), "NoneType"),
    "a list of parameters": (lambda content: content.update(parameters=[1]), "list"),
    "a compiler to run": (set_parameter("compile__options", {"cpp.cxx": "evil"}), "compile__opt"),
    "unsafe unpickling": (set_parameter("torch_load_kwargs", {}), "torch_load_kwargs, which"),
    "a folder to write to": (selector_named("skd2ace.training.Checkpointing"), "may not"),
    "an unknown parameter": (
        lambda content: content["parameters"].update(what={"kind": "value", "value": 1}),
        "what",
    ),
}


@pytest.mark.parametrize("how", FORGED)
def test_forged_files(make_clif, data, tmp_path, how):
    make_clif().fit(*data).save(tmp_path / "est")
    change, message = FORGED[how]
    changed(tmp_path / "est", change)
    with pytest.raises(ArchiveError, match=message):
        CLIFClassifier.load(tmp_path / "est")


def test_an_attribute_that_is_none_of_its_own(make_clif, data, tmp_path, assert_same):
    """A file cannot put values in the place of methods."""
    est = make_clif().fit(*data)
    est.save(tmp_path / "est")

    def change(content):
        content["fitted"]["predict"] = 1
        values = content["training"]["callbacks"]["best_epoch"]["values"]
        values |= {"on_epoch_end": 1, "__class__": 1, "monitor": "nothing"}

    changed(tmp_path / "est", change)
    again = CLIFClassifier.load(tmp_path / "est")
    assert_same(again.partial_fit(*data), est.partial_fit(*data), data[0])


def forge_state(change):
    return lambda content: change(content["preprocessor"]["state"])


def rename_step(name):
    """In the place of what prepares the first columns."""

    def change(state):
        pipeline = state["attributes"]["steps_"]["items"][0]["items"][1]
        pipeline["kind"] = name

    return forge_state(change)


FORGED_PREPROCESSORS = {
    "os.system": (forge_state(lambda state: state.update(kind="os.system")), "names os.system"),
    "a step": (rename_step("builtins.eval"), "it names builtins.eval, which a file may not"),
    "another of scikit-learn's": (rename_step("FunctionTransformer"), "may not"),
    "none at its top": (
        forge_state(lambda state: state.update(kind="OneHotEncoder")),
        "no TabularPreprocessor",
    ),
    "a value at its top": (
        lambda content: content["preprocessor"].update(state={"kind": "value", "value": 1}),
        "no TabularPreprocessor",
    ),
    "a type that numpy does not know": (
        lambda content: content["preprocessor"].update(state={"kind": "dtype", "name": "eval"}),
        "eval",
    ),
    "no version": (lambda content: content["preprocessor"].pop("scikit-learn"), "scikit-learn"),
}


@pytest.mark.parametrize("how", FORGED_PREPROCESSORS)
def test_forged_preprocessors(make_clif, data, tmp_path, how):
    make_clif(preprocessor="auto").fit(*data).save(tmp_path / "est")
    change, message = FORGED_PREPROCESSORS[how]
    changed(tmp_path / "est", change)
    with pytest.raises(ArchiveError, match=message):
        CLIFClassifier.load(tmp_path / "est")


def test_a_preprocessor_of_another_version(make_clif, data, tmp_path):
    """It may do otherwise than the one that was saved, of which a word is due."""
    est = make_clif(preprocessor="auto").fit(*data)
    est.save(tmp_path / "est")
    changed(tmp_path / "est", lambda content: content["preprocessor"].update({"scikit-learn": "0"}))
    with pytest.warns(UserWarning, match=r"fitted with scikit-learn 0; this is"):
        again = CLIFClassifier.load(tmp_path / "est")
    assert (again.predict(data[0]) == est.predict(data[0])).all()
