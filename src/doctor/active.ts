/** The legs that only the device itself can show: the engine asks it, and leaves it as it was. */

import type { Engine } from '../engines/engine.ts';
import { holderText, lockDevice, type Holder } from '../deploy/lock.ts';
import type { PartitionTable } from '../image/index.ts';
import type { Device, Image, Target } from '../model/types.ts';
import { legOfStep, type Leg } from './leg.ts';

export interface ActiveOptions {
  readonly engine: Engine;
  readonly device: Device;
  readonly target: Target;
  readonly image: Image | undefined;
  readonly partitions: PartitionTable | undefined;
  readonly signal: AbortSignal;
  /** What a person is told meanwhile. */
  readonly note: (text: string) => void;
  readonly silenceLimitMs?: number | undefined;
}

const lockWaitMs = 30_000;

export async function* activeLegs(options: ActiveOptions): AsyncGenerator<Leg> {
  const { engine, target, image, signal, note, silenceLimitMs } = options;
  const { name, address, port } = target;
  const onWait = (holder: Holder): void =>
    note(`waiting for ${holderText(holder)}, which is using this device`);
  const lock = await lockDevice({ name, address, port, signal, waitMs: lockWaitMs, onWait });
  try {
    for await (const step of engine.probe(target, { image, signal, silenceLimitMs }))
      yield await legOfStep(step, options);
  } finally {
    lock.release();
  }
}
