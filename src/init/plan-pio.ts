/** What becomes of `platformio.ini`, and of `otarc.py` beside it. Pure. */

import { basename, join } from 'node:path';
import { OtaError } from '../model/errors.ts';
import { otarcPy } from './hooks.ts';
import { brokenLineOf, sectionsOf } from './ini.ts';
import { environmentsOf, valueOf } from './ini-values.ts';
import { toBytesText, toReadableText } from './lines.ts';
import { withPioHooks } from './pio-hooks.ts';
import type { UploadNote } from './pio-upload.ts';
import { planOwnFile } from './plan-files.ts';
import { emptyPlan, type Choices, type ProjectSituation, type InitPlan, type Templates } from './types.ts';

export const iniName = 'platformio.ini';

/** @throws OtaError for a file that PlatformIO could not read either, or an environment that is not in it */
export function planPioFiles(facts: ProjectSituation, choices: Choices): InitPlan {
  const script = choices.hooks.includes('pio');
  const upload = choices.hooks.includes('upload');
  const path = join(facts.folder, iniName);
  const before = facts.files.get(path);
  if ((!script && !upload) || before === undefined) return emptyPlan;
  refuseBroken(path, before);
  const names = environmentsOf(sectionsOf(before)).map(toReadableText);
  if (names.length === 0) {
    return { ...emptyPlan, notes: [`${iniName} has no [env:…] of its own: nothing is added to it.`] };
  }
  const { environment, force } = choices;
  if (environment !== undefined && !names.includes(environment)) {
    throw new OtaError('USAGE', `${path} has no environment ${environment}.`, {
      hint: `There are: ${names.join(', ')}.`,
    });
  }
  const uploadCommand = uploadCommandOf(facts.templates);
  const { text, notes } = withPioHooks(before, { script, upload, environment, uploadCommand, force });
  const own = planOwnFile(facts, otarcPy, choices);
  return {
    ...own,
    // The ini names the script: it comes after it.
    edits: [...own.edits, ...(text === before ? [] : [{ path, before, after: text }])],
    notes: [...own.notes, ...notes.map(sentence)],
  };
}

function refuseBroken(path: string, text: string): void {
  const line = brokenLineOf(text);
  if (line === undefined) return;
  throw new OtaError(
    'CONFIG_INVALID',
    `${path}:${line} is no section, no option, or one that was there before.`,
    {
      hint: `PlatformIO cannot read the file either: fix the line, or leave its hooks out with --hook none.`,
      details: { file: path, line },
    },
  );
}

/** The one of the example, for whatever environment is built. */
function uploadCommandOf({ texts }: Templates): string {
  const example = toBytesText(texts['platformio/platformio.ini'] ?? '');
  const sections = sectionsOf(example);
  const command = environmentsOf(sections)
    .map((name) => valueOf(sections, `env:${name}`, ['upload_command']))
    .find((each) => each !== undefined);
  if (command === undefined) throw new Error(`${basename(iniName)} of the templates has no upload_command`);
  return command.replace(/ -e \S+/, ' -e $PIOENV');
}

function sentence({ environment, reason, because }: UploadNote): string {
  const stays = `${environment}: its Upload stays as it is`;
  const named = `otarc init -e ${environment} --hook upload changes it`;
  switch (reason) {
    case 'cable':
      return `${stays}, by cable (${because}); ${named}.`;
    case 'twin':
      return `${stays}, because ${because} is for uploads over the air; ${named}.`;
    case 'shared':
      return `${stays}, because ${because} takes its settings over, and goes by cable; ${named}.`;
    case 'espota':
      return because === ''
        ? `${stays}, with espota: the ini names no upload_port; ${named}.`
        : `${stays}, with espota: only that understands upload_port = ${because}, without .local.`;
    case 'own-command':
      return `${stays}: it has an upload_command of its own; --force replaces that.`;
    default:
      return reason satisfies never;
  }
}
