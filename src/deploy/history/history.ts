/**
 * What each device got: the one memory of otarc, in files that any number of otarc write at the same time.
 *
 *   devices/<host>-<digest>/<user>@<computer>-<digest>.jsonl     records, a line each (`journal.ts`, `record.ts`)
 *   images/<md5>.<sha256>/                                       images that were proven to run (`images.ts`)
 *
 * A folder for each device: a push reads what it needs and no more, a device is the same whichever project pushes to it,
 * and each keeps its last records however often another is pushed to. Nothing here throws: a push goes on without its memory,
 * which lasts as long as the process then, and the loss is reported once.
 */

import { join } from 'node:path';
import { messageOf } from '../../model/errors.ts';
import type { LastSeen } from '../../network/last-seen.ts';
import { canonicalHost } from '../../model/host-name.ts';
import { appendLine, isChangedSince, namesIn, readLines, type Appending } from './journal.ts';
import { parseRecords } from './lines.ts';
import { fileNameOf, type HistoryPlace } from './place.ts';
import {
  hasSum,
  inOrder,
  isOf,
  isProven,
  lineOf,
  wasTaken,
  type DeviceKey,
  type HistoryRecord,
} from './record.ts';

export interface History {
  /** Absent: it is kept nowhere. */
  readonly place?: HistoryPlace;
  /** `isDurable`: it must survive a power cut. */
  append(record: HistoryRecord, options?: { readonly isDurable?: boolean }): void;
  /** From the oldest to the newest. */
  of(device: DeviceKey): readonly HistoryRecord[];
  all(): readonly HistoryRecord[];
  /** The newest whose image the device has taken; with `proven`, whose image it has said to run. */
  last(device: DeviceKey, options?: { readonly proven?: boolean }): HistoryRecord | undefined;
  /** Whether `md5`, as the device reports it, is a sum of an image that it was given earlier. */
  knows(device: DeviceKey, md5: string): boolean;
  /** MD5 of the image that was pushed there last, under whatever name, where that was deployed, and ended since that moment. */
  pushedSince(
    place: { readonly address: string; readonly port: number },
    sinceMs: number,
  ): string | undefined;
  readonly lastSeen: Pick<LastSeen, 'addressOf'>;
  /** Reports, once, that something could not be stored. */
  lost(error: unknown): void;
}

export interface HistoryOptions {
  readonly place: HistoryPlace | undefined;
  /** Told once, a sentence. */
  readonly onLoss: (message: string) => void;
  readonly memory?: HistoryMemory;
}

/** Of one process, for all of its runs: what could not be stored, and what was reported. Both are added to. */
export interface HistoryMemory {
  readonly unsaved: HistoryRecord[];
  readonly reported: Set<string>;
}

export const newHistoryMemory = (): HistoryMemory => ({ unsaved: [], reported: new Set() });

/** Reads nothing and makes nothing until it is asked. */
export function openHistory({ place, onLoss, memory = newHistoryMemory() }: HistoryOptions): History {
  const { unsaved, reported } = memory;
  const report = (what: 'loss' | 'sharing', message: string): void => {
    if (reported.has(what)) return;
    reported.add(what);
    onLoss(message);
  };
  const lost = (error: unknown): void => {
    const where = place?.folder ?? 'it';
    report(
      'loss',
      `the history is not complete: ${where} cannot be written (${messageOf(error)}); the push goes on`,
    );
  };
  const devicesDir = place && join(place.folder, 'devices');
  const folderOf = (host: string): string | undefined => devicesDir && join(devicesDir, fileNameOf(host));
  const saved = (folder: string | undefined): HistoryRecord[] =>
    folder === undefined ? [] : parseRecords(readLines(folder));
  const ofHost = (host: string): readonly HistoryRecord[] => {
    const kept = unsaved.filter(({ device }) => device.host === host);
    const read = saved(folderOf(host));
    return kept.length === 0 ? read : parseRecords([...read, ...kept].map(lineOf));
  };
  const of = (device: DeviceKey): readonly HistoryRecord[] =>
    ofHost(device.host).filter((record) => isOf(device, record));
  const folders = (): string[] =>
    devicesDir === undefined ? [] : namesIn(devicesDir).map((name) => join(devicesDir, name));

  const growing = new Set<string>();
  /** Loaded once in some hundred pushes. What fails is tried again after the next one: nothing is lost by it. */
  const boundOnce = (appending: Appending): void => {
    const { folder } = appending;
    if (growing.has(folder)) return;
    growing.add(folder);
    void import('./bound.ts')
      .then(({ bound }) => bound(appending))
      .catch(() => undefined)
      .finally(() => growing.delete(folder));
  };

  return {
    ...(place && { place }),
    append(record, { isDurable = false } = {}) {
      const folder = folderOf(record.device.host);
      if (place === undefined || folder === undefined) {
        unsaved.push(record);
        return report(
          'loss',
          'the history is not kept: no home folder is set; `history.dir` names another folder',
        );
      }
      const { user, computer, modes, warning } = place;
      if (warning !== undefined) report('sharing', warning);
      const appending = { folder, writer: fileNameOf(`${user}@${computer}`), modes, isDurable };
      try {
        const hasGrown = appendLine(lineOf(record), appending);
        if (hasGrown) boundOnce(appending);
      } catch (error) {
        unsaved.push(record);
        lost(error);
      }
    },
    of,
    all: () =>
      inOrder([
        ...new Map(
          [...folders().flatMap(saved), ...unsaved].map((record) => [record.id, record] as const),
        ).values(),
      ]),
    last: (device, { proven = false } = {}) => of(device).findLast(proven ? isProven : wasTaken),
    knows: (device, md5) => of(device).some((record) => wasTaken(record) && hasSum(record, md5)),
    pushedSince(where, sinceMs) {
      const recent = [
        ...folders()
          .filter((folder) => isChangedSince(folder, sinceMs))
          .flatMap(saved),
        ...unsaved,
      ];
      const there = recent.filter(
        (record) => record.place?.address === where.address && record.place.port === where.port,
      );
      const last = inOrder(there).findLast(wasTaken);
      // Of who waits for proof the end counts: whoever wants to push meanwhile waits for that.
      const isDone = last?.outcome === 'deployed' && Date.parse(last.endedAt ?? last.at) >= sinceMs;
      return isDone ? last.image.md5 : undefined;
    },
    lastSeen: {
      addressOf: (host) =>
        ofHost(canonicalHost(host)).findLast(({ place: where }) => where?.isSure === true)?.place?.address,
    },
    lost,
  };
}
