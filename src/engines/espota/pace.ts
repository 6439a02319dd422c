/**
 * How much of the image may be on its way at once, and when a transfer is stalled. Pure.
 *
 * Nothing in the protocol needs the sender to wait for counts: TCP's window paces it. But ESP8266 and RP2040 print a
 * count only when their input runs dry, so a sender that keeps the socket full sees 0 % until the end, and cannot tell
 * a stall. So a bounded amount, the window, is in flight, and the device runs dry when it is used up.
 *
 *   host    window 1 ─────────────┐             window 2 ────────────┐
 *   device     writes sector after sector ─▶ dry, count    writes … ─▶ dry, count
 *                                          └─ margin ─┘
 *
 * Waiting for the count before the next window costs a round trip each time, which is too much on a slow link. How long
 * a device takes for a window is known from the ones before, so the next window is sent when the device must just have
 * run dry, its count still on its way: the stop then costs the margin. At first only a bridge of a few sectors goes, the rest
 * when the count is there: where the prediction comes too early, the device does not run dry, and its next count comes
 * after the bridge. Each such miss doubles the margin.
 *
 * The round trip is the shortest of several: of the invitation, and of three small parts that go first and whose counts
 * come before a flash sector is full. A host that was busy makes a measurement too long, never too short.
 */

/** Flash is written in these, by all three cores: windows are whole sectors, so that each takes its usual time. */
const sectorBytes = 4096;
const probes = 3;
/**
 * Counts that arrive glued, `972972972`, cannot be read as fewer, larger numbers: nothing that large is on its way yet.
 * (Three times 960 would be two TCP segments of an ESP32, after which its reads and its window never fit each other.)
 */
const probeBytes = 972;
/** The updaters of ESP8266 and RP2040 look for more input after 1 ms; what comes later finds a count printed. */
const probeGapMs = 3;

const smallestWindowBytes = 2 * sectorBytes;
/** As long as nothing was measured, and no more than a prediction from what is presumed can spoil. */
const firstWindowBytes = 4 * sectorBytes + probes * probeBytes;
const usualWindowBytes = 8 * sectorBytes;
/** 55 ms for a sector: what an ESP8266's flash takes; replaced by what is measured. */
const presumedMsPerByte = 55 / sectorBytes;
/** A stop may cost a hundredth of the time between stops. */
const stopsPerCost = 100;
/** A person sees a step at least every second, */
const longestWindowMs = 850;
/** or every tenth of the image. */
const largestShare = 1 / 10;

/** By so much the next window comes later than the device is expected to run dry. */
const smallestMarginMs = 6;
/** By so much a count may come later than a round trip after the device ran dry. */
const bridgeSlackMs = 60;
/** What a prediction is to gain at least. */
const worthwhileMs = 8;
/** Before anything was measured: the flash may be that much slower than presumed. */
const firstMarginShare = 0.25;
/** What a stop costs besides: the updater's own wait, a timer of whole milliseconds. */
const stopOverheadMs = 2;
/** Of these rates the fastest counts: a host that hears of it late makes a rate slower, never faster. */
const ratesKept = 3;
const latenessKept = 8;

export interface TransferPace {
  readonly sizeBytes: number;
  readonly startedAtMs: number;
  readonly sentBytes: number;
  readonly acknowledgedBytes: number;
  /** The device is presumed to have taken all up to here, although no count has said so yet. */
  readonly presumedBytes: number;
  /** The shortest of all that were measured. */
  readonly roundTripMs?: number;
  /** Where the next window began ahead of the count for the one before. */
  readonly aheadOfBytes: number;
  /** What was handed over and not acknowledged yet, oldest first, without gaps. */
  readonly parts: readonly Part[];
  /** Of the last windows, oldest first. */
  readonly msPerByte: readonly number[];
  /** How late this host came when it was time to go on, oldest first. */
  readonly latenessMs: readonly number[];
  /** At its last wake-up; what was heard then may have come that much earlier. */
  readonly lateMs: number;
  /** Predictions that came too early: each makes the margin twice as long. */
  readonly misses: number;
  /** Of the last count, or of the start. */
  readonly lastSignMs: number;
  /** Of the last write or count. */
  readonly lastMoveMs: number;
}

interface Part {
  readonly startBytes: number;
  readonly endBytes: number;
  readonly sentAtMs: number;
}

/** `roundTripMs`: of the invitation, where it was measured. */
export function startPace(start: { sizeBytes: number; nowMs: number; roundTripMs?: number }): TransferPace {
  return {
    sizeBytes: start.sizeBytes,
    startedAtMs: start.nowMs,
    sentBytes: 0,
    acknowledgedBytes: 0,
    presumedBytes: 0,
    aheadOfBytes: 0,
    parts: [],
    msPerByte: [],
    latenessMs: [],
    lateMs: 0,
    misses: 0,
    lastSignMs: start.nowMs,
    lastMoveMs: start.nowMs,
    ...(start.roundTripMs === undefined ? {} : { roundTripMs: start.roundTripMs }),
  };
}

