import { existsSync } from 'node:fs';
import { basename, isAbsolute, join, relative } from 'node:path';
import type { Sourced } from '../model/project-facts.ts';
import type { Found } from './places.ts';

/**
 * The folder that is built where nothing says which: from `src/` of a project it is the folder that the configuration
 * was found in, because neither build tool searches upward itself.
 */
export function defaultSketch(projectDir: string, found: Found | undefined): Sourced<string> {
  const working = { value: projectDir, origin: 'default: the working folder' };
  const folder = found?.projectFolder;
  if (found === undefined || folder === undefined || !isAbove(folder, projectDir)) return working;
  const own = projectFileIn(projectDir);
  if (own !== undefined) return { ...working, origin: `${working.origin}, which holds ${own}` };
  return { value: folder, origin: `default: the folder of ${found.file}` };
}

function isAbove(folder: string, other: string): boolean {
  const way = relative(folder, other);
  return way !== '' && way.split(/[\\/]/, 1)[0] !== '..' && !isAbsolute(way);
}

/** What one of the build tools takes a folder by. */
function projectFileIn(folder: string): string | undefined {
  const name = basename(folder);
  const files = ['platformio.ini', 'sketch.yaml', 'sketch.yml', `${name}.ino`, `${name}.pde`];
  return files.find((file) => existsSync(join(folder, file)));
}
