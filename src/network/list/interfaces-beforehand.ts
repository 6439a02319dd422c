/** Whether the network can be asked before the configuration is read: 60 ms that nobody has to wait for. */

import { findConfigFile } from '../../config/places.ts';
import { settings, variableOf } from '../../config/settings/index.ts';
import type { Flags } from '../../config/types.ts';
import { readSmallFileSync, textOf } from '../../config/small-file.ts';

/** The interfaces to ask on; undefined where only the configuration can say. */
export function interfacesBeforehand(
  { interfaces, config, cwd = process.cwd() }: Flags,
  env: NodeJS.ProcessEnv,
): readonly string[] | undefined {
  if (interfaces !== undefined) return interfaces;
  const variables = [settings.interfaces, settings.config].map(variableOf);
  if (config !== undefined || variables.some((each) => Boolean(env[each ?? '']))) return undefined;
  try {
    const found = findConfigFile(cwd, env);
    return found === undefined || saysNothing(found.file) ? [] : undefined;
  } catch {
    return undefined;
  }
}

/** A program may say anything; in data a key stands as it is, or with an escape character. */
function saysNothing(file: string): boolean {
  const content = readSmallFileSync(file);
  return !/\.[cm]?[jt]s$/.test(file) && content.type === 'read' && !/interfaces|\\/.test(textOf(content));
}
