/**
 * One exchange with one device over espota, read top to bottom.
 *
 *   prepared ── invite (UDP) ──▶ agreed ── the device connects back (TCP) ──▶ connected ── the image ──▶ verdict
 *       │            │                │                    │                        │
 *       └────────────┴────────────────┴── abort, limit, refusal ──▶ both sockets closed, the connection reset
 */

import type { Session } from '../engine.ts';
import { isCountedTooLow } from '../../model/counted.ts';
import { OtaError } from '../../model/errors.ts';
import { thousands } from '../../model/numbers.ts';
import type { Receipt } from '../../model/types.ts';
import { withWaitedFor } from '../../model/waiting.ts';
import { agree, type Exchange } from './agree.ts';
import { deviceText, withObserved, type Observed } from './failures.ts';
import { largestReadBytes } from './replies.ts';
import { watchForSleep } from './sleep.ts';
import { transfer } from './transfer.ts';
import type { Connection, Transport } from './transport.ts';

export function createSession(parts: Omit<Exchange, 'where'>): Session {
  const { target, context, transport, inbox, now } = parts;
  const observed = nothingObserved(transport);
  const where = { target, observed };
  const closed = new AbortController();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed.abort();
    return (closing ??= transport.close());
  };

  return {
    close,
    async send(image, options) {
      const signal = AbortSignal.any([context.signal, options.signal, closed.signal]);
      const startedAtMs = now();
      const sleep = watchForSleep(observed);
      let connection: Connection | undefined;
      let isBegun = false;
      let isAllTaken = false;
      let isAgreed = false;
      let acknowledgedBytes = 0;
      try {
        const agreement = await agree({ ...parts, where }, image, {
          signal,
          silenceLimitMs: options.silenceLimitMs,
          onAgreed: () => (isAgreed = true),
        });
        connection = agreement.connection;
        connection.accept();
        context.tell({ type: 'connected', address: connection.address });
        await options.beforeImage?.();
        isBegun = true;
        const { roundTripMs } = agreement;
        const isEsp32 = (target.platform ?? image.platform) === 'esp32';
        const end = await transfer({
          bytes: image.bytes,
          connection,
          inbox,
          now,
          signal,
          tell: context.tell,
          onAllTaken: () => (isAllTaken = true),
          onCounted: (bytes) => (acknowledgedBytes = bytes),
          ...(roundTripMs === undefined ? {} : { roundTripMs }),
          ...(isEsp32 ? { largestCountBytes: largestReadBytes } : {}),
        });
        sleep.look();
        if (end.type !== 'accepted') {
          const { transferFailed } = await import('./transfer-failures.ts');
          throw transferFailed(where, image, { ...end, type: end.type });
        }
        connection.end();
        connection = undefined;
        const receipt: Receipt = {
          durationMs: Math.round(now() - startedAtMs),
          sizeBytes: image.sizeBytes,
          sentBytes: image.bytes.length,
          countedBytes: end.acknowledgedBytes,
        };
        if (isCountedTooLow(receipt)) {
          const message = `${deviceText(target)} said OK, but counted only ${thousands(receipt.countedBytes)} of ${thousands(receipt.sentBytes)} bytes. Check that it runs the new image.`;
          context.tell({ type: 'log', level: 'warn', message });
        }
        context.tell({ type: 'accepted', ...receipt });
        return receipt;
      } catch (error) {
        sleep.look();
        if (!signal.aborted || !(error instanceof OtaError)) throw error;
        const late = withWaitedFor(error, connection ? 'sending' : isAgreed ? 'connection' : 'answer');
        if (!isBegun) throw withObserved(late, observed);
        const { interrupted } = await import('./transfer-failures.ts');
        throw interrupted(where, image, { error: late, isAllTaken, acknowledgedBytes });
      } finally {
        sleep.stop();
        connection?.reset();
        await close();
      }
    },
  };
}

/** Before the first datagram. */
export function nothingObserved({ local }: Transport): Observed {
  return {
    hostAddress: local.address,
    hostPort: local.port,
    invitations: 0,
    datagramsReceived: 0,
    undeliverable: [],
    foreignConnections: [],
  };
}
