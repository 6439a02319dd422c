/** The handshake of a push, up to the connection, in virtual time: the real `agree`, and a device that keeps a log. */

import { agree } from '../../src/engines/espota/agree.ts';
import { candidatesFor } from '../../src/engines/espota/auth.ts';
import { nothingObserved } from '../../src/engines/espota/session.ts';
import { cancelled, OtaError, type ErrorCode } from '../../src/model/errors.ts';
import type { AuthScheme, EventBody } from '../../src/model/events.ts';
import { verifyProof } from '../../src/simulator/auth.ts';
import type { Model, VirtualDevice, VirtualDeviceEvent } from '../../src/simulator/index.ts';
import { modelFacts } from '../../src/simulator/models.ts';
import type { Credential, Platform } from '../../src/model/types.ts';
import { imageOf, password, targetOf } from './push.ts';
import {
  createVirtualNetwork,
  deviceEndpoint,
  type VirtualLink,
  type VirtualNetwork,
} from './virtual-network.ts';

export interface World extends Omit<VirtualLink, 'verifyProof'> {
  readonly model: Model;
  /** `none`: the device asks for none. Default `right`. */
  readonly password?: 'none' | 'right' | 'wrong';
  /** One round of its `loop()`. Default 0. */
  readonly loopMs?: number;
  /** Where in a round the push begins, 0 to 1. Default 0. */
  readonly phase?: number;
  readonly queuedDatagrams?: number;
  /** How long it takes to open the flash. */
  readonly openMs?: number;
  /** What the host takes the device for. Default: what it is; `null`: unknown. */
  readonly platform?: Platform | null;
  readonly silenceLimitMs?: number;
}

export interface Ending {
  readonly end: 'connected' | ErrorCode;
  /** From the first invitation. */
  readonly tookMs: number;
  readonly scheme: AuthScheme | undefined;
  readonly roundTripMs: number | undefined;
  readonly attempts: number;
  readonly details: OtaError['details'];
}

/** What the device made of an authentication. */
interface Judgement {
  readonly isRight: boolean;
  /** Which of the host's hashes the response was made of, for the very nonce that it was judged against. */
  readonly madeOf: string | undefined;
}

export interface Meeting {
  readonly network: VirtualNetwork;
  readonly device: VirtualDevice;
  readonly log: readonly VirtualDeviceEvent[];
  /** One push; `cutMs`: interrupted then. */
  push(options?: { readonly cutMs?: number }): Promise<Ending>;
  /** Whether the device has refused every answer that the host's password allows, each made for the nonce of the time. */
  hasDisproved(): boolean;
  /** Runs on until the device has had the time to come to all that is in its queue. */
  settle(): Promise<void>;
}

export const secret = 'correct horse';
const guess = 'battery staple';
const image = imageOf(new Uint8Array(1000));

export async function meet(world: World): Promise<Meeting> {
  const { model, loopMs = 0, phase = 0, openMs, queuedDatagrams } = world;
  const facts = modelFacts[model];
  const judgements: Judgement[] = [];
  const log: VirtualDeviceEvent[] = [];
  const credential: Credential = password(world.password === 'wrong' ? guess : secret);
  const hashes = candidatesFor(credential, '0'.repeat(facts.auth === 'md5' ? 32 : 64));
  const network = createVirtualNetwork({
    ...world,
    verifyProof: async (scheme, stored, proof) => {
      const isRight = await verifyProof(scheme, stored, proof);
      let madeOf: string | undefined;
      for (const { storedHash } of hashes)
        if (await verifyProof(scheme, storedHash, proof)) madeOf = storedHash;
      judgements.push({ isRight, madeOf });
      return isRight;
    },
  });
  const device = await network.startDevice({
    model,
    link: queuedDatagrams === undefined ? {} : { queuedDatagrams },
    timing: { loopMs, ...(openMs === undefined ? {} : { openFlashMs: openMs }) },
    password: world.password === 'none' ? undefined : secret,
    tell: (event) => log.push(event),
  });
  await network.until(loopMs * (3 + phase));

  return {
    network,
    device,
    log,
    async push({ cutMs = Infinity } = {}) {
      const startedAtMs = network.now();
      const { transport, inbox } = network.openPush();
      const controller = new AbortController();
      const { signal } = controller;
      const events: EventBody[] = [];
      const platform = world.platform === undefined ? facts.platform : world.platform;
      const target = targetOf(deviceEndpoint, { credential, ...(platform === null ? {} : { platform }) });
      const observed = nothingObserved(transport);
      const exchange = {
        transport,
        target,
        now: network.now,
        where: { target, observed },
        context: { signal, tell: (event: EventBody): void => void events.push(event) },
        inbox: {
          ...inbox,
          next: async (options: { untilMs: number; signal: AbortSignal }) => {
            const untilMs = Math.min(options.untilMs, startedAtMs + cutMs);
            const input = await inbox.next({ ...options, untilMs });
            if (network.now() < startedAtMs + cutMs) return input;
            controller.abort();
            throw cancelled(signal);
          },
        },
      };
      const ended = (end: Ending['end'], more: Partial<Ending> = {}): Ending => ({
        end,
        tookMs: network.now() - startedAtMs,
        scheme: events.flatMap((event) => (event.type === 'authenticated' ? [event.scheme] : []))[0],
        attempts: events.filter(({ type }) => type === 'invited').length,
        roundTripMs: undefined,
        details: {},
        ...more,
      });
      try {
        const { silenceLimitMs } = world;
        const { roundTripMs } = await agree(exchange, image, { signal, silenceLimitMs });
        return ended('connected', { roundTripMs });
      } catch (error) {
        if (!(error instanceof OtaError)) throw error;
        return ended(error.code, { details: error.details });
      } finally {
        await transport.close();
      }
    },
    hasDisproved: () =>
      hashes.every(({ storedHash }) =>
        judgements.some(({ isRight, madeOf }) => !isRight && madeOf === storedHash),
      ),
    settle: () => network.until(network.now() + 12 * loopMs + 1000),
  };
}

/** One push to a new device. */
export async function play(world: World): Promise<Ending & Pick<Meeting, 'device' | 'log' | 'hasDisproved'>> {
  const meeting = await meet(world);
  return { ...(await meeting.push()), ...meeting };
}
