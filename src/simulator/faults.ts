/** What can go wrong, each switched on by itself. The devices of the field do all of it. */

import { closest, distance } from 'fastest-levenshtein';

import { OtaError } from '../model/errors.ts';

/** Values of a count are used up: `lostInvitations: 1` loses the next one and is 0 afterwards. */
export interface Faults {
  /** So many invitations never arrive, as with a station in modem sleep. */
  lostInvitations?: number | undefined;
  /** So many `AUTH` answers never arrive; the device waits for the authentication. */
  lostChallenges?: number | undefined;
  /** So many authentications never arrive. */
  lostAuthentications?: number | undefined;
  /** So many `OK` datagrams never arrive; the device connects all the same. */
  lostOks?: number | undefined;
  /** Every `AUTH` arrives twice. */
  duplicatedChallenge?: boolean | undefined;
  /** Every `OK` datagram arrives twice. */
  duplicatedOk?: boolean | undefined;
  /** Answers nothing at all. */
  silent?: boolean | undefined;
  /** Nothing listens on the port that it announces, as with HomeDing in safe mode. */
  safeMode?: boolean | undefined;
  /** Answers an invitation with bytes that are not this protocol. */
  garbageOverUdp?: boolean | undefined;
  /** Cannot begin, with this text: `ERR: text` (ESP8266, RP2040), or `OK` and no connection (ESP32). */
  refusesToBegin?: string | undefined;
  /** Cannot begin: first update after a serial flash (`ERROR[11]`). */
  error11?: boolean | undefined;
  /** Cannot begin: an update is running already: `ERROR[15]`, and from an RP2040 the error before, or `ERROR[0]`. */
  error15?: boolean | undefined;
  /** Says `OK` and never connects back. */
  neverConnects?: boolean | undefined;
  /** Connects back so many milliseconds later than usual. */
  connectsLateMs?: number | undefined;
  /** Before the device, a stranger connects from this address and says `OK`; `127.0.0.2` on Linux. */
  foreignConnection?: string | undefined;
  /** Closes the connection when so many bytes were read. */
  closesAtBytes?: number | undefined;
  /** Resets the connection when so many bytes were read. */
  resetsAtBytes?: number | undefined;
  /** Reads no more after so many bytes, and keeps the connection. */
  stallsAtBytes?: number | undefined;
  /** The power dips when so many bytes were read: gone for the time of a restart, then the old image again. */
  restartsAtBytes?: number | undefined;
  /** Says `OK` when so many bytes were read, whatever the size of the image. */
  acceptsAtBytes?: number | undefined;
  /**
   * The flash fails at this offset: `ERROR[1]` mid-way (ESP8266), `ERROR[4]` (RP2040); from an ESP32 `Flash Write Failed`, which is lost
   * to a reset where input is left unread.
   */
  errorAtBytes?: number | undefined;
  /** Counts and verdict are bytes that are not this protocol. */
  garbageOverTcp?: boolean | undefined;
  /** Finds another MD5 than the announced one. */
  failsMd5?: boolean | undefined;
  /** Takes all, says nothing, and keeps the connection. */
  stallsBeforeVerdict?: boolean | undefined;
  /** The verdict stands in one segment with the last count. */
  gluedVerdict?: boolean | undefined;
  /** The verdict arrives byte by byte. */
  splitVerdict?: boolean | undefined;
  /** The verdict comes so many milliseconds later than usual. */
  lateVerdictMs?: number | undefined;
  /** Takes all, closes without a word, and keeps the old image. */
  closesWithoutVerdict?: boolean | undefined;
  /** Takes all, closes without a word, and boots the new image: the `OK` got lost. */
  lostVerdict?: boolean | undefined;
  /** Says `OK`, restarts, and the old image runs again, as after a rollback. */
  bootsOldImage?: boolean | undefined;
  /** Says `OK`, restarts, and is never seen again. */
  neverReturns?: boolean | undefined;
  /** Comes back so many milliseconds after an update, in place of `timing.rebootMs`. */
  returnsAfterMs?: number | undefined;
  /** Comes back at this address of this host; `127.0.0.2` on Linux. */
  returnsAtAddress?: string | undefined;
  /** Comes back at this UDP port; 0: another free one at each boot. */
  returnsAtPort?: number | undefined;
  /**
   * So many milliseconds after each boot the sketch crashes, and boots again after `timing.rebootMs`. Until then it does
   * all that a sketch does; an update that has begun is not interrupted, so that another image can end it.
   */
  crashesAfterMs?: number | undefined;
  /** Reset reason after such a crash. Default `watchdog`. */
  crashReason?: string | undefined;
  /**
   * Which sketches crash: `pushed`, every one that came over the air; `first`, the first of them alone; or the MD5s of
   * images, separated by commas. Default `pushed`.
   */
  crashingImages?: string | undefined;
  /** Reset reason after an update, in place of `software`; with `bootsOldImage` for a new sketch that did not hold. */
  bootReason?: string | undefined;
  /** What boots from now on has no `otarc.h`: it announces itself, and not what runs. */
  withoutProof?: boolean | undefined;
  /** The flash is encrypted: the sketch sums cipher text. */
  flashEncryption?: boolean | undefined;
  /** No multicast goes in or out; a question sent to port 5353 of the device itself is answered. Looked at as it boots. */
  multicastFiltered?: boolean | undefined;
  /** Says goodbye over mDNS before it restarts, as a sketch that calls `MDNS.end()`. */
  saysGoodbye?: boolean | undefined;
  /** Its connections are left open without a word as it restarts, as those of real devices; a byte sent later is answered with a reset. */
  connectionsHang?: boolean | undefined;
}

