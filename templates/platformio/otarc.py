"""otarc in a PlatformIO project: builds with pio, deploys over the air.

Put this file beside platformio.ini, and add one line to the ini:

    [env]
    extra_scripts = post:otarc.py

Then `pio run -t TARGET`, or the tasks of the IDE, knows three more targets:

    ota        builds the firmware and pushes it
    otafs      builds the file-system image (the folder data/) and pushes it; it overwrites what the device has stored
    otawatch   deploys each time a source file is saved, until Ctrl-C

Which device, and its password, stand in the file .otarc. Where that says `hook: { pushOnBuild: true }`, every build that
makes a new firmware pushes it too, a plain `pio run` included.

Without editing the project: set the environment variable PLATFORMIO_EXTRA_SCRIPTS to the absolute path of this file.
For the Upload button: see upload_command in the example platformio.ini.
"""

import os
import shutil
import subprocess
import sys

MISSING = (
    "otarc is not installed: npm install --save-dev otarc (this project) or npm install --global otarc (everywhere). "
    "Node.js has to be on PATH."
)


def find_otarc(folder):
    """The command that starts otarc, as a list: that of the project, else that on PATH, else None."""
    node = shutil.which("node")
    on_path = shutil.which("otarc")
    packages = []
    while True:
        packages.append(os.path.join(folder, "node_modules", "otarc"))
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    if on_path and os.name == "nt":
        # There it is a batch file, and those read their arguments in their own way. The package lies near it.
        near = os.path.dirname(on_path)
        packages += [os.path.join(near, "node_modules", "otarc"), os.path.join(os.path.dirname(near), "otarc")]
    for package in packages:
        script = os.path.join(package, "dist", "cli.js")
        if node and os.path.isfile(script):
            return [node, script]
    return [on_path] if on_path else None


def run_otarc(folder, *args):
    """Starts otarc and waits for it. What it says is shown as it comes; a failure is any number but 0."""
    otarc = find_otarc(folder)
    if otarc is None:
        sys.stderr.write(MISSING + "\n")
        return 1
    # A list of arguments, no shell: spaces and letters of any language may stand in every path, on Windows too.
    return subprocess.call([*otarc, *args])


def steps_back():
    """Whether the hook after a build has nothing to do in this run: it pushes or uploads as its next step (`-t ota`, `-t upload`,
    …), it builds for `pio test` or `pio debug` (`__test`, `__debug`), or otarc itself has started it."""
    from SCons.Script import COMMAND_LINE_TARGETS

    own_way = ("ota", "upload", "erase_upload", "program", "__")
    return "OTARC_SESSION" in os.environ or any(target.startswith(own_way) for target in COMMAND_LINE_TARGETS)


def add_to_build(env):
    """Called by pio, once for each environment that it builds."""
    from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild

    if env.get("OTARC_ADDED"):
        return  # by the ini and by PLATFORMIO_EXTRA_SCRIPTS: once is enough
    env["OTARC_ADDED"] = True
    project = env.subst("$PROJECT_DIR")
    this = ["-C", project, "-e", env["PIOENV"]]
    firmware = os.path.join("$BUILD_DIR", "${PROGNAME}.bin")

    # The number that an action returns is what pio goes by: without `return`, a failed push would look like a success.
    def push(target, source, env):
        return run_otarc(project, "push", *this, "--file", source[0].get_abspath())

    def push_filesystem(target, source, env):
        if not source:
            sys.stderr.write("This platform is not known to make a file-system image: try `pio run -t uploadfs`.\n")
            return 1
        return run_otarc(project, "push", *this, "--filesystem", "--file", source[0].get_abspath())

    def watch(target, source, env):
        return run_otarc(project, "watch", *this)

    def push_if_wanted(target, source, env):
        if steps_back():
            return 0
        if find_otarc(project) is None:
            print("nothing is pushed: " + MISSING)
            return 0  # whoever builds this project without otarc can still build it
        return run_otarc(project, "push", "--hook", *this, "--file", target[0].get_abspath())

    def say(action, text):
        return env.VerboseAction(action, text)

    # Platforms know how to make a file-system image, but they get ready for it only when they see a target of theirs.
    filesystem = None
    if "otafs" in COMMAND_LINE_TARGETS and "DataToBin" in env["BUILDERS"]:
        names = [env.get(chip + "_FS_IMAGE_NAME") for chip in ("ESP8266", "ESP32", "PICO")]
        names.append(env.BoardConfig().get("build.filesystem", "spiffs"))
        name = next(name for name in names if name)
        filesystem = env.DataToBin(os.path.join("$BUILD_DIR", name), "$PROJECT_DATA_DIR")
        AlwaysBuild(filesystem)

    add = env.AddCustomTarget
    add("ota", firmware, say(push, "Pushing $SOURCE"), "OTA", "Build the firmware, push it over the air")
    add("otafs", filesystem, say(push_filesystem, "Pushing $SOURCE"), "OTA File System", "The same with the folder data")
    add("otawatch", None, say(watch, "Watching"), "OTA on Save", "Deploy over the air on each save")

    # After each build that made a new firmware. On the file, not on `buildprog`, which `-t upload` does not do. Always, and with
    # the same code: pio packs the firmware anew whenever what follows it has changed.
    env.AddPostAction(firmware, env.Action(push_if_wanted, None))  # None: says nothing of its own


if __name__ == "__main__":
    # `python otarc.py push …` is `otarc push …`, wherever otarc is installed. Ctrl-C is for otarc to handle.
    import signal

    signal.signal(signal.SIGINT, lambda *_: None)
    sys.exit(run_otarc(os.getcwd(), *sys.argv[1:]))
else:
    Import("env")  # noqa: F821, a word that pio brings along
    add_to_build(env)  # noqa: F821
