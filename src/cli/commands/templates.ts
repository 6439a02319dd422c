/** `otarc templates [name]`: where the files lie that a project may copy. The path alone is on stdout, for `cp`. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { templatesFolder } from '../../init/look.ts';
import { OtaError } from '../../model/errors.ts';
import { printLine } from '../terminal/print.ts';
import type { Io } from './io.ts';

/** What each folder is for. */
const folders: Readonly<Record<string, string>> = {
  sketches: 'a sketch for each kind of device, and otarc.h, with which a sketch says what it runs',
  platformio: 'the extra script, and the lines of platformio.ini',
  'arduino-cli': 'platform.local.txt, boards.local.txt, compile scripts',
  make: 'a Makefile',
  npm: 'scripts of a package.json',
  vscode: 'tasks.json',
  github: 'a workflow',
  homeding: 'the batch file of a HomeDing project',
};

/** @throws {OtaError} `USAGE` for a template that does not exist */
export async function templatesCommand(name: string | undefined, io: Io): Promise<number> {
  const folder = await templatesFolder();
  if (name === undefined) {
    printLine(io.stdout, folder);
    for (const [each, about] of Object.entries(folders))
      printLine(io.stderr, `  ${each.padEnd(11)}  ${about}`);
    return 0;
  }
  const path = join(folder, ...name.split(/[\\/]/).filter((part) => part !== '..'));
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    throw new OtaError('USAGE', `There is no template "${name}".`, {
      hint: `Choose one of ${Object.keys(folders).join(', ')}, or a file in one, such as sketches/otarc.h.`,
    });
  }
  printLine(io.stdout, path);
  return 0;
}
