/** Network namespaces for tests: Linux, root. What is made here is gone when the test is over, however it ends. */

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { VirtualDeviceOptions } from '../../src/simulator/index.ts';
import {
  type AvahiOptions,
  avahiScript,
  type Browsing,
  browsingOf,
  type Outcome,
  type Run,
  runOf,
} from './namespace-runs.ts';
import { packed } from './packed.ts';

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
  devices(request: object): Run;
  /** The packed command in it. */
  otarc(args: readonly string[], cwd: string): Promise<Run>;
  /** A virtual device in it; `said` is what it tells, one line each. Resolves when it is there. */
  device(options: VirtualDeviceOptions): Promise<Run>;
  /** Avahi, as a system has it; resolves when it answers. */
  avahi(options: AvahiOptions): Promise<void>;
  /** nftables: the rules of a table of its own, as `nft -f` takes them. */
  filter(rules: string): void;
  /** What `/etc/<file>` says in it. */
  configure(file: 'hosts' | 'resolv.conf', text: string): void;
  /** As a firewall does: what it sends to all is refused, but for loopback. */
  refuseMulticast(): void;
  /** Makes a router of it. */
  forward(): void;
  /** Its UDP sockets, as Linux lists them. */
  udpSockets(): string;
  /** The link-local address of an interface. */
  linkLocal(device: string): string;
}

export interface Network {
  namespace(label: string): Namespace;
  /** A cable: `left` calls its end by the name of `right`, and the other way round. */
  connect(left: Namespace, right: Namespace): { leftEnd: string; rightEnd: string };
  close(): void;
}

export interface Places {
  readonly host: Namespace;
  readonly first: Namespace;
  readonly second: Namespace;
}

/** A host with two interfaces, somebody behind each: 10.77.1.2 on `veth1a`, 10.77.2.2 on `veth2a`. */
export function twoPlaces(network: Network): Places {
  const [host, first, second] = [
    network.namespace('host'),
    network.namespace('one'),
    network.namespace('two'),
  ];
  network.connect(host, first);
  network.connect(host, second);
  host.ip('addr add 10.77.1.1/24 dev veth1a');
  first.ip('addr add 10.77.1.2/24 dev veth1b');
  host.ip('addr add 10.77.2.1/24 dev veth2a');
  second.ip('addr add 10.77.2.2/24 dev veth2b');
  return { host, first, second };
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
          return runOf(child);
        },
        otarc: async (args, cwd) => {
          const { bin } = await packed();
          const env = { PATH: process.env['PATH'], HOME: cwd };
          const child = spawn('ip', ['netns', 'exec', name, bin, ...args], { cwd, env, stdio: 'pipe' });
          children.push(child);
          return runOf(child);
        },
        device: async (options) => {
          const child = spawn('ip', commandFor(name, 'run-device.ts', options), { stdio: 'pipe' });
          children.push(child);
          const running = runOf(child);
          await running.said(options.announce === true ? /^announced$/m : /^listening$/m);
          return running;
        },
        avahi: async (options) => {
          const child = spawn('ip', ['netns', 'exec', name, 'sh', '-c', avahiScript(options)]);
          children.push(child);
          await runOf(child).said(
            options.servicePort === undefined ? /startup complete/ : /successfully established/,
          );
        },
        filter: (rules) => void inNamespace(name, `nft -f - <<'END'\ntable inet own {\n${rules}\n}\nEND`),
        configure: (file, text) => {
          mkdirSync(`/etc/netns/${name}`, { recursive: true });
          writeFileSync(`/etc/netns/${name}/${file}`, text);
        },
        refuseMulticast: () => {
          for (const group of ['224.0.0.0/4', 'ff02::/16']) {
            ip(`xfrm policy add dst ${group} dir out action block`);
          }
        },
        forward: () => void inNamespace(name, 'echo 1 > /proc/sys/net/ipv4/ip_forward'),
        udpSockets: () => inNamespace(name, 'cat /proc/net/udp /proc/net/udp6').toString(),
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

function inNamespace(name: string, script: string): Buffer {
  return execFileSync('ip', ['netns', 'exec', name, 'sh', '-c', script], { stdio: 'pipe' });
}

/** Node 20 runs no TypeScript by itself. */
function commandFor(name: string, script: string, argument: object): string[] {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const node = [process.execPath, '--import', 'jiti/register', path, JSON.stringify(argument)];
  return ['netns', 'exec', name, ...node];
}
