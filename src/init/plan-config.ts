/** What becomes of `.otarc`, `.otarc.env` and `.gitignore`. Pure. */

import { dirname, join, relative, sep } from 'node:path';
import ignore from 'ignore';
import { blocksOf, withBlock, withoutBlock } from './block.ts';
import { isSameDevice, suggestedVariable } from './device-choice.ts';
import { envLine, valuesOf } from './env-file.ts';
import { toBytesText, toReadableText } from './lines.ts';
import { deviceLines, otarcText, passwordOf } from './otarc-file.ts';
import { passwordVariable } from '../model/secret.ts';
import { stampOf, withStamp, withoutStamp } from './stamp.ts';
import {
  emptyPlan,
  type Choices,
  type ConfiguredDevice,
  type DeviceChoice,
  type ProjectSituation,
  type FileEdit,
  type InitPlan,
} from './types.ts';
import { temporaryFolder } from './temporary.ts';
import { withDevice } from './yaml-edit.ts';

export const secretsName = '.otarc.env';

export function planConfig(facts: ProjectSituation, choices: Choices): InitPlan {
  const config = planFile(facts, choices);
  const secrets = planSecrets(facts, choices, config.edits.length > 0);
  // Also where the user will make that file: told to put the password there.
  const isWanted = choices.devices.some((device) => passwordOf(device, choices.password).type !== 'none');
  const isThere = facts.files.has(join(facts.folder, secretsName));
  const ignored = isWanted || isThere || secrets.edits.length > 0 ? planIgnore(facts) : [];
  return {
    // The secret is ignored before it is there.
    edits: [...ignored, ...secrets.edits, ...config.edits],
    notes: [...config.notes, ...secrets.notes],
    conflicts: secrets.conflicts,
    proposals: config.proposals,
  };
}

function planFile(facts: ProjectSituation, choices: Choices): InitPlan {
  const { configured, folder } = facts;
  const path = join(folder, '.otarc');
  const text = facts.files.get(path);
  const known = configured.devices;
  const missing = choices.devices.filter((device) => !known.some((each) => isSameDevice(each, device)));
  const build = buildSettings(facts, choices);
  const isNeeded = missing.length > 0 || Object.keys(build).length > 0;
  const isSaidElsewhere = configured.file === undefined && known.length > 0;
  const devices = isSaidElsewhere ? missing : choices.devices;
  const content = { devices, password: choices.password, build, isSaidElsewhere };
  const written = (): InitPlan => ({
    ...emptyPlan,
    edits: [{ path, before: text, after: withStamp(toBytesText(otarcText(content)), '#') }],
  });

  if (configured.file === undefined) {
    // A project that names its devices itself needs no other file, unless there is more to say.
    if (known.length > 0 && !isNeeded) return emptyPlan;
    return text === undefined ? written() : emptyPlan;
  }
  if (!configured.isHere) {
    if (missing.length === 0)
      return { ...emptyPlan, notes: [`${configured.file} holds for this folder too.`] };
    const note = `In this folder .otarc takes the place of ${configured.file}.`;
    return { ...written(), notes: [note] };
  }
  if (!isNeeded) return emptyPlan;
  const isOurs = text !== undefined && configured.file === path && stampOf(text)?.unchanged === true;
  if (isOurs && known.length === 0) return written();
  const isOnlyDevices = missing.length > 0 && Object.keys(build).length === 0;
  const isAllowed = choices.force || (isOurs && isOnlyDevices);
  if (isAllowed && configured.file === path && text !== undefined) {
    const edited = withDevices(toReadableText(isOurs ? withoutStamp(text) : text), missing, choices);
    if (edited !== undefined) {
      const bytes = toBytesText(edited);
      const after = isOurs ? withStamp(bytes, '#') : bytes;
      return { ...emptyPlan, edits: [{ path, before: text, after }] };
    }
  }
  const lines = missing.flatMap((device) => deviceLines(device, passwordOf(device, choices.password)));
  const settings = Object.entries(build).map(([name, value]) => `  ${name}: ${value}`);
  const proposal = [
    ...(lines.length > 0 ? ['devices:', ...lines] : []),
    ...(settings.length > 0 ? ['build:', ...settings] : []),
  ];
  return { ...emptyPlan, proposals: [{ file: configured.file, text: proposal.join('\n') }] };
}

function withDevices(
  text: string,
  devices: readonly DeviceChoice[],
  { password }: Choices,
): string | undefined {
  return devices.reduce<string | undefined>(
    (result, device) => (result === undefined ? undefined : withDevice(result, device, password)),
    text,
  );
}

