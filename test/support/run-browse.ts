/**
 * Run in a network namespace: writes down all devices, on each change, as `name address…:port`, until it is killed. With
 * `items`, as a push hears them: `name:port md5=… run=…`, with these items of what they announce.
 */

import { browse } from '../../src/network/browse.ts';
import { openRegistry } from '../../src/network/registry.ts';

const { interfaces = [], items } = JSON.parse(process.argv[2] ?? '{}') as {
  interfaces?: string[];
  items?: string[];
};
const tell = (value: object) => void process.stdout.write(`${JSON.stringify(value)}\n`);

if (items !== undefined) {
  const heard = openRegistry({ interfaces }).watch('all', () =>
    tell({
      devices: heard.announcements().map(({ name, port, txt }) => {
        const said = items.flatMap((item) => (txt[item] === undefined ? [] : [`${item}=${txt[item]}`]));
        return [`${name}:${port}`, ...said].join(' ');
      }),
    }),
  );
} else {
  await browse({
    interfaces,
    signal: new AbortController().signal,
    onChange: (found) =>
      tell({ devices: found.map(({ name, addresses, port }) => `${name} ${addresses.join(' ')}:${port}`) }),
    onProblem: ({ message, isTotal }) => tell({ problem: `${message}${isTotal ? ' (total)' : ''}` }),
  });
}
