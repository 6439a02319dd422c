/** What a device says of the sketch that it runs: the items of `templates/sketches/otarc.h` in its TXT record. Pure. */

import { isSameAddress } from '../model/address.ts';
import type { Announcement, RunningSketch } from '../model/announcement.ts';
import { printable } from '../model/printable.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/** Checked, for anybody on the network may say anything. */
export interface Said {
  /** Of the sketch; lower-case hex, 32 digits. */
  readonly md5?: string;
  /** Of this boot; lower-case hex, 8 digits. */
  readonly run?: string;
  /** Reset reason, fit for a terminal. */
  readonly boot?: string;
  /** Fit for a terminal. */
  readonly version?: string;
  /** Anything at all in its TXT record: one without these items is of a sketch that does not say them. */
  readonly isDescribed: boolean;
}

/** The longest reset reason of the three cores has some 25 characters. */
const longestText = 40;

export function saidIn({ txt }: Pick<Announcement, 'txt'>): Said {
  const text = (key: string): string | undefined =>
    printable((txt[key] ?? '').trim(), { longest: longestText }) || undefined;
  return {
    isDescribed: Object.keys(txt).length > 0,
    ...withoutUndefined({
      md5: hexIn(txt['md5'], 32),
      run: hexIn(txt['run'], 8),
      boot: text('boot'),
      version: text('version'),
    }),
  };
}

function hexIn(text: string | undefined, digits: number): string | undefined {
  const isHex = text?.length === digits && /^[0-9a-f]+$/i.test(text);
  return isHex ? text.toLowerCase() : undefined;
}

/** For a narrow place: `1.4.2`, else `3f9a1b2c`; undefined where it says neither. */
export function runningText({ version, md5 }: RunningSketch = {}): string | undefined {
  return version ?? (md5 === undefined ? undefined : shortSum(md5));
}

/** All of it: `1.4.2 (3f9a1b2c)`. */
export function wholeRunningText(running: RunningSketch = {}): string | undefined {
  const { version, md5 } = running;
  return version === undefined || md5 === undefined ? runningText(running) : `${version} (${shortSum(md5)})`;
}

/** As many digits as tell the builds of a project apart. */
export const shortSum = (md5: string): string => md5.slice(0, 8);

/** The core of the RP2040 announces this port, whatever `ArduinoOTA.setPort` says. */
const alwaysAnnouncedPort = 2040;

/**
 * Of those that match the device: the one where the image went, else the only one at another address. Undefined where
 * several have its name and none is there: whose word would it be? What has the same address and another port is another
 * device (several of them behind one address, virtual ones on this computer).
 */
export function ownAmong<T extends Pick<Announcement, 'addresses' | 'port'>>(
  matches: readonly T[],
  { address, port }: { readonly address: string; readonly port: number },
  { anyPort = false } = {},
): T | undefined {
  const there = matches.filter((each) => each.addresses.some((other) => isSameAddress(other, address)));
  const atPort = there.filter((each) => each.port === port);
  const atUnsaidPort = there.filter((each) => each.port === alwaysAnnouncedPort);
  const elsewhere = matches.filter((each) => !there.includes(each));
  const [first, ...others] =
    [atPort, anyPort ? there : atUnsaidPort, elsewhere].find((each) => each.length > 0) ?? [];
  return others.length === 0 ? first : undefined;
}

type Found = Pick<Announcement, 'addresses' | 'port'>;

/** One service of one host. */
const isSameService = (one: Found, other: Found): boolean =>
  one.port === other.port &&
  one.addresses.some((address) => other.addresses.some((each) => isSameAddress(address, each)));

/**
 * The same after the push. One that still shows where it was, with the boot mark of then, is what is remembered of a device
 * that has come back elsewhere. Who had its name elsewhere before the push is another device; one host may have several of
 * them, at ports of their own.
 */
export function ownAfter<T extends Found & Pick<Announcement, 'txt'>>(
  matches: readonly T[],
  place: { readonly address: string; readonly port: number },
  known: { readonly run?: string | undefined; readonly twins: readonly Found[] },
): T | undefined {
  const there = { addresses: [place.address], port: place.port };
  const own = matches.filter(
    (each) => isSameService(each, there) || !known.twins.some((twin) => isSameService(each, twin)),
  );
  const fresh = own.filter((each) => saidIn(each).run !== known.run);
  // The new sketch may listen at another port.
  return ownAmong(known.run === undefined || fresh.length === 0 ? own : fresh, place, { anyPort: true });
}
