# SPDX-License-Identifier: BSD-3-Clause
"""Builds the package as for a release, and checks and uses it as a user would.

The wheel is built from the source distribution, so that this holds all that the wheel needs. Both
are kept in the folder that is named on the command line, if one is.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
BESIDE_THE_PACKAGE = {".gitignore", "LICENSE", "PKG-INFO", "README.rst", "pyproject.toml"}


def run(*command, folder=CHECKOUT, **options):
    return subprocess.run(command, cwd=folder, check=True, text=True, **options)


def files_of_package():
    """Names of the files of the package, which git has or would add."""
    command = "git ls-files --cached --others --exclude-standard skfakespot"
    return set(run(*command.split(), stdout=subprocess.PIPE).stdout.splitlines())


def names_in_source(archive):
    with tarfile.open(archive) as source:
        names = [member.name for member in source.getmembers() if member.isfile()]
    return {name.partition("/")[2] for name in names}


def names_in_wheel(archive):
    with zipfile.ZipFile(archive) as wheel:
        names = wheel.namelist()
    return {name for name in names if ".dist-info/" not in name}


def compare(archive, found, expected):
    """Exit with the names unless an archive has these files and no others."""
    print(f"{archive.name}: {len(found)} files, {archive.stat().st_size / 1e6:.2f} MB")
    if found != expected:
        missing, surplus = sorted(expected - found), sorted(found - expected)
        sys.exit(f"{archive.name}: missing files {missing}, surplus files {surplus}")


def install(wheel, folder):
    """Make an environment with the wheel and with the dependencies of this environment."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", code, stdout=subprocess.PIPE).stdout.strip())
    run(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel)
    # Only the packages are found there, not an editable installation of this checkout.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python, packages


def use(python, packages, folder):
    """Import the installed package in another folder, and train a detector with its program."""
    code = "import skfakespot; print(skfakespot.__file__, skfakespot.__version__)"
    printed = run(python, "-I", "-c", code, folder=folder, stdout=subprocess.PIPE).stdout
    if not printed.startswith(str(packages)):
        sys.exit(f"another package than the installed one was imported: {printed}")
    program = python.with_name("skfakespot" + python.suffix)
    run(program, "--help", folder=folder, stdout=subprocess.DEVNULL)
    run(program, "backbones", folder=folder)
    run(program, "demo", folder=folder)


def main(folders_to_keep):
    expected = files_of_package()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        run(sys.executable, "-m", "build", "--outdir", folder / "dist", CHECKOUT)
        (source,) = (folder / "dist").glob("*.tar.gz")
        (wheel,) = (folder / "dist").glob("*.whl")
        run(sys.executable, "-m", "twine", "check", "--strict", source, wheel)
        compare(source, names_in_source(source), expected | BESIDE_THE_PACKAGE)
        compare(wheel, names_in_wheel(wheel), expected)
        python, packages = install(wheel, folder / "environment")
        (folder / "elsewhere").mkdir()
        use(python, packages, folder / "elsewhere")
        for kept in folders_to_keep:
            shutil.copytree(folder / "dist", CHECKOUT / kept, dirs_exist_ok=True)


if __name__ == "__main__":
    main(sys.argv[1:])
