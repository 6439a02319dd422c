/** Folder, network and answers → what is to be written. */

import { dirname, join, resolve } from 'node:path';
import { findSketchFile } from '../builders/arduino-cli/sketch-file.ts';
import { resolveCredential } from '../config/index.ts';
import type { FoundDevice } from '../model/announcement.ts';
import type { BrowseOptions } from '../network/types.ts';
import { OtaError } from '../model/errors.ts';
import { scriptOf } from './arduino-command.ts';
import { chosenDevices, chosenHooks, defaultChoices, type Seen, type Wishes } from './choose.ts';
import { otarcPy, ownFiles, type HookName } from './hooks.ts';
import {
  existingOf,
  projectKindOf,
  readConfigured,
  readIgnoring,
  readInstallation,
  readTemplates,
  readTexts,
  scan,
  upward,
} from './look.ts';
import { lookAtArduino } from './look-arduino.ts';
import { nextSteps } from './next.ts';
import { localName, networkFolder, planArduino } from './plan-arduino.ts';
import { planConfig, secretsName } from './plan-config.ts';
import { mergePlans, planFiles } from './plan-files.ts';
import { iniName, planPioFiles } from './plan-pio.ts';
import type { ArduinoFacts, Choices, ProjectSituation, PasswordChoice, InitPlan } from './types.ts';

export interface AddRequest {
  /** Absolute; links resolved. */
  readonly folder: string;
  readonly wishes: Wishes;
  /** As typed, and the folder that it is relative to. */
  readonly passwordFile: string | undefined;
  readonly cwd: string;
  /** For mDNS, where flags say so. */
  readonly interfaces?: readonly string[] | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
  /** Absent: the network is left alone. */
  readonly browse: ((options: BrowseOptions) => Promise<void>) | undefined;
  /** Absent: nobody is asked. */
  readonly ask: ((seen: Seen, password: PasswordChoice | undefined) => Promise<Choices>) | undefined;
  readonly onWait: (message: string) => void;
}

export interface Planned {
  readonly plan: InitPlan;
  /** What to do next, one line each. */
  readonly next: readonly string[];
}

/** @throws OtaError USAGE, CONFIG_INVALID, CONFIG_UNREADABLE, SECRET_UNAVAILABLE, CANCELLED */
export async function planToAdd(request: AddRequest): Promise<Planned> {
  const { folder, wishes, env, signal, ask } = request;
  const kind = await projectKindOf(folder);
  chosenHooks(wishes.hooks, kind);
  const { config, configured } = await readConfigured(
    { folder, interfaces: request.interfaces },
    { env, signal },
  );
  const unseen: Seen = { ...kind, configured, found: [] };
  chosenDevices(wishes, unseen);
  const password = await readPassword(request, config.adHoc.device);
  const { found, problems } = await lookAround(request, unseen, config.adHoc.device.interfaces);
  const seen: Seen = { ...unseen, found };
  const choices = await (ask?.(seen, password) ?? defaultChoices(wishes, seen, password));
  const facts = await gatherFacts(request, seen, choices);
  const plan = mergePlans([
    planConfig(facts, choices),
    planFiles(facts, choices),
    planPioFiles(facts, choices),
    planArduino(facts, choices),
  ]);
  const isUnasked = ask === undefined && wishes.devices.length === 0 && configured.devices.length === 0;
  const notes = [
    ...problems,
    ...(kind.isPio && kind.isSketch
      ? [`This folder is a project of both tools: ${choices.tool ?? ''} is taken.`]
      : []),
    ...(isUnasked && found.length > 0 ? [foundText(found)] : []),
    ...(!kind.isPio && !kind.isSketch ? [nothingHere(facts)] : []),
  ];
  return { plan: { ...plan, notes: [...notes, ...plan.notes] }, next: nextSteps(facts, choices, plan) };
}

async function readPassword(
  { passwordFile, cwd, env, stdin, signal }: AddRequest,
  device: Parameters<typeof resolveCredential>[0] extends infer D ? Omit<D, 'name' | 'host'> : never,
): Promise<PasswordChoice | undefined> {
  if (passwordFile === undefined) return undefined;
  const credentialSource =
    passwordFile === '-'
      ? ({ type: 'stdin' } as const)
      : ({ type: 'file', path: resolve(cwd, passwordFile) } as const);
  const named = { ...device, name: 'the device', host: '', credentialSource };
  const credential = await resolveCredential(named, { env, stdin, signal });
  return credential.type === 'password' ? { type: 'stored', secret: credential.secret } : { type: 'none' };
}

