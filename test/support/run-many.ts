/** Run as a process of its own: as many virtual devices as the first argument says, named after the second, until it is killed. */

import { startVirtualDevice } from '../../src/simulator/index.ts';

const [count = '1', name = 'virtual'] = process.argv.slice(2);
for (let number = 1; number <= Number(count); number += 1) {
  await startVirtualDevice({ name: `${name}-${number}`, host: '127.0.0.1', port: 0, announce: true });
}
process.stdout.write('ready\n');
