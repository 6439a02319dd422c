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

import glob
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
    return bool(os.environ.get("OTARC_SESSION")) or any(target.startswith(own_way) for target in COMMAND_LINE_TARGETS)


def asks_for_push(folder):
    """Whether a configuration of this very folder names the setting. Only otarc reads it rightly; this is for when otarc is
    missing: who does not use it hears nothing of it."""
    names = (".otarc", ".otarc.*", "otarc.config.*", os.path.join(".config", "otarc*"), "package.json")
    for path in (path for name in names for path in glob.glob(os.path.join(glob.escape(folder), name))):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                if "pushOnBuild" in file.read():
                    return True
        except OSError:
            pass  # a folder, or not for us to read
    return False


def add_to_build(env):
    """Called by pio, once for each environment that it builds."""
    if env.get("OTARC_ADDED"):
        return  # by the ini and by PLATFORMIO_EXTRA_SCRIPTS: once is enough
    env["OTARC_ADDED"] = True
    project = env.subst("$PROJECT_DIR")
    this = ["-C", project, "-e", env["PIOENV"]]
    firmware = os.path.join("$BUILD_DIR", "${PROGNAME}.bin")

    # The number that an action returns is what pio goes by: without `return`, a failed push would look like a success.
    def push(target, source, env):
        return run_otarc(project, "push", *this, "--file", source[0].get_abspath())

    # The image is made by another pio: platforms get ready for it, and install what makes it, only where they see a target of
    # theirs. Not by `otarc deploy -e …`, which gives the only device whatever is named; a file made for another environment
    # than the device's is not pushed.
    def push_filesystem(target, source, env):
        build = [env.subst("$PYTHONEXE"), "-m", "platformio", "run", "-d", project, "-c", env.subst("$PROJECT_CONFIG")]
        made = subprocess.call(
            [*build, "-e", env["PIOENV"], "-t", "buildfs"], env={**os.environ, "OTARC_SESSION": str(os.getpid())}
        )
        if made != 0:
            return made
        names = [env.get(chip + "_FS_IMAGE_NAME") for chip in ("ESP8266", "ESP32", "PICO")]
        names.append(env.BoardConfig().get("build.filesystem", "spiffs"))
        image = os.path.join("$BUILD_DIR", next(name for name in names if name) + ".bin")
        return run_otarc(project, "push", *this, "--filesystem", "--file", env.subst(image))

    def watch(target, source, env):
        return run_otarc(project, "watch", *this)

    def push_if_wanted(target, source, env):
        if steps_back():
            return 0
        if find_otarc(project) is None:
            if asks_for_push(project):
                sys.stderr.write("nothing is pushed: " + MISSING + "\n")  # stderr: `pio run -s` drops what goes to stdout
            return 0  # whoever builds this project without otarc can still build it
        return run_otarc(project, "push", "--hook", *this, "--file", target[0].get_abspath())

    def say(action, text):
        return env.VerboseAction(action, text)

    add = env.AddCustomTarget
    add("ota", firmware, say(push, "Pushing $SOURCE"), "OTA", "Build the firmware, push it over the air")
    add("otafs", None, say(push_filesystem, "Pushing the file system"), "OTA File System", "The same with the folder data")
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
