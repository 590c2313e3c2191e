# SPDX-License-Identifier: BSD-3-Clause
"""Readers of face data sets, and checks of a data set and its split."""

from ..model_selection import LeaveOneGeneratorOut
from ._audit import FormatAudit, SuspectDataWarning, format_audit
from ._celeb_df import load_celeb_df
from ._celeba import load_celeba
from ._demo import load_demo_faces
from ._dfdc import load_dfdc
from ._faceforensics import load_faceforensics
from ._ffhq import load_ffhq
from ._folders import load_face_folders
from ._leakage import LeakageReport, LeakedPair, check_leakage
from ._listing import IncompleteDatasetWarning, list_images

__all__ = [
    "FormatAudit",
    "IncompleteDatasetWarning",
    "LeakageReport",
    "LeakedPair",
    "LeaveOneGeneratorOut",
    "SuspectDataWarning",
    "check_leakage",
    "format_audit",
    "list_images",
    "load_celeb_df",
    "load_celeba",
    "load_demo_faces",
    "load_dfdc",
    "load_face_folders",
    "load_faceforensics",
    "load_ffhq",
]
