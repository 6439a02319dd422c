/** What a run's failures come to: one error, one exit code. */

import { OtaError, errorCodes } from './errors.ts';
import type { EventBody, Stage } from './events.ts';

/** SIGBREAK is Ctrl-Break and a closed console on Windows. */
export const signalExitCodes: Readonly<Record<string, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
  SIGBREAK: 149,
};

/** As shells count: 128 and the number of the signal. */
export function exitCodeFor({ code, details }: OtaError): number {
  const { signal } = details;
  if (code !== 'CANCELLED' || typeof signal !== 'string') return errorCodes[code].exitCode;
  return signalExitCodes[signal] ?? errorCodes[code].exitCode;
}

/** A plain `Error` is a mistake in otarc: it is told as one, with where it happened for the report. */
export function asOtaError(error: unknown): OtaError {
  if (error instanceof OtaError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  // Anywhere, and no mistake: the system hands out no more of them.
  if (code === 'EMFILE' || code === 'ENFILE') {
    return new OtaError('INTERNAL', `The system lets otarc open no more files (${code}).`, {
      hint: 'Raise the limit (`ulimit -n 1024` in this shell), or end what has many files open.',
      cause: error,
    });
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new OtaError('INTERNAL', `Unexpected: ${text}`, { cause: error });
}

/** How a failure is told, wherever it happened. */
export function failedEvent({ code, message, hint, details }: OtaError, stage: Stage): FailedEvent {
  return { type: 'failed', code, message, hint, stage, details };
}

type FailedEvent = Extract<EventBody, { type: 'failed' }>;
