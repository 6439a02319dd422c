/**
 * A failure of a push with the most that can be said about it: the one place that diagnoses. What the failure itself has
 * observed is not always enough: whether a firewall of this computer is in the way, or whether the device announces
 * itself all the same, is looked at only now, when it has failed. Loaded only then.
 */

import { diagnosed } from './diagnose/diagnose.ts';
import { knownOf } from './diagnose/known.ts';
import { observationsIn, type Observations } from './diagnose/observations.ts';
import type { OtaError } from './errors.ts';
import type { Tell } from './events.ts';
import { awaitReturn, listenFor } from './explain/listen.ts';
import { hostFacts } from './host/facts.ts';
import { neighbourAt } from './host/neighbour.ts';
import { thisHost } from './host/source.ts';
import { roomFor, type PartitionTable } from './image/index.ts';
import type { Device, Image, Target } from './types.ts';
import { withoutUndefined } from './without-undefined.ts';

export interface ExplainOptions {
  readonly device: Pick<Device, 'name' | 'host' | 'isHomeding'>;
  /** Where it came so far. */
  readonly target?: Target | undefined;
  readonly image?: Pick<Image, 'kind' | 'sizeBytes' | 'platform'> | undefined;
  /** What the image was checked against. */
  readonly partitions?: PartitionTable | undefined;
  /** Set where the device was listened for already: what that came to, and what else is known. */
  readonly seen?: Partial<Observations>;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

const listenMs = 800;

/** The same error with a better hint, or as it was. Never rejects for what it cannot find out. */
export async function explain(error: OtaError, options: ExplainOptions): Promise<OtaError> {
  const { device, target, image, partitions, seen = {}, signal } = options;
  if (error.code === 'CANCELLED') return error;
  const around = signal.aborted ? {} : await lookAround(observationsIn(error), options);
  const slotBytes = image && partitions && roomFor(image, partitions);
  return diagnosed(error, { ...knownOf({ device, target, image, slotBytes }), ...around, ...seen });
}

/** What this very failure leaves open. */
async function lookAround(
  observed: Omit<Observations, 'device'>,
  options: ExplainOptions,
): Promise<Partial<Observations>> {
  const { target, seen, signal } = options;
  const source = thisHost(signal);
  const { hostAddress = target?.hostAddress, hostPort } = observed;
  switch (observed.code) {
    case 'CONNECT_BACK_MISSING':
      return { host: await hostFacts(source, target && { ...target, hostAddress, hostPort }) };
    case 'NAME_NOT_RESOLVED':
      return { host: await hostFacts(source) };
    case 'DEVICE_SILENT': {
      const [host, neighbour, announced] = await Promise.all([
        hostFacts(source),
        target && neighbourAt(source, target.address),
        target === undefined || seen !== undefined ? undefined : listenFor({ ...options, target }, listenMs),
      ]);
      return withoutUndefined({ host, neighbour, announced });
    }
    case 'CONNECTION_LOST':
    case 'TRANSFER_STALLED': {
      // One that is known by its address alone may never announce itself.
      if (target === undefined || target.via === 'config') return {};
      return withoutUndefined({ cameBackWith: await awaitReturn({ ...options, target }, observed) });
    }
    default:
      return {};
  }
}
