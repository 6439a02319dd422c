/** Takes the lock of a device and says so, then holds it until its stdin ends: then it lets it go. */

import type { ListenOptions } from 'node:net';
import { lockDevice } from '../../src/deploy/lock.ts';

const [address = '', port = '', places] = process.argv.slice(2);
const lock = await lockDevice({
  name: 'lamp',
  address,
  port: Number(port),
  signal: new AbortController().signal,
  onWait: () => process.stdout.write('waiting\n'),
  ...(places === undefined ? {} : { places: JSON.parse(places) as ListenOptions[] }),
});
process.stdout.write('held\n');
process.stdin.resume();
process.stdin.on('end', () => {
  lock.release();
  process.exit();
});
