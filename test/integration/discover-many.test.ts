/** A whole house at once: as many searches as there are devices, in one process. */

import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { locate } from '../../src/network/index.ts';

const count = 200;

async function startDevices(name: string): Promise<void> {
  const script = fileURLToPath(new URL('../support/run-many.ts', import.meta.url));
  const child = spawn(process.execPath, [jiti, script, String(count), name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  await once(child.stdout, 'data');
}

const jiti = fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url));

/** How many sockets are opened, and packets sent to the group, from now on. */
function countSockets(): { readonly opened: () => number; readonly sent: () => number } {
  const { createSocket } = dgram;
  let [opened, sent] = [0, 0];
  onTestFinished(() => {
    dgram.createSocket = createSocket;
    syncBuiltinESMExports();
  });
  dgram.createSocket = ((...given: Parameters<typeof createSocket>) => {
    opened += 1;
    const socket = createSocket(...given);
    const { send } = socket;
    socket.send = ((...args: Parameters<typeof send>) => {
      sent += 1;
      return Reflect.apply(send, socket, args) as unknown;
    }) as typeof send;
    return socket;
  }) as typeof createSocket;
  syncBuiltinESMExports();
  return { opened: () => opened, sent: () => sent };
}

it(
  `${count} devices are found by their names at once, over one set of sockets`,
  { timeout: 120_000 },
  async () => {
    const name = `otarc-many-${process.pid}`;
    await startDevices(name);
    const counted = countSockets();
    const names = Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
    const found = await Promise.allSettled(
      names.map((each) =>
        locate(
          { name: each, host: each, interfaces: ['127.0.0.1'] },
          {
            signal: new AbortController().signal,
            tell: () => undefined,
            timeoutMs: 60_000,
            lookUp: async () => ({ type: 'failed', code: 'ENOTFOUND' }),
          },
        ),
      ),
    );
    const failures = found.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []));
    expect(failures).toEqual([]);
    const ports = found.flatMap((each) => (each.status === 'fulfilled' ? [each.value.port] : []));
    expect(new Set(ports).size).toBe(count);
    // One for each way.
    expect(counted.opened()).toBe(2);
    expect(counted.sent()).toBeLessThan(count);
  },
);
