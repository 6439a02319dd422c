/** What the flags of `otarc simulate` ask for: the devices, and how a push to them knows their password. */

import { resolve } from 'node:path';

import { within } from '../../config/limit.ts';
import { firstLineOf } from '../../config/secrets.ts';
import { readSmallFile, textOf } from '../../config/small-file.ts';
import { OtaError } from '../../model/errors.ts';
import { mostPort } from '../../model/port.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { flashModes, type FlashMode } from '../../simulator/flash.ts';
import { parseHomeding } from '../../simulator/homeding.ts';
import { models, parseFaults, type Model, type VirtualDeviceOptions } from '../../simulator/index.ts';
import { defaultPortOf } from '../../simulator/models.ts';
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
  /** The sketch says what it is (`announcesRunning`). */
  readonly proof?: boolean;
  /** Image that it runs from the start. */
  readonly runs?: string;
  readonly sketchVersion?: string;
  /** One of `flashModes`; anything else is `USAGE`. */
  readonly flashMode?: string;
  /** With `count`, ports ascend, as `port`. */
  readonly httpPort?: number;
  /** Compile date that `/api/sysinfo` says. */
  readonly sysinfo?: string;
  readonly logPort?: number;
  /** `host:port` */
  readonly syslog?: string;
  readonly logEveryMs?: number;
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

/** @throws OtaError `USAGE`, `SECRET_UNAVAILABLE`, `CONFIG_UNREADABLE` or `CONFIG_INVALID`. */
export async function planDevices(options: SimulateOptions, io: Io): Promise<Plan> {
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
  const sketch = {
    announcesRunning: options.proof === true,
    runs: options.runs === undefined ? undefined : await readImageFile(options.runs, io),
    version: options.sketchVersion,
    flashMode: options.flashMode === undefined ? undefined : parseFlashMode(options.flashMode),
  };
  const ports = planPorts(options, count);
  const devices = Array.from({ length: count }, (_, index): VirtualDeviceOptions => ({
    model,
    name: count === 1 ? name : `${name}-${index + 1}`,
    port: port === 0 ? 0 : port + index,
    announce: options.announce ?? true,
    password,
    ...sketch,
    ...ports(index),
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

/** What the n-th device serves beside updates. */
function planPorts(
  { httpPort, sysinfo, logPort, syslog, logEveryMs }: SimulateOptions,
  count: number,
): (index: number) => Pick<VirtualDeviceOptions, 'web' | 'logs'> {
  const ascending = (flag: string, first: number | undefined): ((index: number) => number | undefined) => {
    if (first === undefined) return () => undefined;
    inRange(flag, first === 0 ? 0 : first + count - 1, [0, mostPort]);
    return (index) => (first === 0 ? 0 : first + index);
  };
  if (sysinfo !== undefined && httpPort === undefined) {
    throw new OtaError('USAGE', '`--sysinfo` needs web pages.', { hint: 'Add `--http-port 0`.' });
  }
  inRange('--log-every-ms', logEveryMs ?? 1000, [1, 3_600_000]);
  const webPort = ascending('--http-port', httpPort);
  const tcpPort = ascending('--log-port', logPort);
  const target = syslog === undefined ? undefined : parseSyslog(syslog);
  const hasLogs = logPort !== undefined || target !== undefined || logEveryMs !== undefined;
  return (index) => ({
    ...(httpPort !== undefined && {
      web: { port: webPort(index), sysinfo: sysinfo === undefined ? undefined : { build: sysinfo } },
    }),
    ...(hasLogs && { logs: { tcpPort: tcpPort(index), syslog: target, everyMs: logEveryMs } }),
  });
}

function parseSyslog(text: string): { host: string; port: number } {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined) {
    throw new OtaError('USAGE', `"${text}" is no address with a port.`, {
      hint: 'Write for example `--syslog 127.0.0.1:5514`.',
    });
  }
  return { host, port: inRange('--syslog', Number(port), [1, mostPort]) };
}

function parseFlashMode(text: string): FlashMode {
  const mode = flashModes.find((known) => known === text.toLowerCase());
  if (mode) return mode;
  throw new OtaError('USAGE', `There is no flash mode "${text}".`, {
    hint: `Choose one of ${flashModes.join(', ')}.`,
  });
}

/** The flash of the largest board is this size. */
const limitBytes = 32 * 1024 * 1024;

async function readImageFile(file: string, io: Io): Promise<Uint8Array> {
  const path = resolve(io.cwd, file);
  const content = await readSmallFile(path, { signal: io.signal, limitBytes });
  if (content.type === 'read') return content.bytes;
  const reason = content.type === 'missing' ? 'no such file' : content.reason;
  throw new OtaError('USAGE', `The image ${path} cannot be read: ${reason}.`, {
    hint: 'Give the image that the device runs before the first update with `--runs`.',
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
