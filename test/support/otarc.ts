/** Runs the packed command as a shell would, and reads what it says. */

import { writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import type { DeployEvent } from '../../src/model/events.ts';
import {
  startVirtualDevice,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import { packed } from './packed.ts';

/** A command that hangs ends long before the test does, and shows what it had said. */
const limitMs = 25_000;

interface RunOptions {
  readonly cwd: string;
  /** All that the command sees, beside PATH. Default: only a HOME, the folder itself. */
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

interface Run {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** As `| head` does. */
  stopReading(): void;
  /** Resolves to what stdout and stderr together have said, when that matches. */
  said(pattern: RegExp): Promise<string>;
  readonly ended: Promise<Run>;
}

/** Until its end. */
export async function otarc(args: readonly string[], options: RunOptions): Promise<Run> {
  const { ended } = await startOtarc(args, options);
  return await ended;
}

/** For a test that does something to it while it runs. */
export async function startOtarc(
  args: readonly string[],
  { cwd, env = { HOME: cwd }, input = '' }: RunOptions,
): Promise<Running> {
  const { bin } = await packed();
  const PATH = [dirname(process.execPath), env['PATH'] ?? process.env['PATH']].join(delimiter);
  const child = execa(bin, args, {
    cwd,
    env: { ...env, PATH },
    extendEnv: false,
    input,
    timeout: limitMs,
    all: true,
    reject: false,
    stripFinalNewline: false,
  });
  let text = '';
  child.all.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    stopReading: () => [child.stdout, child.stderr].forEach((stream) => stream.destroy()),
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(text)) resolve(text);
        };
        child.all.on('data', look);
        void child.finally(() => reject(new Error(`It ended without saying ${pattern}: ${text}`)));
        look();
      }),
    ended: child.then(({ exitCode, stdout, stderr }) => ({ exitCode, stdout, stderr })),
  };
}

/** What `--json` printed; throws at a line that is not JSON. */
export function eventsOf(stdout: string): DeployEvent[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as DeployEvent);
}

/** The kinds of event in their order, those that may come any number of times only once. */
export function storyOf(events: readonly DeployEvent[]): string[] {
  return (
    events
      .map(({ type }) => type)
      .filter((type) => type !== 'log')
      // How often progress comes, and an invitation is repeated, depends on how busy this computer is.
      .filter((type, index, all) => !(['progress', 'invited'].includes(type) && all[index - 1] === type))
  );
}

/** A device that takes an image in milliseconds; switched off when the test has ended. */
export async function quickDevice(options: VirtualDeviceOptions = {}): Promise<VirtualDevice> {
  // Waiting for an event of the device has a limit, which must not begin while the command is still being packed.
  await packed();
  const device = await startVirtualDevice({
    ...options,
    flash: { msPerSector: 0, ...options.flash },
    timing: {
      connectDelayMs: 0,
      verdictDelayMs: 0,
      closeDelayMs: 0,
      rebootMs: 0,
      openFlashMs: 0,
      ...options.timing,
    },
  });
  onTestFinished(() => device.close());
  return device;
}

export function addressOf({ address, port }: VirtualDevice): string {
  return `${address}:${port}`;
}

/** Writes `.otarc`: `devices` as given, host and port of each from the virtual device of that name. */
export async function writeOtarc(
  dir: string,
  devices: Readonly<Record<string, { at: VirtualDevice; [key: string]: unknown }>>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const entries = Object.entries(devices).map(([name, { at, ...rest }]) => [
    name,
    { host: at.address, port: at.port, ...rest },
  ]);
  await writeFile(join(dir, '.otarc'), stringify({ devices: Object.fromEntries(entries), ...more }));
}

/** What is told of a build and a push that go well, in this order. */
export const goodStory: readonly string[] = [
  'run-started',
  'build-started',
  'build-finished',
  'image-ready',
  'device-located',
  'invited',
  'authenticated',
  'connected',
  'progress',
  'accepted',
  'rebooting',
  'unverified',
  'done',
];

/** Whether a text is fit for a file: neither colours nor a cursor that goes back. */
export function isPlain(text: string): boolean {
  return !/[^\P{Cc}\n\t]/u.test(text);
}
