/**
 * A failure of a push with the most that can be said about it: the one place that diagnoses. What the failure itself has
 * observed is not always enough: whether a firewall of this computer is in the way, or whether the device announces
 * itself all the same, is looked at only now, when it has failed. Loaded only then.
 */

import { diagnosed } from './diagnose.ts';
import { knownOf } from './known.ts';
import { observationsIn, type Observations } from '../model/observations.ts';
import type { OtaError } from '../model/errors.ts';
import { engineOf } from '../engines/index.ts';
import type { Tell } from '../model/events.ts';
import { awaitReturn, listenFor, type ListenedFor } from './listen.ts';
import { hostFacts } from './host/facts.ts';
import { neighbourAt } from './host/neighbour.ts';
import { thisHost } from './host/source.ts';
import { roomFor, type PartitionTable } from '../image/index.ts';
import type { Device, Image, Target } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

export interface ExplainOptions {
  readonly device: Pick<Device, 'engine' | 'isHomeding' | 'wording'> & ListenedFor;
  /** Where it came so far. */
  readonly target?: Target | undefined;
  readonly image?: Pick<Image, 'kind' | 'sizeBytes' | 'platform'> | undefined;
  /** What the image was checked against. */
  readonly partitions?: PartitionTable | undefined;
  /** Set where the device was listened for already: what that came to, and what else is known. */
  readonly seen?: Partial<Observations>;
  /** How long it is listened whether a device that broke off comes back; 0: not at all. Default: as long as one boots. */
  readonly longestMs?: number | undefined;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

const listenMs = 800;
/** A device boots and finds its network in this time, or is not worth waiting for. */
const returnLimitMs = 8000;

/** The same error with a better hint, or as it was. Never rejects for what it cannot find out. */
export async function explain(error: OtaError, options: ExplainOptions): Promise<OtaError> {
  const { device, target, image, partitions, seen = {}, signal } = options;
  if (error.code === 'CANCELLED') return error;
  // The failure is what counts: a system that does not say what it is (Termux has no list of interfaces) hides it not.
  const around = signal.aborted ? {} : await lookAround(observationsIn(error), options).catch(() => ({}));
  const slotBytes = image && partitions && roomFor(image, partitions);
  const known = { ...knownOf({ device, target, image, slotBytes }), ...around, ...seen };
  const own = await (await engineOf(device)).explain({ ...observationsIn(error), ...known });
  return diagnosed(error, known, own);
}

/** What this very failure leaves open. */
async function lookAround(
  observed: Omit<Observations, 'device'>,
  options: ExplainOptions,
): Promise<Partial<Observations>> {
  const { target, seen, signal, longestMs = returnLimitMs } = options;
  const source = thisHost(signal);
  switch (observed.code) {
    case 'CONNECT_BACK_MISSING':
      return { host: await hostFacts(source, target) };
    case 'NAME_NOT_RESOLVED':
      return { host: await hostFacts(source) };
    case 'DEVICE_SILENT': {
      const [host, neighbour, announced] = await Promise.all([
        hostFacts(source).catch(() => undefined),
        target && neighbourAt(source, target.address),
        target === undefined || seen !== undefined ? undefined : listenFor({ ...options, target }, listenMs),
      ]);
      return withoutUndefined({ host, neighbour, announced });
    }
    case 'CONNECTION_LOST':
    case 'TRANSFER_STALLED': {
      // One that is known by its address alone may never announce itself.
      if (target === undefined || target.via === 'config' || longestMs <= 0) return {};
      return awaitReturn({ ...options, target, limitMs: longestMs }, observed);
    }
    default:
      return {};
  }
}
