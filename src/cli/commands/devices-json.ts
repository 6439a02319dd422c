/** The list of devices for scripts. Pure. */

import type { Compared } from '../../deploy/outdated.ts';
import { OtaError } from '../../model/errors.ts';
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
export function factsOf(entry: Entry) {
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

/** Of `--outdated`: those that do not run the last build, and the names of those that do. */
export function outdatedDocument(all: readonly Compared[], { warnings, problems, canAsk }: List): object {
  return {
    warnings,
    mdns: { working: canAsk, problems },
    upToDate: all.flatMap(({ standing, entry }) => (standing === 'current' ? [entry.name] : [])),
    devices: all
      .filter(({ standing }) => standing !== 'current')
      .map(({ entry, standing, build }) => ({ ...factsOf(entry), standing, ...buildFacts(build) })),
  };
}

function buildFacts(build: Compared['build']): object {
  if (build === undefined) return {};
  if (build instanceof OtaError) {
    const { code, message, hint } = build;
    return { because: { code, message, hint } };
  }
  const { image, environment, builtAt } = build;
  const { path, md5, platform, chip, identity } = image;
  const facts = { path, md5, platform, chip, identity, environment, builtAt: builtAt.toISOString() };
  return { lastBuild: withoutUndefined(facts) };
}
