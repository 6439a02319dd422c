/**
 * The image over the connection that the device opened, up to its verdict.
 *
 *   sending ── all bytes handed over ──▶ awaiting the verdict ── OK ──▶ done
 *      │  ▲                                  │
 *      │  └─ counts come, more may go        └─ an error text, a close, silence ──▶ failed
 *      └─ an error text, a close, a stall ──▶ failed
 *
 * Never half-close after the last byte: the device sees the end of the stream, resets, and no verdict comes although
 * the update was staged.
 */

import type { Tell } from '../../model/events.ts';
import type { Inbox } from './inbox.ts';
import * as paces from './pace.ts';
import { noReplies, takeReply, verdictOf, type Replies } from './replies.ts';
import type { Connection, ExchangeInput } from './transport.ts';

/** After the last byte was acknowledged; an ESP8266 takes a second, a slow flash more. */
const verdictLimitMs = 30_000;
/** An error text without a line end is whole when nothing has followed for so long. */
const verdictTextMs = 2_000;
const progressEveryMs = 100;
/** With so much of it counted the device may well have all. */
const nearlyAll = 0.98;

export interface TransferOptions {
  readonly bytes: Uint8Array;
  readonly connection: Connection;
  readonly inbox: Inbox<ExchangeInput>;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly tell: Tell;
  readonly roundTripMs?: number;
  /** Where the device is known to print no larger count. */
  readonly largestCountBytes?: number;
  /** From here on the device has all of it, as far as its counts can tell. */
  readonly onAllTaken?: () => void;
  /** Whenever the device has counted more. */
  readonly onCounted?: (acknowledgedBytes: number) => void;
}

/** How it ended, with what was observed. Rejects only when the signal aborts. */
export interface TransferEnd {
  readonly type: 'accepted' | 'rejected' | 'garbage' | 'lost' | 'stalled' | 'no-verdict' | 'early-ok';
  /** What has left this process: the device may have got so much, and cannot have got more. */
  readonly sentBytes: number;
  readonly acknowledgedBytes: number;
  /** How long nothing had come. */
  readonly silentMs: number;
  readonly answer?: string;
  /** System error of a connection that broke. */
  readonly code?: string;
}

export async function transfer(options: TransferOptions): Promise<TransferEnd> {
  const { bytes, connection, inbox, now, signal, tell, largestCountBytes } = options;
  let replies: Replies = noReplies;
  let toldBytes = 0;
  let toldAtMs = -Infinity;
  let verdictAtMs: number | undefined;
  let pace = paces.startPace({
    sizeBytes: bytes.length,
    nowMs: now(),
    ...(options.roundTripMs === undefined ? {} : { roundTripMs: options.roundTripMs }),
  });
  const tellProgress = (): void => {
    if (pace.acknowledgedBytes === toldBytes) return;
    toldBytes = pace.acknowledgedBytes;
    toldAtMs = now();
    tell(progressOf(pace));
  };
  const end = (type: TransferEnd['type'], more: { answer?: string; code?: string } = {}): TransferEnd => {
    tellProgress();
    return {
      type,
      sentBytes: pace.sentBytes - connection.waitingBytes(),
      acknowledgedBytes: replies.acknowledgedBytes,
      silentMs: Math.round(now() - pace.lastSignMs),
      ...more,
    };
  };

  for (;;) {
    if (replies.verdict.length === 0) {
      pace = sendAllowed(paces.goOn(pace, now()), { bytes, connection, now });
    }
    const isTold = pace.acknowledgedBytes === toldBytes;
    const tellAtMs = isTold ? Infinity : toldAtMs + progressEveryMs;
    const untilMs = Math.max(now(), Math.min(wakeAt(pace, verdictAtMs), tellAtMs));
    const input = await inbox.next({ untilMs, signal });
    pace = paces.woken(pace, untilMs, now());
    const isVerdictWhole = verdictAtMs !== undefined && now() >= verdictAtMs + verdictTextMs;
    const ended = input?.type === 'closed' || (input === undefined && isVerdictWhole);

    if (input?.type === 'data') {
      replies = takeReply(replies, input.bytes, { sentBytes: pace.sentBytes, largestCountBytes });
      pace = paces.acknowledged(pace, replies.acknowledgedBytes, now());
      options.onCounted?.(replies.acknowledgedBytes);
      if (hasAll(pace)) options.onAllTaken?.();
    }
    if (now() >= toldAtMs + progressEveryMs || replies.acknowledgedBytes === bytes.length) tellProgress();
    const verdict = verdictOf(replies, ended);
    if (verdict?.type === 'accepted') {
      // What the kernel has taken may have arrived; what waits in this process cannot have.
      const isAllGone = pace.sentBytes === bytes.length && connection.waitingBytes() === 0;
      return isAllGone ? end('accepted') : end('early-ok', { answer: 'OK' });
    }
    if (verdict !== undefined) return end(verdict.type, { answer: verdict.text });
    // Something was said that makes no sense, and nothing more came.
    if (ended && input === undefined) return end('garbage', { answer: '' });
    if (ended) {
      const code = input?.type === 'closed' && input.code !== undefined ? { code: input.code } : {};
      return end(hasAll(pace) ? 'no-verdict' : 'lost', code);
    }
    // Half an `OK` is waited for as long as a whole one.
    if (input?.type === 'data' && replies.verdict.length > 1) verdictAtMs = now();
    // The device has its connection; whoever else comes is turned away.
    if (input?.type === 'connection') input.connection.reset();

    if (input !== undefined) continue;
    const silentMs = now() - pace.lastSignMs;
    if (hasAll(pace) && now() - Math.max(pace.lastSignMs, pace.lastMoveMs) >= verdictLimitMs)
      return end('no-verdict');
    if (!hasAll(pace) && silentMs >= paces.stallLimitMs(pace)) return end('stalled');
  }
}

function sendAllowed(
  pace: paces.TransferPace,
  options: { bytes: Uint8Array; connection: Connection; now: () => number },
): paces.TransferPace {
  const allowance = paces.allowanceBytes(pace, options.now());
  if (allowance === 0) return pace;
  options.connection.write(options.bytes.subarray(pace.sentBytes, pace.sentBytes + allowance));
  return paces.sent(pace, allowance, options.now());
}

function wakeAt(pace: paces.TransferPace, verdictAtMs: number | undefined): number {
  if (verdictAtMs !== undefined) return verdictAtMs + verdictTextMs;
  if (hasAll(pace)) return Math.max(pace.lastSignMs, pace.lastMoveMs) + verdictLimitMs;
  const stalledAtMs = pace.lastSignMs + paces.stallLimitMs(pace);
  return Math.min(stalledAtMs, paces.goOnAtMs(pace));
}

/** The device has taken all of it, as far as its counts can tell. */
function hasAll(pace: paces.TransferPace): boolean {
  return pace.sentBytes === pace.sizeBytes && pace.acknowledgedBytes >= nearlyAll * pace.sizeBytes;
}

function progressOf(pace: paces.TransferPace): Extract<Parameters<Tell>[0], { type: 'progress' }> {
  const elapsedMs = Math.max(1, pace.lastSignMs - pace.startedAtMs);
  return {
    type: 'progress',
    acknowledgedBytes: pace.acknowledgedBytes,
    totalBytes: pace.sizeBytes,
    bytesPerSecond: Math.round((pace.acknowledgedBytes * 1000) / elapsedMs),
  };
}
