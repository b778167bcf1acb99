"""A dense and a sparse ARFF file, and how a test writes and reads one."""

import pytest

from skd2ace.datasets import load_arff

DENSE = r"""% a comment
@RELATION 'two birds'

@Attribute 'wing, left' REAL % in cm
@attribute sky	{grey, 'deep blue', "it's"}
@attribute 'Steller\'s Jay' {0,1}
@attribute "a ""b" integer
@attribute thrush {0, 1}
@DATA
% another
1.5,grey,0,3,1

 -2e-3 , 'deep blue' , 1 , ? , 0
?,"it's",1,0,0
""".replace('"a ""b"', r'"a \"b"')
SPARSE = """@relation 'numbers: -C 2 -split-number 3'
@attribute a {0,1}
@attribute b {1,0}
@attribute c numeric
@attribute d {0,1}
@attribute e {low,high}
@data
{0 1, 2 2.5}
{}
{1 0,4 high,2 0}
{ 3 1 , 2 ? }
"""


@pytest.fixture(scope="session")
def dense_text():
    return DENSE


@pytest.fixture(scope="session")
def sparse_text():
    return SPARSE


@pytest.fixture
def write_file(tmp_path):
    def write(content, name="file.arff"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def read_arff(write_file):
    """``load_arff`` for the text of a file."""

    def read(text, **kwargs):
        return load_arff(write_file(text), **kwargs)

    return read
