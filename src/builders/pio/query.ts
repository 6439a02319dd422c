import * as z from 'zod';
import { Secret } from '../../model/secret.ts';

/** The upload settings of an environment. The flags hold the password: they are wrapped before anybody sees them. */
const pioUploadSchema = z.object({
  protocol: z.string().optional(),
  port: z.string().optional(),
  flags: z.array(z.string().transform((text) => new Secret(text))).optional(),
  /** File and section in which port and flags stand: `platformio.ini [common]`. */
  portAt: z.string().optional(),
  flagsAt: z.string().optional(),
  /** Why some of it is missing. */
  problems: z.array(z.string()).optional(),
});

/** What a build needs to know of a project; `buildDir` is absolute. */
const pioProjectSchema = z.object({
  buildDir: z.string(),
  defaultEnvironments: z.array(z.string()),
  environments: z.array(
    z.object({
      name: z.string(),
      platform: z.string().optional(),
      /** `build.mcu` of the board. */
      mcu: z.string().optional(),
      /** `board_build.filesystem`, where the project sets it. */
      filesystem: z.string().optional(),
      upload: pioUploadSchema.optional(),
      /** Why the build's part of it cannot be read; the other environments still can. */
      problem: z.string().optional(),
    }),
  ),
});
export type PioProject = z.infer<typeof pioProjectSchema>;
export type PioEnvironment = PioProject['environments'][number];

export const pioAnswerSchema = z.union([z.object({ error: z.string() }), pioProjectSchema]);

/**
 * Run by PlatformIO's own Python in the project folder: its ProjectConfig knows of `extends`, `extra_configs` and every
 * PLATFORMIO_ variable, takes 0.06 s and writes nothing (`pio project metadata` may delete the built firmware).
 * The first line keeps a `json.py` in the project folder from being taken for Python's.
 */
export const pioQuery = `
import sys
sys.path.pop(0)
import configparser, glob, json, os
from platformio.project.config import ProjectConfig

def words(error):
    # Some of the parser's own messages quote the line, and with it a password.
    for cause in (error, error.__cause__, error.__context__):
        if isinstance(cause, configparser.InterpolationError):
            return "%s in [%s]: a %% has to be written as %%%%" % (cause.option, cause.section)
        if isinstance(cause, configparser.MissingSectionHeaderError):
            return "%s, line %s: no section begins above it" % (os.path.basename(cause.source), cause.lineno)
        if isinstance(cause, configparser.ParsingError):
            lines = ", ".join(str(line) for line, _ in cause.errors)
            return "%s, line %s: not understood" % (os.path.basename(cause.source), lines)
    return str(error)

def read():
    config = ProjectConfig.get_instance()

    def option(name, key):
        value = config.get("env:" + name, key, None)
        return value if isinstance(value, str) and value else None

    def mcu(name):
        board = option(name, "board")
        if option(name, "board_build.mcu") or not board:
            return option(name, "board_build.mcu")
        platforms = glob.escape(config.get("platformio", "platforms_dir"))
        folders = [glob.escape(config.get("platformio", "boards_dir")), os.path.join(platforms, "*", "boards")]
        for folder in folders:
            for path in sorted(glob.glob(os.path.join(folder, glob.escape(board) + ".json"))):
                with open(path, encoding="utf-8") as file:
                    return json.load(file).get("build", {}).get("mcu")

    def place(section, key):
        file = "platformio.ini"
        for path in getattr(config, "_parsed", []):
            parser = configparser.RawConfigParser(strict=False)
            parser.read(path, "utf-8")
            if parser.has_option(section, key):
                file = os.path.basename(path)
        return "%s [%s]" % (file, section)

    def upload(name):
        found = {"problems": []}
        for key in ("protocol", "port", "flags"):
            try:
                found[key] = config.get("env:" + name, "upload_" + key, None)
                at = [section for section, option in config.walk_options("env:" + name) if option == "upload_" + key]
                if at and key != "protocol":
                    found[key + "At"] = place(at[0], "upload_" + key)
            except Exception as error:
                found["problems"].append(words(error))
        return filled(found)

    def filled(found):
        return {key: value for key, value in found.items() if value not in (None, "", [], {})}

    def environment(name):
        found = {"name": name, "upload": upload(name)}
        try:
            found.update({"platform": option(name, "platform"), "mcu": mcu(name),
                          "filesystem": option(name, "board_build.filesystem")})
        except Exception as error:
            found["problem"] = words(error)
        return filled(found)

    return {"buildDir": os.path.abspath(config.get("platformio", "build_dir")),
            "defaultEnvironments": config.default_envs(),
            "environments": [environment(name) for name in config.envs()]}

try:
    print(json.dumps(read()))
except Exception as error:
    print(json.dumps({"error": words(error)}))
`;

/** `pio project config --json-output`: sections with their options, those of `extends` merged in. */
export const pioConfigSchema = z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.unknown()]))]));

/** `pio system info --json-output` */
export const pioSystemSchema = z.object({ python_exe: z.object({ value: z.string() }) });
