/** `deploy --logs` and `watch --logs`: what each device prints, from the moment that it has accepted the image. */

import { loadConfig } from '../../config/index.ts';
import type { Config, DeviceConfig, Flags } from '../../config/types.ts';
import { cancelled, OtaError } from '../../model/errors.ts';
import type { DeployEvent } from '../../model/events.ts';
import { exitCodeFor } from '../../model/failure.ts';
import { findHost } from '../../network/find-host.ts';
import { noLogs, openLogs, type OpenLogs } from '../../network/logs/open.ts';
import type { Io } from './io.ts';
import { monitor } from './logs.ts';

export interface DeployLogsOptions {
  readonly flags: Flags;
  readonly io: Io;
  /** One line, fit for a terminal. */
  readonly print: (line: string) => void;
  readonly note: (text: string) => void;
}

export interface DeployLogs {
  /** Of the run. */
  tell(event: DeployEvent): void;
  /** After a run that went well, until it is interrupted; resolves to the exit code. */
  goOn(exitCode: number): Promise<number>;
  close(): Promise<void>;
}

export function startDeployLogs({ flags, io, print, note }: DeployLogsOptions): DeployLogs {
  const { env } = io;
  const ending = new AbortController();
  const signal = AbortSignal.any([io.signal, ending.signal]);
  // Of a mistake in it the run itself reports.
  const loading = loadConfig({ command: 'push', flags, env, signal, findHost }).then(
    ({ config }) => config,
    () => undefined,
  );
  const addresses = new Map<string, string>();
  const opened = new Map<string, OpenLogs | undefined>();
  let serial: { config: Config; device: DeviceConfig } | undefined;
  let starting: Promise<void> = Promise.resolve();

  const start = async (name: string): Promise<void> => {
    const config = await loading;
    if (config === undefined || signal.aborted) return;
    const address = addresses.get(name);
    if (opened.has(name)) return opened.get(name)?.restarts(name, address);
    opened.set(name, undefined);
    const device = config.devices.find((each) => each.name === name);
    if (device?.logs === undefined) return noteError(noLogs(name));
    if (device.logs.type === 'serial') {
      serial = { config, device };
      return;
    }
    const logs = openLogs({
      devices: [device],
      labels: config.devices.map((each) => each.name),
      signal,
      env,
      secretVariables: config.secretVariables ?? [],
      print,
      note,
    });
    logs.ended.catch((error: unknown) => {
      if (!(error instanceof OtaError)) throw error;
      noteError(error);
    });
    logs.restarts(name, address);
    opened.set(name, logs);
  };
  const noteError = ({ message, hint }: OtaError): void => note(`${message} ${hint}`);
  const followed = (): OpenLogs[] => [...opened.values()].filter((each) => each !== undefined);
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
      if (event.type === 'accepted') starting = starting.then(() => start(device));
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
