/** What was heard, as devices. Pure. */

import { folded } from '../model/host-name.ts';
import type { Announcement } from '../model/announcement.ts';
import { byPreference } from './addresses.ts';
import { platformOfBoard } from '../model/board.ts';
import { type Claim, claimsOf, type Instance, textFor } from './facts.ts';
import { hostsBehind } from './hosts.ts';
import { printable } from '../model/printable.ts';
import { saidIn } from './said.ts';
import { longestName } from './service.ts';
import type { Sightings } from './sightings.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/** This host. */
export interface Here {
  /** Its addresses. */
  readonly own: ReadonlySet<string>;
  readonly onLink: (address: string) => boolean;
}

/** Those whose address and port are known, in a fixed order. Several of one name are several devices. */
export function devicesIn(sightings: Sightings, here: Here): Announcement[] {
  return [...sightings.values()]
    .flatMap((instance) => devicesOf(instance, here))
    .map((device) => ({
      device,
      key: [folded(device.name), device.addresses[0] ?? '', device.port] as const,
    }))
    .toSorted((a, b) => compare(a.key, b.key))
    .map(({ device }) => device);
}

function devicesOf(instance: Instance, here: Here): Announcement[] {
  return hostsBehind(claimsOf(instance), here.own).flatMap((claims) => {
    const services = claims.flatMap((claim) => claim.services);
    const ports = [...new Set(services.map(({ service }) => service.port))];
    const host = printable(services.at(-1)?.service.host ?? '', { longest: longestHost });
    const all = [...new Set(claims.flatMap(({ addresses }) => addresses))].toSorted();
    const addresses = byPreference(all, all.length > 1 ? here.onLink : () => true);
    if (addresses.length === 0 || host === '') return [];
    const name = printable(instance.name.trim(), longestName) || host;
    // Two devices behind one address, as on the machine of a developer with two virtual ones.
    return ports.map((port) => ({ name, host, addresses, port, ...announcedBy(claims, port) }));
  });
}

type Described = Omit<Announcement, 'name' | 'host' | 'addresses' | 'port'>;

function announcedBy(claims: readonly Claim[], port: number): Described {
  const { txt, ...text } = textFor(claims, port);
  const platform = text.board === undefined ? undefined : platformOfBoard(text.board);
  const own = claims.flatMap(({ services }) => services.filter(({ service }) => service.port === port));
  const sinceMs = Math.min(...own.map((each) => each.sinceMs));
  return {
    ...text,
    ...(platform === undefined ? {} : { platform }),
    ...sketchIn(txt),
    service: '_arduino._tcp',
    txt,
    texts: claims.flatMap(({ sender, texts }) =>
      texts
        .filter((each) => each.port === undefined || each.port === port)
        .map((each) => ({ sender, txt: each.text.txt })),
    ),
    heardAtMs: Math.max(...claims.map(({ heardAtMs }) => heardAtMs)),
    incarnation: txt['run'] === undefined ? `since ${sinceMs}` : `run ${txt['run']}`,
  };
}

/** What it says of the sketch that it runs. */
function sketchIn(txt: Announcement['txt']): Pick<Announcement, 'running' | 'boot' | 'run'> {
  const { md5, version, boot, run } = saidIn({ txt });
  const running = withoutUndefined({ md5, version });
  return withoutUndefined({
    running: md5 === undefined && version === undefined ? undefined : running,
    boot,
    run,
  });
}

type Key = readonly [name: string, address: string, port: number];

function compare(a: Key, b: Key): number {
  const index = a.findIndex((part, at) => part !== b[at]);
  const [left, right] = [a[index] ?? 0, b[index] ?? 0];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** RFC 1035: a name has at most so many bytes. */
const longestHost = 255;
