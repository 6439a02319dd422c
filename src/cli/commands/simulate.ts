/** `otarc simulate`: one virtual device, or a house full of them. */

import { writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';

import { firstLineOf } from '../../config/secrets.ts';
import { within } from '../../config/limit.ts';
import { endpointText } from '../../model/endpoint.ts';
import { OtaError, cancelled, messageOf } from '../../model/errors.ts';
import { exitCodeFor } from '../../model/failure.ts';
import { mostPort } from '../../model/port.ts';
import { describeEvent } from '../../simulator/describe.ts';
import { parseHomeding } from '../../simulator/homeding.ts';
import {
  faultKinds,
  models,
  parseFaults,
  startVirtualDevice,
  type Model,
  type Update,
  type VirtualDevice,
  type VirtualDeviceEvent,
  type VirtualDeviceOptions,
} from '../../simulator/index.ts';
import { defaultPortOf } from '../../simulator/models.ts';
import { readSmallFile, textOf } from '../../config/small-file.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import type { Io } from './io.ts';

/** Flags, parsed. Absent: as the model has it. */
export interface SimulateOptions {
  /** One of `models`; anything else is `USAGE`. Default `esp8266`. */
  readonly model?: string;
  readonly name?: string;
  readonly host?: string;
  /** Default: the model's usual one; 0: any free one. */
  readonly port?: number;
  /** `-`: stdin. */
  readonly passwordFile?: string;
  readonly roundTripMs?: number;
  readonly msPerSector?: number;
  readonly windowBytes?: number;
  readonly slotBytes?: number;
  /** 0 to 1. */
  readonly datagramLoss?: number;
  readonly rebootMs?: number;
  /** One round of the sketch's `loop()`. */
  readonly loopMs?: number;
  /** `NAME` or `NAME=VALUE`. */
  readonly faults?: readonly string[];
  /** Default: yes. */
  readonly announce?: boolean;
  /** Default 1. */
  readonly count?: number;
  /** HomeDing's `env.json`: name, port and password from there. */
  readonly homeding?: string;
  /** Each image that was received whole is written here; with `count`, the device's name is put before the extension. */
  readonly out?: string;
  readonly json?: boolean;
  /** Ends after the first completed update. */
  readonly once?: boolean;
}

interface Plan {
  readonly devices: readonly VirtualDeviceOptions[];
  /** What to set so that `otarc push` knows the password; empty: there is none. */
  readonly passwordHint: string;
}

/**
 * Runs until `io.signal` is aborted (130, 143), or with `once` until an update was accepted.
 *
 * @throws OtaError `USAGE`, `SECRET_UNAVAILABLE`, `CONFIG_UNREADABLE`, `CONFIG_INVALID` or `HOST_PORT_IN_USE`.
 */
export async function simulate(options: SimulateOptions, io: Io): Promise<number> {
  if (options.faults?.includes('list') === true) {
    io.stdout.write(faultList());
    return 0;
  }
  const plan = await planDevices(options, io);
  const devices: VirtualDevice[] = [];
  const writes: Promise<unknown>[] = [];
  const finished = new AbortController();
  const end = AbortSignal.any([io.signal, finished.signal]);

  const tell = (event: VirtualDeviceEvent): void => {
    if (options.json) io.stdout.write(`${jsonText(event, { replacer: withoutBytes })}\n`);
    else {
      const line = describeEvent(event);
      if (line !== undefined) printLine(io.stdout, `${event.device}: ${line}`);
    }
    if (event.type === 'update-ended')
      writes.push(keep(event.update, event.device).catch((error: unknown) => error));
    if (event.type === 'runs' && options.once) finished.abort();
  };
  const keep = async (update: Update, name: string): Promise<void> => {
    if (options.out === undefined || update.receivedBytes < update.sizeBytes) return;
    const path = outPath(resolve(io.cwd, options.out), plan.devices.length > 1 ? name : undefined);
    await writeFile(path, update.bytes);
  };

  try {
    for (const device of plan.devices) {
      if (end.aborted) break;
      const started = await startVirtualDevice({ ...device, tell });
      devices.push(started);
      if (!options.json) printLine(io.stdout, readyLine(started, plan.passwordHint));
    }
    await aborted(end);
  } finally {
    await Promise.all(devices.map((device) => device.close()));
  }
  await reportFailedWrites(writes, options.out);
  // Ctrl-C is how it usually ends: no error, but the status that scripts expect.
  return finished.signal.aborted ? 0 : exitCodeFor(cancelled(io.signal));
}

function faultList(): string {
  const kinds = Object.entries(faultKinds).map(([name, { value, help }]) => ({
    name: value === 'flag' ? name : `${name}=<${value}>`,
    help,
  }));
  const width = Math.max(...kinds.map(({ name }) => name.length));
  return kinds.map(({ name, help }) => `${name.padEnd(width)}  ${help}\n`).join('');
}

async function planDevices(options: SimulateOptions, io: Io): Promise<Plan> {
  const model = parseModel(options.model ?? 'esp8266');
  const homeding = options.homeding === undefined ? undefined : await readHomeding(options.homeding, io);
  const { password, passwordHint } = await readPassword(options, io, homeding?.password);
  const name = options.name ?? homeding?.name ?? 'virtual';
  const port = options.port ?? homeding?.port ?? defaultPortOf(model);
  const count = inRange('--count', options.count ?? 1, [1, 500]);
  inRange('--loop-ms', options.loopMs ?? 0, [0, 3_600_000]);
  inRange('--port', port === 0 ? 0 : port + count - 1, [0, mostPort]);
  inRange('--datagram-loss', options.datagramLoss ?? 0, [0, 1]);
  const { roundTripMs, windowBytes, datagramLoss, msPerSector, slotBytes, rebootMs, loopMs } = options;
  const faults = parseFaults(options.faults ?? []);
  const devices = Array.from({ length: count }, (_, index): VirtualDeviceOptions => ({
    model,
    name: count === 1 ? name : `${name}-${index + 1}`,
    port: port === 0 ? 0 : port + index,
    announce: options.announce ?? true,
    password,
    faults,
    link: { ...withoutUndefined({ roundTripMs, windowBytes, datagramLoss }), seed: index + 1 },
    flash: withoutUndefined({ msPerSector, slotBytes }),
    timing: withoutUndefined({ rebootMs, loopMs }),
    ...(options.host !== undefined && { host: options.host }),
  }));
  return { devices, passwordHint };
}

function parseModel(text: string): Model {
  const model = models.find((known) => known === text);
  if (model) return model;
  throw new OtaError('USAGE', `There is no model "${text}".`, {
    hint: `Choose one of ${models.join(', ')}.`,
  });
}

async function readHomeding(file: string, io: Io): Promise<ReturnType<typeof parseHomeding>> {
  const path = resolve(io.cwd, file);
  const content = await readSmallFile(path, { signal: io.signal });
  if (content.type !== 'read') {
    const reason = content.type === 'missing' ? 'no such file' : content.reason;
    throw new OtaError('CONFIG_UNREADABLE', `${path} cannot be read: ${reason}.`, {
      hint: "Give the path of HomeDing's env.json.",
    });
  }
  return parseHomeding(textOf(content), path);
}

async function readPassword(
  options: SimulateOptions,
  io: Io,
  fromHomeding: string | undefined,
): Promise<{ password: string | undefined; passwordHint: string }> {
  if (options.passwordFile !== undefined) {
    const file = options.passwordFile;
    const unavailable = (): OtaError =>
      new OtaError('SECRET_UNAVAILABLE', `The password file ${file} cannot be read.`);
    const limit = { timeoutMs: 60_000, signal: io.signal };
    const read = file === '-' ? undefined : await readSmallFile(resolve(io.cwd, file), limit);
    if (read !== undefined && read.type !== 'read') throw unavailable();
    const content =
      read === undefined
        ? await within(firstLineOf(io.stdin), { ...limit, late: unavailable })
        : textOf(read);
    return { password: content.replace(/\r?\n[^]*$/, ''), passwordHint: `--password-file ${file}` };
  }
  const fromEnvironment = io.env['OTARC_SIMULATE_PASSWORD'];
  if (fromEnvironment) {
    return { password: fromEnvironment, passwordHint: 'OTARC_PASSWORD=$OTARC_SIMULATE_PASSWORD' };
  }
  const passwordHint = fromHomeding ? `OTARC_PASSWORD=<ota.0.passwd of ${options.homeding}>` : '';
  return { password: fromHomeding, passwordHint };
}

function inRange(flag: string, value: number, [least, most]: readonly [number, number]): number {
  if (value >= least && value <= most) return value;
  throw new OtaError('USAGE', `${flag} is ${value}; it goes from ${least} to ${most}.`);
}

function readyLine(device: VirtualDevice, passwordHint: string): string {
  const { name, model } = device;
  const where = endpointText(device);
  const [before, after] = passwordHint.startsWith('--') ? ['', ` ${passwordHint}`] : [passwordHint, ''];
  // At a port that does not say what the device is, a push asks for it.
  const isUsual = device.port === defaultPortOf(model);
  const family = model.startsWith('esp32') ? 'esp32' : model;
  const platform = isUsual || family === 'esp8266' ? '' : ` --platform ${family}`;
  const command = `${before} otarc push ${where} --file firmware.bin${platform}${after}`.trim();
  return `${name} (${model}) is ready at ${where}, ${passwordHint ? 'with a password' : 'no password'}. Try: ${command}`;
}

function withoutBytes(key: string, value: unknown): unknown {
  return key === 'bytes' ? undefined : value;
}

function outPath(path: string, name: string | undefined): string {
  if (name === undefined) return path;
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}-${name}${extension}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}

/** Each write gives nothing, or the error it met. */
async function reportFailedWrites(
  writes: readonly Promise<unknown>[],
  out: string | undefined,
): Promise<void> {
  const failure = (await Promise.all(writes)).find((error) => error !== undefined);
  if (failure === undefined) return;
  throw new OtaError('USAGE', `The image cannot be written to ${out}: ${messageOf(failure)}.`, {
    hint: 'Give another path with `--out`.',
    cause: failure,
  });
}