/** How many bytes may be handed to the connection now. */
export function allowanceBytes(pace: TransferPace, nowMs: number): number {
  const restBytes = pace.sizeBytes - pace.sentBytes;
  if (nowMs < gapEndsMs(pace)) return 0;
  if (isProbing(pace)) return Math.min(probeBytes, restBytes);
  const roomBytes = (isAhead(pace) ? bridgeBytes(pace) : windowBytes(pace)) - inFlightBytes(pace);
  // A stop for a small rest is not worth it.
  if (roomBytes > 0 && restBytes <= roomBytes + windowBytes(pace) / 8) return restBytes;
  return Math.max(0, Math.min(restBytes, Math.floor(roomBytes / sectorBytes) * sectorBytes));
}

export function sent(pace: TransferPace, bytes: number, nowMs: number): TransferPace {
  const sentBytes = pace.sentBytes + bytes;
  const parts = [...pace.parts, { startBytes: pace.sentBytes, endBytes: sentBytes, sentAtMs: nowMs }];
  return { ...pace, sentBytes, parts, lastMoveMs: nowMs };
}

/** This host was to wake at `dueMs` at the latest: how late it is then says how much a stop costs here. */
export function woken(pace: TransferPace, dueMs: number, nowMs: number): TransferPace {
  if (nowMs < dueMs) return { ...pace, lateMs: 0 };
  const lateMs = nowMs - dueMs;
  return { ...pace, lateMs, latenessMs: [...pace.latenessMs, lateMs].slice(-latenessKept) };
}

/** A count came, by which the device has taken `acknowledgedBytes` in all. */
export function acknowledged(pace: TransferPace, acknowledgedBytes: number, nowMs: number): TransferPace {
  const roundTripMs = fasterRoundTripMs(pace, acknowledgedBytes, nowMs);
  const measured: TransferPace = { ...pace, ...(roundTripMs === undefined ? {} : { roundTripMs }) };
  return {
    ...measured,
    misses: pace.misses + (isMiss(pace, acknowledgedBytes) ? 1 : 0),
    msPerByte: withRate(measured, acknowledgedBytes, nowMs),
    acknowledgedBytes,
    parts: pace.parts.filter(({ endBytes }) => endBytes > acknowledgedBytes),
    lastSignMs: nowMs,
    lastMoveMs: nowMs,
  };
}

/** When more may go although nothing was acknowledged; infinity: when a count has come. */
export function goOnAtMs(pace: TransferPace): number {
  if (pace.sentBytes === pace.sizeBytes) return Infinity;
  if (isInGap(pace)) return gapEndsMs(pace);
  return Math.min(predictedAtMs(pace) ?? Infinity, patienceEndsMs(pace));
}

/** What is presumed at `goOnAtMs`; no change before. */
export function goOn(pace: TransferPace, nowMs: number): TransferPace {
  if (nowMs < goOnAtMs(pace) || isInGap(pace)) return pace;
  if (nowMs < patienceEndsMs(pace))
    return { ...pace, presumedBytes: pace.sentBytes, aheadOfBytes: pace.sentBytes };
  // Counts may be misread a little low, which must not stop the sender: a quarter of the window goes without one.
  const moreBytes = Math.max(sectorBytes, windowBytes(pace) / 4);
  const presumedBytes = Math.min(pace.sentBytes, takenBytes(pace) + moreBytes);
  return { ...pace, presumedBytes, lastMoveMs: nowMs };
}

/** No sign for this long means that the transfer is stalled. */
export function stallLimitMs(pace: TransferPace): number {
  return 10_000 + 3 * Math.min(windowBytes(pace), pace.sizeBytes) * msPerByteOf(pace);
}

/** At most so much is in flight. */
export function windowBytes(pace: TransferPace): number {
  if (!isMeasured(pace) && pace.acknowledgedBytes < firstWindowBytes) return firstWindowBytes;
  const bytesPerMs = 1 / msPerByteOf(pace);
  const longestBytes = Math.max(largestShare * pace.sizeBytes, longestWindowMs * bytesPerMs);
  const stopMs =
    (isPredicting(pace) ? marginOf(pace) : roundTripOf(pace)) + stopOverheadMs + meanOf(pace.latenessMs);
  const cheapBytes = Math.max(usualWindowBytes, stopsPerCost * stopMs * bytesPerMs);
  const wholeBytes = Math.floor(Math.min(longestBytes, cheapBytes) / sectorBytes) * sectorBytes;
  return Math.max(smallestWindowBytes, wholeBytes);
}

function isProbing({ sentBytes }: TransferPace): boolean {
  return sentBytes < probes * probeBytes;
}

/** Behind each probe; before all others it is over. */
function gapEndsMs({ sentBytes, parts, latenessMs }: TransferPace): number {
  const last = parts.at(-1);
  if (last === undefined || sentBytes > probes * probeBytes) return -Infinity;
  return last.sentAtMs + probeGapMs - leastOf(latenessMs);
}

/** Nothing may go yet, whatever the window. */
function isInGap(pace: TransferPace): boolean {
  const { sentBytes, parts } = pace;
  return parts.length > 0 && sentBytes <= probes * probeBytes;
}

