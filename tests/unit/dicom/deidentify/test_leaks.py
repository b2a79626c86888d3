"""Data sets of any shape never let a planted identity through: it is gone, or nothing is handed out."""

from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from calotype.dicom import dictionary
from calotype.dicom.deidentify.options import Option
from calotype.dicom.deidentify.table import rules
from calotype.dicom.deidentify.verify import IdentityLeft
from support.identities import EMPTYING, ct, data_set, deidentified

NAME, GIVEN, NUMBER, DAY = "Zyxwvut", "Qwertzui", "MRN-90210-X", "19830417"
PLANTED = (b"zyxwvut", b"qwertzui", b"mrn-90210", DAY.encode())

TEXT_TAGS = sorted(
    tag
    for tag in (int(name, 16) for name in rules() if name != "private" and "x" not in name)
    if tag >> 16 >= 8 and (entry := dictionary.lookup(tag)) and entry.vr in {"LO", "SH", "LT", "ST", "UT", "PN", "UC"}
)
KEPT_TAGS = [0x00181250, 0x00181251, 0x00189004, 0x00200060, 0x00204000 + 0x0A, 0x00289003, 0x00180022, 0x00321064]
TAGS = st.sampled_from([tag for tag in (*TEXT_TAGS, *KEPT_TAGS) if dictionary.lookup(tag)])
SEQUENCES = st.sampled_from(
    [0x00081140, 0x00081110, 0x0040A730, 0x00321064, 0x00540016, 0x52009229, 0x00400275, 0x00089092]
)
VALUES = st.sampled_from(
    [
        f"{NAME}^{GIVEN}", f"{GIVEN} {NAME}", NAME.upper(), f"for {NAME}", NUMBER, f"ID {NUMBER}", DAY, "1983-04-17",
        "harmless", "T1 AX",
    ]
)  # fmt: skip


def leaf(tag, value):
    vr = dictionary.vr_of(tag) if not tag >> 16 & 1 else "LO"
    return DataElement(tag, vr if vr in {"LO", "SH", "LT", "ST", "UT", "PN", "UC"} else "LO", value[:16])


@st.composite
def items(draw, depth=3):
    made = Dataset()
    for tag, value in draw(st.dictionaries(TAGS, VALUES, max_size=4)).items():
        made.add(leaf(tag, value))
    if draw(st.booleans()):
        made.add(DataElement(0x00290010, "LO", "SIEMENS MR HEADER"))
        made.add(DataElement(0x00291001, draw(st.sampled_from(["LO", "UN", "OB"])), draw(VALUES).encode()))
    if depth and draw(st.booleans()):
        for tag in draw(st.lists(SEQUENCES, max_size=2, unique=True)):
            made.add(DataElement(tag, "SQ", Sequence(draw(st.lists(items(depth=depth - 1), min_size=1, max_size=2)))))
    return made


OPTIONS = st.sets(
    st.sampled_from([each for each in Option if each not in {Option.CLEAN_PIXEL_DATA, Option.CLEAN_VISUAL_FEATURES}])
).map(lambda chosen: chosen - {Option.RETAIN_FULL_DATES} if Option.RETAIN_MODIFIED_DATES in chosen else chosen)


@given(
    items(),
    OPTIONS,
    st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]),
)
@settings(max_examples=150, deadline=None)
def test_planted_identity_never_leaks(planted, options, syntax):
    made = ct(PatientName=f"{NAME}^{GIVEN}", PatientID=NUMBER, PatientBirthDate=DAY)
    for element in planted:
        if element.tag not in made:
            made.add(element)
    before = data_set(made, syntax=syntax)
    try:
        out, _ = deidentified(before, *options, syntax=syntax, policy=EMPTYING)
    except IdentityLeft:
        return
    lowered = out.lower()
    assert not [secret for secret in PLANTED if secret in lowered]
