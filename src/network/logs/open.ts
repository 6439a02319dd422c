/** The logs of several devices at once, each line with the name of its device. */

import type { DeviceConfig } from '../../config/types.ts';
import { OtaError } from '../../model/errors.ts';
import { printable } from '../../model/printable.ts';
import { locate } from '../locate.ts';
import { followLogs, type LogFollower } from './follow.ts';
import type { ReadableSource } from './read.ts';

type LoggedDevice = Pick<DeviceConfig, 'name' | 'host' | 'interfaces' | 'logs'>;

export interface OpenLogsOptions {
  readonly devices: readonly LoggedDevice[];
  /** Names that stand before the lines where they are several; none: no line has one. Default: of the devices. */
  readonly labels?: readonly string[];
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  /** Variables that hold passwords: no business of a command that prints logs. */
  readonly secretVariables: readonly string[];
  /** One line, fit for a terminal, and the name of its device. */
  readonly print: (line: string, device: string) => void;
  /** What otarc itself has to say of it. */
  readonly note: (text: string) => void;
}

export interface OpenLogs {
  /** The device of this name has accepted an image, and restarts now; `address`: where it is. */
  restarts(name: string, address?: string): void;
  /** As for one device; of several, rejects where none is left that can be read. */
  readonly ended: Promise<void>;
}

/** @throws OtaError CONFIG_INVALID: a device does not say where its output is read */
export function openLogs(options: OpenLogsOptions): OpenLogs {
  const { devices, note, print } = options;
  const labels = options.labels ?? devices.map(({ name }) => name);
  const hasSeveral = labels.length > 1;
  const width = Math.max(...labels.map((name) => printable(name).length));
  // Before the first is read: of a mistake in one, nothing has begun.
  const sources = devices.map((device) => ({ device, source: networkSource(device) }));
  const followers = new Map<string, LogFollower>();
  for (const { device, source } of sources) {
    const shown = printable(device.name);
    followers.set(
      device.name,
      followLogs({
        ...options,
        source,
        name: device.name,
        place: placeOf(device),
        print: (line) => print(hasSeveral ? `${shown.padEnd(width)} | ${line}` : line, device.name),
        note: (text) => note(`${shown}: ${text}`),
      }),
    );
  }
  return {
    restarts: (name, address) => followers.get(name)?.restarts(address),
    ended: endOf(followers, options),
  };
}

/** One that cannot be read ends no other. The last of them says why it ends. */
async function endOf(
  followers: ReadonlyMap<string, LogFollower>,
  { note }: Pick<OpenLogsOptions, 'note'>,
): Promise<void> {
  let running = followers.size;
  const ends = [...followers].map(async ([name, { ended }]) => {
    try {
      await ended;
    } catch (error) {
      running--;
      if (running === 0 || !(error instanceof OtaError)) throw error;
      note(`${printable(name)}: ${error.message} ${error.hint}`);
    }
  });
  await Promise.all(ends);
}

function networkSource({ name, logs }: LoggedDevice): ReadableSource {
  if (logs === undefined) throw noLogs(name);
  if (logs.type !== 'serial') return logs;
  throw new OtaError(
    'CONFIG_INVALID',
    `${name}: \`logs: serial\` is for one device and needs the terminal.`,
    {
      hint: 'Name that device alone with `otarc logs`, or set another source.',
    },
  );
}

export function noLogs(name: string): OtaError {
  return new OtaError('CONFIG_INVALID', `${name}: nothing says where its output is read.`, {
    hint: 'Set `logs:` of the device in .otarc: tcp://{address}:23 (telnet, ser2net), http://{address}/events (server-sent events), udp://:5514 (syslog), serial, or { command: [PROGRAM, …] }.',
  });
}

function placeOf({ name, host, interfaces }: LoggedDevice): (signal: AbortSignal) => Promise<string> {
  return async (signal) => (await locate({ name, host, interfaces }, { signal, tell: () => {} })).address;
}
