/**
 * Run in a network namespace. `device`: a virtual device, until it is killed. `push`: one push as `deploy` does it, with
 * what the diagnosis makes of its failure printed as JSON.
 */

import { createHash } from 'node:crypto';
import { OtaError } from '../../src/errors.ts';
import { espota } from '../../src/espota/index.ts';
import { explain } from '../../src/explain.ts';
import { startVirtualDevice, type VirtualDeviceOptions } from '../../src/simulator/index.ts';
import type { Image, Target } from '../../src/types.ts';

export type Request =
  | { readonly role: 'device'; readonly options: VirtualDeviceOptions }
  | { readonly role: 'push'; readonly target: Omit<Target, 'credential' | 'acceptFrom' | 'via'> };

const request = JSON.parse(process.argv[2] ?? '{}') as Request;
if (request.role === 'device') {
  await startVirtualDevice(request.options);
  process.stdout.write('ready\n');
} else {
  process.stdout.write(`${JSON.stringify(await push(request.target))}\n`);
  process.exit();
}

async function push(wanted: Extract<Request, { role: 'push' }>['target']): Promise<object> {
  const target: Target = { ...wanted, credential: { type: 'none' }, acceptFrom: 'device', via: 'config' };
  const { signal } = new AbortController();
  const bytes = Buffer.alloc(20_000, 0xe9);
  const digest = (name: string): string => createHash(name).update(bytes).digest('hex');
  const image: Image = {
    path: 'firmware.bin',
    bytes,
    sizeBytes: bytes.length,
    md5: digest('md5'),
    sha256: digest('sha256'),
    kind: 'firmware',
  };
  try {
    const session = await espota.prepare(target, { tell: () => {}, signal });
    return await session.send(image, { signal });
  } catch (error) {
    if (!(error instanceof OtaError)) throw error;
    const device = { name: target.name, host: target.name };
    const { code, hint, details } = await explain(error, { device, target, image, signal });
    return { code, hint, details };
  }
}
