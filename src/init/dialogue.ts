/** The questions, on a terminal. Every answer has a default; Ctrl-C ends everything with nothing written. */

import type { Readable, Writable } from 'node:stream';
import type { FoundDevice } from '../model/announcement.ts';
import { cancelled, OtaError } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';
import { chosenDevices, chosenHooks, defaultTool, typed, type Seen, type Wishes } from './choose.ts';
import { foundDevices, typedDevice } from './device-choice.ts';
import { defaultHooks, fittingHooks, hookLabels, type HookName } from './hooks.ts';
import type { Choices, DeviceChoice, PasswordChoice } from './types.ts';

export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
  readonly signal: AbortSignal;
}

/** @throws OtaError CANCELLED */
export async function askChoices(
  wishes: Wishes,
  seen: Seen,
  { password, terminal }: { password: PasswordChoice | undefined; terminal: Terminal },
): Promise<Choices> {
  const tool = await askTool(wishes, seen, terminal);
  const devices = await askDevices(wishes, seen, terminal);
  const hasDevice = devices.length > 0 || seen.configured.devices.length > 0;
  return {
    devices,
    password: password ?? (await askPassword(devices, terminal)),
    hooks: chosenHooks(wishes.hooks, seen) ?? (await askHooks({ tool, hasDevice }, seen, terminal)),
    tool,
    environment: wishes.environment,
    fqbn: wishes.fqbn,
    force: wishes.force,
  };
}

export async function askConfirmation(message: string, terminal: Terminal): Promise<boolean> {
  const { confirm } = await import('@clack/prompts');
  return answered<boolean>(await confirm({ ...terminal, message }), terminal);
}

async function askTool(wishes: Wishes, seen: Seen, terminal: Terminal): Promise<Choices['tool']> {
  const tool = defaultTool(wishes, seen);
  const isSaid = wishes.hooks.length > 0 || wishes.fqbn !== undefined || seen.configured.tool !== undefined;
  if (!(seen.isPio && seen.isSketch) || isSaid) return tool;
  const { select } = await import('@clack/prompts');
  const message = 'This folder is a PlatformIO project and an Arduino sketch. Which tool builds it?';
  const options = [
    { value: 'pio' as const, label: 'PlatformIO' },
    { value: 'arduino-cli' as const, label: 'arduino-cli' },
  ];
  return answered<'pio' | 'arduino-cli'>(await select({ ...terminal, message, options }), terminal);
}

async function askDevices(wishes: Wishes, seen: Seen, terminal: Terminal): Promise<readonly DeviceChoice[]> {
  const { found, configured } = seen;
  if (wishes.devices.length > 0 || configured.devices.length > 0) return chosenDevices(wishes, seen);
  const { select, text } = await import('@clack/prompts');
  const all = foundDevices(found);
  const message = found.length === 0 ? 'No device announces itself. Which one is it?' : 'Which device is it?';
  const options = [
    ...all.map(({ name }, index) => ({ value: String(index), label: name, hint: about(found[index]) })),
    ...(all.length > 1 ? [{ value: 'all', label: 'all of them' }] : []),
    { value: 'typed', label: 'another one: its name or address' },
    { value: 'none', label: 'none yet' },
  ];
  const answer = answered<string>(await select({ ...terminal, message, options }), terminal);
  if (answer === 'all') return all;
  if (answer === 'none') return [];
  if (answer !== 'typed') return all.slice(Number(answer), Number(answer) + 1);
  const validate = (value: string | undefined): string | undefined =>
    typedDevice((value ?? '').trim(), found) === undefined
      ? 'A name, an address, or ADDRESS:PORT'
      : undefined;
  const placeholder = 'livingroom.local';
  const line = answered<string>(
    await text({ ...terminal, message: 'Its name or address', placeholder, validate }),
    terminal,
  );
  return [typed(line.trim(), found)];
}

function about(device: FoundDevice | undefined): string {
  if (device === undefined) return '';
  const { addresses, board, authRequired } = device;
  const parts = [addresses[0], board, authRequired === true ? 'asks for a password' : undefined];
  return parts.filter((part) => part !== undefined).join(', ');
}

async function askPassword(devices: readonly DeviceChoice[], terminal: Terminal): Promise<PasswordChoice> {
  if (devices.every(({ authRequired }) => authRequired === false)) return { type: 'none' };
  const { select, password } = await import('@clack/prompts');
  const isAsked = devices.some(({ authRequired }) => authRequired === true);
  const options: { value: PasswordChoice['type']; label: string }[] = [
    { value: 'stored' as const, label: 'stored in .otarc.env, which git does not get' },
    { value: 'env' as const, label: 'in an environment variable' },
    { value: 'none' as const, label: 'there is none' },
  ];
  const message = isAsked
    ? 'It asks for a password. Where is that?'
    : 'Where is its password (ArduinoOTA.setPassword)?';
  const initialValue = isAsked ? 'stored' : 'none';
  const answer = answered<PasswordChoice['type']>(
    await select({ ...terminal, message, options, initialValue }),
    terminal,
  );
  if (answer !== 'stored') return { type: answer };
  const validate = (value: string | undefined): string | undefined =>
    value === undefined || value === '' ? 'It must not be empty' : undefined;
  const text = answered<string>(
    await password({ ...terminal, message: 'The password', mask: '•', validate }),
    terminal,
  );
  return { type: 'stored', secret: new Secret(text) };
}

async function askHooks(
  { tool, hasDevice }: { tool: Choices['tool']; hasDevice: boolean },
  seen: Seen,
  terminal: Terminal,
): Promise<readonly HookName[]> {
  const fitting = fittingHooks(seen).filter(
    (hook) =>
      !(hook === 'arduino'
        ? tool !== 'arduino-cli'
        : (hook === 'pio' || hook === 'upload') && tool !== 'pio'),
  );
  const { multiselect } = await import('@clack/prompts');
  const options = fitting.map((value) => ({ value, label: hookLabels[value] }));
  const message = 'What should start otarc?';
  const initialValues = [...defaultHooks(tool, { hasDevice })];
  return answered<readonly HookName[]>(
    await multiselect({ ...terminal, message, options, initialValues, required: false }),
    terminal,
  );
}

/** clack marks with a symbol that somebody has pressed Ctrl-C or Esc. */
function answered<T>(answer: T | symbol, { signal }: Terminal): T {
  if (typeof answer !== 'symbol') return answer;
  if (signal.aborted) throw cancelled(signal);
  throw new OtaError('CANCELLED', 'Interrupted.', {
    hint: 'Nothing was written.',
    details: { signal: 'SIGINT' },
  });
}
