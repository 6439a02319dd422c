/** What a person at the keyboard can do to a watch. */

import { OtaError } from '../model/errors.ts';
import { exitCodeFor } from '../model/failure.ts';
import { quitted } from './keeper.ts';
import type { Controls } from './options.ts';
import type { Phase, Work } from './types.ts';

export interface ControlsOptions extends Pick<Controls, 'setPaused' | 'devices' | 'choose' | 'lastOutput'> {
  /** False: somebody else builds. */
  readonly builds: boolean;
  readonly phase: () => Phase;
  readonly want: (cause: Work['cause'], more: Partial<Work>) => void;
  readonly inform: (message: string) => void;
  /** The push that is on is the last one. */
  readonly endAfterPush: () => void;
  readonly end: (exitCode: number, reason: OtaError) => void;
}

export function createControls(options: ControlsOptions): Controls {
  const { builds, phase, want, inform, end, endAfterPush, ...others } = options;
  let isQuitting = false;
  /** A terminal in raw mode sends no signal; it ends as with one. */
  const interrupted = (message: string): void => {
    const error = new OtaError('CANCELLED', message, { details: { signal: 'SIGINT' } });
    end(exitCodeFor(error), error);
  };
  return {
    ...others,
    redeploy: () => want('asked', { force: true }),
    buildOnly() {
      if (builds) want('asked', { buildOnly: true });
      else inform('With `--no-build`, somebody else builds.');
    },
    quit() {
      if (phase() !== 'deploying') return end(0, quitted());
      if (isQuitting) return interrupted('Broken off by `q`.');
      isQuitting = true;
      endAfterPush();
      inform('This push is finished first; `q` once more breaks it off.');
    },
    interrupt: () => interrupted('Interrupted by SIGINT.'),
  };
}