/** What the tool's own files and the configuration do not say already. */
function buildSettings(
  { configured, isPio, isSketch }: ProjectSituation,
  choices: Choices,
): Record<string, string> {
  const { tool, environment, fqbn } = choices;
  return {
    ...(isPio && isSketch && tool !== undefined && configured.tool !== tool && { tool }),
    ...(environment !== undefined && configured.environment !== environment && { environment }),
    ...(fqbn !== undefined && configured.fqbn !== fqbn && { fqbn }),
  };
}

function planSecrets(facts: ProjectSituation, choices: Choices, writesFile: boolean): InitPlan {
  const { password, devices } = choices;
  if (password.type !== 'stored') return emptyPlan;
  const { configured } = facts;
  if (configured.file !== undefined && !configured.isHere && !writesFile) {
    const words = `${configured.file} holds here: the password is stored beside it, by otarc init -C ${dirname(configured.file)}`;
    return { ...emptyPlan, conflicts: [words] };
  }
  const path = join(facts.folder, secretsName);
  const before = facts.files.get(path);
  const block = blocksOf(before ?? '')[0];
  const others = block === undefined ? (before ?? '') : (withoutBlock(before ?? '', block) ?? '');
  const theirs = valuesOf(toReadableText(others));
  const ours = valuesOf(toReadableText(block?.lines.join('\n') ?? ''));
  const wanted = variablesFor(devices, configured.devices);
  if (wanted.length === 0) {
    return {
      ...emptyPlan,
      conflicts: ['No device is known that this password could be for: name it with --device.'],
    };
  }
  const value = password.secret.reveal();
  const changed = wanted.filter((name) => (theirs[name] ?? ours[name]) !== value);
  if (changed.length === 0) return emptyPlan;
  const taken = changed.filter((name) => theirs[name] !== undefined);
  if (taken.length > 0) {
    const words = `${path} sets ${taken.join(', ')} already: change it there.`;
    return { ...emptyPlan, conflicts: [words] };
  }
  const kept = (block?.lines ?? []).filter((line) => !wanted.some((name) => line.startsWith(`${name}=`)));
  const lines = [...kept, ...wanted.map((name) => toBytesText(envLine(name, value)))];
  const madeFile = block?.madeFile ?? before === undefined;
  const edit: FileEdit = {
    path,
    before,
    after: withBlock(others, lines, { madeFile }),
    mode: 0o600,
    isSecret: true,
  };
  return { ...emptyPlan, edits: [edit] };
}

/** The variables that the configuration will look into. */
function variablesFor(devices: readonly DeviceChoice[], configured: readonly ConfiguredDevice[]): string[] {
  const open = configured.filter(({ variable, hasPassword }) => variable !== undefined || !hasPassword);
  const names = (devices.length > 0 ? devices : open).map((device) => {
    const known = configured.find((each) => isSameDevice(each, device));
    if (known === undefined) return suggestedVariable(device.name);
    // A device that is written down without a password is found by the variable of its name.
    const isOwn = known.variable !== undefined && known.variable !== 'OTARC_PASSWORD';
    return isOwn ? known.variable : passwordVariable(known.name);
  });
  return [...new Set(names)];
}

/** Beside the line in .gitignore: the secrets are not init's, nor is it for init to say whether git gets them. */
export const wasThere = `# ${secretsName} was there before.`;

/** One more line, where git would take the secrets; a folder that is no repository yet may become one. */
function planIgnore(facts: ProjectSituation): FileEdit[] {
  const path = join(facts.folder, '.gitignore');
  const before = facts.files.get(path);
  if (isIgnored(facts)) return [];
  const secrets = facts.files.get(join(facts.folder, secretsName));
  const isOld = secrets !== undefined && blocksOf(secrets)[0]?.madeFile !== true;
  const lines = [...(isOld ? [wasThere] : []), secretsName];
  return [{ path, before, after: withBlock(before ?? '', lines, { madeFile: before === undefined }) }];
}

function isIgnored({ ignoring, folder }: ProjectSituation): boolean {
  return ignoring.some((file) => {
    const rules = ignore().add(toReadableText(file.text));
    // A line `/.otarc.env` does not cover the place where the file is written first.
    return [secretsName, join(`${temporaryFolder}0`, secretsName)].every((name) =>
      rules.ignores(relative(file.folder, join(folder, name)).replaceAll(sep, '/')),
    );
  });
}
