/** Network namespaces for tests: Linux, root. What is made here is gone when the test is over, however it ends. */

import {
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  execFile,
  execFileSync,
  spawn,
} from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Why there can be none here; undefined where there can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only';
  const name = `otarc-try-${process.pid}`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `network namespaces need root and iproute2 (${String(error).split('\n')[0]})`;
  }
}

export interface Namespace {
  readonly name: string;
  /** `ip -n <namespace> …` */
  ip(command: string): void;
  /** A device (or anything else of `run-responder.ts`) in it; resolves, when it listens, to what ends it. */
  respond(options: object): Promise<() => Promise<void>>;
  /** Runs `run-locate.ts` in it and reads what it prints. */
  locate(request: object): Promise<Outcome>;
  /** Runs `run-browse.ts` in it. */
  browse(request?: object): Browsing;
  /** Runs `run-devices.ts` in it. */
  devices(request: object): DevicesRun;
  /** Avahi, as a system has it; resolves when it answers. With `servicePort` it announces an Arduino of its own name. */
  avahi(options: { readonly hostName: string; readonly servicePort?: number }): Promise<void>;
  /** What `/etc/<file>` says in it. */
  configure(file: 'hosts' | 'resolv.conf', text: string): void;
  /** The link-local address of an interface. */
  linkLocal(device: string): string;
}

interface Outcome extends Record<string, unknown> {
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

export interface DevicesRun {
  /** Resolves to what stdout and stderr together have said, when that matches. */
  said(pattern: RegExp): Promise<string>;
  readonly ended: Promise<{
    readonly exitCode: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

export interface Network {
  namespace(label: string): Namespace;
  /** A cable: `left` calls its end by the name of `right`, and the other way round. */
  connect(left: Namespace, right: Namespace): { leftEnd: string; rightEnd: string };
  close(): void;
}

let networks = 0;

export function createNetwork(): Network {
  const id = `${process.pid}-${(networks += 1)}`;
  const names: string[] = [];
  const children: ChildProcess[] = [];
  let cables = 0;

  const close = () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const name of names.splice(0)) {
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
      rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
    }
    process.removeListener('exit', close);
  };
  // Also where the runner gives up on a test that hangs.
  process.on('exit', close);

  return {
    namespace: (label) => {
      const name = `otarc-${id}-${label}`;
      names.push(name);
      execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
      const ip = (command: string) =>
        void execFileSync('ip', ['-n', name, ...command.split(' ')], { stdio: 'pipe' });
      // Without duplicate detection an IPv6 address is of use at once.
      inNamespace(name, 'for f in all default; do echo 0 > /proc/sys/net/ipv6/conf/$f/accept_dad; done');
      ip('link set lo up');
      return {
        name,
        ip,
        respond: (options) => {
          const child = spawn('ip', commandFor(name, 'run-responder.ts', options), {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          children.push(child);
          return new Promise((resolve, reject) => {
            const stop = async () => {
              const ended = once(child, 'exit');
              child.kill('SIGKILL');
              await ended;
            };
            child.stdout.once('data', () => resolve(stop));
            child.once('exit', (code) => reject(new Error(`the responder ended with ${String(code)}`)));
          });
        },
        locate: async (request) => {
          const { stdout } = await run('ip', commandFor(name, 'run-locate.ts', request), { timeout: 25_000 });
          return JSON.parse(stdout) as Outcome;
        },
        browse: (request = {}) => {
          const child = spawn('ip', commandFor(name, 'run-browse.ts', request), {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          children.push(child);
          return browsingOf(child.stdout);
        },
        devices: (request) => {
          const child = spawn('ip', commandFor(name, 'run-devices.ts', request), { stdio: 'pipe' });
          children.push(child);
          return devicesRunOf(child);
        },
        avahi: async ({ hostName, servicePort }) => {
          const child = spawn('ip', ['netns', 'exec', name, 'sh', '-c', avahiScript(hostName, servicePort)]);
          children.push(child);
          await devicesRunOf(child).said(
            servicePort === undefined ? /startup complete/ : /successfully established/,
          );
        },
        configure: (file, text) => {
          mkdirSync(`/etc/netns/${name}`, { recursive: true });
          writeFileSync(`/etc/netns/${name}/${file}`, text);
        },
        linkLocal: (device) => {
          const shown = execFileSync('ip', ['-n', name, '-6', 'addr', 'show', 'dev', device], {
            encoding: 'utf8',
          });
          return /fe80:[0-9a-f:]+/.exec(shown)?.[0] ?? '';
        },
      };
    },
    connect: (left, right) => {
      cables += 1;
      const [leftEnd, rightEnd] = [`veth${cables}a`, `veth${cables}b`];
      const ends = `link add ${leftEnd} type veth peer name ${rightEnd} netns ${right.name}`;
      left.ip(ends);
      left.ip(`link set ${leftEnd} up`);
      right.ip(`link set ${rightEnd} up`);
      return { leftEnd, rightEnd };
    },
    close,
  };
}

function devicesRunOf(child: ChildProcessWithoutNullStreams): DevicesRun {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = once(child, 'close').then(([code]) => ({ exitCode: code as number | null, stdout, stderr }));
  return {
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

/** In files of its own: `ip netns exec` gives it mounts that nobody else sees. It needs neither D-Bus nor a user. */
function avahiScript(hostName: string, servicePort: number | undefined): string {
  const service = `<service-group><name>${hostName}</name><service><type>_arduino._tcp</type>
    <port>${servicePort}</port><txt-record>board=esp32</txt-record></service></service-group>`;
  return `set -e
    for folder in /run/avahi-daemon /etc/avahi; do mkdir -p $folder; mount -t tmpfs tmpfs $folder; done
    mkdir /etc/avahi/services
    printf '[server]\\nhost-name=%s\\nenable-dbus=no\\n' '${hostName}' >/etc/avahi/avahi-daemon.conf
    ${servicePort === undefined ? '' : `printf '%s' '${service}' >/etc/avahi/services/arduino.service`}
    exec avahi-daemon --no-drop-root --no-chroot --no-rlimits`;
}

function browsingOf(output: NodeJS.ReadableStream): Browsing {
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

function inNamespace(name: string, script: string): void {
  execFileSync('ip', ['netns', 'exec', name, 'sh', '-c', script], { stdio: 'pipe' });
}

/** Node 20 runs no TypeScript by itself. */
function commandFor(name: string, script: string, argument: object): string[] {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const node = [process.execPath, '--import', 'jiti/register', path, JSON.stringify(argument)];
  return ['netns', 'exec', name, ...node];
}
