/** The proofs that the configuration of a device names, made before its push. */

import { runningSumsOf } from '../../image/running-sums.ts';
import type { Device, Image } from '../../model/types.ts';
import type { ProofMethod, VerifyConfig } from '../../model/verification.ts';
import type { Proof } from './proof.ts';
import { proofsToTry, verifyFor } from './prove.ts';

export interface ConfiguredOptions {
  readonly device: Device;
  readonly image: Pick<Image, 'kind'>;
  readonly config: VerifyConfig;
  /** For the user's own program. */
  readonly env: NodeJS.ProcessEnv;
  /** Variables that hold passwords: it does not get them. */
  readonly secretVariables: readonly string[];
  /** Resolves when the device has started anew; with `false` where that cannot be seen. */
  readonly returned: (signal: AbortSignal) => Promise<unknown>;
}

/** Only those that may be waited for. */
export async function configuredProofs(options: ConfiguredOptions): Promise<ReadonlyMap<ProofMethod, Proof>> {
  const { device, image, env, secretVariables, returned } = options;
  const config = verifyFor(options.config, image);
  const methods = proofsToTry(config, {});
  const proofs = new Map<ProofMethod, Proof>();
  if (methods.includes('http') && config.http !== undefined) {
    const { httpProof } = await import('./http.ts');
    proofs.set('http', httpProof(config.http, runningSumsOf));
  }
  if (methods.includes('command') && config.command !== undefined) {
    const { commandProof } = await import('./command.ts');
    const cwd = config.commandDir ?? process.cwd();
    proofs.set('command', commandProof(config.command, { cwd, env, secretVariables, returned }));
  }
  if (methods.includes('return') && device.isHomeding === true) {
    const { homedingProof } = await import('./homeding.ts');
    proofs.set('return', homedingProof());
  }
  return proofs;
}
