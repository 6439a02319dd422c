/** Everything of a device's configuration that can fail without the network: its password, its host address, its slots. */

import { resolveCredential, type FetchedSecrets } from '../config/index.ts';
import type { DeviceConfig } from '../config/types.ts';
import { readPartitionTable, type PartitionTable } from '../image/index.ts';
import { OtaError } from '../model/errors.ts';
import type { Device } from '../model/types.ts';
import type { ReadyDevice } from './push-types.ts';
import { choosesHost } from './target.ts';

export interface ReadyContext {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
  /** Of the whole run: each source of a password is asked once. */
  readonly fetched?: FetchedSecrets;
}

/** A device with its password, its own address of this host checked, and its partition table read. */
export async function readyDevice(
  { credentialSource, ...device }: DeviceConfig,
  context: ReadyContext,
): Promise<ReadyDevice> {
  const credential = await resolveCredential({ ...device, credentialSource }, context);
  if (choosesHost(device)) await (await import('../network/host-address.ts')).checkHost(device);
  const partitions = await partitionsOf(device, context.signal);
  return { device: { ...device, credential }, partitions };
}

async function partitionsOf(
  { name, partitionsPath }: Pick<Device, 'name' | 'partitionsPath'>,
  signal: AbortSignal,
): Promise<PartitionTable | undefined> {
  if (partitionsPath === undefined) return undefined;
  return readPartitionTable(partitionsPath, signal).catch((cause: unknown) => {
    if (!(cause instanceof OtaError) || cause.code === 'CANCELLED') throw cause;
    throw new OtaError('CONFIG_INVALID', `The partition table of ${name} cannot be used. ${cause.message}`, {
      hint: `Correct \`devices.${name}.partitions\`.`,
      details: { path: partitionsPath, because: cause.code },
      cause,
    });
  });
}
