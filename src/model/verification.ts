/**
 * What is known, after a push, of the sketch that runs. Only an announcement, an answer or a program that identifies the
 * sketch proves it (`verified`); a device that was away and came back proves nothing but that it boots something.
 */

/** How a device may prove it; the strongest first. */
export const proofMethods = ['announce', 'http', 'command', 'return'] as const;
export type ProofMethod = (typeof proofMethods)[number];

/** Exit status and words follow from it alone. */
export type Verification =
  /** The sketch that was pushed runs. */
  | {
      readonly type: 'verified';
      readonly method: Exclude<ProofMethod, 'return'>;
      /** A predicate whose subject is the device: `says so itself`. */
      readonly proof: string;
      /** Of the sketch, where it says so; fit for a terminal. */
      readonly version?: string;
      /** From the accepted image. */
      readonly afterMs: number;
    }
  /** The device started anew, and runs what it ran before, or an image that it was given earlier. */
  | {
      readonly type: 'old-image';
      readonly method: Exclude<ProofMethod, 'return'>;
      readonly running: { readonly md5?: string; readonly version?: string };
      /** Reset reason, as the device says it; fit for a terminal. */
      readonly boot?: string;
      readonly afterMs: number;
      /** `false`: it has not started anew, and so runs what it ran. */
      readonly hasRestarted?: false;
    }
  /**
   * It went away and came back; which sketch runs is not known. `reason`: what it said, where it said something.
   * `isFilesystem`: after a file-system image, which leaves the sketch as it is.
   */
  | {
      readonly type: 'returned';
      readonly afterMs: number;
      readonly reason?: string;
      readonly isFilesystem?: true;
    }
  /** It was announced before the push, or answered, and did not come back in time. `cameAtMs`: it came, and went again. */
  | { readonly type: 'gone'; readonly waitedMs: number; readonly cameAtMs?: number; readonly hint?: string }
  /** It waits for a proof that was asked for, and did not get it, though the device may be there. */
  | {
      readonly type: 'unproven';
      readonly method: ProofMethod;
      /** What was seen instead. */
      readonly reason: string;
      readonly waitedMs: number;
      readonly hint?: string;
    }
  | { readonly type: 'crash-loop'; readonly everyMs: number; readonly boots: number; readonly boot?: string }
  /** `isOff`: its user wants no proof, and need not read of it. */
  | { readonly type: 'not-checked'; readonly why: string; readonly isOff?: true };

/** `verify:` of the configuration, for one device, with its defaults applied. */
export interface VerifyConfig {
  readonly method: 'auto' | 'none' | ProofMethod;
  /** Whether the user asked for proof (`verify:`, `--verify`): then waiting in vain is an error. */
  readonly isAskedFor: boolean;
  readonly timeoutMs: number;
  readonly http?: HttpProof;
  /** A program and its arguments; exit status 0 says that the new sketch runs. */
  readonly command?: readonly string[];
  /** Absolute folder of the configuration that names the command: it runs there. */
  readonly commandDir?: string;
}

/** `{address}`, `{name}`, `{md5}`, `{version}` and `{identity}` are replaced in each text but the pointer. */
export interface HttpProof {
  readonly url: string;
  /** What the answer says once the new sketch runs: exactly one of the three forms. */
  readonly contains?: string;
  /** A regular expression. */
  readonly matches?: string;
  /** JSON pointer (RFC 6901), and the value that is found there. */
  readonly json?: { readonly pointer: string; readonly equals: string };
}
