/** What init has written here, and how it goes away. */

import { join } from 'node:path';
import { otarcPy, ownFiles } from './hooks.ts';
import { textLines } from './lines.ts';
import { existingOf, projectKindOf, readTexts, type Surroundings } from './look.ts';
import { findArduinoFiles } from './look-arduino.ts';
import { secretsName } from './plan-config.ts';
import { iniName } from './plan-pio.ts';
import { planRemoval, usersOf } from './plan-removal.ts';
import type { InitPlan } from './types.ts';

interface RemoveRequest extends Surroundings {
  /** Absolute; links resolved. */
  readonly folder: string;
  readonly force: boolean;
}

export async function planToRemove({ folder, force, ...surroundings }: RemoveRequest): Promise<InitPlan> {
  const { isSketch } = await projectKindOf(folder);
  const names = [
    '.otarc',
    secretsName,
    '.gitignore',
    iniName,
    otarcPy.path,
    ...ownFiles.map(({ path }) => path),
  ];
  const { cores, network, isAsked } = isSketch
    ? await findArduinoFiles(folder, surroundings)
    : { cores: [], network: undefined, isAsked: true };
  const shared =
    network === undefined ? [] : ['platform.txt', 'boards.txt'].map((name) => join(network, name));
  const files = await readTexts([...names.map((name) => join(folder, name)), ...cores, ...shared]);
  const users = [...cores, ...shared].flatMap((path) =>
    usersOf(textLines(files.get(path) ?? '').map(({ text }) => text)),
  );
  const existing = await existingOf(users);
  const plan = planRemoval({ folder, files, cores, network, existing }, { force });
  const note =
    'arduino-cli is not on PATH: whether its boards still have a hook of this sketch was not looked at.';
  return isAsked ? plan : { ...plan, notes: [...plan.notes, note] };
}
