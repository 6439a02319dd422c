/**
 * A push in virtual time: the engine's real transfer against the virtual device's own model of link and flash, on a host
 * that is as late as the test wants. No socket, no timer; seconds of device time take milliseconds.
 */

import type { EventBody } from '../../../../src/model/events.ts';
import type { Inbox } from '../../../../src/engines/espota/inbox.ts';
import { largestReadBytes } from '../../../../src/engines/espota/replies.ts';
import { transfer, type TransferEnd } from '../../../../src/engines/espota/transfer.ts';
import type { Connection, ExchangeInput } from '../../../../src/engines/espota/transport.ts';
import { linkOf, modelFacts, type Link, type Model } from '../../../../src/simulator/models.ts';
import { Transfer } from '../../../../src/simulator/transfer.ts';

/** How many milliseconds late this host runs what is due at `dueMs`. */
export type Host = (dueMs: number) => number;

export interface Scene {
  readonly model: Model;
  readonly link?: Partial<Link>;
  readonly msPerSector?: number;
  readonly sizeBytes?: number;
  readonly host?: Host;
  /** What the handshake has measured; default: the true one, and how late the host was. */
  readonly invitationMs?: number;
}

export interface Step {
  readonly atMs: number;
  /** How late the host had been in all by then. */
  readonly lateMs: number;
  readonly acknowledgedBytes: number;
}

export interface Played {
  readonly end: TransferEnd;
  /** From the connection to the verdict. */
  readonly tookMs: number;
  readonly steps: readonly Step[];
  /** How late the host was in all. */
  readonly lateMs: number;
  readonly writes: readonly { readonly atMs: number; readonly bytes: number }[];
}

const promptHost: Host = () => 0;

/** What the device does with what it is given, and when the host could hear of it. */
function createDevice({ model, link, msPerSector = 55, sizeBytes = 409_600 }: Scene) {
  const facts = modelFacts[model];
  const { roundTripMs, windowBytes, segmentBytes } = linkOf(facts, link);
  const flow = new Transfer({
    sizeBytes,
    startMs: 0,
    roundTripMs,
    windowBytes,
    segmentBytes,
    msPerSector,
    counts: facts.counts,
    silenceMs: facts.timing.silenceMs,
  });
  const heard: { atMs: number; text: string }[] = [];
  const advance = (toMs: number): void => {
    for (const emission of flow.advance(toMs)) {
      const atMs = emission.atMs + roundTripMs / 2;
      if (emission.type === 'count') heard.push({ atMs, text: String(emission.bytes) });
      if (emission.type === 'complete') heard.push({ atMs: atMs + facts.timing.verdictDelayMs, text: 'OK' });
      if (emission.type === 'gave-up') throw new Error('the device gave up');
    }
  };
  return {
    roundTripMs,
    offer: (bytes: number, atMs: number): void => {
      advance(atMs);
      flow.offer(bytes, atMs);
    },
    /** When the first thing reaches the host, at most `untilMs`. */
    waitFor(untilMs: number): number {
      for (;;) {
        const wakeMs = Math.min(untilMs, heard[0]?.atMs ?? Infinity);
        if (flow.nextDueMs > wakeMs) return wakeMs;
        if (flow.nextDueMs === Infinity) throw new Error('nothing will ever happen');
        advance(flow.nextDueMs);
      }
    },
    /** All that the host's kernel has by then, in one read. */
    read(atMs: number): string {
      advance(atMs);
      let text = '';
      for (let next = heard[0]; next !== undefined && next.atMs <= atMs; next = heard[0]) {
        text += next.text;
        heard.shift();
      }
      return text;
    },
  };
}

/** Otarc's transfer. */
export async function play(scene: Scene): Promise<Played> {
  const { model, sizeBytes = 409_600, host = promptHost } = scene;
  const device = createDevice(scene);
  let nowMs = 0;
  let lateMs = 0;
  const steps: Step[] = [];
  const writes: { atMs: number; bytes: number }[] = [];
  const connection: Connection = {
    address: '192.0.2.7',
    accept: () => {},
    waitingBytes: () => 0,
    write: ({ length: bytes }) => {
      device.offer(bytes, nowMs);
      writes.push({ atMs: nowMs, bytes });
    },
    end: () => {},
    reset: () => {},
  };
  const inbox: Inbox<ExchangeInput> = {
    put: () => {},
    next: ({ untilMs }) => {
      let text = device.read(nowMs);
      if (text === '') {
        const dueMs = Math.max(nowMs, device.waitFor(untilMs));
        const late = host(dueMs);
        lateMs += late;
        nowMs = dueMs + late;
        text = device.read(nowMs);
      }
      return Promise.resolve(text === '' ? undefined : { type: 'data', bytes: Buffer.from(text, 'latin1') });
    },
  };
  const end = await transfer({
    bytes: new Uint8Array(sizeBytes),
    connection,
    inbox,
    now: () => nowMs,
    signal: new AbortController().signal,
    tell: (event: EventBody) => {
      if (event.type === 'progress')
        steps.push({ atMs: nowMs, lateMs, acknowledgedBytes: event.acknowledgedBytes });
    },
    roundTripMs: scene.invitationMs ?? device.roundTripMs + host(0),
    ...(modelFacts[model].platform === 'esp32' ? { largestCountBytes: largestReadBytes } : {}),
  });
  return { end, tookMs: nowMs, steps, lateMs, writes };
}

/** One write of everything: nothing can be faster. On the same host, which hears of the verdict as late. */
export function perfectMs(scene: Scene): number {
  const { sizeBytes = 409_600, host = promptHost } = scene;
  const device = createDevice(scene);
  device.offer(sizeBytes, 0);
  for (let nowMs = 0; ;) {
    const dueMs = device.waitFor(Infinity);
    nowMs = Math.max(nowMs, dueMs) + host(Math.max(nowMs, dueMs));
    if (device.read(nowMs).endsWith('OK')) return nowMs;
  }
}
