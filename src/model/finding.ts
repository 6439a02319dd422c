/** What a rule of the diagnosis comes to. */

import type { Observations } from './observations.ts';

/** The causes that are known; the numbers are those of the table in the tests. */
export type Cause =
  | 'firewall'
  | 'other-interface'
  | 'address-translation'
  | 'name-unknown'
  | 'old-address'
  | 'out-of-reach'
  | 'wrong-port'
  | 'sketch-without-ota'
  | 'password-required'
  | 'password-wrong'
  | 'password-unneeded'
  | 'other-hash'
  | 'hash-as-password'
  | 'update-running'
  | 'image-too-large'
  | 'wrong-chip'
  | 'flash-settings'
  | 'filesystem-size'
  | 'damaged-on-the-way'
  | 'weak-wifi'
  | 'power-dip'
  | 'host-slept'
  | 'host-port-taken'
  | 'old-image-runs'
  | 'two-of-one-name'
  | 'two-otarc'
  | 'first-after-cable'
  | 'homeding-safe-mode'
  | 'no-verdict-heard'
  | 'another-program'
  | 'other-protocol'
  | 'signature-refused'
  | 'out-of-memory'
  | 'short-limit'
  | 'filesystem-half-written'
  | 'device-gone'
  | 'crash-loop'
  | 'flash-fault'
  | 'no-file-system'
  | 'no-partition'
  | 'not-supported'
  | 'update-aborted';

export interface Finding {
  readonly cause: Cause;
  /** 0 to 1, by what was observed: compared with those of the other findings, and no more than that. */
  readonly likelihood: number;
  /** The cause, as a clause that may stand behind "Either" and before a colon. */
  readonly text: string;
  /** What to do, in the imperative. */
  readonly cure: string;
  /** The message of the error says the cause already. */
  readonly isTold?: true;
  /** Not why it failed but what that has left behind: told beside the causes, and before them. */
  readonly isConsequence?: true;
}

/** Undefined: what was observed does not speak for this cause. */
export type Rule = (observed: Observations) => Finding | undefined;
