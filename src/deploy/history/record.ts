/**
 * One push of one image to one device, as a line of the history. Pure; `lines.ts` reads them.
 *
 * A push writes a line when the device has accepted the image, and another at its end, with the same `id`: an otarc that
 * is killed while it waits for proof leaves the first. The later of two lines counts, and a line that is there twice counts
 * once, so that a line may be copied at any time.
 */

import { canonicalHost } from '../../model/host-name.ts';
import type { AuthScheme, Stage } from '../../model/events.ts';
import type { BuildTool, Chip, Device, Image, ImageKind, Platform } from '../../model/types.ts';
import type { Verification } from '../../model/verification.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';

/** A line with another number was written by a later otarc: it is kept, and not read. */
export const recordVersion = 1 as const;

/** Whom a record is of. Two are the same where the hosts are, and the ports, as far as both are known. */
export interface DeviceKey {
  /** As `canonicalHost` spells it. */
  readonly host: string;
  readonly port?: number;
}

export interface RecordedImage {
  /** Lower-case hex of the bytes that were pushed. */
  readonly md5: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly kind: ImageKind;
  readonly platform?: Platform;
  readonly chip?: Chip;
  readonly identity?: string;
}

/** `accepted`: whoever pushed it was ended before it came to a verdict. */
export const outcomes = ['accepted', 'deployed', 'failed', 'skipped'] as const;
export type RecordedOutcome = (typeof outcomes)[number];

export interface HistoryRecord {
  readonly v: typeof recordVersion;
  readonly id: string;
  /** ISO time: when the device accepted the image, else when the push ended. */
  readonly at: string;
  /** ISO time: when the push ended, while its lock was still held where it was `deployed`. */
  readonly endedAt?: string;
  readonly device: DeviceKey & { readonly name: string };
  /** Where the bytes went. `isSure`: time was given to a second device of the name to show itself. */
  readonly place?: { readonly address: string; readonly port: number; readonly isSure?: true };
  readonly image: RecordedImage;
  /** MD5 sums that the device may report while this image runs, where they differ from that of the image. */
  readonly sums?: readonly string[];
  readonly outcome: RecordedOutcome;
  /** Of `failed`. */
  readonly code?: string;
  readonly stage?: Stage;
  /** The device has opened its connection for the image: from then on it may have stored a part of it. */
  readonly hasConnected?: true;
  /** Of `skipped`. */
  readonly reason?: string;
  readonly proof?: Verification;
  /** Of the sketch, as it announces it itself. */
  readonly version?: string;
  /** The state of the sources, where they are under git; without `isDirty` it is not known whether they had changes. */
  readonly source?: { readonly commit: string; readonly isDirty?: boolean };
  readonly build?: { readonly tool?: BuildTool | 'file'; readonly environment?: string };
  /** How the password was proven to the device. */
  readonly authScheme?: AuthScheme;
  /** Its announcement had `md5=`. */
  readonly offersProof?: boolean;
  readonly durations?: { readonly totalMs: number; readonly pushMs?: number };
  /** Version of the otarc that pushed. */
  readonly otarc: string;
  readonly user?: string;
  readonly computer?: string;
}

/** What the flow of a device learns that no event says. */
export interface PushNotes {
  /** Its announcement had `md5=`; undefined: nobody has listened. */
  readonly offersProof?: boolean | undefined;
  readonly verification?: Verification;
}

export function keyOf({ host, port }: Pick<Device, 'host' | 'port'>): DeviceKey {
  return withoutUndefined({ host: canonicalHost(host), port });
}

export function isOf(device: DeviceKey, record: HistoryRecord): boolean {
  const port = record.device.port ?? record.place?.port;
  return (
    record.device.host === device.host &&
    (device.port === undefined || port === undefined || port === device.port)
  );
}

/** The device may have begun to store this image, or has stored it. */
export function hasTouched(record: HistoryRecord): boolean {
  return wasTaken(record) || (record.outcome === 'failed' && record.hasConnected === true);
}

/** The device has said that it has the whole image. */
export function wasTaken({ outcome, stage }: HistoryRecord): boolean {
  return outcome === 'accepted' || outcome === 'deployed' || (outcome === 'failed' && stage === 'verify');
}

/**
 * Whether the device has taken this image since then, and nothing of its kind after it. One that it has taken a part of, or
 * whose boot failed, does not count.
 */
export function wasGivenLast(
  records: readonly HistoryRecord[],
  {
    image,
    sinceMs,
    runsAnother,
  }: {
    readonly image: Pick<Image, 'md5' | 'kind'>;
    readonly sinceMs: number;
    /** It says so itself: that counts where it has said of this image that it runs (not where its flash is encrypted). */
    readonly runsAnother: boolean;
  },
): boolean {
  const last = records.findLast((record) => record.image.kind === image.kind && hasTouched(record));
  if (last === undefined || Date.parse(last.at) < sinceMs || last.outcome === 'failed') return false;
  if (runsAnother && isProven(last)) return false;
  return last.image.md5 === image.md5;
}

/** Whether the device says itself which sketch it runs, by the last push that has listened. */
export function isKnownToOfferProof(records: readonly HistoryRecord[]): boolean {
  return records.findLast(({ offersProof }) => offersProof !== undefined)?.offersProof === true;
}

/** The device has said itself that this image runs. */
export const isProven = ({ proof }: HistoryRecord): boolean => proof?.type === 'verified';

/** Whether `md5`, as a device reports it, is a sum of this image. */
export const hasSum = ({ image, sums }: HistoryRecord, md5: string): boolean =>
  image.md5 === md5 || sums?.includes(md5) === true;

export function recordedImageOf(image: Image): RecordedImage {
  const { md5, sha256, sizeBytes, kind, platform, chip, identity } = image;
  return withoutUndefined({ md5, sha256, sizeBytes, kind, platform, chip, identity });
}

export const lineOf = (record: HistoryRecord): string => JSON.stringify(record);

export function inOrder(records: readonly HistoryRecord[]): HistoryRecord[] {
  return records.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
}
