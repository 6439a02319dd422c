/**
 * Reading what the history holds. Pure. Others write these files too, and later versions of otarc: whatever the code relies on
 * is checked. A line whose needed fields are odd is passed over; an optional field that is odd is left out.
 */

import { isAddress } from '../../model/address.ts';
import type { Verification } from '../../model/verification.ts';
import {
  isFlag,
  isNumber,
  isObject,
  isText,
  listOf,
  objectOf,
  withoutOdd,
  type Check,
  type Checks,
} from './checks.ts';
import { inOrder, outcomes, recordVersion, type HistoryRecord } from './record.ts';

/** Undefined: no record, or none that this otarc can read. */
export function parseLine(line: string): HistoryRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return readRecord(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/**
 * Of each id its last line, from the oldest record to the newest; the order of the lines decides between those of one
 * time. A line with the end of a push outranks one without.
 */
export function parseRecords(lines: Iterable<string>): HistoryRecord[] {
  const found = new Map<string, HistoryRecord>();
  for (const line of lines) {
    const record = parseLine(line);
    if (record === undefined) continue;
    if (record.outcome === 'accepted' && found.has(record.id)) continue;
    found.set(record.id, record);
  }
  return inOrder([...found.values()]);
}

const isTime: Check = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));

const digestOf =
  (digits: number): Check =>
  (value) =>
    typeof value === 'string' && value.length === digits && /^[\da-f]+$/.test(value);

const proofs: Checks<Verification['type']> = {
  verified: objectOf({ method: isText, proof: isText, afterMs: isNumber }, { version: isText }),
  'old-image': objectOf(
    { method: isText, running: objectOf({}, { md5: isText, version: isText }), afterMs: isNumber },
    { boot: isText, hasRestarted: isFlag },
  ),
  returned: objectOf({ afterMs: isNumber }, { reason: isText }),
  gone: objectOf({ waitedMs: isNumber }, { cameAtMs: isNumber, hint: isText }),
  unproven: objectOf({ method: isText, reason: isText, waitedMs: isNumber }, { hint: isText }),
  'crash-loop': objectOf({ everyMs: isNumber, boots: isNumber }, { boot: isText }),
  'not-checked': objectOf({ why: isText }, { isOff: isFlag }),
};

const isProof: Check = (value) =>
  isObject(value) && Object.entries(proofs).some(([type, check]) => value['type'] === type && check(value));

type OptionalKey = {
  [Key in keyof HistoryRecord]-?: undefined extends HistoryRecord[Key] ? Key : never;
}[keyof HistoryRecord];

const needed: Checks<Exclude<keyof HistoryRecord, OptionalKey | 'otarc'>> = {
  v: (value) => value === recordVersion,
  id: isText,
  at: isTime,
  device: objectOf({ host: isText, name: isText }, { port: isNumber }),
  image: objectOf(
    {
      md5: digestOf(32),
      sha256: digestOf(64),
      sizeBytes: isNumber,
      kind: (value) => value === 'firmware' || value === 'filesystem',
    },
    { platform: isText, chip: isText, identity: isText },
  ),
  outcome: (value) => outcomes.some((each) => each === value),
};

const optional: Checks<OptionalKey> = {
  endedAt: isTime,
  // It is asked where a device may be: a name there would be looked up.
  place: objectOf(
    { address: (value) => typeof value === 'string' && isAddress(value), port: isNumber },
    { isSure: isFlag },
  ),
  sums: listOf(isText),
  code: isText,
  stage: isText,
  hasConnected: isFlag,
  reason: isText,
  proof: isProof,
  version: isText,
  source: objectOf({ commit: isText }, { isDirty: isFlag }),
  build: objectOf({}, { tool: isText, environment: isText }),
  authScheme: isText,
  offersProof: isFlag,
  durations: objectOf({ totalMs: isNumber }, { pushMs: isNumber }),
  user: isText,
  computer: isText,
};

function readRecord(value: unknown): HistoryRecord | undefined {
  if (!objectOf(needed)(value) || !isObject(value)) return undefined;
  return withoutOdd(value, optional) as unknown as HistoryRecord;
}
