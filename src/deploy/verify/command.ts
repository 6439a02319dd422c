/** Stand-in until the proof by a command is merged. */

import type { Proof } from './proof.ts';

export interface CommandProofOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly secretVariables: readonly string[];
  readonly returned?: (signal: AbortSignal) => Promise<unknown>;
}

export function commandProof(_command: readonly string[], _options: CommandProofOptions): Proof {
  return {
    name: 'command',
    offered: () => false,
    wait: () => Promise.resolve({ type: 'not-checked', why: 'this version cannot run a command' }),
  };
}
