import { join } from 'node:path';
import * as z from 'zod';
import type { AskContext } from '../ask.ts';
import type { BuildPlan } from '../plan.ts';
import type { SourcePaths } from '../source-paths.ts';
import type { BuildRequest } from '../types.ts';
import { askJson, findPio, interpreters } from './project.ts';

const list = z.array(z.string());
const answerSchema = z.object({
  firmware: list,
  libraries: list,
  filesystem: list,
  project: list,
  products: list,
});

/**
 * Run by PlatformIO's own Python, as `pioQuery` is: only its ProjectConfig knows all the ways in which these folders are
 * set. `lib_deps` counts where it names a folder of this machine; files that are linked in as they are count as well.
 */
const query = `
import sys
sys.path.pop(0)
import json, os, re
from platformio.project.config import ProjectConfig

def read(wanted):
    config = ProjectConfig.get_instance()

    def folder(name):
        return os.path.abspath(config.get("platformio", name))

    def option(environment, name):
        value = config.get("env:" + environment, name, None) or []
        return [value] if isinstance(value, str) else value

    def absolute(path):
        return os.path.abspath(os.path.expanduser(path))

    found = {"firmware": [folder(name) for name in ("src_dir", "include_dir")],
             "libraries": [folder("lib_dir")],
             "filesystem": [folder("data_dir")],
             "project": [absolute("platformio.ini"), folder("boards_dir")] + [absolute(path) for path in config._parsed],
             "products": [folder(name) for name in ("workspace_dir", "build_dir", "libdeps_dir")]}
    for environment in [wanted] if wanted in config.envs() else config.envs():
        found["libraries"] += [absolute(path) for path in option(environment, "lib_extra_dirs")]
        for dependency in option(environment, "lib_deps"):
            local = re.match(r"^(?:[^=:/]+=)?(?:file|symlink)://(.+)$", dependency.strip())
            if local:
                found["firmware"].append(absolute(local.group(1)))
            elif os.path.isdir(absolute(dependency)):
                found["firmware"].append(absolute(dependency))
        for script in option(environment, "extra_scripts"):
            found["project"].append(absolute(re.sub(r"^(pre|post):", "", script)))
        found["project"] += [absolute(path) for path in option(environment, "board_build.partitions")]
        for name in ("board_build.embed_files", "board_build.embed_txtfiles"):
            found["firmware"] += [absolute(path.strip()) for paths in option(environment, name)
                                  for path in paths.splitlines() if path.strip()]
        # What build_src_filter adds from elsewhere, up to its first wildcard.
        for rules in option(environment, "build_src_filter"):
            for rule in re.findall(r"\\+<([^>]+)>", rules):
                path = os.path.normpath(os.path.join(folder("src_dir"), re.split(r"[*?\\[]", rule)[0]))
                if not (path + os.sep).startswith(folder("src_dir") + os.sep):
                    found["firmware"].append(path)
    return {name: sorted(set(paths)) for name, paths in found.items()}

print(json.dumps(read(sys.argv[1])))
`;

export async function pioSources(
  request: BuildRequest,
  { environment = '' }: BuildPlan,
  context: AskContext,
): Promise<SourcePaths> {
  const { projectDir: cwd } = request;
  const pio = await findPio(context);
  for await (const python of interpreters(pio, cwd, context)) {
    const question = { file: python, args: ['-c', query, environment], cwd };
    const answer = await askJson(question, answerSchema, context);
    if (answer !== undefined) return answer;
  }
  return usualFolders(cwd);
}

/** Where PlatformIO's own Python cannot be asked. Pure. */
export function usualFolders(projectDir: string): SourcePaths {
  const at = (...names: string[]): string[] => names.map((name) => join(projectDir, name));
  return {
    firmware: at('src', 'include'),
    libraries: at('lib'),
    filesystem: at('data'),
    project: at('platformio.ini', 'boards'),
    products: at('.pio'),
  };
}
