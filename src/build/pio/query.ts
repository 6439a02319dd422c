import * as z from 'zod';

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
import glob, json, os
from platformio.project.config import ProjectConfig

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

    def environment(name):
        found = {"name": name, "platform": option(name, "platform"), "mcu": mcu(name),
                 "filesystem": option(name, "board_build.filesystem")}
        return {key: value for key, value in found.items() if value is not None}

    return {"buildDir": os.path.abspath(config.get("platformio", "build_dir")),
            "defaultEnvironments": config.default_envs(),
            "environments": [environment(name) for name in config.envs()]}

try:
    print(json.dumps(read()))
except Exception as error:
    print(json.dumps({"error": str(error)}))
`;

/** `pio project config --json-output`: sections with their options, those of `extends` merged in. */
export const pioConfigSchema = z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.unknown()]))]));

/** `pio system info --json-output` */
export const pioSystemSchema = z.object({ python_exe: z.object({ value: z.string() }) });
