/** The list of devices for scripts. Pure. */

import { withoutUndefined } from '../../model/without-undefined.ts';
import type { Change } from '../../network/list/changes.ts';
import type { Entry } from '../../network/list/entries.ts';
import type { List } from '../../network/list/follow.ts';

/** One document. */
export function documentOf({ entries, warnings, problems, canAsk }: List): object {
  return { warnings, mdns: { working: canAsk, problems }, devices: entries.map(factsOf) };
}

/** One line of `--watch`. */
export function eventOf({ type, entry }: Change, at: Date): object {
  const { name, ...facts } = factsOf(entry);
  return { type, at: at.toISOString(), device: name, ...facts };
}

/** A fact that is not known has no key. */
function factsOf(entry: Entry) {
  const { name, isConfigured, state, host, addresses, port, platform, board, notes } = entry;
  return withoutUndefined({
    name,
    configured: isConfigured,
    state,
    host,
    address: addresses[0],
    addresses,
    port,
    platform,
    board,
    authRequired: entry.authRequired,
    passwordConfigured: entry.hasPassword,
    running: entry.running,
    boot: entry.boot,
    run: entry.run,
    notes,
  });
}
