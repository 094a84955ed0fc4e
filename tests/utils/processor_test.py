import pytest

from kgan.utils.processor import SETTING, prefer_onednn, processor_flags

OLD = {"sse4_2", "avx", "avx2", "fma"}


def test_an_older_processor_is_started_with_onednn():
    environment = {}
    assert prefer_onednn(environment, OLD, ())
    assert environment == {SETTING: "1"}


@pytest.mark.parametrize(
    ("environment", "flags", "imported"),
    [
        ({SETTING: "0"}, OLD, ()),  # the user's own
        ({SETTING: "1"}, OLD, ()),
        ({}, OLD | {"avx512f", "avx512_vnni"}, ()),  # TensorFlow does it by itself
        ({}, OLD | {"avx_vnni"}, ()),
        ({}, {"sse4_2", "avx"}, ()),
        ({}, frozenset(), ()),  # no Linux, or no x86
        ({}, OLD, ("keras", "tensorflow")),  # too late
    ],
)
def test_everything_else_stays_as_it_is(environment, flags, imported):
    before = dict(environment)
    assert not prefer_onednn(environment, flags, imported)
    assert environment == before


def test_flags_are_those_of_the_processor(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nflags\t\t: fpu avx2 fma\nbugs\t\t: spectre\nflags\t: other\n")
    assert {"fpu", "avx2", "fma"} <= processor_flags(str(file))
    assert "other" not in processor_flags(str(file))
    assert processor_flags(str(tmp_path / "none")) == frozenset()
