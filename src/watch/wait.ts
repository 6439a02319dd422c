/** Small things to wait with. Signals of `AbortSignal.any` are not among them: a watch runs for days, and those stay. */

import { cancelled } from '../model/errors.ts';

/** A controller that is aborted with the first of `signals`. `release` ends it, and all that still listens to it. */
export function linkedController(...signals: readonly AbortSignal[]): {
  readonly controller: AbortController;
  release(): void;
} {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signals.find(({ aborted }) => aborted)?.reason);
  for (const signal of signals) signal.addEventListener('abort', abort);
  if (signals.some(({ aborted }) => aborted)) abort();
  return {
    controller,
    release() {
      for (const signal of signals) signal.removeEventListener('abort', abort);
      controller.abort();
    },
  };
}

export interface Deferred {
  resolve(): void;
  /** Rejects with `CANCELLED` when the signal is aborted first. */
  until(signal: AbortSignal): Promise<void>;
}

export function deferred(): Deferred {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return {
    resolve,
    until: (signal) =>
      new Promise((done, fail) => {
        const abort = (): void => fail(cancelled(signal));
        signal.addEventListener('abort', abort, { once: true });
        if (signal.aborted) abort();
        void promise.then(() => {
          signal.removeEventListener('abort', abort);
          done();
        });
      }),
  };
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
