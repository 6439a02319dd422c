/** Templates that become files of the project as they are. Pure. */

import { dirname, join } from 'node:path';
import { passwordVariable } from '../model/secret.ts';
import { hookNames, ownFiles, type OwnFile } from './hooks.ts';
import { toBytesText } from './lines.ts';
import { stampOf, withStamp } from './stamp.ts';
import { emptyPlan, type Choices, type ProjectSituation, type InitPlan } from './types.ts';

export function planFiles(facts: ProjectSituation, choices: Choices): InitPlan {
  const plans = ownFiles
    .filter(({ hook }) => choices.hooks.includes(hook))
    .map((file) => planOwnFile(facts, file, choices));
  return mergePlans(plans);
}

/** One file: new, renewed where it is still as init made it, in the way where it is somebody else's. */
export function planOwnFile(facts: ProjectSituation, file: OwnFile, choices: Choices): InitPlan {
  const path = join(facts.folder, file.path);
  const text = filled(file, facts, choices);
  const before = facts.files.get(path);
  const stamp = before === undefined ? undefined : stampOf(before);
  const after = withStamp(
    text,
    file.style,
    before === undefined ? missingFolders(facts, path) : stamp?.madeFolders,
  );
  const plan: InitPlan = { ...emptyPlan, edits: [{ path, before, after, isCopy: true }] };
  if (before === undefined) return plan;
  if (before === text || before === after) return emptyPlan;
  if (stamp?.unchanged === true || choices.force) return plan;
  if (stamp !== undefined) {
    return { ...emptyPlan, notes: [`${file.path} was changed since, and is kept; --force renews it.`] };
  }
  const template = join(facts.templates.folder, ...file.template.split('/'));
  const words = `${path} is there already: ${file.instead} ${template}`;
  return { ...emptyPlan, conflicts: [words] };
}

function filled({ hook, template }: OwnFile, facts: ProjectSituation, choices: Choices): string {
  const text = facts.templates.texts[template] ?? '';
  if (hook === 'npm' && choices.tool === 'arduino-cli') {
    return toBytesText(text.replace('"pio run"', '"arduino-cli compile"'));
  }
  if (hook !== 'github') return toBytesText(text);
  const names = [...facts.configured.devices, ...choices.devices].map(({ name }) => passwordVariable(name));
  if (names.length === 0) return toBytesText(text);
  return toBytesText(
    text.replace(/^( *)OTARC_PASSWORD_LIVINGROOM: .*$/m, (_, indent: string) =>
      [...new Set(names)].map((name) => `${indent}${name}: \${{ secrets.${name} }}`).join('\n'),
    ),
  );
}

/** How many of the folders that a file lies in are not there yet. */
export function missingFolders({ existing }: ProjectSituation, path: string): number {
  let count = 0;
  for (
    let folder = dirname(path);
    !existing.has(folder) && dirname(folder) !== folder;
    folder = dirname(folder)
  ) {
    count += 1;
  }
  return count;
}

export function mergePlans(plans: readonly InitPlan[]): InitPlan {
  return {
    edits: plans.flatMap(({ edits }) => edits),
    notes: plans.flatMap(({ notes }) => notes),
    conflicts: plans.flatMap(({ conflicts }) => conflicts),
    proposals: plans.flatMap(({ proposals }) => proposals),
  };
}

export const isHookName = (name: string): name is (typeof hookNames)[number] =>
  hookNames.some((each) => each === name);