function fasterRoundTripMs(pace: TransferPace, acknowledgedBytes: number, nowMs: number): number | undefined {
  const probe = pace.parts.find(({ endBytes }) => endBytes === acknowledgedBytes);
  const isMeasurement = acknowledgedBytes <= probes * probeBytes && pace.lateMs === 0;
  if (probe === undefined || !isMeasurement) return pace.roundTripMs;
  return Math.min(pace.roundTripMs ?? Infinity, nowMs - probe.sentAtMs);
}

/** Whether the device was dry when the oldest part in flight came: its count ended right before that part. */
function isFreshStart({ parts, acknowledgedBytes }: TransferPace): boolean {
  return parts[0]?.startBytes === acknowledgedBytes;
}

/** When the device could take up the oldest byte in flight, as the time at which that would have been sent. */
function flightStartMs(pace: TransferPace): number {
  const sentAtMs = pace.parts[0]?.sentAtMs ?? pace.lastMoveMs;
  return isFreshStart(pace) ? sentAtMs : Math.max(sentAtMs, pace.lastSignMs - roundTripOf(pace));
}

/** The count for the window before is still to come. */
function isAhead({ aheadOfBytes, acknowledgedBytes }: TransferPace): boolean {
  return aheadOfBytes > acknowledgedBytes;
}

/** What keeps the device busy until that count has come; no more, or a prediction that was wrong would hide a step. */
function bridgeBytes(pace: TransferPace): number {
  const untilHeardMs = roundTripOf(pace) + meanOf(pace.latenessMs) + bridgeSlackMs;
  return Math.ceil(untilHeardMs / msPerByteOf(pace) / sectorBytes) * sectorBytes;
}

/** Whether a prediction gains more than it can spoil: the round trip itself may be as wrong as this host is late. */
function isPredicting(pace: TransferPace): boolean {
  return roundTripOf(pace) - marginOf(pace) >= worthwhileMs;
}

/** When a part sent then finds the device dry, its count not yet heard. */
function predictedAtMs(pace: TransferPace): number | undefined {
  if (pace.presumedBytes > pace.acknowledgedBytes || pace.parts.length === 0 || !isPredicting(pace))
    return undefined;
  const takesMs = (pace.sentBytes - pace.acknowledgedBytes) * msPerByteOf(pace);
  return flightStartMs(pace) + takesMs + marginOf(pace) - leastOf(pace.latenessMs);
}

/** Half as long again as the window should have taken. */
function patienceEndsMs(pace: TransferPace): number {
  const flightMs = Math.min(windowBytes(pace), pace.sizeBytes) * msPerByteOf(pace);
  return pace.lastMoveMs + 200 + 1.5 * (flightMs + roundTripOf(pace));
}

/** The device had not run dry where the next window was sent ahead: its count covers some of that as well. */
function isMiss(pace: TransferPace, acknowledgedBytes: number): boolean {
  return isAhead(pace) && acknowledgedBytes > pace.aheadOfBytes && isMeasured(pace);
}

function withRate(pace: TransferPace, acknowledgedBytes: number, nowMs: number): readonly number[] {
  const bytes = acknowledgedBytes - pace.acknowledgedBytes;
  const tookMs = nowMs - flightStartMs(pace) - roundTripOf(pace);
  const isHeardLate = pace.lateMs - leastOf(pace.latenessMs) > smallestMarginMs && isMeasured(pace);
  // A count at a stop ends with what was sent until then; another one was misread, or printed in between.
  const isStop = pace.parts.some(({ endBytes }) => endBytes === acknowledgedBytes);
  if (!isFreshStart(pace) || !isStop || bytes < 2 * sectorBytes || tookMs <= 0 || isHeardLate)
    return pace.msPerByte;
  return [...pace.msPerByte, tookMs / bytes].slice(-ratesKept);
}

function marginOf(pace: TransferPace): number {
  return isMeasured(pace)
    ? smallestMarginMs * 2 ** pace.misses + meanOf(pace.latenessMs) - leastOf(pace.latenessMs)
    : firstMarginShare * firstWindowBytes * presumedMsPerByte;
}

function isMeasured(pace: TransferPace): boolean {
  return pace.msPerByte.length > 0;
}

function msPerByteOf(pace: TransferPace): number {
  return isMeasured(pace) ? Math.min(...pace.msPerByte) : averageOf(pace);
}

/** Where counts come all the time, no window takes a time of its own. */
function averageOf(pace: TransferPace): number {
  const tookMs = pace.lastSignMs - pace.startedAtMs - roundTripOf(pace);
  const isMeasured = pace.acknowledgedBytes >= 4 * sectorBytes && tookMs > 0;
  return isMeasured ? tookMs / pace.acknowledgedBytes : presumedMsPerByte;
}

function leastOf(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : Math.min(...numbers);
}

function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);
}

function inFlightBytes(pace: TransferPace): number {
  return pace.sentBytes - takenBytes(pace);
}

function takenBytes(pace: TransferPace): number {
  return Math.max(pace.acknowledgedBytes, pace.presumedBytes);
}

function roundTripOf(pace: TransferPace): number {
  return pace.roundTripMs ?? 0;
}
