/** A datagram that every device ignores, to see what the network says of the address. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Observations } from '../../model/observations.ts';
import type { Target } from '../../model/types.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { TouchContext } from '../engine.ts';
import { resetDatagram } from './messages.ts';
import { openTransport } from './transport.ts';

/** The command in it is one that no device knows. */
export async function touch(
  target: Target,
  { signal, forMs }: TouchContext,
): Promise<Pick<Observations, 'undeliverable'>> {
  let undeliverable: string | undefined;
  const { hostAddress } = target;
  const transport = await openTransport({
    device: target,
    ...withoutUndefined({ hostAddress }),
    tell: (input) => {
      if (input.type === 'undeliverable') undeliverable ??= input.code;
    },
  });
  try {
    // Twice, as the first to a sleeping station is often lost; and no more, for it may be busy.
    for (const pauseMs of [forMs / 3, (forMs * 2) / 3]) {
      if (signal.aborted || undeliverable !== undefined) break;
      transport.send(resetDatagram, 1);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    return { undeliverable: undeliverable === undefined ? [] : [undeliverable] };
  } finally {
    await transport.close();
  }
}
