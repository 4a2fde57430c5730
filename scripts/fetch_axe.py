"""Fetch axe-core for the tests that look for what keeps people from reading the page.

npm gets the package from whatever registry it is set up with; what comes must be the pinned version
by its checksum. Nothing of it is part of pellucid.
"""

import argparse
import base64
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.14.1"
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
MEMBER = "package/axe.min.js"


def main() -> int:
    """Write `axe.min.js` into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", f"axe-core@{VERSION}", "--silent", "--pack-destination", place]
        try:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"axe-core {VERSION} could not be fetched with npm: {error}", file=sys.stderr)
            return 1
        packed = next(Path(place).glob("*.tgz")).read_bytes()
    found = base64.b64encode(hashlib.sha512(packed).digest()).decode()
    if found != SHA512:
        print(f"axe-core {VERSION} is not what was pinned: {found}", file=sys.stderr)
        return 1
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "axe.min.js").write_bytes(member.read())
    return 0


if __name__ == "__main__":
    sys.exit(main())