/** The network is looked at only where something is to be learned from it. */
async function lookAround(
  { browse, wishes, onWait, env, signal }: AddRequest,
  seen: Seen,
  interfaces: readonly string[],
): Promise<{ found: readonly FoundDevice[]; problems: readonly string[] }> {
  const isKnown = wishes.devices.length === 0 && seen.configured.devices.length > 0;
  if (browse === undefined || isKnown) return { found: [], problems: [] };
  onWait('Listening for devices that announce themselves …');
  const isEnough = (found: readonly FoundDevice[]): boolean =>
    wishes.devices.length > 0 &&
    chosenDevices(wishes, { ...seen, found }).every(({ authRequired }) => authRequired !== undefined);
  return scan({ browse, interfaces, isEnough, env, signal });
}

async function gatherFacts(request: AddRequest, seen: Seen, choices: Choices): Promise<ProjectSituation> {
  const { folder, env, signal } = request;
  const { hooks } = choices;
  const sketch = seen.isSketch ? await findSketchFile(folder) : undefined;
  const arduino = hooks.includes('arduino')
    ? await lookAtArduino({
        folder,
        fqbn: choices.fqbn ?? seen.configured.fqbn ?? sketch?.fqbn?.value,
        platforms: choices.devices.flatMap(({ platform }) => platform ?? []),
        env,
        signal,
      })
    : undefined;
  const shared = arduinoFiles(arduino);
  const own = filesOf(hooks).map((name) => join(folder, name));
  const [files, ignoring, templates, installation] = await Promise.all([
    readTexts([...own, ...shared]),
    readIgnoring(folder),
    readTemplates(templateNames),
    readInstallation(folder, env),
  ]);
  const scripts = shared.flatMap((path) => scriptOf((files.get(path) ?? '').split(/\r?\n/)) ?? []);
  const folders = [...own, ...shared].flatMap((path) => [...upward(dirname(path))]);
  const existing = await existingOf([...new Set([...folders, ...scripts])]);
  const { isPio, isSketch, configured } = seen;
  return {
    folder,
    isPio,
    isSketch,
    configured,
    files,
    existing,
    ignoring,
    arduino,
    sketchBoard: (sketch?.fqbn ?? sketch?.profile)?.value,
    templates,
    installation,
  };
}

/** Relative to the project. */
function filesOf(hooks: readonly HookName[]): string[] {
  const isPio = hooks.includes('pio') || hooks.includes('upload');
  return [
    '.otarc',
    secretsName,
    '.gitignore',
    ...(isPio ? [iniName, otarcPy.path] : []),
    ...ownFiles.filter(({ hook }) => hooks.includes(hook)).map(({ path }) => path),
  ];
}

function arduinoFiles(arduino: ArduinoFacts | undefined): string[] {
  if (arduino?.core === undefined) return [];
  const network = join(arduino.sketchbook, networkFolder);
  return [join(arduino.core.folder, localName), join(network, 'platform.txt'), join(network, 'boards.txt')];
}

const templateNames = [
  'platformio/platformio.ini',
  'arduino-cli/platform.local.txt',
  'arduino-cli/hardware/otarc/network/platform.txt',
  'arduino-cli/hardware/otarc/network/boards.txt',
  otarcPy.template,
  ...ownFiles.map(({ template }) => template),
];

const mostNames = 20;

function foundText(found: readonly FoundDevice[]): string {
  const names = found.slice(0, mostNames).map(({ name, addresses }) => `${name} (${addresses[0] ?? ''})`);
  const more = found.length > mostNames ? ` and ${found.length - mostNames} more` : '';
  return `Found on the network: ${names.join(', ')}${more}. None is taken unless it is named: otarc init --device NAME`;
}

function nothingHere({ templates }: ProjectSituation): string {
  return `Neither a platformio.ini nor a sketch is in this folder: there is no tool to hook into. Sketches to begin with: ${join(templates.folder, 'sketches')}`;
}

export function refuseConflicts({ conflicts }: InitPlan): void {
  if (conflicts.length === 0) return;
  const [only, ...others] = conflicts;
  const text =
    others.length === 0
      ? (only ?? '')
      : `${conflicts.length} things are in the way:\n${conflicts.map((each) => `  ${each}`).join('\n')}`;
  throw new OtaError('USAGE', `${text}${/[.:]$/.test(text) ? '' : '.'} Nothing was written.`, {
    hint: 'Do that, leave the hook out, or give --force, which replaces the file for good.',
    details: { conflicts },
  });
}
