/**
 * Run in a network namespace. `device`: a virtual device, until it is killed. `push`: one push through all of otarc, with
 * what a person reads of its failure printed as JSON. `doctor`: the legs that it looks at, as JSON.
 */

import { checkUp } from '../../src/doctor/check.ts';
import type { Leg } from '../../src/doctor/leg.ts';
import { startVirtualDevice, type VirtualDeviceOptions } from '../../src/simulator/index.ts';
import { failedPush, type PushRequest } from './failed-push.ts';
import { makeEsp8266Image } from './images.ts';

export type Request =
  | { readonly role: 'device'; readonly options: VirtualDeviceOptions }
  | { readonly role: 'doctor'; readonly cwd: string; readonly target: string }
  | { readonly role: 'push'; readonly request: PushRequest };

const request = JSON.parse(process.argv[2] ?? '{}') as Request;
switch (request.role) {
  case 'device':
    await startVirtualDevice(request.options);
    process.stdout.write('ready\n');
    break;
  case 'doctor':
    await print(await legsOf(request));
    break;
  case 'push': {
    const files = { 'firmware.bin': makeEsp8266Image({ sizeBytes: 20_000 }) };
    await print(await failedPush({ files, ...request.request }));
    break;
  }
  default:
    request satisfies never;
}

async function print(value: unknown): Promise<void> {
  await new Promise((resolve) => process.stdout.write(`${JSON.stringify(value)}\n`, resolve));
  process.exit();
}

async function legsOf({ cwd, target }: Extract<Request, { role: 'doctor' }>): Promise<readonly Leg[]> {
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
  return legs;
}
