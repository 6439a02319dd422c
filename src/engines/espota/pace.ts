/**
 * How much of the image may be on its way at once, and when a transfer is stalled. Pure.
 *
 * Nothing in the protocol needs the sender to wait for counts: TCP's window paces it. But ESP8266 and RP2040 print a
 * count only when their input runs dry, so a sender that keeps the socket full sees 0 % until the end, and cannot tell
 * a stall. So a bounded amount is in flight: each time it is used up the device runs dry for one round trip. With
 * 100 round trips' worth of flash writing in flight that costs about 1 %.
 *
 * The first kilobyte goes alone: its count comes back before a flash sector is full, so it measures the round trip.
 */

const probeBytes = 1024;
const smallestWindowBytes = 32 * 1024;
/** 55 ms for a sector of 4 KiB: what an ESP8266's flash takes; replaced by what is measured. */
const presumedBytesPerSecond = 75_000;
/** A round trip above this is a device that was busy when it answered, not a link. */
const longestRoundTripMs = 150;

export interface Pace {
  readonly sizeBytes: number;
  readonly startedAtMs: number;
  readonly sentBytes: number;
  readonly acknowledgedBytes: number;
  /** Presumed to be taken although no count said so: counts are misread a little low, which must not stop the sender. */
  readonly presumedBytes: number;
  readonly roundTripMs?: number;
  readonly bytesPerSecond: number;
  /** Of the last count, or of the start. */
  readonly lastSignMs: number;
  /** Of the last write or count: what `goOnAt` waits from. */
  readonly lastMoveMs: number;
}

/** `roundTripMs`: of the invitation, where it was measured. */
export function startPace(start: { sizeBytes: number; nowMs: number; roundTripMs?: number }): Pace {
  return {
    sizeBytes: start.sizeBytes,
    startedAtMs: start.nowMs,
    sentBytes: 0,
    acknowledgedBytes: 0,
    presumedBytes: 0,
    bytesPerSecond: presumedBytesPerSecond,
    lastSignMs: start.nowMs,
    lastMoveMs: start.nowMs,
    ...(start.roundTripMs === undefined ? {} : { roundTripMs: start.roundTripMs }),
  };
}

/** How many bytes may be handed to the connection now. */
export function allowanceBytes(pace: Pace): number {
  const rest = pace.sizeBytes - pace.sentBytes;
  const window = pace.acknowledgedBytes + pace.presumedBytes === 0 ? probeBytes : windowBytes(pace);
  return Math.max(0, Math.min(rest, window - inFlightBytes(pace)));
}

export function sent(pace: Pace, bytes: number, nowMs: number): Pace {
  return { ...pace, sentBytes: pace.sentBytes + bytes, lastMoveMs: nowMs };
}

export function acknowledged(pace: Pace, acknowledgedBytes: number, nowMs: number): Pace {
  const isProbe = pace.acknowledgedBytes === 0 && pace.sentBytes <= probeBytes;
  const roundTripMs = isProbe
    ? Math.min(pace.roundTripMs ?? Infinity, nowMs - pace.lastMoveMs)
    : pace.roundTripMs;
  const elapsedMs = nowMs - pace.startedAtMs - (roundTripMs ?? 0);
  const isMeasured = acknowledgedBytes >= smallestWindowBytes / 2 && elapsedMs > 0;
  return {
    ...pace,
    acknowledgedBytes,
    presumedBytes: Math.min(pace.presumedBytes, Math.max(0, pace.sentBytes - acknowledgedBytes)),
    bytesPerSecond: isMeasured ? (acknowledgedBytes * 1000) / elapsedMs : pace.bytesPerSecond,
    lastSignMs: nowMs,
    lastMoveMs: nowMs,
    ...(roundTripMs === undefined ? {} : { roundTripMs }),
  };
}

/** When to send on although nothing was acknowledged: half as long again as the window should have taken. */
export function goOnAtMs(pace: Pace): number {
  return pace.lastMoveMs + 200 + 1.5 * (flashTimeMs(pace) + roundTripOf(pace));
}

/** Lets a quarter of the window go on its way without a count. */
export function goOn(pace: Pace, nowMs: number): Pace {
  const more = Math.min(windowBytes(pace) / 4, pace.sentBytes - pace.acknowledgedBytes - pace.presumedBytes);
  return { ...pace, presumedBytes: pace.presumedBytes + Math.max(0, more), lastMoveMs: nowMs };
}

/** No sign for this long means that the transfer is stalled. */
export function stallLimitMs(pace: Pace): number {
  return 10_000 + 3 * flashTimeMs(pace);
}

export function windowBytes(pace: Pace): number {
  return Math.max(smallestWindowBytes, (100 * roundTripOf(pace) * pace.bytesPerSecond) / 1000);
}

function inFlightBytes(pace: Pace): number {
  return pace.sentBytes - pace.acknowledgedBytes - pace.presumedBytes;
}

function flashTimeMs(pace: Pace): number {
  return (Math.min(windowBytes(pace), pace.sizeBytes) * 1000) / pace.bytesPerSecond;
}

function roundTripOf(pace: Pace): number {
  return Math.min(pace.roundTripMs ?? 0, longestRoundTripMs);
}
