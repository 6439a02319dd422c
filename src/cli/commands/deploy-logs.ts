/**
 * `deploy --logs` and `watch --logs`: what each device prints. A deploy begins with it when the device has accepted the image, a
 * watch at its start and again where its configuration says otherwise.
 */

import { loadConfig, selectDevices } from '../../config/index.ts';
import type { Config, DeviceConfig, Flags } from '../../config/types.ts';
import { cancelled, OtaError } from '../../model/errors.ts';
import type { DeployEvent } from '../../model/events.ts';
import { exitCodeFor } from '../../model/failure.ts';
import { findHost } from '../../network/find-host.ts';
import { noLogs, openLogs, type OpenLogs } from '../../network/logs/open.ts';
import type { Io } from './io.ts';
import { monitor } from './logs.ts';

export interface DeployLogsOptions {
  /** What a deploy is asked for: its configuration is read. Absent: `use` says it. */
  readonly deploy?: { readonly flags: Flags; readonly targets: readonly string[]; readonly all: boolean };
  readonly io: Io;
  /** One line, fit for a terminal. */
  readonly print: (line: string) => void;
  readonly note: (text: string) => void;
}

export interface DeployLogs {
  /** Of the run. */
  tell(event: DeployEvent): void;
  /** Of a watch: reads these devices from now on, as this configuration says. */
  use(config: Config, devices: readonly DeviceConfig[]): void;
  /** After a run that went well, until it is interrupted; resolves to the exit code. */
  goOn(exitCode: number): Promise<number>;
  close(): Promise<void>;
}

/** Of the devices that a deploy is meant for, as far as that shows in what was asked for. */
function namesOf(config: Config, asked: DeployLogsOptions['deploy']): string[] {
  try {
    return selectDevices(config, asked ?? { targets: [], all: true }).map(({ name }) => name);
  } catch {
    return config.devices.map(({ name }) => name);
  }
}

interface Opened {
  /** Another text: to be opened anew. */
  readonly key: string;
  readonly logs?: OpenLogs;
  readonly end: AbortController;
}

export function startDeployLogs({ deploy, io, print, note }: DeployLogsOptions): DeployLogs {
  const { env } = io;
  const ending = new AbortController();
  const signal = AbortSignal.any([io.signal, ending.signal]);
  // Of a mistake in it the run itself reports.
  const loading =
    deploy &&
    loadConfig({ command: 'push', flags: deploy.flags, env, signal, findHost }).then(
      ({ config }) => config,
      () => undefined,
    );
  const addresses = new Map<string, string>();
  const opened = new Map<string, Opened>();
  let used: Config | undefined;
  let serial: { config: Config; device: DeviceConfig } | undefined;
  let starting: Promise<void> = Promise.resolve();

  const noteError = ({ message, hint }: OtaError): void => note(`${message} ${hint}`);
  const open = (device: DeviceConfig, config: Config, labels: readonly string[]): void => {
    const { name, host, interfaces, logs: source } = device;
    const key = JSON.stringify([host, interfaces, source, labels]);
    const before = opened.get(name);
    if (before?.key === key) return;
    before?.end.abort();
    const end = new AbortController();
    opened.set(name, { key, end });
    if (source === undefined) return noteError(noLogs(name));
    if (source.type === 'serial') {
      serial = { config, device };
      if (deploy === undefined)
        note(
          `${name}: \`logs: serial\` needs a terminal of its own: run \`otarc logs ${name}\` in another one.`,
        );
      return;
    }
    const logs = openLogs({
      devices: [device],
      labels,
      signal: AbortSignal.any([signal, end.signal]),
      env,
      secretVariables: config.secretVariables ?? [],
      print,
      note,
    });
    logs.ended.catch((error: unknown) => {
      if (!(error instanceof OtaError)) throw error;
      noteError(error);
      // A device that was not found is read once it was deployed to.
      if (opened.get(name)?.end === end) opened.delete(name);
    });
    opened.set(name, { key, end, logs });
  };
  const restarted = async (name: string): Promise<void> => {
    const config = used ?? (await loading);
    if (config === undefined || signal.aborted) return;
    if (!opened.has(name)) {
      const device = config.devices.find((each) => each.name === name);
      if (device === undefined) return noteError(noLogs(name));
      open(device, config, namesOf(config, deploy));
    }
    opened.get(name)?.logs?.restarts(name, addresses.get(name));
  };
  const followed = (): OpenLogs[] => [...opened.values()].flatMap(({ logs }) => logs ?? []);
  const close = async (): Promise<void> => {
    ending.abort();
    await starting;
    await Promise.allSettled(followed().map(({ ended }) => ended));
  };

  return {
    tell(event) {
      const { device } = event;
      if (device === undefined) return;
      if (event.type === 'device-located') addresses.set(device, event.address);
      if (event.type === 'accepted') starting = starting.then(() => restarted(device));
    },
    use(config, devices) {
      used = config;
      const labels = devices.map(({ name }) => name);
      for (const [name, { end }] of opened) {
        if (labels.includes(name)) continue;
        end.abort();
        opened.delete(name);
      }
      for (const device of devices) open(device, config, labels);
    },
    async goOn(exitCode) {
      await starting;
      if (exitCode !== 0 || signal.aborted) return exitCode;
      if (serial !== undefined && opened.size === 1) return monitor(serial.config, serial.device, io);
      if (serial !== undefined) note('`logs: serial` needs the terminal, and so is for one device alone.');
      if (followed().length === 0) return exitCode;
      await Promise.allSettled(followed().map(({ ended }) => ended));
      return io.signal.aborted ? exitCodeFor(cancelled(io.signal)) : exitCode;
    },
    close,
  };
}
