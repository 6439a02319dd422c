/**
 * Run in a network namespace. `device`: a virtual device, until it is killed. `push`: one push as `deploy` does it, with
 * what the diagnosis makes of its failure printed as JSON. `doctor`: the legs that it looks at, as JSON.
 */

import { createHash } from 'node:crypto';
import { checkUp } from '../../src/doctor/check.ts';
import type { Leg } from '../../src/doctor/leg.ts';
import { OtaError } from '../../src/errors.ts';
import { espota } from '../../src/espota/index.ts';
import { explain } from '../../src/explain.ts';
import { startVirtualDevice, type VirtualDeviceOptions } from '../../src/simulator/index.ts';
import type { Image, Target } from '../../src/types.ts';

export type Request =
  | { readonly role: 'device'; readonly options: VirtualDeviceOptions }
  | { readonly role: 'doctor'; readonly cwd: string; readonly target: string }
  | { readonly role: 'push'; readonly target: Omit<Target, 'credential' | 'acceptFrom' | 'via'> };

const request = JSON.parse(process.argv[2] ?? '{}') as Request;
if (request.role === 'device') {
  await startVirtualDevice(request.options);
  process.stdout.write('ready\n');
} else if (request.role === 'doctor') {
  const { cwd, target } = request;
  const legs: Leg[] = [];
  await checkUp({
    flags: { cwd, platform: 'esp8266' },
    target,
    active: true,
    env: { HOME: cwd },
    stdin: process.stdin,
    signal: new AbortController().signal,
    tell: (leg) => void legs.push(leg),
    note: () => {},
  });
  process.stdout.write(`${JSON.stringify(legs)}\n`);
  process.exit();
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
    const { code, hint, details } = await explain(error, {
      device,
      target,
      image,
      signal,
      tell: () => {},
    });
    return { code, hint, details };
  }
}