/** Where a device reads no further, whatever it does then; undefined: nowhere. */
export function haltAtBytesOf(faults: Faults): number | undefined {
  const { closesAtBytes, resetsAtBytes, restartsAtBytes, stallsAtBytes, acceptsAtBytes } = faults;
  return closesAtBytes ?? resetsAtBytes ?? restartsAtBytes ?? stallsAtBytes ?? acceptsAtBytes;
}

interface FaultKind {
  readonly value: 'flag' | 'count' | 'bytes' | 'ms' | 'port' | 'text';
  /** What `--fault NAME` without a value means. */
  readonly byDefault: number | string | true;
  readonly help: string;
}

const flag = (help: string): FaultKind => ({ value: 'flag', byDefault: true, help });
const count = (help: string): FaultKind => ({ value: 'count', byDefault: 1, help });
const bytes = (help: string): FaultKind => ({ value: 'bytes', byDefault: 4096, help });
const ms = (help: string, byDefault: number): FaultKind => ({ value: 'ms', byDefault, help });
const port = (help: string): FaultKind => ({ value: 'port', byDefault: 0, help });
const text = (help: string, byDefault: string): FaultKind => ({ value: 'text', byDefault, help });

export const faultKinds: Readonly<Record<keyof Faults, FaultKind>> = {
  lostInvitations: count('the first N invitations never arrive'),
  lostChallenges: count('the first N AUTH answers get lost'),
  lostAuthentications: count('the first N authentications get lost'),
  lostOks: count('the first N OK datagrams get lost'),
  duplicatedChallenge: flag('every AUTH arrives twice'),
  duplicatedOk: flag('every OK datagram arrives twice'),
  silent: flag('answers nothing at all'),
  safeMode: flag('announces itself, and nothing listens on its port (HomeDing in safe mode)'),
  garbageOverUdp: flag('answers something that is not this protocol'),
  refusesToBegin: text('cannot begin, with this text', 'ERROR[8]: Flash config wrong'),
  error11: flag('first update after a serial flash'),
  error15: flag('an update is running already'),
  neverConnects: flag('says OK and never connects back'),
  connectsLateMs: ms('connects back so much later', 3000),
  foreignConnection: text('a stranger at this address connects first', '127.0.0.2'),
  closesAtBytes: bytes('closes the connection after N bytes'),
  resetsAtBytes: bytes('resets the connection after N bytes'),
  stallsAtBytes: bytes('reads no more after N bytes'),
  restartsAtBytes: bytes('loses its power after N bytes, and restarts'),
  acceptsAtBytes: bytes('says OK after N bytes'),
  errorAtBytes: bytes('the flash fails at offset N'),
  garbageOverTcp: flag('counts and verdict are garbage'),
  failsMd5: flag('finds another MD5 than announced'),
  stallsBeforeVerdict: flag('takes all and says nothing'),
  gluedVerdict: flag('last count and verdict in one segment'),
  splitVerdict: flag('the verdict arrives byte by byte'),
  lateVerdictMs: ms('the verdict comes so much later', 5000),
  closesWithoutVerdict: flag('takes all, closes, keeps the old image'),
  lostVerdict: flag('takes all, closes, boots the new image'),
  bootsOldImage: flag('accepts, restarts, runs the old image'),
  neverReturns: flag('accepts, restarts, is gone'),
  returnsAfterMs: ms('comes back so long after an update', 50_000),
  returnsAtAddress: text('comes back at this address', '127.0.0.2'),
  returnsAtPort: port('comes back at this UDP port (0: any)'),
  crashesAfterMs: ms('what was pushed crashes so long after each boot', 3000),
  crashReason: text('reset reason after such a crash', 'watchdog'),
  crashingImages: text('which crash: pushed, first, or MD5s with commas', 'first'),
  bootReason: text('reset reason after an update', 'exception'),
  withoutProof: flag('what boots has no otarc.h'),
  flashEncryption: flag('the sketch sums cipher text'),
  multicastFiltered: flag('answers mDNS by unicast alone'),
  saysGoodbye: flag('says goodbye over mDNS before it restarts'),
  connectionsHang: flag('log connections stay open and silent over a restart'),
};

/**
 * Reads `NAME` and `NAME=VALUE`, as `--fault` has them.
 *
 * @throws OtaError `USAGE` for an unknown name (with the nearest one) or a value that does not fit.
 */
export function parseFaults(specs: readonly string[]): Faults {
  return Object.assign({}, ...specs.map(parseFault)) as Faults;
}

function parseFault(spec: string): Faults {
  const at = spec.indexOf('=');
  const name = at < 0 ? spec : spec.slice(0, at);
  const given = at < 0 ? undefined : spec.slice(at + 1);
  if (!isFault(name)) {
    throw new OtaError('USAGE', `There is no fault "${name}".`, {
      hint: `${meant(name)}Known are ${Object.keys(faultKinds).join(', ')}.`,
    });
  }
  const kind = faultKinds[name];
  if (given === undefined) return { [name]: kind.byDefault };
  if (kind.value === 'text') return { [name]: given };
  if (kind.value === 'flag') {
    throw new OtaError('USAGE', `The fault "${name}" takes no value.`, {
      hint: `Write \`--fault ${name}\`.`,
    });
  }
  if (!/^\d{1,15}$/.test(given)) {
    throw new OtaError('USAGE', `The fault "${name}" takes a whole number, not "${given}".`, {
      hint: `Write for example \`--fault ${name}=${kind.byDefault}\`.`,
    });
  }
  return { [name]: Number(given) };
}

function isFault(name: string): name is keyof Faults {
  return Object.hasOwn(faultKinds, name);
}

/** A guess only where one is close. */
function meant(name: string): string {
  const nearest = closest(name, Object.keys(faultKinds));
  return distance(name, nearest) <= 3 ? `Did you mean "${nearest}"? ` : '';
}
