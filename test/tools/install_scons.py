"""install_scons.py FOLDER: the SCons that this PlatformIO asks for, from PyPI, dressed as PlatformIO's package tool-scons.

Without a .piopm that names the owner `platformio`, pio takes the package for another one and goes to its registry.
"""

import json
import os
import subprocess
import sys

from platformio.dependencies import get_core_dependencies

folder = sys.argv[1]
version = get_core_dependencies()["tool-scons"].lstrip("~^=")  # 4.41101.0: SCons 4.11.1
digits = version.split(".")[1]
scons = ".".join(str(int(part)) for part in (digits[:-4], digits[-4:-2], digits[-2:]))

os.makedirs(folder, exist_ok=True)
subprocess.check_call([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, f"SCons=={scons}"])


def write(name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


spec = {"owner": "platformio", "id": None, "name": "tool-scons", "requirements": None, "uri": None}
write("scons.py", "import sys\nfrom SCons.Script.Main import main\n\nsys.exit(main())\n")
write("package.json", json.dumps({"name": "tool-scons", "version": version}))
write(".piopm", json.dumps({"type": "tool", "name": "tool-scons", "version": version, "spec": spec}))
