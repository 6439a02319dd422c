/** Run in a network namespace: locates what the JSON argument says, prints what came of it, ends by `process.exit`. */

import { hostAddressFor } from '../../src/network/host-address.ts';
import { locate } from '../../src/network/index.ts';
import { OtaError } from '../../src/model/errors.ts';

const {
  host,
  interfaces = [],
  timeoutMs = 5000,
} = JSON.parse(process.argv[2] ?? '{}') as {
  host: string;
  interfaces?: string[];
  timeoutMs?: number;
};
const log: string[] = [];

async function run(): Promise<object> {
  try {
    const located = await locate(
      { name: host, host, interfaces },
      {
        signal: new AbortController().signal,
        timeoutMs,
        tell: (event) => void (event.type === 'log' && log.push(event.message)),
      },
    );
    return { ...located, hostAddress: await hostAddressFor(located.address, { interfaces }) };
  } catch (error) {
    if (!(error instanceof OtaError)) throw error;
    const { code, message, hint, details } = error;
    return { code, message, hint, details };
  }
}

const startedAt = performance.now();
const outcome = await run();
const text = JSON.stringify({
  ...outcome,
  log,
  tookMs: Math.round(performance.now() - startedAt),
  endedAt: Date.now(),
});
process.stdout.write(text, () => process.exit());
