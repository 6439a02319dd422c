/** A failure that no run has told: a mistake in usage, a file that cannot be read, a mistake in otarc. */

import type { OtaError } from '../../model/errors.ts';
import { failedEvent } from '../../model/failure.ts';
import { jsonText, printLine } from '../terminal/print.ts';

export interface FailureOutput {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** `events`: whoever reads them waits for a `done`. `document`: there is one object on stdout, and this is it. */
  readonly format: 'text' | 'events' | 'document';
  readonly exitCode: number;
  readonly now: () => Date;
}

/** `error CODE: what happened`, and below it what to do. */
export function problemLines({ code, message, hint }: Pick<OtaError, 'code' | 'message' | 'hint'>): string {
  return `error ${code}: ${message}\n  → ${hint.replaceAll('\n', '\n    ')}`;
}

export function writeFailure(failure: OtaError, output: FailureOutput): void {
  const { stdout, stderr, format, exitCode, now } = output;
  if (format === 'text') {
    printLine(stderr, problemLines(failure));
    return;
  }
  const at = now().toISOString();
  const print = (event: object): void => void stdout.write(`${jsonText({ ...event, at })}\n`);
  if (format === 'events') print({ type: 'run-started', schema: 1 });
  print(failedEvent(failure, 'config'));
  if (format === 'events') {
    print({ type: 'done', ok: false, deployed: [], skipped: [], failed: [], durationMs: 0, exitCode });
  }
}
