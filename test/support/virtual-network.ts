/**
 * A host, a device and the air between them, in virtual time: nothing here waits, and nothing depends on how fast this
 * computer is. The device is the virtual device of `src/simulator`; of the host there is what the handshake needs.
 */

import { createInbox, type Inbox } from '../../src/engines/espota/inbox.ts';
import type { ExchangeInput, Transport } from '../../src/engines/espota/transport.ts';
import type { Air, OpenAir } from '../../src/simulator/air.ts';
import { verifyProof, type VerifyProof } from '../../src/simulator/auth.ts';
import { startDevice } from '../../src/simulator/device.ts';
import type { VirtualDevice, VirtualDeviceOptions } from '../../src/simulator/index.ts';

export interface VirtualLink {
  /** Of one way. Default 1. */
  readonly delayMs?: number;
  /** Whether the n-th datagram (from 0, each way counted by itself) is lost. */
  readonly isLost?: (way: 'in' | 'out', index: number) => boolean;
  /** How much longer the n-th datagram is on its way. */
  readonly lateMs?: (way: 'in' | 'out', index: number) => number;
  /** How often the n-th datagram arrives, 15 ms apart. Default 1. */
  readonly copies?: (way: 'in' | 'out', index: number) => number;
  /** What the device says in place of any answer. */
  readonly says?: string;
  /** Between the connection of the device and the end of its update, which always fails. Default 0. */
  readonly updateMs?: number;
  readonly verifyProof?: VerifyProof;
  /** What the device needs to check an authentication. Default 0. */
  readonly checkMs?: number;
}

/** One of the pushes of this host: the port that it listens at, and its UDP sockets. */
export interface VirtualPush {
  readonly transport: Transport;
  readonly inbox: Inbox<ExchangeInput>;
}

export interface VirtualNetwork {
  now(): number;
  /** Runs the world until then. */
  until(atMs: number): Promise<void>;
  startDevice(options: VirtualDeviceOptions): Promise<VirtualDevice>;
  openPush(): VirtualPush;
  /** Datagrams of this host. */
  readonly sent: { readonly atMs: number; readonly text: string }[];
}

const hostAddress = '192.0.2.2';
export const deviceEndpoint = { address: '192.0.2.7', port: 3232 };
const copyMs = 15;

