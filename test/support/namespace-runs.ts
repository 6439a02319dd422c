/** Programs in a network namespace, as a test sees them. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Outcome extends Record<string, unknown> {
  readonly log: readonly string[];
  readonly tookMs: number;
  /** When it had the answer; the process ended later. */
  readonly endedAt: number;
}

export interface Browsing {
  /** Resolves to the devices as `run-browse.ts` writes them down, when they are so. */
  until(isSo: (devices: readonly string[]) => boolean): Promise<readonly string[]>;
  readonly problems: readonly string[];
}

export interface Run {
  /** What stdout has said so far. */
  text(): string;
  /** Resolves to what stdout and stderr together have said, when that matches. */
  said(pattern: RegExp): Promise<string>;
  readonly ended: Promise<{
    readonly exitCode: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

export function runOf(child: ChildProcessWithoutNullStreams): Run {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = once(child, 'close').then(([code]) => ({ exitCode: code as number | null, stdout, stderr }));
  return {
    text: () => stdout,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (pattern.test(stdout + stderr)) resolve(stdout + stderr);
        };
        for (const stream of [child.stdout, child.stderr]) stream.on('data', look);
        void ended.then(() => reject(new Error(`It ended without saying ${pattern}: ${stdout}${stderr}`)));
        look();
      }),
  };
}

export interface AvahiOptions {
  readonly hostName: string;
  /** Announces an Arduino of its own name. */
  readonly servicePort?: number;
  /** Items of it. Default: that it is an ESP32. */
  readonly items?: readonly string[];
  /** Items of the service in which an RP2040 says what it runs. Default: none. */
  readonly otarcItems?: readonly string[];
}

/** In files of its own: `ip netns exec` gives it mounts that nobody else sees. It needs neither D-Bus nor a user. */
export function avahiScript(options: AvahiOptions): string {
  const { hostName, servicePort, items = ['board=esp32'], otarcItems } = options;
  const serviceOf = (type: string, texts: readonly string[]): string =>
    `<service><type>${type}</type><port>${servicePort}</port>` +
    `${texts.map((text) => `<txt-record>${text}</txt-record>`).join('')}</service>`;
  const service =
    `<service-group><name>${hostName}</name>${serviceOf('_arduino._tcp', items)}` +
    `${otarcItems === undefined ? '' : serviceOf('_otarc._tcp', otarcItems)}</service-group>`;
  return `set -e
    for folder in /run/avahi-daemon /etc/avahi; do mkdir -p $folder; mount -t tmpfs tmpfs $folder; done
    mkdir /etc/avahi/services
    printf '[server]\\nhost-name=%s\\nenable-dbus=no\\n' '${hostName}' >/etc/avahi/avahi-daemon.conf
    ${servicePort === undefined ? '' : `printf '%s' '${service}' >/etc/avahi/services/arduino.service`}
    exec avahi-daemon --no-drop-root --no-chroot --no-rlimits`;
}

export function browsingOf(output: NodeJS.ReadableStream): Browsing {
  const problems: string[] = [];
  let devices: readonly string[] = [];
  const lines = createInterface({ input: output });
  lines.on('line', (line) => {
    const told = JSON.parse(line) as { devices?: string[]; problem?: string };
    if (told.problem !== undefined) problems.push(told.problem);
    devices = told.devices ?? devices;
  });
  return {
    problems,
    until: (isSo) =>
      new Promise((resolve) => {
        const look = () => {
          if (isSo(devices)) resolve(devices);
        };
        lines.on('line', look);
        look();
      }),
  };
}
