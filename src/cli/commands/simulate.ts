/** `otarc simulate`: one virtual device, or a house full of them. */

import { writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';

import { endpointText } from '../../model/endpoint.ts';
import { OtaError, cancelled, messageOf } from '../../model/errors.ts';
import { exitCodeFor } from '../../model/failure.ts';
import { describeEvent } from '../../simulator/describe.ts';
import {
  faultKinds,
  startVirtualDevice,
  type Update,
  type VirtualDevice,
  type VirtualDeviceEvent,
} from '../../simulator/index.ts';
import { defaultPortOf } from '../../simulator/models.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import type { Io } from './io.ts';
import { planDevices, type SimulateOptions } from './simulate-devices.ts';

export type { SimulateOptions } from './simulate-devices.ts';

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