export function createVirtualNetwork(link: VirtualLink = {}): VirtualNetwork {
  const {
    delayMs = 1,
    isLost = () => false,
    lateMs = () => 0,
    copies = () => 1,
    updateMs = 0,
    checkMs = 0,
  } = link;
  const clock = createClock();
  const sent: { atMs: number; text: string }[] = [];
  const index = { in: 0, out: 0 };
  /** By UDP port, and by TCP port. */
  const hears = new Map<number, (text: string) => void>();
  const listens = new Map<number, (input: ExchangeInput) => void>();
  let receive: ((text: string, port: number) => void) | undefined;
  let pushes = 0;

  const openAir: OpenAir = (options) => {
    receive = (text, port) =>
      options.receive({ text, from: { address: hostAddress, port }, atMs: clock.now() });
    const air: Air = {
      ...deviceEndpoint,
      send(text, to, atMs) {
        const mine = index.out++;
        if (isLost('out', mine)) return;
        for (let copy = 0; copy < copies('out', mine); copy += 1) {
          const leavesMs = Math.max(atMs, clock.now()) + copy * copyMs;
          clock.at(leavesMs + delayMs + lateMs('out', mine), () => hears.get(to.port)?.(link.says ?? text));
        }
      },
      close: async () => {},
    };
    return Promise.resolve(air);
  };
  const call = ({ port }: { readonly port: number }): Promise<undefined> => {
    const tell = listens.get(port);
    if (tell === undefined) return Promise.resolve(undefined);
    const nothing = (): void => {};
    const { address } = deviceEndpoint;
    tell({
      type: 'connection',
      connection: {
        address,
        accept: nothing,
        write: nothing,
        waitingBytes: () => 0,
        end: nothing,
        reset: nothing,
      },
    });
    return new Promise((resolve) => clock.at(clock.now() + updateMs, () => resolve(undefined)));
  };

  return {
    now: clock.now,
    until: clock.until,
    sent,
    startDevice: (options) =>
      startDevice(options, {
        timeline: clock,
        openAir,
        caller: { call, close: () => {} },
        verifyProof: async (...proof) => {
          const isRight = await clock.meanwhile((link.verifyProof ?? verifyProof)(...proof));
          if (checkMs > 0)
            await new Promise<void>((resolve) => clock.at(clock.now() + checkMs, () => resolve()));
          return isRight;
        },
      }),
    openPush() {
      const push = ++pushes;
      const hostPort = 40_000 + push;
      const waiting = createInbox<ExchangeInput>(clock.now);
      const ports = new Set<number>();
      let isClosed = false;
      let came = 0;
      const put = (input: ExchangeInput): void => {
        came += 1;
        waiting.put(input);
      };
      listens.set(hostPort, put);
      return {
        transport: {
          local: { address: hostAddress, port: hostPort },
          send(text, invitation) {
            if (isClosed) return;
            const port = 40_000 + push * 1000 + invitation;
            ports.add(port);
            hears.set(port, (said) =>
              put({ type: 'datagram', bytes: Buffer.from(said), from: deviceEndpoint, invitation }),
            );
            sent.push({ atMs: clock.now(), text });
            const mine = index.in++;
            if (isLost('in', mine)) return;
            for (let copy = 0; copy < copies('in', mine); copy += 1) {
              const takesMs = delayMs + lateMs('in', mine) + copy * copyMs;
              clock.at(clock.now() + takesMs, () => receive?.(text, port));
            }
          },
          async close() {
            isClosed = true;
            for (const port of ports) hears.delete(port);
            listens.delete(hostPort);
          },
        },
        inbox: {
          put,
          async next({ untilMs, signal }) {
            while (came === 0 && clock.now() < untilMs) await clock.step(untilMs);
            if (came > 0) came -= 1;
            return waiting.next({ untilMs: -Infinity, signal });
          },
        },
      };
    },
  };
}

interface Clock {
  now(): number;
  at(dueMs: number, run: (dueMs: number) => void): () => void;
  close(): void;
  /** Runs the next thing that is due by `untilMs`, or goes on to then. */
  step(untilMs: number): Promise<void>;
  until(atMs: number): Promise<void>;
  /** Time stands still until this is done. */
  meanwhile<T>(work: Promise<T>): Promise<T>;
}

function createClock(): Clock {
  let pending: { atMs: number; run: (dueMs: number) => void }[] = [];
  const works = new Set<Promise<unknown>>();
  let nowMs = 0;
  const step = async (untilMs: number): Promise<void> => {
    const next = pending[0];
    if (next === undefined || next.atMs > untilMs) nowMs = Math.max(nowMs, untilMs);
    else {
      pending.shift();
      nowMs = Math.max(nowMs, next.atMs);
      next.run(next.atMs);
    }
    while (works.size > 0) await Promise.all(works);
    // Whatever follows of what was resolved.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    now: () => nowMs,
    at(dueMs, run) {
      if (dueMs === Infinity) return () => {};
      const event = { atMs: Math.max(dueMs, nowMs), run };
      const place = pending.findIndex((other) => other.atMs > event.atMs);
      pending.splice(place === -1 ? pending.length : place, 0, event);
      return () => (pending = pending.filter((other) => other !== event));
    },
    close: () => (pending = []),
    step,
    async until(atMs) {
      while (nowMs < atMs) await step(atMs);
    },
    meanwhile(work) {
      const done = work.finally(() => works.delete(done));
      works.add(done);
      return done;
    },
  };
}
