/** Run in a network namespace: writes down all devices, on each change, as `name address…:port`, until it is killed. */

import { browse } from '../../src/network/browse.ts';

const { interfaces = [] } = JSON.parse(process.argv[2] ?? '{}') as { interfaces?: string[] };
const tell = (value: object) => void process.stdout.write(`${JSON.stringify(value)}\n`);

await browse({
  interfaces,
  signal: new AbortController().signal,
  onChange: (found) =>
    tell({ devices: found.map(({ name, addresses, port }) => `${name} ${addresses.join(' ')}:${port}`) }),
  onProblem: ({ message, isTotal }) => tell({ problem: `${message}${isTotal ? ' (total)' : ''}` }),
});
