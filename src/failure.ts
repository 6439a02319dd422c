/** What a run's failures come to: one error, one exit code. */

import { OtaError, errorCodes } from './errors.ts';

/** As shells count: 128 and the number of the signal. */
export function exitCodeFor({ code, details }: OtaError): number {
  return code === 'CANCELLED' && details['signal'] === 'SIGTERM' ? 143 : errorCodes[code].exitCode;
}

/** A plain `Error` is a mistake in otarc: it is told as one, with where it happened for the report. */
export function asOtaError(error: unknown): OtaError {
  if (error instanceof OtaError) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new OtaError('INTERNAL', `Unexpected: ${text}`, { cause: error });
}
