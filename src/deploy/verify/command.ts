/** Stand-in until the proof by a command is merged. */

import type { Proof } from './proof.ts';

export function commandProof(_command: readonly string[]): Proof {
  return {
    name: 'command',
    offered: () => false,
    wait: () => Promise.resolve({ type: 'not-checked', why: 'this version cannot run a command' }),
  };
}
